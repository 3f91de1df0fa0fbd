import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engagement.demo.sample import NUDGE_RETURN_EFFECT, Cohort, cohort, write_csv
from engagement.errors import InvalidInput
from engagement.ingest.schema import EVENTS, LEARNERS

AS_OF = datetime.fromisoformat("2026-03-01T23:59:59")


@pytest.fixture(scope="module")
def small() -> Cohort:
    return cohort(2000, seed=1, as_of=AS_OF)


@pytest.fixture(scope="module")
def large() -> Cohort:
    return cohort(40_000, seed=3, as_of=AS_OF)


def end_of(week: int) -> datetime:
    return AS_OF - timedelta(weeks=8 - week)


def logged_in(cohort: Cohort, week: int, nudged: set[str] | None = None) -> set[str]:
    """Ids with a login in the week itself (week 1 would also hold what came before)."""
    events = cohort.events(week, week, nudged=nudged)
    return set(events.loc[events["type"] == "login", "learner_id"])


def idle_in_week_6(cohort: Cohort) -> set[str]:
    return set(cohort.snapshot(6)["id"]) - logged_in(cohort, 6)


def risk_labels(facts: pd.DataFrame, at: datetime) -> pd.Series:
    """The design's formula once more, in plain numpy: what is missing is left out of the weights."""
    since = facts["last_login"].fillna(facts["enrolled_at"])
    terms = np.array(
        [
            1 - facts["completed_percent"] / 100,
            1 - facts["avg_quiz_score"] / 100,
            (facts["consecutive_missed_sessions"].astype("float64") / 7).clip(upper=1),
            ((at - since).dt.total_seconds() / 86_400 / 30).clip(0, 1),
        ]
    )
    weights = np.array([[0.5], [0.2], [0.2], [0.1]]) * ~np.isnan(terms)
    known = weights.sum(axis=0)
    score = np.nansum(terms * weights, axis=0) / known
    label = np.where(score > 0.7, "high", np.where(score > 0.4, "medium", "low"))
    return pd.Series(np.where(known < 0.5 - 1e-9, "unknown", label))


def test_cohort_has_one_row_per_enrolment(small: Cohort) -> None:
    assert small.learners["id"].tolist()[:2] == ["S-000001", "S-000002"]
    assert small.learners["id"].nunique() == len(small.learners) == 2000


def test_export_has_exactly_the_documented_columns(small: Cohort) -> None:
    of_a_platform = {"external_id"}
    assert set(small.snapshot(8)) == {column.name for column in LEARNERS} - of_a_platform
    assert set(small.events(8, 8)) == {column.name for column in EVENTS} - {"id"}


def test_a_second_enrolment_is_the_same_person_in_another_program(small: Cohort) -> None:
    persons = small.learners.groupby("person_id")
    assert (persons.size() == 2).sum() == 80
    twice = small.learners[small.learners.duplicated("person_id", keep=False)].fillna("none")
    personal = ["name", "email", "phone", "locale", "preferred_channel", "contact_opt_out", "llm_opt_out"]
    assert twice.groupby("person_id")[personal].nunique().max().max() == 1
    assert twice.groupby("person_id")["program"].nunique().min() == 2
    emails = small.learners.dropna(subset="email")
    assert emails.groupby("email")["person_id"].nunique().max() == 1


def test_names_addresses_and_telephones_are_nobodys(small: Cohort) -> None:
    assert small.learners["email"].dropna().str.fullmatch(r"s-\d{6}@example\.invalid").all()
    assert small.learners["phone"].dropna().str.fullmatch(r"\+1-202-555-01\d\d").all()
    german = small.learners["locale"] == "de"
    family = small.learners["name"].str.split(" ").str[-1]
    english = {"Example", "Sample", "Specimen", "Placeholder", "Invented", "Testcase"}
    assert set(family[~german]) == english
    assert set(family[german]) == {"Beispiel", "Muster", "Platzhalter", "Probe", "Erfunden", "Testfall"}


@pytest.mark.parametrize(
    ("column", "share"),
    [("email", 0.03), ("phone", 0.30), ("topic", 0.25), ("preferred_channel", 0.35)],
)
def test_empty_cells_have_their_share(large: Cohort, column: str, share: float) -> None:
    assert large.learners[column].isna().mean() == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize(
    ("column", "value", "share"),
    [
        ("locale", "de", 0.30),
        ("program", "Data", 0.40),
        ("program", "Welding", 0.12),
        ("contact_opt_out", True, 0.03),
        ("llm_opt_out", True, 0.02),
        ("active", False, 0.02),
        ("whatsapp_opt_in", True, 0.35),  # half of the 70 % with a telephone
    ],
)
def test_values_have_their_share(large: Cohort, column: str, value: object, share: float) -> None:
    first = large.learners[large.learners["id"] == large.learners["person_id"]]
    assert (first[column] == value).mean() == pytest.approx(share, abs=0.012)


