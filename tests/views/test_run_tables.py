import pandas as pd
import pytest

from engagement.policy import DEFAULT_SELECTION
from engagement.targeting import decisions
from engagement.views import run_tables
from tests.support.cohort import AS_OF, DAY, END_OF_NIGHT, HOUR, MIXED, begin, learner, load, night


def test_labels_are_counted_beside_those_of_the_last_run(two_nights):
    counted = run_tables.label_counts(*two_nights)
    assert counted.to_dict("list") == {
        "label": ["high", "medium", "low", "unknown"],
        "learners": [2, 1, 2, 1],
        "before": [3, 1, 0, 1],
        "change": [-1, 0, 2, 0],
    }


def test_without_an_earlier_run_there_is_no_change(store):
    load(store, learner("a"))
    assert run_tables.label_counts(store, begin(store))["change"].isna().all()


def test_score_bins_count_every_scored_learner_once(two_nights):
    bins = run_tables.score_bins(*two_nights)
    assert list(bins.columns) == ["score_from", "score_to", "label", "learners"]
    assert bins["learners"].sum() == 6
    assert bins[bins["score_from"].isna()]["label"].tolist() == ["unknown"]
    a = bins[(bins["score_from"] <= 0.85) & (bins["score_to"] > 0.85)]
    assert a["label"].tolist() == ["high"]


def test_drivers_are_of_those_at_risk_most_frequent_first(two_nights):
    assert run_tables.drivers(*two_nights).to_dict("list") == {
        "driver": ["behind_pace", "inactivity", "low_quiz"],
        "learners": [1, 1, 1],
    }


def test_programs_are_listed_worst_first(two_nights):
    programs = run_tables.programs(*two_nights)
    assert programs["program"].tolist() == ["Data", "Welding"]
    assert programs["learners"].tolist() == [4, 2]


def test_who_is_left_out_is_counted_by_reason_in_words(store):
    load(store, *MIXED)
    run = night(store)
    assert run_tables.left_out(store, run).set_index("reason")["learners"].to_dict() == {
        "The enrolment is no longer active.": 1,
        "The learner is at low risk.": 1,
        "Too little is known to score the learner.": 1,
    }


def test_drafts_and_quizzes_of_a_run_are_counted(store):
    load(store, *MIXED)
    run = night(store)
    drafts = run_tables.drafts(store, run)
    assert drafts.drop(columns="type").to_numpy(float).sum() >= 3
    assert set(drafts["type"]) <= {"Behind with the work", "Low quiz results", "Missed sessions", "Long away"}
    assert run_tables.quiz_drafts(store, run).select_dtypes("number").iloc[:, 0].sum() == 2


def test_loads_say_what_came_in(two_nights):
    loads = run_tables.loads(*two_nights)
    assert loads["rows"].tolist() == [7, 6]
    assert loads["source"].tolist() == ["data frame", "data frame"]


def test_missing_inputs_are_counted_per_input(two_nights):
    missing = run_tables.missing_inputs(*two_nights)
    counted = dict(zip(missing.iloc[:, 0], missing["missing"], strict=True))
    assert sorted(counted.values()) == [0, 0, 1, 1]


def test_freshness_says_how_old_facts_are_and_what_is_odd(two_nights):
    (row,) = run_tables.freshness(*two_nights).to_dict("records")
    assert row["newest_facts"] == AS_OF - HOUR
    assert row["age_days"] == pytest.approx(1 / 24)
    assert row["logins_in_future"] == 1
    assert row["without_facts"] == 0


def test_facts_are_as_old_as_they_are_when_the_night_begins_and_not_at_the_end_of_its_day(store):
    started = AS_OF - END_OF_NIGHT
    load(store, learner("a"), at=started - 30 * HOUR)
    (row,) = run_tables.freshness(store, begin(store, now=started)).to_dict("records")
    assert row["age_days"] == pytest.approx(30 / 24)
    with store.write() as db:  # as the store of an earlier version has what was loaded today, for today
        db.execute("update learner_facts set observed_at = $end", {"end": AS_OF})
    (row,) = run_tables.freshness(store, begin(store, now=started)).to_dict("records")
    assert (row["newest_facts"], row["age_days"]) == (started, 0)


def test_label_history_ends_with_the_run_itself(two_nights):
    history = run_tables.label_history(*two_nights)
    high = history[history["label"] == "high"]
    assert high["learners"].tolist() == [3, 2]
    assert high["as_of"].tolist() == [pd.Timestamp((AS_OF - DAY).date()), pd.Timestamp(AS_OF.date())]


def test_the_worst_are_named_only_where_asked_for(two_nights):
    worst = run_tables.worst(*two_nights, limit=2)
    assert worst["id"].tolist() == ["a", "b"]
    assert "name" not in worst
    assert worst["main_reasons"].tolist()[0] == (
        "0 % of the due work done; missed 5 sessions in a row; quiz average 30"
    )
    named = run_tables.worst(*two_nights, limit=1, with_names=True)
    assert named["name"].tolist() == ["A Example"]


def test_who_gets_no_nudge_and_needs_a_call_is_told_why(store):
    """The draft of the night before is still open; who was never decided about has no reason."""
    load(store, learner("a"), learner("b"), at=AS_OF - 9 * DAY)
    night(store, AS_OF - DAY)
    run = begin(store)
    assert run_tables.worst(store, run)["nudge"].tolist() == [None, None]
    decisions.decide(store, run, policy=DEFAULT_SELECTION)
    told = run_tables.worst(store, run)["nudge"].tolist()
    assert told == ["None: there is a draft for this person already."] * 2


def test_freshness_has_the_odd_cells_of_the_newest_load(store):
    load(store, learner("a", email="not there"), at=AS_OF - 3 * HOUR)
    run = begin(store)
    assert run_tables.freshness(store, run)["odd_cells"].tolist() == [
        '{"email: not an address": {"cells": 1, "line": 1}}'
    ]
    load(store, learner("a"), at=AS_OF - HOUR)
    assert run_tables.freshness(store, run)["odd_cells"].isna().all()


def test_what_is_missing_of_the_inputs_is_listed_by_program(two_nights):
    missing = run_tables.coverage(*two_nights)
    assert list(missing.columns) == ["program", "input", "unknown_percent", "since", "missing"]
    events = missing[missing["input"] == "Events"]
    assert set(events["program"]) == {"Data", "Welding"}
    assert events["missing"].str.startswith("no events: ").all()


def test_loads_are_told_with_what_was_left_out(store):
    load(store, learner("a"), learner("b", name="Student, Test"))
    (row,) = run_tables.loads(store, begin(store)).to_dict("records")
    assert (row["load_id"], row["accepted"], row["left_out"]) == ("L000001", 1, 1)
