import json
from datetime import timedelta

import pytest

from engagement.errors import InvalidInput, NotFound
from engagement.targeting import contact_log, decisions
from engagement.text import LONGEST_TEXT
from tests.support.acting import acting
from tests.support.cohort import AS_OF, HOUR, learner, load, rows


def phone(store, at, learner_id="a", text="", **different):
    return contact_log.phoned(store, learner_id, text, by=acting(at, **different))


def note(store, text, **different):
    return contact_log.note(store, "a", text, by=acting(AS_OF, **different))


def test_a_phone_call_is_an_event_with_who_when_and_what_was_said(store):
    load(store, learner("a"))
    event = phone(store, AS_OF, text=" Comes back\r\non Monday. ")
    said = {"text": "Comes back\non Monday."}
    assert event == {"timestamp": AS_OF, "type": "phone_call", "actor": "ana", "metadata": said}
    ((learner_id, kind, at, actor, metadata),) = rows(
        store, "select learner_id, type, timestamp, actor, metadata from events"
    )
    assert (learner_id, kind, at, actor, json.loads(metadata)) == ("a", "phone_call", AS_OF, "ana", said)


@pytest.mark.parametrize("later", [timedelta(0), timedelta(milliseconds=900), timedelta(milliseconds=-900)])
def test_a_double_click_is_one_event(store, later):
    load(store, learner("a"))
    first, second = phone(store, AS_OF), phone(store, AS_OF + later)
    assert first == second
    assert rows(store, "select count(*) from events") == [(1,)]


@pytest.mark.parametrize(
    "different",
    [
        {"name": "ben"},
        {"text": "busy"},
        {"learner_id": "b"},
        {"at": AS_OF + HOUR},
        {"at": AS_OF + timedelta(seconds=1)},
        {"at": AS_OF - timedelta(seconds=1)},
    ],
)
def test_another_call_is_another_event(store, different):
    load(store, learner("a"), learner("b"))
    phone(store, AS_OF)
    phone(store, **{"at": AS_OF} | different)
    assert rows(store, "select count(*) from events") == [(2,)]


@pytest.mark.parametrize("text", ["x" * (LONGEST_TEXT + 1), "a\x1b[0m", "\u202e", "\ud800"], ids=ascii)
def test_a_text_that_cannot_be_kept_is_refused(store, text):
    load(store, learner("a"))
    for act in (lambda: phone(store, AS_OF, text=text), lambda: note(store, text)):
        with pytest.raises(InvalidInput, match="text"):
            act()
    assert rows(store, "select count(*) from events") == [(0,)]


def test_a_note_needs_a_text(store):
    load(store, learner("a"))
    with pytest.raises(InvalidInput, match="a note needs one"):
        note(store, " \n")


def test_another_programs_learner_is_not_there_for_a_call_or_a_note(store):
    load(store, learner("a"))
    for act in (
        lambda: phone(store, AS_OF, programs=["Welding"]),
        lambda: phone(store, AS_OF, "nobody"),
        lambda: note(store, "x", programs=[]),
    ):
        with pytest.raises(NotFound):
            act()
    with store.write() as db, pytest.raises(NotFound):
        decisions.look_at(db, "a", now=AS_OF, day=AS_OF.date(), programs=["Welding"])
    assert rows(store, "select count(*) from events") == [(0,)]


def test_who_opted_out_or_left_can_have_been_phoned(store):
    load(store, learner("a", contact_opt_out=True), learner("b", active=False))
    phone(store, AS_OF, "a")
    phone(store, AS_OF, "b")
    assert rows(store, "select count(*) from events") == [(2,)]