def test_whatsapp_is_agreed_to_only_with_a_telephone(small: Cohort) -> None:
    agreed = small.learners["whatsapp_opt_in"]
    assert agreed.any()
    assert small.learners.loc[agreed, "phone"].notna().all()


def test_some_newcomers_have_never_logged_in(large: Cohort) -> None:
    facts = large.snapshot(8)
    new = facts[facts["enrolled_at"] > AS_OF - timedelta(days=14)]
    assert len(new) / len(facts) == pytest.approx(0.02, abs=0.005)
    assert 0.2 < new["last_login"].isna().mean() < 0.7
    assert facts["last_login"].isna().mean() < 0.02


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_one_in_six_is_at_high_risk_in_week_8(seed: int) -> None:
    facts = cohort(5000, seed=seed, as_of=AS_OF).snapshot(8)
    shares = risk_labels(facts, AS_OF).value_counts(normalize=True)
    assert 0.145 <= shares["high"] <= 0.22
    assert 0.35 <= shares["medium"] <= 0.45
    assert 0.01 <= shares["unknown"] <= 0.03


def test_learners_who_stay_away_are_behind_in_work_and_quizzes(large: Cohort) -> None:
    facts = large.snapshot(8)
    facts["days_away"] = (AS_OF - facts["last_login"]).dt.total_seconds()
    columns = ["completed_percent", "avg_quiz_score", "consecutive_missed_sessions", "days_away"]
    together = facts[columns].astype("float64").corr()
    assert together.loc["completed_percent", "avg_quiz_score"] > 0.25
    assert together.loc["completed_percent", "consecutive_missed_sessions"] < -0.4
    assert together.loc["completed_percent", "days_away"] < -0.4
    assert together.loc["avg_quiz_score", "days_away"] < -0.1
    assert together.loc["consecutive_missed_sessions", "days_away"] > 0.8


def test_same_arguments_give_the_same_cohort_in_any_order_of_weeks(small: Cohort) -> None:
    again = cohort(2000, seed=1, as_of=AS_OF)
    pd.testing.assert_frame_equal(again.learners, small.learners)
    # Week 8 is asked for first here, and last everywhere else.
    pd.testing.assert_frame_equal(again.snapshot(8), small.snapshot(8))
    pd.testing.assert_frame_equal(again.snapshot(3), small.snapshot(3))
    pd.testing.assert_frame_equal(again.events(2, 5), small.events(2, 5))


def test_another_seed_gives_another_cohort(small: Cohort) -> None:
    other = cohort(2000, seed=2, as_of=AS_OF)
    assert not other.learners["name"].equals(small.learners["name"])
    assert not other.snapshot(8)["completed_percent"].equals(small.snapshot(8)["completed_percent"])


def test_a_snapshot_holds_those_enrolled_by_then(small: Cohort) -> None:
    for week in range(1, 9):
        enrolled = small.learners.loc[small.learners["enrolled_at"] <= end_of(week), "id"]
        assert small.snapshot(week)["id"].tolist() == enrolled.tolist()


def test_logins_lie_between_enrolment_and_snapshot(small: Cohort) -> None:
    for week in range(1, 9):
        facts = small.snapshot(week)
        assert facts["last_login"].max() <= end_of(week)
        assert (facts["last_login"] >= facts["enrolled_at"])[facts["last_login"].notna()].all()


def test_last_login_never_goes_back(small: Cohort) -> None:
    for week in range(1, 8):
        before = small.snapshot(week).set_index("id")["last_login"].dropna()
        after = small.snapshot(week + 1).set_index("id")["last_login"]
        assert (after[before.index] >= before).all()


def test_missed_sessions_grow_by_two_until_somebody_comes(small: Cohort) -> None:
    before = small.snapshot(4).set_index("id")["consecutive_missed_sessions"].dropna()
    after = small.snapshot(5).set_index("id")["consecutive_missed_sessions"][before.index]
    came = before.index.isin(logged_in(small, 5))
    assert (after[~came] == before[~came] + 2).all()
    assert set(after[came]) == {0, 1}


