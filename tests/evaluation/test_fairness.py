import json
import re

import numpy as np
import pandas as pd
import pytest

from engagement.errors import InvalidInput
from engagement.evaluation import fairness
from engagement.evaluation.intervals import Share, wilson
from engagement.ingest import learners
from engagement.ingest.source.source_format import SourceFormat
from engagement.outreach import nudges, review
from engagement.pipeline import publication
from engagement.policy import DEFAULT_SELECTION
from engagement.reporting.charts import effects
from engagement.settings import PROJECT
from engagement.targeting import decisions
from tests.support.acting import acting
from tests.support.cohort import AS_OF, DAY, HOUR, LOW, begin, learner, night, rows
from tests.support.once import once

BY_SEX = SourceFormat(groups={"sex": "Sex"})


def group_of(store):
    return dict(rows(store, "select learner_id, value from learner_groups order by learner_id"))


@once
def load(store, *people, at=AS_OF - 30 * DAY, source_format=BY_SEX):
    return learners.load(
        store, pd.DataFrame(people), observed_at=at, loaded_at=at, source_format=source_format
    )


def people(count, sex, **different):
    return [learner(f"{sex}{number:02}", Sex=sex, **different) for number in range(count)]


@once
def happened(store, ids, kind, at=AS_OF + 9 * DAY):
    with store.write() as db:
        for learner_id in ids:
            db.execute(
                "insert into events values ($id, $learner, $kind, '{}', $at, 'import', 'test')",
                {"id": f"{learner_id} {kind} {at}", "learner": learner_id, "kind": kind, "at": at},
            )


def share(found, measure, group):
    words = fairness.MEASURES[measure][1]
    (row,) = found.shares[(found.shares["measure"] == words) & (found.shares["group"] == group)].to_dict(
        "records"
    )
    return row


def test_a_group_is_kept_apart_and_follows_the_newest_file(store):
    load(store, learner("a", Sex="w"), learner("b", Sex="m"), learner("c", Sex=None))
    assert group_of(store) == {"a": "w", "b": "m"}
    load(store, learner("a", Sex="m"), learner("b", Sex=None), at=AS_OF - 20 * DAY)
    assert group_of(store) == {"a": "m"}
    load(store, learner("a", Sex="w"), learner("b", Sex="w"), at=AS_OF - 25 * DAY)  # an older file
    assert group_of(store) == {"a": "m"}


def test_a_file_without_the_groups_changes_none(store):
    load(store, learner("a", Sex="w"))
    load(store, learner("a", name="Another Example"), at=AS_OF - 20 * DAY, source_format=SourceFormat())
    assert group_of(store) == {"a": "w"}


def test_a_refused_row_has_no_group(store):
    load(store, learner("a", Sex="w", completed_percent=500), learner("b", Sex="w"))
    assert group_of(store) == {"b": "w"}


@pytest.mark.parametrize("name", ["program", "select", "group"])
def test_a_group_may_be_called_like_anything(store, name):
    load(store, learner("a"), source_format=SourceFormat(groups={name: "program"}))
    assert rows(store, "select name, value from learner_groups") == [(name, "Data")]


@pytest.mark.parametrize("name", ["", "Sex", "a b", "x" * 60, "a;drop table learners"])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(InvalidInput, match="group"):
        SourceFormat(groups={name: "Sex"})


def test_a_group_that_the_file_lacks_is_said(store):
    with pytest.raises(InvalidInput, match="column sex missing"):
        load(store, learner("a"))


def test_groups_of_a_full_list_are_kept_too(store):
    at = AS_OF - DAY
    learners.load_full(
        store, pd.DataFrame([learner("a", Sex="w")]), observed_at=at, loaded_at=at, source_format=BY_SEX
    )
    assert group_of(store) == {"a": "w"}


def test_nothing_but_the_look_at_fairness_reads_the_groups():
    reading = {
        path.stem
        for path in (PROJECT / "engagement").rglob("*.*")
        if path.suffix in {".sql", ".py"} and "learner_groups" in path.read_text(encoding="utf-8")
    }
    assert reading == {"009_groups", "keep_group", "fairness"}


def test_scores_decisions_and_texts_are_the_same_with_and_without_groups(store, tmp_path):
    without = type(store)(tmp_path / "without.duckdb")
    everybody = [*people(12, "w"), *people(12, "m", completed_percent=60)]
    load(store, *everybody)
    load(without, *everybody, source_format=SourceFormat())
    for each in (store, without):
        night(each)
    for table in ("risk_scores", "contact_decisions", "nudges", "quizzes"):
        sql = f"select * from {table} order by all"
        assert rows(store, sql) == rows(without, sql), table


