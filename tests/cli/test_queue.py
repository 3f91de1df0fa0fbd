"""`engagement queue`."""

from engagement.store import Store
from tests.support.cohort import AS_OF, HOUR, rows

QUEUED = {
    "id",
    "learner_id",
    "program",
    "channel",
    "type",
    "status",
    "version",
    "content",
    "subject",
    "reason",
}


def draft(as_json):
    return as_json("queue", "list")[0]["id"]


def test_queue_commands_give_the_nudges_concerned(as_json):
    listed = as_json("queue", "list")
    assert len(listed) == 2
    assert set(listed[0]) >= QUEUED
    first, second = (row["id"] for row in listed)
    assert [(row["id"], row["status"]) for row in as_json("queue", "approve", first[:12])] == [
        (first, "approved")
    ]
    rejected = as_json("queue", "reject", second, "--reason", "on leave")
    assert [(row["id"], row["status"]) for row in rejected] == [(second, "rejected")]
    assert [row["status"] for row in as_json("queue", "export")] == ["approved"]
    assert [row["status"] for row in as_json("queue", "export", "--mark-sent")] == ["sent"]
    assert as_json("queue", "export") == []
    assert [row["id"] for row in as_json("queue", "list", "--status", "sent")] == [first]


def test_who_approved_is_recorded(engagement, as_json, path, monkeypatch):
    monkeypatch.setenv("LOGNAME", "ana")
    as_json("queue", "approve", draft(as_json))
    assert rows(Store(path), "select actor, timestamp from events") == [("ana", AS_OF + 9 * HOUR)]


def test_export_for_a_spreadsheet_is_csv(engagement, as_json):
    as_json("queue", "approve", draft(as_json))
    code, out, _ = engagement("queue", "export")
    assert code == 0
    assert out.splitlines()[0] == "id,learner_id,channel,name,email,phone,subject,content,status"
    assert "'+1-202-555-0100" in out


def test_the_queue_says_how_many_there_are_when_it_shows_fewer(engagement):
    assert engagement("queue", "list", "--limit", "1")[1].startswith("Nudges: 2 draft; the first 1\n")
