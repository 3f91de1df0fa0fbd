from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import duckdb
import pytest

from engagement import runs
from engagement.outreach import nudges, quizzes
from engagement.pipeline import publication, rescoring
from engagement.policy import DEFAULT_POLICY, DEFAULT_SELECTION, RiskPolicy
from engagement.reporting import headlines
from engagement.risk import scores
from engagement.targeting import decisions
from engagement.views import overview, run_tables
from tests.support.cohort import (
    AS_OF,
    DAY,
    HOUR,
    LOW,
    MEDIUM,
    UNKNOWN,
    Overtaken,
    begin,
    decided,
    learner,
    load,
    night,
    rows,
)
from tests.support.once import once

UTC = ZoneInfo("UTC")
SCORES = "select learner_id, risk_score, risk_label from risk_scores"
LABELS = "select learner_id, risk_label from risk_scores order by learner_id"


@once
def recalculate(store, as_of=AS_OF, programs=None):
    return rescoring.publish_scores(
        store, as_of=as_of, zone=UTC, programs=programs, now=as_of, policy=DEFAULT_POLICY
    )


@once
def drafted(store):
    """Begin a run and draft what it is for, unpublished."""
    run = decided(store)
    nudges.draft(store, run)
    quizzes.draft(store, run)
    return run


def test_nothing_of_a_run_is_seen_before_it_is_published(store):
    load(store, learner("a"))
    run = drafted(store)
    seen = "select (select count(*) from {}), (select count(*) from {}), (select count(*) from {})".format(
        "published_nudges", "published_quizzes", "published_decisions"
    )
    assert rows(store, seen) == [(0, 0, 0)]
    assert rows(store, LABELS) == []
    publication.publish(store, run, now=AS_OF)
    assert rows(store, seen) == [(1, 1, 1)]
    assert rows(store, LABELS) == [("a", "high")]


def test_publishing_counts_what_the_run_did(store):
    load(store, learner("a"), learner("b", **LOW), learner("c", **MEDIUM), learner("d", **UNKNOWN))
    run = drafted(store)
    assert publication.publish(store, run, now=AS_OF) == {
        "labels": {"high": 1, "medium": 1, "low": 1, "unknown": 1},
        "labels_before": None,
        "previous_run": None,
        "learners": 4,
        "nudges": 2,
        "nudges_by_template": 2,
        "quizzes": 1,
        "quizzes_by_template": 1,
        "templates": {"no_model": 3},
        "model": None,
        "newer_day": None,
        "quarantined": 0,
        "last_load": "L000001",
        "left_out": {"low": 1, "unknown": 1},
        "expired": 0,
        "answer": "",
    }


REFUSED = {"avg_quiz_score": 101}


def refused_by(store, run):
    with store.read() as db:
        return runs.counts(db, run.run_id)["quarantined"]


def early(days=0):
    """A run early in the day that it is for, as by cron at 02:15."""
    return AS_OF + days * DAY, AS_OF + days * DAY - 21.75 * HOUR


@once
def published(store, as_of, at, *, key="first"):
    """Publish a run that scores nobody: what it counts of loads is the same."""
    with store.write() as db:
        run = runs.begin(
            db,
            "nightly",
            key=f"{key} {as_of}",
            as_of=as_of,
            day=as_of.date(),
            parameters={},
            fingerprint="",
            now=at,
            policy=DEFAULT_POLICY,
        )
    publication.publish(store, run, now=at)
    return run


def test_rows_refused_since_the_last_run_are_counted(store):
    load(store, learner("a"), learner("b", completed_percent="half"), at=AS_OF - 9 * DAY)
    published(store, AS_OF - DAY, AS_OF - DAY)
    load(store, learner("a"), learner("c", avg_quiz_score=101), learner("d", program=None), at=AS_OF - HOUR)
    assert refused_by(store, published(store, AS_OF, AS_OF)) == 2


