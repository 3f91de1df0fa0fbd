import pandas as pd
import pytest

from engagement.outreach import review
from engagement.store import Store
from engagement.views import cohorts
from tests.support.cohort import AS_OF, DAY, HOUR, LOW, MEDIUM, UNKNOWN, begin, learner, load, night, rows

COHORT = (
    learner("a", completed_percent=0),
    learner("b", avg_quiz_score=0, completed_percent=50, consecutive_missed_sessions=7),
    learner("c", program="Welding", **MEDIUM),
    learner("d", program="Welding", **LOW),
    learner("e", **UNKNOWN),
    learner("f", active=False),
)


@pytest.fixture(scope="module")
def two_nights(tmp_path_factory):
    """A store with one published night, and a second that is not published; `d` was at high risk before."""
    store = Store(tmp_path_factory.mktemp("cohorts") / "store.duckdb")
    load(store, *COHORT[:3], learner("d", program="Welding"), *COHORT[4:])
    night(store, AS_OF - DAY)
    load(store, *COHORT, learner("g", last_login=AS_OF + DAY, **LOW), at=AS_OF - HOUR)
    return store, begin(store)


def test_labels_are_counted_beside_those_of_the_last_run(two_nights):
    counted = cohorts.label_counts(*two_nights)
    assert counted.to_dict("list") == {
        "label": ["high", "medium", "low", "unknown"],
        "learners": [2, 1, 2, 1],
        "before": [3, 1, 0, 1],
        "change": [-1, 0, 2, 0],
    }


def test_without_an_earlier_run_there_is_no_change(store):
    load(store, learner("a"))
    assert cohorts.label_counts(store, begin(store))["change"].isna().all()


def test_score_bins_count_every_scored_learner_once(two_nights):
    bins = cohorts.score_bins(*two_nights)
    assert list(bins.columns) == ["score_from", "score_to", "label", "learners"]
    assert bins["learners"].sum() == 6
    assert bins[bins["score_from"].isna()]["label"].tolist() == ["unknown"]
    a = bins[(bins["score_from"] <= 0.85) & (bins["score_to"] > 0.85)]
    assert a["label"].tolist() == ["high"]


def test_drivers_are_of_those_at_risk_most_frequent_first(two_nights):
    assert cohorts.drivers(*two_nights).to_dict("list") == {
        "driver": ["behind_pace", "inactivity", "low_quiz"],
        "learners": [1, 1, 1],
    }


def test_programs_are_listed_worst_first(two_nights):
    programs = cohorts.programs(*two_nights)
    assert programs["program"].tolist() == ["Data", "Welding"]
    assert programs["learners"].tolist() == [4, 2]


def test_who_is_left_out_is_counted_by_reason_in_words(store):
    load(store, *COHORT)
    run = night(store)
    assert cohorts.left_out(store, run).set_index("reason")["learners"].to_dict() == {
        "The enrolment is no longer active.": 1,
        "The learner is at low risk.": 1,
        "Too little is known to score the learner.": 1,
    }


def test_drafts_and_quizzes_of_a_run_are_counted(store):
    load(store, *COHORT)
    run = night(store)
    drafts = cohorts.drafts(store, run)
    assert drafts.drop(columns="type").to_numpy(float).sum() >= 3
    assert set(drafts["type"]) <= {"Behind with the work", "Low quiz results", "Missed sessions", "Long away"}
    assert cohorts.quiz_drafts(store, run).select_dtypes("number").iloc[:, 0].sum() == 2


def test_loads_say_what_came_in(two_nights):
    loads = cohorts.loads(*two_nights)
    assert loads["rows"].tolist() == [7, 6]
    assert loads["source"].tolist() == ["data frame", "data frame"]


def test_missing_inputs_are_counted_per_input(two_nights):
    missing = cohorts.missing_inputs(*two_nights)
    counted = dict(zip(missing.iloc[:, 0], missing["missing"], strict=True))
    assert sorted(counted.values()) == [0, 0, 1, 1]


def test_freshness_says_how_old_facts_are_and_what_is_odd(two_nights):
    (row,) = cohorts.freshness(*two_nights).to_dict("records")
    assert row["newest_facts"] == AS_OF - HOUR
    assert row["age_days"] == pytest.approx(1 / 24)
    assert row["logins_in_future"] == 1
    assert row["without_facts"] == 0


def test_label_history_ends_with_the_run_itself(two_nights):
    history = cohorts.label_history(*two_nights)
    high = history[history["label"] == "high"]
    assert high["learners"].tolist() == [3, 2]
    assert high["as_of"].tolist() == [pd.Timestamp((AS_OF - DAY).date()), pd.Timestamp(AS_OF.date())]


def test_the_worst_are_named_only_where_asked_for(two_nights):
    worst = cohorts.worst(*two_nights, limit=2)
    assert worst["id"].tolist() == ["a", "b"]
    assert "name" not in worst
    assert worst["main_reasons"].tolist()[0] == (
        "0 % of the due work done; missed 5 sessions in a row; quiz average 30"
    )
    named = cohorts.worst(*two_nights, limit=1, with_names=True)
    assert named["name"].tolist() == ["A Example"]


