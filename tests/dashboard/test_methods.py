"""What a page may ask, without a browser: roles, programs, arguments, and what it is told when something is wrong."""

import json
import os
import shutil
from base64 import b64decode
from datetime import datetime

import pytest

from engagement.dashboard import tickets
from engagement.dashboard.methods import METHODS, Backend, Refused
from engagement.outreach.queue import STATUSES
from engagement.settings import Settings
from engagement.store import Store
from tests.support import workbooks
from tests.support.cohort import AS_OF, DAY, LOW, learner, load, night, rows

SECRET = "s" * 32
NOW = datetime(2026, 3, 2, 8)  # noqa: DTZ001 (an instant is a naive datetime in UTC here)
USERS = """
[users.ada]
role = "coordinator"
programs = ["Data"]
[users.rea]
role = "viewer"
programs = "all"
[users.chief]
role = "admin"
"""


@pytest.fixture(scope="module")
def night_file(tmp_path_factory):
    """The file after a night, which each test gets a copy of."""
    store = Store(tmp_path_factory.mktemp("night") / "store.duckdb")
    load(
        store,
        learner("d1"),
        learner("d2", contact_opt_out=True),
        learner("d3", **LOW),
        learner("w1", program="Welding"),
    )
    night(store)
    return store.path


@pytest.fixture
def cohort(no_store, night_file):
    shutil.copyfile(night_file, no_store.path)
    return no_store


@pytest.fixture
def users(tmp_path):
    path = tmp_path / "users.toml"
    path.write_text(USERS, encoding="utf-8")
    return path


def backend_of(store, name="chief", source="proxy", users=None, **settings):
    """Return the backend of somebody who has said hello."""
    values = {"ENGAGEMENT_USERS": str(users)} if users else {}
    backend = Backend(store, Settings(**values, **settings), secret=SECRET, kernel_id="k", clock=lambda: NOW)
    made = tickets.ticket(SECRET, name=name, source=source, kernel_id="k", now_s=_seconds(NOW))
    backend.answer("hello", {"ticket": made})
    return backend


def _seconds(instant):
    from datetime import UTC

    return instant.replace(tzinfo=UTC).timestamp()


def refused(backend, method, arguments=None):
    with pytest.raises(Refused) as caught:
        backend.answer(method, arguments or {})
    return caught.value


@pytest.fixture
def local(cohort):
    return backend_of(cohort, "root", "local")


def test_who_has_not_said_hello_hears_nothing(cohort):
    backend = Backend(cohort, Settings(), secret=SECRET, kernel_id="k", clock=lambda: NOW)
    for method in METHODS.keys() - {"hello"}:
        assert refused(backend, method, EXAMPLES.get(method)).code == "no_viewer"


EXAMPLES = {
    "hello": {"ticket": "x"},
    "ping": {},
    "overview": {},
    "coverage": {},
    "learners": {"page": 1},
    "export_learners": {},
    "learner": {"id": "d1"},
    "phoned": {"learner_id": "d1"},
    "note": {"learner_id": "d1", "text": "x"},
    "write_nudge": {"learner_id": "d1", "channel": "in_app"},
    "write_quiz": {"learner_id": "d1"},
    "rewrite_nudge": {"id": "x", "version": 1},
    "rewrite_quiz": {"id": "x", "version": 1},
    "check_nudge": {"channel": "in_app", "content": "x"},
    "edit_nudge": {"id": "x", "version": 1, "content": "x"},
    "edit_quiz": {"id": "x", "version": 1, "questions": []},
    "move": {"kind": "nudge", "items": [{"id": "x", "version": 1}], "to": "approved"},
    "queue": {"kind": "nudge"},
    "export_queue": {"kind": "nudge", "format": "xlsx"},
    "quiz_file": {"id": "x", "format": "gift"},
    "recalculate": {},
}


def test_every_method_has_an_example_here():
    assert EXAMPLES.keys() == METHODS.keys()


def test_answers_are_plain_data_with_instants_in_utc(local):
    for method in ("overview", "coverage", "learners", "ping", "queue"):
        json.dumps(local.answer(method, EXAMPLES[method]), allow_nan=False)
    profile = local.answer("learner", {"id": "d1"})
    assert profile["enrolled_at"].endswith("Z")
    json.dumps(profile, allow_nan=False)