def test_shares_of_each_group_with_their_ranges(store):
    load(store, *people(20, "w"), *people(15, "m"), *people(15, "n", **LOW))
    night(store)
    (found,) = fairness.every(store)
    for group, size, high in (("w", 20, 20), ("m", 15, 15), ("n", 15, 0)):
        row = share(found, "high", group)
        assert row["learners"] == size
        assert (row["share"], row["low"], row["high"]) == tuple(vars(wilson(Share(high, size))).values())
    assert share(found, "drafted", "w")["share"] == 1
    assert share(found, "from_template", "m")["share"] == 1
    assert found.hidden == 0
    assert found.in_words.startswith("By sex, the groups differ most here: ")
    assert "100 points above n" in found.in_words


def test_a_second_attempt_for_a_day_takes_nobody_the_draft_that_was_approved(store):
    load(store, *people(12, "w"), *people(12, "m"))
    night(store)
    approved = [row["id"] for row in review.listed(store) if row["learner_id"].startswith("w")]
    review.approve(store, approved, by=acting(AS_OF + HOUR))
    run = begin(store, now=AS_OF + 2 * HOUR)
    decisions.decide(store, run, policy=DEFAULT_SELECTION)
    nudges.draft(store, run)
    for run_id in (run.run_id, None):
        found = fairness.by_group(store, "sex", run_id=run_id)
        assert [share(found, "drafted", group)["share"] for group in "wm"] == [1, 1]
        assert [share(found, "from_template", group)["learners"] for group in "wm"] == [12, 12]
        if run_id:
            publication.publish(store, run, now=AS_OF + 2 * HOUR)


def test_bands_stand_in_their_order_and_other_groups_by_size(store):
    bands = {"35-55": 30, "0-35": 12, "55<=": 20}
    load(store, *(one for band, size in bands.items() for one in people(size, band)))
    night(store)
    (found,) = fairness.every(store)
    assert found.shares["group"].drop_duplicates().tolist() == ["0-35", "35-55", "55<="]
    assert fairness.in_order(["w", "m", "n2"]) == ["w", "m", "n2"]


def test_errors_are_told_apart_by_how_it_ended(store):
    load(store, *people(20, "w"), *people(20, "m", **LOW))
    night(store)
    assert set(fairness.by_group(store, "sex").shares["measure"]).isdisjoint(
        fairness.MEASURES[name][1] for name in ("missed", "false_alarms")
    )
    happened(store, [f"w{number:02}" for number in range(12)], "course_passed")
    happened(store, [f"m{number:02}" for number in range(11)], "course_withdrawn")
    happened(store, ["m12"], "course_failed", AS_OF - DAY)  # before the score
    found = fairness.by_group(store, "sex")
    assert share(found, "false_alarms", "w")["share"] == 1
    assert share(found, "missed", "m")["share"] == 1
    assert share(found, "missed", "m")["learners"] == 11
    assert pd.isna(share(found, "missed", "w")["share"])  # nobody of them left


def test_a_run_that_is_not_published_is_looked_at_by_itself(store):
    load(store, *people(12, "w"), *people(12, "m"))
    run = begin(store)
    assert fairness.by_group(store, "sex").shares.empty
    assert share(fairness.by_group(store, "sex", run_id=run.run_id), "high", "w")["learners"] == 12


def test_a_hidden_group_is_in_no_table_and_no_sentence(store):
    load(store, *people(30, "w"), *people(20, "m"), *people(4, "rare"))
    night(store)
    found = fairness.every(store)
    shown = fairness.table(found).to_json() + fairness.in_words(found)
    assert "rare" not in shown
    assert '"m"' not in shown
    assert "24 learners of small groups are not shown." in shown


@pytest.mark.parametrize(("size", "groups", "hidden"), [(10, {"w", "m"}, 0), (9, set(), 39)])
def test_a_group_of_ten_is_shown_and_one_of_nine_is_not(store, size, groups, hidden):
    load(store, *people(30, "w"), *people(size, "m"))  # w alone would tell how many the others are
    night(store)
    found = fairness.by_group(store, "sex")
    assert set(found.shares["group"]) == groups
    assert found.hidden == hidden


def test_of_ten_who_left_a_share_is_shown_and_of_nine_it_is_not(store):
    load(store, *people(20, "w", **LOW), *people(20, "m", **LOW))
    night(store)
    happened(store, [f"w{number:02}" for number in range(10)], "course_withdrawn")
    happened(store, [f"m{number:02}" for number in range(9)], "course_withdrawn")
    found = fairness.by_group(store, "sex")
    assert share(found, "missed", "w")["share"] == 1
    of_nine = share(found, "missed", "m")
    assert all(pd.isna(of_nine[name]) for name in ("share", "low", "high"))