def test_what_is_refused_after_the_night_is_counted_by_the_next_one_and_by_no_other(store):
    load(store, learner("a"))
    first = published(store, *early())
    load(store, learner("a"), learner("b", **REFUSED), at=AS_OF - 14 * HOUR)
    nights = [first, published(store, *early(1)), published(store, *early(2))]
    assert [refused_by(store, run) for run in nights] == [0, 1, 0]


def test_what_is_refused_of_old_facts_is_counted_when_they_are_loaded(store):
    load(store, learner("a"))
    published(store, *early())
    load(store, learner("a"), learner("b", **REFUSED), at=AS_OF - 100 * DAY)
    assert refused_by(store, published(store, *early(1))) == 1


def test_another_attempt_at_a_night_counts_what_the_night_counted_and_what_came_since(store):
    load(store, learner("a"), learner("b", **REFUSED))
    as_of, at = early()
    assert refused_by(store, published(store, as_of, at)) == 1
    load(store, learner("a"), learner("c", **REFUSED), at=AS_OF - 14 * HOUR)
    again = published(store, as_of, at + 13 * HOUR, key="again")
    assert refused_by(store, again) == 2
    assert refused_by(store, published(store, *early(1))) == 0


def test_a_night_in_the_past_takes_no_count_from_tonight(store):
    load(store, learner("a"), at=AS_OF - 30 * DAY)
    published(store, *early())
    load(store, learner("a"), learner("b", **REFUSED), at=AS_OF + HOUR)
    assert refused_by(store, published(store, AS_OF - 9 * DAY, AS_OF + 2 * HOUR)) == 0
    assert refused_by(store, published(store, *early(1))) == 1


def test_what_was_being_loaded_while_a_run_was_published_is_counted_by_the_next(store):
    load(store, learner("a"))
    first = published(store, *early())
    load(store, learner("a"), learner("b", **REFUSED), at=early()[1] - HOUR)
    assert refused_by(store, first) == 0
    assert refused_by(store, published(store, *early(1))) == 1


def test_what_a_run_of_an_earlier_version_counted_is_not_counted_again(store):
    load(store, learner("a"), learner("b", **REFUSED))
    published(store, *early())
    with store.write() as db:
        db.execute("update runs set counts = '{\"quarantined\": 1}'")
    load(store, learner("a"), learner("c", **REFUSED), at=AS_OF - 14 * HOUR)
    assert refused_by(store, published(store, *early(1))) == 1


def test_the_next_night_is_compared_with_the_one_before(store):
    load(store, learner("a"), learner("b"))
    publication.publish(store, begin(store, AS_OF - DAY), now=AS_OF - DAY)
    load(store, learner("a", **LOW), at=AS_OF - HOUR)
    run = begin(store)
    with store.read() as db:
        found = publication.summary(db, run)
    assert found["previous_run"] == "nightly-2026-02-28-1"
    assert found["labels_before"] == {"high": 2, "medium": 0, "low": 0, "unknown": 0}
    assert found["labels"] == {"high": 1, "medium": 0, "low": 1, "unknown": 0}


def test_a_look_back_says_in_its_counts_its_report_and_on_the_page_why_it_drafted_nothing(store):
    """Run on the day after, at a quarter past two, for a day a week ago and once more for the newest."""
    load(store, learner("a"), at=AS_OF - 9 * DAY)
    newest = night(store, now=AS_OF - 22 * HOUR)
    at = AS_OF + 3 * HOUR
    again = night(store, now=at)
    with store.read() as db:
        assert runs.counts(db, newest.run_id)["newer_day"] is None
        assert runs.counts(db, again.run_id)["newer_day"] is None
    back = night(store, AS_OF - 7 * DAY, now=at + HOUR)
    with store.read() as db:
        assert runs.counts(db, back.run_id)["newer_day"] == str(AS_OF.date())
    said = "Nothing was drafted. It looks back: the run for 1 March 2026 is published, and only the newest run drafts."
    assert headlines.authors(run_tables.model_use(store, back)) == said
    said = said.replace("Nothing was drafted", "No quizzes are drafted")
    assert headlines.drafted(0, "quizzes", run_tables.newer_day(store, back)) == said
    assert headlines.drafted(0, "nudges", run_tables.newer_day(store, again)) == "No nudges are drafted."
    last = overview.overview(store, programs=None, program=None, now=at + 2 * HOUR)["last_run"]
    assert (last["status"], last["day"], last["newer_day"]) == ("published", back.day, AS_OF.date())