def test_the_local_person_may_do_everything(local):
    assert local.answer("learners", {"page": 1})["total"] == 4
    made = local.answer("write_nudge", EXAMPLES["write_nudge"])
    assert made["gpt_fallback"]
    assert made["reason"] == "no_key"
    assert (made["status"], made["version"], made["by_hand"]) == ("draft", 1, True)


def test_a_viewer_reads_and_changes_nothing(cohort, users):
    backend = backend_of(cohort, "rea", users=users)
    assert backend.answer("learners", {"page": 1})["total"] == 4
    for name, method in METHODS.items():
        if method.changes:
            assert refused(backend, name, EXAMPLES[name]).code == "not_allowed"


def test_every_method_that_is_named_for_a_change_is_one():
    reads = {
        "hello",
        "ping",
        "overview",
        "coverage",
        "learners",
        "export_learners",
        "learner",
        "queue",
        "export_queue",
        "quiz_file",
    }
    assert {name for name, method in METHODS.items() if not method.changes} == reads


def test_a_coordinator_sees_their_programs_and_no_others(cohort, users):
    backend = backend_of(cohort, "ada", users=users)
    assert backend.answer("overview", {})["learners"] == 3
    page = backend.answer("learners", {"page": 1})
    assert (page["total"], {row["id"] for row in page["rows"]}) == (3, {"d1", "d2", "d3"})
    assert backend.answer("learners", {"page": 1, "program": "Welding"})["total"] == 0
    assert backend.answer("overview", {"program": "Welding"})["learners"] == 0
    assert {row["program"] for row in backend.answer("coverage", {})["gaps"]} == {"Data"}
    assert backend.answer("coverage", {"program": "Welding"})["gaps"] == []
    exported = workbooks.lines(b64decode(backend.answer("export_learners", {})["bytes"]))
    assert {line["program"] for line in exported} == {"Data"}
    assert {row["program"] for row in backend.answer("queue", {"kind": "nudge"})["rows"]} == {"Data"}
    assert "w1" not in backend.answer("export_queue", {"kind": "nudge", "format": "json"})["text"]


def test_a_coordinator_changes_nothing_outside_their_programs(cohort, users):
    backend = backend_of(cohort, "ada", users=users)
    nudge_id, version = rows(cohort, "select id, version from nudges where learner_id = 'w1'")[0]
    before = rows(cohort, "select * from nudges order by id") + rows(
        cohort, "select * from events order by id"
    )
    for method, arguments in (
        ("learner", {"id": "w1"}),
        ("phoned", {"learner_id": "w1"}),
        ("note", {"learner_id": "w1", "text": "x"}),
        ("write_nudge", {"learner_id": "w1", "channel": "in_app"}),
        ("write_quiz", {"learner_id": "w1"}),
        ("rewrite_nudge", {"id": nudge_id, "version": version}),
        ("edit_nudge", {"id": nudge_id, "version": version, "content": "x"}),
        ("recalculate", {"program": "Welding"}),
    ):
        assert refused(backend, method, arguments).code == "not_found"
    item = {"id": nudge_id, "version": version}
    moved = backend.answer("move", {"kind": "nudge", "items": [item], "to": "approved"})
    assert moved["moved"] == []
    after = rows(cohort, "select * from nudges order by id") + rows(
        cohort, "select * from events order by id"
    )
    assert after == before


def test_recalculating_everything_means_the_viewers_programs(cohort, users):
    load(cohort, learner("w1", program="Welding", **LOW), learner("d1", **LOW), at=AS_OF + DAY / 24)
    told = []
    backend = backend_of(cohort, "ada", users=users)
    found = backend.answer("recalculate", {}, tell=told.append)
    assert told == [{"stage": "scoring"}]
    assert (found["before"]["high"], found["after"]["high"]) == (2, 1)
    assert (found["better"], found["worse"], found["worst"]) == (1, 0, [])
    labels = dict(rows(cohort, "select learner_id, risk_label from risk_scores"))
    assert (labels["d1"], labels["w1"]) == ("low", "high")