def test_a_share_of_few_is_shown_nowhere_nor_what_would_tell_it(store):
    """One of w is at high risk, nine of m are not: neither stands there, nor follows from the others and the totals."""
    load(
        store,
        *people(1, "w"),
        *(learner(f"wl{number}", Sex="w", **LOW) for number in range(19)),
        *people(31, "m"),
        *(learner(f"ml{number}", Sex="m", **LOW) for number in range(9)),
        *people(15, "n"),
        *(learner(f"nl{number}", Sex="n", **LOW) for number in range(15)),
    )
    night(store)
    found = fairness.by_group(store, "sex")
    high = {group: share(found, "high", group) for group in "wmn"}
    assert {group: row["learners"] for group, row in high.items()} == {"w": 20, "m": 40, "n": 30}
    assert [group for group, row in high.items() if pd.notna(row["share"])] == ["n"]  # by m, w would follow
    shares = fairness.table([found])
    figure = effects.shares(shares[shares["measure"] == "at high risk"], title="At high risk")
    assert figure.data[0].x == (50.0,)
    (m,) = [row for row in figure.layout.meta["rows"] if row[0] == "m"]
    assert pd.isna(m[2:]).all()


def test_how_many_a_share_is_of_is_not_told_where_they_are_nine(store):
    load(store, *people(20, "w", **LOW), *people(20, "m", **LOW))
    night(store)
    happened(store, [f"w{number:02}" for number in range(10)], "course_withdrawn")
    happened(store, [f"m{number:02}" for number in range(9)], "course_withdrawn")
    assert pd.isna(share(fairness.by_group(store, "sex"), "missed", "m")["learners"])
    assert 9 not in fairness.table(fairness.every(store))["learners"].dropna().tolist()


def test_error_rates_are_the_same_the_night_after_and_when_who_left_is_scored_no_more(store):
    load(store, *people(20, "w"), *people(20, "m", **LOW))
    night(store)
    happened(store, [f"w{number:02}" for number in range(12)], "course_passed", AS_OF + DAY)
    happened(store, [f"m{number:02}" for number in range(11)], "course_withdrawn", AS_OF + DAY)
    before = fairness.by_group(store, "sex")
    load(
        store,
        *people(20, "w", **LOW),
        *people(20, "m", active=False),
        *people(20, "n"),
        at=AS_OF + 1.5 * DAY,
    )
    night(store, AS_OF + 2 * DAY)
    after = fairness.by_group(store, "sex")
    for measure, group in (("missed", "m"), ("false_alarms", "w")):
        assert share(before, measure, group) == share(after, measure, group)
        assert share(after, measure, group)["share"] == 1


def test_without_groups_there_is_nothing_to_compare(store):
    load(store, learner("a"), source_format=SourceFormat())
    night(store)
    assert fairness.every(store) == []
    assert fairness.table([]).empty
    assert "There are 0 groupings" in fairness.in_words([])


@pytest.mark.parametrize(("groups", "size", "rate"), [(2, 200, 0.3), (10, 60, 0.15), (20, 120, 0.5)])
def test_where_no_group_differs_that_is_found_in_95_of_100(groups, size, rate):
    """Of ten groups and two measures there are ninety pairs, some of them far apart by chance."""
    chance = np.random.default_rng(1)
    wrong = 0
    for _ in range(200):
        counts = chance.binomial(size, rate, (2, groups))
        rows = [
            (
                measure,
                f"g{place}",
                size,
                count / size,
                *list(vars(wilson(Share(int(count), size))).values())[1:],
            )
            for measure, of_groups in zip(("high", "at risk"), counts, strict=True)
            for place, count in enumerate(of_groups)
        ]
        shares = pd.DataFrame(rows, columns=["measure", "group", "learners", "share", "low", "high"])
        wrong += "no difference beyond chance" not in fairness.Fairness("region", shares, 0).in_words
    assert wrong <= 0.08 * 200  # three standard errors above five of a hundred


def test_groups_that_are_alike_are_said_to_be(store):
    load(store, *people(20, "w"), *people(20, "m"))
    night(store)
    assert fairness.in_words(fairness.every(store)) == (
        "By sex: no difference beyond chance between the 2 groups."
    )


def test_the_picture_shows_each_group_and_hostile_names_as_text(store):
    load(store, *people(12, "w"), *people(12, "m"))
    with store.write() as db:
        db.execute("update learner_groups set value = '<b>x</b>' where value = 'm'")
    night(store)
    shares = fairness.table(fairness.every(store))
    figure = effects.shares(shares[shares["measure"] == "at high risk"], title="At high risk")
    assert figure.data[0].x == (100.0, 100.0)
    texts = [annotation.text for annotation in figure.layout.annotations]
    assert sorted(re.sub(" · .*", "", text) for text in texts) == ["&lt;b&gt;x&lt;/b&gt;", "w"]
    assert json.loads(figure.to_json())["layout"]["meta"]["title"] == "At high risk"


def test_one_learner_in_two_files_is_one(store):
    for day in (30, 20):
        load(store, *people(12, "w"), at=AS_OF - day * DAY)
    assert len(group_of(store)) == 12
