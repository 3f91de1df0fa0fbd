"""A load that is tried says what it would do, and does nothing."""

from functools import partial

import pandas as pd
import pytest

from engagement.errors import InvalidInput
from engagement.ingest import events, learners
from engagement.pipeline.incoming import preview
from engagement.policy import DEFAULT_POLICY
from engagement.store import Store
from tests.support.cohort import AS_OF, DAY, LOW, learner, load, rows


def tried(store, *given, kind="learners", load_one=learners.load):
    one = partial(load_one, source=pd.DataFrame(given), observed_at=AS_OF, loaded_at=AS_OF)
    return preview.of_load(store, one, kind=kind, policy=DEFAULT_POLICY, now=AS_OF)


def files(store):
    return sorted(path.name for path in store.path.parent.rglob("*") if path.suffix not in {".gate", ".lock"})


def test_what_it_says_is_what_the_load_does(store):
    load(store, learner("a"), learner("b"), learner("c", **LOW))
    given = learner("a", **LOW), learner("d"), learner("e", completed_percent=140), learner("c", **LOW)
    before, held = files(store), rows(store, "select * from learners order by id")
    found = tried(store, *given)
    assert (found.new, found.changed, found.gone) == (1, 1, 0)
    assert (found.summary.accepted, found.summary.quarantined) == (3, 1)
    assert found.last["rows"] == 3
    assert found.labels["before"] == {"high": 2, "medium": 0, "low": 1, "unknown": 0}
    assert found.labels["after"] == {"high": 2, "medium": 0, "low": 2, "unknown": 0}
    moves = sorted((move["from"] or "", move["to"], move["learners"]) for move in found.moves)
    assert moves == [("", "high", 1), ("high", "low", 1)]
    assert {one["id"] for one in found.examples} == {"a"}
    assert {"id": "a", "about": "avg_quiz_score", "before": "30.0", "after": "90.0"} in found.examples
    assert (files(store), rows(store, "select * from learners order by id")) == (before, held)
    done = load(store, *given, at=AS_OF)
    assert (done.accepted, done.quarantined, done.reasons) == (3, 1, found.summary.reasons)


def test_nobodys_name_or_address_is_shown(store):
    load(store, learner("a"))
    found = tried(store, learner("a", name="Zebulon Other", email="zebulon@example.invalid"))
    shown = {one["about"]: (one["before"], one["after"]) for one in found.examples}
    assert shown["name"] == shown["email"] == ("…", "…")
    assert "ebulon" not in str(found.as_dict())


def test_at_most_twenty_learners_are_shown(store):
    load(store, *(learner(f"x{number:02}") for number in range(30)))
    found = tried(store, *(learner(f"x{number:02}", **LOW) for number in range(30)))
    assert found.changed == 30
    assert len({one["id"] for one in found.examples}) == preview.EXAMPLES


def test_who_would_be_gone_is_counted(store):
    load(store, *(learner(one) for one in "abcdef"))
    found = tried(store, *(learner(one) for one in "abcde"), load_one=learners.load_full)
    assert (found.new, found.changed, found.gone) == (0, 0, 1)
    assert rows(store, "select count(*) from learners where active") == [(6,)]


def test_where_there_is_no_store_none_is_made(no_store):
    found = tried(no_store, learner("a"))
    assert (found.new, found.last) == (1, None)
    assert not no_store.is_there()
    assert files(no_store) == []


def test_a_file_that_is_refused_is_refused(store):
    load(store, learner("a"))
    with pytest.raises(InvalidInput, match="--set program=NAME"):
        tried(store, {"id": "a"})
    assert not list(store.path.parent.glob(".trial-*"))


def test_events_are_counted_and_move_no_label(store):
    load(store, learner("a"))
    event = {"learner_id": "a", "type": "login", "timestamp": AS_OF - DAY}
    found = tried(store, event, kind="events", load_one=events.load)
    assert (found.summary.accepted, found.new, found.changed, found.moves) == (1, 0, 0, [])
    assert rows(store, "select count(*) from events") == [(0,)]


def test_what_a_killed_trial_left_goes_with_the_next(store):
    load(store, learner("a"))
    left = store.path.parent / ".trial-left"
    left.mkdir()
    Store(left / "store.duckdb").make()
    tried(store, learner("a"))
    assert not left.exists()