def test_publishing_lets_drafts_of_three_days_expire(store):
    load(store, learner("a"))
    night(store, AS_OF - 3 * DAY)
    night(store)
    assert rows(store, "select status from nudges order by as_of") == [("expired",), ("draft",)]


def test_recalculating_one_program_touches_no_other(store):
    load(store, learner("a"), learner("b", program="Welding"))
    recalculate(store, AS_OF - DAY)
    load(store, learner("a", **LOW), learner("b", program="Welding", **LOW), at=AS_OF - HOUR)
    assert recalculate(store, programs=["Welding"]) == {"high": 0, "medium": 0, "low": 1, "unknown": 0}
    assert rows(store, "select learner_id, risk_label, as_of from risk_scores order by learner_id") == [
        ("a", "high", AS_OF - DAY),
        ("b", "low", AS_OF),
    ]


def test_recalculating_for_an_earlier_day_leaves_newer_scores(store):
    load(store, learner("a", **LOW))
    load(store, learner("a"), at=AS_OF - HOUR)
    recalculate(store)
    assert recalculate(store, AS_OF - DAY) == {"high": 0, "medium": 0, "low": 1, "unknown": 0}
    assert rows(store, "select risk_label, as_of from risk_scores") == [("high", AS_OF)]


def test_recalculating_the_same_day_takes_the_newest_facts(store):
    load(store, learner("a"))
    recalculate(store)
    load(store, learner("a", **LOW), at=AS_OF - HOUR)
    recalculate(store)
    assert rows(store, LABELS) == [("a", "low")]


def test_a_learner_has_one_current_score_however_often_scores_are_published(store):
    load(store, learner("a"), learner("b", program="Welding"))
    night(store)
    for programs in (None, ["Welding"], None):
        recalculate(store, programs=programs)
    recalculate(store, AS_OF - DAY)
    assert rows(store, LABELS) == [("a", "high"), ("b", "high")]


def test_recalculating_adds_to_the_history_only_what_changed(store):
    load(store, learner("a"), learner("b"))
    recalculate(store, AS_OF - DAY)
    load(store, learner("b", **LOW), at=AS_OF - HOUR)
    recalculate(store)
    history = rows(store, "select learner_id, risk_label from risk_history order by as_of, learner_id")
    assert history == [("a", "high"), ("b", "high"), ("b", "low")]


def test_recalculating_drafts_nothing_and_counts_as_no_night(store):
    load(store, learner("a"))
    for days in (3, 2, 1):
        recalculate(store, AS_OF - days * DAY)
    assert rows(store, "select count(*) from nudges") == [(0,)]
    run = begin(store)
    decisions.decide(store, run, policy=DEFAULT_SELECTION)
    assert rows(store, "select type from contact_decisions") == [("behind_pace",)]


def test_a_learner_who_left_has_no_current_score(store):
    load(store, learner("a"), learner("b"))
    recalculate(store, AS_OF - DAY)
    load(store, learner("a", active=False), at=AS_OF - HOUR)
    recalculate(store)
    assert rows(store, LABELS) == [("b", "high")]


def test_the_day_of_a_recalculation_is_the_institutions(store):
    load(store, learner("a"))
    rescoring.publish_scores(
        store,
        as_of=AS_OF + timedelta(hours=1),
        zone=ZoneInfo("America/New_York"),
        programs=None,
        now=AS_OF,
        policy=DEFAULT_POLICY,
    )
    assert rows(store, "select run_id from runs") == [("score-2026-03-01-1",)]