def test_work_grows_only_in_active_weeks(small: Cohort) -> None:
    before = small.snapshot(5).set_index("id")["completed_percent_course"].dropna()
    after = small.snapshot(6).set_index("id")["completed_percent_course"][before.index]
    assert (after >= before).all()
    idle = ~before.index.isin(logged_in(small, 6))
    assert (after[idle] == before[idle]).all()
    assert (after > before).sum() > 1000


def test_percents_stay_between_0_and_100(large: Cohort) -> None:
    facts = large.snapshot(8)
    for column in ("completed_percent", "completed_percent_course", "avg_quiz_score"):
        assert facts[column].between(0, 100)[facts[column].notna()].all()
    assert facts["completed_percent"].equals(facts["completed_percent_due"])


def test_nothing_is_known_of_work_before_any_was_due(small: Cohort) -> None:
    facts = small.snapshot(8)
    this_week = facts["enrolled_at"] > end_of(7)
    assert this_week.any()
    assert facts.loc[this_week, "completed_percent"].isna().all()
    assert facts.loc[this_week, "avg_quiz_score"].isna().all()


def test_one_in_eleven_has_no_quiz_average(large: Cohort) -> None:
    assert 0.08 <= large.snapshot(8)["avg_quiz_score"].isna().mean() <= 0.11


def test_last_login_is_the_last_login_event(small: Cohort) -> None:
    nudged = set(small.learners["id"][::2])
    events = small.events(1, 8, nudged=nudged)
    newest = events[events["type"] == "login"].groupby("learner_id")["timestamp"].max()
    facts = small.snapshot(8, nudged=nudged).set_index("id")["last_login"]
    pd.testing.assert_series_equal(newest, facts.dropna(), check_names=False)


def test_quiz_average_is_the_mean_of_the_quiz_events(small: Cohort) -> None:
    events = small.events(1, 8)
    quizzes = events[events["type"] == "quiz_completed"]
    scores = quizzes["metadata"].map(json.loads).map(lambda metadata: metadata["score"])
    mean = scores.groupby(quizzes["learner_id"]).mean().round(1)
    facts = small.snapshot(8).set_index("id")["avg_quiz_score"].dropna()
    assert len(facts) > 1700
    np.testing.assert_allclose(facts, mean[facts.index], atol=0.051)


def test_missed_sessions_add_up_from_the_session_events(small: Cohort) -> None:
    events = small.events(1, 8)
    missed = events[events["type"] == "session_missed"]
    counts = missed["metadata"].map(json.loads).map(lambda metadata: metadata["sessions"])
    there = events[events["type"] != "session_missed"].groupby("learner_id")["timestamp"].max()
    since = missed["timestamp"] > missed["learner_id"].map(there).fillna(pd.Timestamp(0))
    in_a_row = counts[since].groupby(missed["learner_id"]).sum()
    facts = small.snapshot(8).set_index("id")["consecutive_missed_sessions"].dropna()
    assert (in_a_row.reindex(facts.index, fill_value=0) == facts).all()


def test_events_asked_week_by_week_are_the_same_events(small: Cohort) -> None:
    weekly = pd.concat([small.events(week, week) for week in range(1, 9)], ignore_index=True)
    together = small.events(1, 8)
    order = ["timestamp", "learner_id", "type"]
    pd.testing.assert_frame_equal(
        weekly.sort_values(order, ignore_index=True), together.sort_values(order, ignore_index=True)
    )
    assert small.events(4, 4)["timestamp"].between(end_of(3), end_of(4), inclusive="right").all()
    assert 10 <= len(together) / 2000 <= 17


def test_a_nudge_changes_only_weeks_7_and_8(small: Cohort) -> None:
    everyone = set(small.learners["id"])
    pd.testing.assert_frame_equal(small.snapshot(6, nudged=everyone), small.snapshot(6))
    pd.testing.assert_frame_equal(small.events(1, 6, nudged=everyone), small.events(1, 6))
    assert not small.snapshot(7, nudged=everyone).equals(small.snapshot(7))
    assert not small.snapshot(8, nudged=everyone).equals(small.snapshot(8))


def test_a_nudge_changes_nobody_else(small: Cohort) -> None:
    nudged = set(small.learners["id"][::2])
    others = ~small.snapshot(8)["id"].isin(nudged)
    pd.testing.assert_frame_equal(small.snapshot(8, nudged=nudged)[others], small.snapshot(8)[others])


def test_a_nudge_only_brings_people_back(small: Cohort) -> None:
    everyone = set(small.learners["id"])
    assert logged_in(small, 7) < logged_in(small, 7, everyone)
    assert logged_in(small, 8) < logged_in(small, 8, everyone)


