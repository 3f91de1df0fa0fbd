"""The history of scores: what was said at an instant, and every change of it."""

from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from engagement.ingest import learners
from engagement.pipeline import rescoring
from engagement.policy import DEFAULT_POLICY, RiskPolicy
from engagement.views import cohorts, roster
from tests.support.cohort import AS_OF, DAY, HOUR, begin, learner, load, night, rows

OTHER = RiskPolicy(
    weights={"behind_pace": 0.3, "low_quiz": 0.2, "missed_session": 0.4, "inactivity": 0.1},
    missed_sessions_cap=5,
    recency_days=20,
    high_above=0.6,
    medium_above=0.3,
)
HISTORY = "select as_of, risk_label, round(risk_score, 6) from risk_history order by as_of, run_id"


def recalculate(store, as_of):
    rescoring.publish_scores(
        store, as_of=as_of, zone=ZoneInfo("UTC"), programs=None, now=as_of, policy=DEFAULT_POLICY
    )


def test_a_score_that_was_corrected_at_its_instant_is_in_the_history(store):
    # never there and nothing done: 1; then 0.45 for the work in place of 0.5; both are high
    known = {"avg_quiz_score": 0, "consecutive_missed_sessions": 7, "last_login": None}
    load(store, learner("a", completed_percent=0, **known), at=AS_OF - 2 * HOUR)
    recalculate(store, AS_OF)
    load(store, learner("a", completed_percent=10, **known), at=AS_OF - HOUR)
    recalculate(store, AS_OF)
    assert rows(store, HISTORY) == [(AS_OF, "high", 1.0), (AS_OF, "high", 0.95)]


def test_the_basis_of_the_policy_is_what_the_score_counts(store):
    """What is due, the course, a count of neither, and due alone, which says nothing of the course."""
    rest = {"avg_quiz_score": 40, "consecutive_missed_sessions": 5}
    load(
        store,
        learner("a", completed_percent=95, completed_percent_due=95, completed_percent_course=5, **rest),
        learner("b", completed_percent=60, completed_percent_due=None, completed_percent_course=None, **rest),
        learner("c", completed_percent=70, completed_percent_due=70, completed_percent_course=None, **rest),
    )
    used = "select learner_id, completed_percent, risk_label from risk_scores order by learner_id"
    night(store, now=AS_OF - 22 * HOUR)
    assert rows(store, used) == [("a", 95, "low"), ("b", 60, "medium"), ("c", 70, "medium")]
    night(store, AS_OF + DAY, now=AS_OF + 2 * HOUR, policy=RiskPolicy(basis="course"))
    assert rows(store, used) == [("a", 5, "high"), ("b", 60, "medium"), ("c", None, "medium")]
    assert [row["reasons"][0] for row in roster.by_risk(store, limit=1)] == ["5 % of the course done"]
    assert cohorts.learners_at(store, AS_OF + DAY)["completed_percent"].tolist()[:2] == [5, 60]


WORDS = "select as_of, round(risk_score, 6) from score_words order by as_of"


def test_of_two_attempts_for_one_instant_the_later_has_the_word(store):
    known = {"avg_quiz_score": 0, "consecutive_missed_sessions": 7, "last_login": None}
    load(store, learner("a", completed_percent=0, **known), learner("b"), at=AS_OF - 3 * HOUR)
    recalculate(store, AS_OF)
    for hour, percent in ((-2, 10), (-1, 40), (0, 10)):
        load(store, learner("a", completed_percent=percent, **known), at=AS_OF + hour * HOUR)
        recalculate(store, AS_OF)
    assert rows(store, WORDS + ", learner_id") == [(AS_OF, 0.95), (AS_OF, 0.824524)]
    assert len(rows(store, HISTORY)) == 5