def test_a_cohort_on_an_earlier_day_is_what_was_known_then(two_nights):
    store, _ = two_nights
    then, now = (cohorts.learners_at(store, as_of) for as_of in (AS_OF - DAY, AS_OF))
    assert then.set_index("id")["risk_label"]["d"] == "high"
    assert now.set_index("id")["risk_label"]["d"] == "low"
    assert "name" not in now
    assert len(cohorts.learners_at(store, AS_OF - 60 * DAY)) == 0
    assert cohorts.learners_at(store, AS_OF, program="Welding")["id"].tolist() == ["c", "d"]


def test_shares_of_a_cohort_add_up(two_nights):
    store, _ = two_nights
    shares = cohorts.label_shares(cohorts.learners_at(store, AS_OF))
    assert shares["learners"].tolist() == [2, 1, 2, 1]
    assert shares["share_percent"].tolist() == [33.3, 16.7, 33.3, 16.7]


def test_nobody_has_no_shares(two_nights):
    store, _ = two_nights
    shares = cohorts.label_shares(cohorts.learners_at(store, AS_OF - 60 * DAY))
    assert shares["share_percent"].tolist() == [0, 0, 0, 0]


def test_a_cohorts_own_counts_agree_with_those_of_the_run(two_nights):
    store, run = two_nights
    cohort = cohorts.learners_at(store, AS_OF)
    assert cohorts.driver_counts(cohort).to_dict() == cohorts.drivers(store, run).to_dict()
    high = cohorts.bins(cohort)
    assert high[high["label"] == "high"]["learners"].sum() == 2


def seen(**different):
    row = {
        "completed_percent": 80.0,
        "avg_quiz_score": 80.0,
        "consecutive_missed_sessions": 0.0,
        "days_inactive": 1.0,
    }
    return row | different


@pytest.mark.parametrize(
    ("row", "group"),
    [
        (seen(), "on track"),
        (seen(days_inactive=7), "on track"),
        (seen(days_inactive=7.1), "drifting"),
        (seen(days_inactive=None), "drifting"),  # never seen
        (seen(consecutive_missed_sessions=1), "on track"),
        (seen(consecutive_missed_sessions=2), "drifting"),
        (seen(consecutive_missed_sessions=None), "on track"),
        (seen(avg_quiz_score=40), "on track"),  # 60 is good
        (seen(avg_quiz_score=39), "struggling"),
        (seen(avg_quiz_score=None), "on track"),
        (seen(avg_quiz_score=39, days_inactive=20), "under-engaged"),
        (seen(avg_quiz_score=None, completed_percent=None), "results not known"),
    ],
)
def test_activity_and_results_make_four_groups_and_a_fifth(row, group):
    found = cohorts.quadrants(pd.DataFrame([row])).set_index("quadrant")
    assert found["learners"].to_dict() == {name: int(name == group) for name in cohorts.QUADRANTS}
    assert found.loc[group, "share_percent"] == 100


def test_moves_count_from_which_label_to_which():
    before = pd.DataFrame({"id": ["a", "b", "c", "gone"], "risk_label": ["low", "low", "high", "high"]})
    after = pd.DataFrame({"id": ["a", "b", "c", "new"], "risk_label": ["low", "high", "high", "low"]})
    table = cohorts.moves(before, after)
    assert table.index.tolist() == table.columns.tolist() == ["high", "medium", "low"]
    assert table.loc["low", "high"] == table.loc["low", "low"] == table.loc["high", "high"] == 1
    assert table.to_numpy().sum() == 3


def test_of_fewer_than_ten_nobody_is_left():
    cohort = pd.DataFrame({"id": range(9)})
    assert cohorts.enough(cohort).empty
    assert len(cohorts.enough(pd.DataFrame({"id": range(10)}))) == 10


def test_medians_are_of_labels_that_ten_have():
    rows = [seen(risk_label="high", days_inactive=number) for number in range(10)] + [
        seen(risk_label="low")
    ] * 9
    found = cohorts.medians(pd.DataFrame(rows))
    assert found["risk_label"].tolist() == ["high"]
    assert found["days_inactive"].tolist() == [4.5]


def test_one_cohort_can_be_looked_at(store):
    load(store, learner("a", cohort="spring"), learner("b", cohort="autumn"), learner("c"))
    assert cohorts.learners_at(store, AS_OF, cohort="spring")["id"].tolist() == ["a"]


def test_reading_a_cohort_changes_nothing(two_nights):
    store, run = two_nights
    before = rows(store, "select count(*) from run_scores"), review.listed(store, status=None)
    cohorts.learners_at(store, AS_OF)
    cohorts.label_counts(store, run)
    assert (rows(store, "select count(*) from run_scores"), review.listed(store, status=None)) == before