def test_a_nudge_does_nothing_for_those_who_were_there(small: Cohort) -> None:
    came = small.snapshot(6)["id"].isin(logged_in(small, 6))
    nudged = pd.Index(small.snapshot(6)["id"][came])
    pd.testing.assert_frame_equal(small.snapshot(8, nudged=nudged), small.snapshot(8))


def test_a_nudge_brings_back_three_in_ten_who_would_stay_away(large: Cohort) -> None:
    idle = idle_in_week_6(large)
    without = len(logged_in(large, 7) & idle)
    withall = len(logged_in(large, 7, idle) & idle)
    # Of those who would have stayed away, the share that comes: 0.30, give or take three standard errors.
    stayed_away = len(idle) - without
    error = (NUDGE_RETURN_EFFECT * (1 - NUDGE_RETURN_EFFECT) / stayed_away) ** 0.5
    assert len(idle) > 8000
    assert (withall - without) / stayed_away == pytest.approx(NUDGE_RETURN_EFFECT, abs=3 * error)


def test_comparing_half_with_the_others_finds_the_known_effect(large: Cohort) -> None:
    idle = sorted(idle_in_week_6(large))
    nudged, others = idle[::2], idle[1::2]
    returned = logged_in(large, 7, set(nudged))
    came, came_anyway = (len(returned.intersection(group)) / len(group) for group in (nudged, others))
    assert came == pytest.approx(came_anyway + (1 - came_anyway) * NUDGE_RETURN_EFFECT, abs=0.035)


@pytest.mark.parametrize("weeks", [(0, 3), (5, 4), (8, 9)])
def test_weeks_outside_the_eight_are_refused(small: Cohort, weeks: tuple[int, int]) -> None:
    with pytest.raises(InvalidInput, match="weeks go from 1 to 8"):
        small.events(*weeks)


def test_a_nudge_to_a_stranger_is_refused(small: Cohort) -> None:
    with pytest.raises(InvalidInput, match="nudged: 1 of 2 not in the cohort, first 'S-999999'"):
        small.snapshot(7, nudged={"S-000001", "S-999999"})


@pytest.mark.parametrize(("learners", "seed"), [(0, 1), (5, -1)])
def test_no_learners_or_a_negative_seed_is_refused(learners: int, seed: int) -> None:
    with pytest.raises(InvalidInput, match="allowed are"):
        cohort(learners, seed=seed, as_of=AS_OF)


def test_an_instant_with_a_time_zone_is_refused() -> None:
    with pytest.raises(InvalidInput, match="as_of"):
        cohort(5, as_of=AS_OF.replace(tzinfo=UTC))


def test_a_cohort_of_one_has_one_learner() -> None:
    assert cohort(1, as_of=AS_OF).snapshot(8)["person_id"].tolist() == ["S-000001"]


def test_fractions_of_a_second_change_nothing() -> None:
    late = AS_OF.replace(microsecond=999_999)
    assert cohort(300, as_of=late).events(8, 8)["timestamp"].max() <= late
    pd.testing.assert_frame_equal(cohort(300, as_of=late).snapshot(8), cohort(300, as_of=AS_OF).snapshot(8))


def test_a_cohort_is_named_after_the_term_it_started_in() -> None:
    names = [
        cohort(3, as_of=datetime.fromisoformat(f"2026-{month}-28")).learners["cohort"].iloc[0]
        for month in ("03", "08", "11")
    ]
    assert names == ["2026-spring", "2026-summer", "2026-autumn"]


def test_written_files_read_as_the_loader_expects(tmp_path: Path) -> None:
    paths = write_csv(cohort(200, seed=1, as_of=AS_OF), tmp_path / "new")
    assert [path.name for path in paths] == ["sample_learners.csv", "sample_events.csv"]
    learners, events = (pd.read_csv(path, dtype="str", keep_default_na=False) for path in paths)
    assert len(learners) == 200
    assert set(learners["active"]) <= {"true", "false"}
    assert learners["last_login"].str.fullmatch(r"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d").all()
    assert learners["consecutive_missed_sessions"].str.fullmatch(r"\d*").all()
    assert (learners["topic"] == "").any()
    assert events["timestamp"].min() > "2026-02-22T23:59:59"


def test_committed_sample_is_what_the_code_writes(tmp_path: Path) -> None:
    data = Path(__file__).parents[2] / "data"
    for path in write_csv(cohort(200, seed=1, as_of=AS_OF), tmp_path):
        assert path.read_text() == (data / path.name).read_text()
