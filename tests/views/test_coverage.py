"""Coverage: by program since when each input is known, for whom it is not, and what is missing."""

from datetime import datetime, timedelta

import pandas as pd
import pytest

from engagement.ingest import events, learners
from engagement.views import coverage

THEN = datetime.fromisoformat("2026-11-01T12:00:00")
NOW = datetime.fromisoformat("2026-11-20T12:00:00")


def _load(store, rows, at=THEN):
    learners.load(store, pd.DataFrame(rows).astype("string"), observed_at=at, loaded_at=at)


@pytest.fixture
def rows(store):
    """Return the rows of a program by input, as they are known now."""

    def rows(program="Maths", programs=None, as_of=NOW):
        found = coverage.coverage(store, programs=programs, as_of=as_of, now=NOW)
        return {row["input"]: row for row in found if row["program"] == program}

    return rows


def _of(ids, **columns):
    return {"id": ids, "name": "Invented", "program": "Maths", **columns}


def test_what_nobody_has_says_how_to_get_it(store, rows):
    _load(store, _of(["a", "b"]))
    found = rows()
    assert {row["gap"] for row in found.values()} == {"absent"}
    assert found["done"]["missing"] == coverage.ABSENT["done"]
    assert found["email"]["missing"].startswith("nobody has an address")
    assert (found["email"]["learners"], found["email"]["unknown_percent"]) == (2, 100.0)


def test_each_input_is_known_since_it_was_first_observed(store, rows):
    _load(store, _of(["a", "b"], avg_quiz_score=["50", None], last_login=["2026-10-30", "2026-10-31"]))
    later = THEN + timedelta(days=15)
    _load(store, _of(["a", "b"], avg_quiz_score=["60", "70"], last_login=["2026-11-15", "2026-11-16"]), later)
    found = rows()
    assert (found["avg_quiz_score"]["since"], found["avg_quiz_score"]["newest"]) == (THEN, later)
    assert (found["avg_quiz_score"]["unknown"], found["avg_quiz_score"]["gap"]) == (0, None)
    assert found["last_login"]["newest"] == datetime.fromisoformat("2026-11-16")
    assert found["last_login"]["missing"] is None
    before = rows(as_of=THEN + timedelta(days=1))
    assert (before["avg_quiz_score"]["unknown"], before["avg_quiz_score"]["unknown_percent"]) == (1, 50.0)


def test_logins_that_stopped_are_told_with_the_day(store, rows):
    _load(store, _of(["a", "b"], last_login=["2026-11-01T10:00", "2026-10-31"]))
    assert rows()["last_login"]["missing"] == "no logins since 1 November 2026: is the export still coming?"


def test_who_never_logged_in_is_known_and_who_nobody_can_tell_is_not(store, rows):
    _load(store, _of(["a", "b"], last_login=["", "9999-12-31"]))
    assert rows()["last_login"]["unknown"] == 1


def test_work_that_is_only_of_the_course_has_no_due_dates(store, rows):
    _load(store, _of(["a", "b"], completed_percent_course=["50", "60"]))
    assert rows()["done"]["gap"] == "no_due_dates"
    _load(store, _of(["a", "b"], completed_percent_due=["40", "70"]), THEN + timedelta(days=1))
    assert rows()["done"]["gap"] is None


def test_what_most_do_not_have_is_told(store, rows):
    _load(store, _of(list("abc"), email=["a@example.invalid", None, None]))
    assert rows()["email"]["gap"] == "mostly_unknown"


def test_events_are_those_of_a_log_and_not_of_the_page(store, rows):
    _load(store, _of(["a", "b"]))
    log = pd.DataFrame({"learner_id": ["a"], "type": ["login"], "timestamp": ["2026-11-18T10:00"]})
    events.load(store, log, observed_at=NOW, loaded_at=NOW)
    found = rows()["events"]
    assert (found["unknown"], found["newest"], found["gap"]) == (
        1,
        datetime.fromisoformat("2026-11-18T10:00"),
        None,
    )


def test_only_active_learners_and_the_programs_that_are_asked_for_count(store, rows):
    _load(store, _of(["a", "b"], active=["yes", "no"]))
    _load(store, {"id": ["x"], "name": "Invented", "program": "Art"})
    assert rows()["email"]["learners"] == 1
    assert rows("Art")["email"]["learners"] == 1
    assert rows("Art", programs=["Maths"]) == {}


def test_loads_say_what_was_refused_and_left_out(store):
    _load(store, _of(["a", "b"]))
    listed = _of(["a", "b", ""]) | {"name": ["A", "B", ""], "program": ["Maths", "Maths", ""]}
    listed |= {"id": ["a", "b", "Total"], "avg_quiz_score": ["50", "170", ""]}
    _load(store, listed, THEN + timedelta(days=1))
    assert coverage.loads_with_rows_apart(store, as_of=NOW) == [
        {"load_id": "L000002", "source": "data frame", "quarantined": 1, "left_out": 1}
    ]
