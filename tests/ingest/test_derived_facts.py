"""Facts of events: what each type feeds, for any day, beside what other sources say."""

from datetime import datetime

import pandas as pd
import pytest

from engagement.errors import InvalidInput
from engagement.ingest import derived_facts, events, learners
from engagement.ingest.source.source_format import SourceFormat

NOW = datetime.fromisoformat("2026-11-30T12:00:00")


def _day(number):
    return datetime.fromisoformat(f"2026-11-{number:02}T23:59:59")


@pytest.fixture
def known(store):
    """Load events, by lines, of learners a and b, who were enrolled before."""
    begun = datetime.fromisoformat("2026-10-01")
    rows = pd.DataFrame({"id": ["a", "b"], "name": ["Ana", "Bo"], "program": "Maths"})
    learners.load(store, rows, observed_at=begun, loaded_at=begun)

    def load(*lines, **said):
        rows = pd.DataFrame(
            [line.split(" ", 3) for line in lines], columns=["learner_id", "timestamp", "type", "metadata"]
        )
        return events.load(
            store, rows, observed_at=NOW, loaded_at=NOW, source_format=SourceFormat(types=said)
        )

    return load


@pytest.fixture
def facts(store):
    """Return the facts of a learner as of the end of a day in November."""

    def facts(learner, day):
        with store.read() as db:
            return db.execute(
                "select strftime(last_login, '%d %H:%M'), login_is_unknown, avg_quiz_score, "
                "consecutive_missed_sessions from facts_at($at) where learner_id = $learner",
                {"at": _day(day), "learner": learner},
            ).fetchone()

    return facts


def test_each_fact_is_what_was_known_on_the_day(store, known, facts):
    known(
        "a 2026-11-02T10:00 login {}",
        "a 2026-11-03T10:00 session_missed {}",
        'a 2026-11-04T10:00 quiz_completed {"score":40,"item":"one"}',
        'a 2026-11-11T10:00 quiz_completed {"score":80,"item":"one"}',
        'a 2026-11-12T10:00 quiz_completed {"score":50,"item":"two"}',
        'a 2026-11-12T11:00 quiz_completed {"score":130,"item":"three"}',
        "a 2026-11-13T10:00 session_missed {}",
        "a 2026-11-20T10:00 session_attended {}",
        "a 2026-11-21T10:00 session_missed {}",
        "a 2026-11-22T10:00 session_excused {}",
        "a 2026-11-23T10:00 session_missed {}",
    )
    for day in (2, 5, 14, 20, 25):
        derived_facts.derive(store, as_of=_day(day), loaded_at=NOW)
    assert facts("a", 2) == ("02 10:00", False, None, None)  # no session was held yet
    assert facts("a", 5) == ("04 10:00", False, 40.0, 1)
    # the best attempt at the first quiz, and no more than all of a quiz
    assert facts("a", 14) == ("12 11:00", False, pytest.approx((80 + 50 + 100) / 3), 2)
    assert facts("a", 20) == ("20 10:00", False, pytest.approx(230 / 3), 0)
    assert facts("a", 25)[3] == 2
    assert facts("b", 25) == (None, True, None, None)


def test_a_quiz_without_a_score_is_a_sign_of_life_and_no_zero(store, known, facts):
    known("a 2026-11-02T10:00 quiz_completed {}", 'b 2026-11-02T10:00 session_missed {"score":1}')
    derived_facts.derive(store, as_of=_day(9), loaded_at=NOW)
    assert facts("a", 9) == ("02 10:00", False, None, None)
    assert facts("b", 9) == (None, True, None, 1)


def test_attempts_without_an_item_are_quizzes_of_their_own(store, known, facts):
    known('a 2026-11-02T10:00 quiz_completed {"score":40}', 'a 2026-11-03T10:00 quiz_completed {"score":60}')
    derived_facts.derive(store, as_of=_day(9), loaded_at=NOW)
    assert facts("a", 9)[2] == 50.0


def test_what_events_do_not_tell_stands(store, known, facts):
    export = pd.DataFrame(
        {
            "id": ["a", "b"],
            "name": ["Ana", "Bo"],
            "program": "Maths",
            "last_login": ["2026-11-05T10:00", "2026-11-01T10:00"],
            "completed_percent": ["70", "60"],
            "avg_quiz_score": ["66", "77"],
        }
    )
    learners.load(store, export, observed_at=_day(6), loaded_at=_day(6))
    known("a 2026-11-02T10:00 login {}", "b 2026-11-02T10:00 login {}")
    derived_facts.derive(store, as_of=_day(9), loaded_at=NOW)
    assert facts("a", 9) == ("05 10:00", False, 66.0, None)  # the newer login counts, whoever tells of it
    assert facts("b", 9) == ("02 10:00", False, 77.0, None)
    with store.read() as db:
        done = db.execute("select completed_percent from facts_at($at) order by learner_id", {"at": _day(9)})
        assert done.fetchall() == [(70.0,), (60.0,)]


def test_to_derive_twice_changes_nothing(store, known):
    known("a 2026-11-02T10:00 login {}")
    for _ in range(2):
        derived_facts.derive(store, as_of=_day(9), loaded_at=NOW)
    with store.read() as db:
        assert db.execute(
            "select count(*) from learner_facts where observed_at = $at", {"at": _day(9)}
        ).fetchone() == (1,)


def test_no_event_that_feeds_a_fact_is_said(store, known):
    known("a 2026-11-20T10:00 login {}", "a 2026-11-02T10:00 note {}")
    with pytest.raises(InvalidInput, match="none that feeds a fact"):
        derived_facts.derive(store, as_of=_day(9), loaded_at=NOW)


def test_unknown_types_are_told_and_one_that_is_mapped_feeds_its_fact(store, known, facts):
    summary = known(
        "a 2026-11-02T10:00 viewed {}", "b 2026-11-02T10:00 viewed {}", "b 2026-11-03T10:00 nudge_sent {}"
    )
    (note,) = [note for note in summary.notes if note.startswith("type: ")]
    assert "viewed (2)," in note
    assert "nudge_sent" not in note
    summary = known("a 2026-11-04T10:00 VIEWED {}", viewed="login")
    assert not [note for note in summary.notes if note.startswith("type: ")]
    derived_facts.derive(store, as_of=_day(9), loaded_at=NOW)
    assert facts("a", 9) == ("04 10:00", False, None, None)


def test_a_type_that_there_is_not_is_refused():
    with pytest.raises(InvalidInput, match="map_type 'looked': no such type; there are login, "):
        SourceFormat(types={"viewed": "looked"})