def test_recalculating_says_who_is_worse_off(cohort):
    load(cohort, learner("d3"), at=AS_OF + DAY / 24)
    found = backend_of(cohort, "root", "local").answer("recalculate", {})
    assert (found["worse"], found["better"]) == (1, 0)
    (worst,) = found["worst"]
    assert (worst["id"], worst["from"], worst["to"], worst["program"]) == ("d3", "low", "high", "Data")


def test_who_is_taken_off_the_list_sees_nothing_more(cohort, users):
    backend = backend_of(cohort, "ada", users=users)
    backend.answer("overview", {})
    users.write_text(USERS.replace("users.ada", "users.eve"), encoding="utf-8")
    os.utime(users, (1, 1))
    assert refused(backend, "overview").code == "not_allowed"


def test_who_approved_is_named_in_the_events(cohort, users):
    backend = backend_of(cohort, "ada", users=users)
    nudge_id = rows(cohort, "select id from nudges where learner_id = 'd1'")[0][0]
    item = {"id": nudge_id, "version": 1}
    moved = backend.answer("move", {"kind": "nudge", "items": [item], "to": "approved"})
    assert moved["moved"] == [{"id": nudge_id, "version": 2, "status": "approved"}]
    assert rows(cohort, "select actor from events where type = 'nudge_approved'") == [("ada",)]


def test_the_second_of_two_coordinators_is_told_who_was_first(cohort, users):
    nudge_id = rows(cohort, "select id from nudges where learner_id = 'd1'")[0][0]
    item = {"id": nudge_id, "version": 1}
    backend_of(cohort, "chief", users=users).answer(
        "move", {"kind": "nudge", "items": [item], "to": "approved"}
    )
    late = backend_of(cohort, "ada", users=users)
    said = late.answer("move", {"kind": "nudge", "items": [item], "to": "rejected", "reason": "no"})
    (conflict,) = said["conflicts"]
    assert (said["moved"], conflict["actor"], conflict["status"]) == ([], "chief", "approved")
    edit = {"id": nudge_id, "version": 1, "subject": "A", "content": "Hi {first_name}, B"}
    assert refused(late, "edit_nudge", edit).code in {"changed", "invalid"}


def test_a_missing_store_is_said(no_store):
    backend = Backend(no_store, Settings(), secret=SECRET, kernel_id="k", clock=lambda: NOW)
    made = tickets.ticket(SECRET, name="root", source="local", kernel_id="k", now_s=_seconds(NOW))
    assert refused(backend, "hello", {"ticket": made}).code == "no_store"


def test_a_damaged_store_is_said_without_its_path(tmp_path):
    path = tmp_path / "broken.duckdb"
    path.write_bytes(b"nothing that DuckDB would know" * 500)
    backend = Backend(Store(path), Settings(), secret=SECRET, kernel_id="k", clock=lambda: NOW)
    made = tickets.ticket(SECRET, name="root", source="local", kernel_id="k", now_s=_seconds(NOW))
    said = refused(backend, "hello", {"ticket": made})
    assert said.code == "damaged"
    assert str(tmp_path) not in said.detail


def test_a_locked_store_is_said_after_a_while(cohort):
    from engagement.store.locks import turnstile

    backend = backend_of(Store(cohort.path, wait_s=0.2), "root", "local")
    with turnstile(cohort.path, exclusive=True, wait_s=1):
        assert refused(backend, "learners", {"page": 1}).code == "busy"


def test_a_rejection_needs_a_reason(local, cohort):
    nudge_id = rows(cohort, "select id from nudges where learner_id = 'd1'")[0][0]
    move = {"kind": "nudge", "items": [{"id": nudge_id, "version": 1}], "to": "rejected"}
    assert refused(local, "move", move).code == "invalid"
    assert rows(cohort, f"select status from nudges where id = '{nudge_id}'") == [("draft",)]


def test_nothing_leads_from_the_backend_to_sending(local):
    for to in set(STATUSES) - {"approved", "rejected", "draft"}:
        move = {"kind": "nudge", "items": [{"id": "x", "version": 1}], "to": to}
        assert refused(local, "move", move).code == "invalid"