def test_discarding_a_run_leaves_nothing_of_it(store):
    load(store, learner("a"))
    run = drafted(store)
    publication.discard(store, run.run_id, now=AS_OF)
    for table in ("run_scores", "contact_decisions", "nudges", "quizzes"):
        assert rows(store, f"select count(*) from {table}") == [(0,)], table
    assert rows(store, "select status, published_at from runs") == [("discarded", None)]


def test_runs_that_overlap_draft_one_nudge_for_a_person(store):
    load(store, learner("a"))
    slow, fast = begin(store), begin(store, AS_OF - timedelta(seconds=1))
    for run in (slow, fast):
        decisions.decide(store, run, policy=DEFAULT_SELECTION)
    nudges.draft(Overtaken(store.path, lambda: nudges.draft(store, fast)), slow)
    assert rows(store, "select run_id from nudges") == [(fast.run_id,)]


# What the others contribute to 0.825, over the weight that is left.
WITHOUT = {
    "completed_percent": (0.14 + 1 / 7 + 1 / 15) / 0.5,
    "avg_quiz_score": (0.475 + 1 / 7 + 1 / 15) / 0.8,
    "consecutive_missed_sessions": (0.475 + 0.14 + 1 / 15) / 0.8,
}


def test_what_a_source_leaves_out_counts_neither_for_nor_against_anybody(store):
    load(store, *(learner(missing, **{missing: None}) for missing in WITHOUT), learner("d", **UNKNOWN))
    recalculate(store)
    found = {learner_id: risk for learner_id, *risk in rows(store, SCORES)}
    assert found.pop("d") == [None, "unknown"]
    assert {missing: score for missing, (score, _) in found.items()} == pytest.approx(WITHOUT, abs=1e-12)


def test_another_enrolment_of_a_person_gets_no_second_nudge_for_the_same_day(store):
    one, other = learner("a", person_id="p", email=None), learner("b", person_id="p", email=None)
    load(store, one, other | LOW)
    first = begin(store)
    load(store, one | LOW, other, at=AS_OF - HOUR)
    second = begin(store, AS_OF - timedelta(seconds=1))
    drafted = []
    for run in (first, second):
        decisions.decide(store, run, policy=DEFAULT_SELECTION)
        drafted.append(nudges.draft(store, run))
    assert drafted == [1, 0]
    assert rows(
        store, "select learner_id from contact_decisions where decision = 'contact' order by all"
    ) == [
        ("a",),
        ("b",),
    ]


def test_a_publication_that_fails_half_way_shows_nothing(store):
    load(store, learner("a"))
    run = begin(store)
    decisions.decide(store, run, policy=DEFAULT_SELECTION)
    with store.write() as db:
        db.execute("alter table runs rename column finished_at to elsewhere")  # the last thing it writes
    with pytest.raises(duckdb.BinderException):
        publication.publish(store, run, now=AS_OF)
    for table in ("risk_scores", "risk_history"):
        assert rows(store, f"select * from {table}") == []
    assert rows(store, "select status, published_at from runs") == [("running", None)]


def test_recalculating_takes_the_numbers_it_is_given(store):
    load(store, learner("a"))
    strict = RiskPolicy(high_above=0.98)
    labels = rescoring.publish_scores(store, as_of=AS_OF, zone=UTC, programs=None, now=AS_OF, policy=strict)
    assert labels == {"high": 0, "medium": 1, "low": 0, "unknown": 0}
    assert recalculate(store)["high"] == 1


def test_half_a_day_away_counts_as_half_a_day(store):
    load(store, learner("a", last_login=AS_OF - 36 * HOUR))
    recalculate(store)
    ((inactivity,),) = rows(store, "select inactivity from risk_scores")
    assert inactivity == pytest.approx(0.1 * 1.5 / 30, abs=1e-12)


def test_a_run_is_scored_by_its_own_policy(store):
    load(store, learner("a"))
    run = replace(begin(store), policy=RiskPolicy(high_above=0.9))
    assert scores.score(store, run) == {"high": 0, "medium": 1, "low": 0, "unknown": 0}
