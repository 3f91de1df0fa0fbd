"""The history of scores: what was said at an instant, and every change of it."""

from zoneinfo import ZoneInfo

from engagement.pipeline import rescoring
from engagement.policy import DEFAULT_POLICY
from tests.support.cohort import AS_OF, DAY, HOUR, begin, learner, load, rows

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