def test_facts_that_come_after_the_night_of_their_day_reach_the_history(store):
    """By cron at 02:15 for the end of the day; loaded at 14:00 the same day; high all the while."""
    at_rest = {"consecutive_missed_sessions": 7, "last_login": AS_OF - 40 * DAY}
    load(store, learner("a", completed_percent=0, avg_quiz_score=30, **at_rest), learner("b", **at_rest))
    night(store, AS_OF, now=AS_OF - 22 * HOUR, policy=OTHER)
    load(store, learner("a", completed_percent=18, avg_quiz_score=45, **at_rest), at=AS_OF - 10 * HOUR)
    for days in (1, 2, 3):
        night(store, AS_OF + days * DAY, now=AS_OF + days * DAY - 22 * HOUR, policy=OTHER)
    ((current,),) = rows(store, "select risk_score from risk_scores where learner_id = 'a'")
    found = rows(store, "select as_of, risk_score from score_words where learner_id = 'a' order by as_of")
    assert [as_of for as_of, _ in found] == [AS_OF, AS_OF + DAY]
    assert found[-1][1] == current
    assert [as_of for (as_of,) in rows(store, "select as_of from score_words where learner_id = 'b'")] == [
        AS_OF
    ]


def test_a_score_that_is_the_same_at_its_instant_is_in_the_history_once(store):
    load(store, learner("a"))
    recalculate(store, AS_OF)
    recalculate(store, AS_OF)
    assert len(rows(store, HISTORY)) == 1


def test_a_score_that_only_aged_is_not_in_the_history(store):
    load(store, learner("a", last_login=str(AS_OF - 10 * DAY)))
    recalculate(store, AS_OF)
    recalculate(store, AS_OF + DAY)
    assert [as_of for as_of, *_ in rows(store, HISTORY)] == [AS_OF]


def test_a_fact_of_the_very_instant_of_a_score_is_in_it_and_no_change_after_it(store):
    load(store, learner("a"), at=AS_OF)
    recalculate(store, AS_OF)
    recalculate(store, AS_OF + DAY)
    load(store, learner("a", completed_percent=6), at=AS_OF + 2 * DAY)  # high as before
    recalculate(store, AS_OF + 2 * DAY)
    assert [as_of for as_of, *_ in rows(store, HISTORY)] == [AS_OF, AS_OF + 2 * DAY]


def test_a_day_is_scored_with_those_who_were_there_then(store):
    load(store, learner("a"), learner("b", active=True), at=AS_OF - 30 * DAY)
    load(store, learner("a"), learner("b", active=False), at=AS_OF - 10 * DAY)
    for as_of, there in ((AS_OF - 20 * DAY, 2), (AS_OF, 1)):
        run = begin(store, as_of, pipeline=f"of {there}")
        found = rows(store, "select count(*) from run_scores where run_id = $run_id", run_id=run.run_id)
        assert found == [(there,)]


def test_who_logged_in_on_a_day_that_is_not_there_yet_is_scored_without_it_and_not_welcomed(store):
    """Neither "never logged in" nor "today": 0.475, 0.14 and 1/7 of a weight of 0.9."""
    ahead = {"last_login": AS_OF + 400 * DAY, "enrolled_at": AS_OF - 2 * DAY}
    both = pd.DataFrame([learner("a", **ahead), learner("b", **ahead | {"last_login": None})])
    learners.load(store, both, observed_at=AS_OF - 22 * HOUR, loaded_at=AS_OF - 22 * HOUR)
    night(store, now=AS_OF - 20 * HOUR)
    assert rows(store, "select learner_id, type from contact_decisions order by learner_id") == [
        ("a", "behind_pace"),
        ("b", "welcome"),
    ]
    first, second = roster.by_risk(store)
    assert first["id"] == "a"
    assert first["risk_score"] == pytest.approx((0.475 + 0.14 + 1 / 7) / 0.9, abs=1e-12)
    assert (first["inactivity"], first["login_is_unknown"], second["login_is_unknown"]) == (None, True, False)
    assert not any("login" in reason for reason in first["reasons"])
