"""`engagement queue`."""

import json
import os
import pwd
import shlex
import subprocess
import sys
from types import SimpleNamespace

import pytest

from engagement.errors import InvalidInput, NotFound
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


def test_a_quiz_is_listed_approved_and_rejected_as_a_nudge_is(as_json, engagement, path):
    first, second = (row["id"] for row in as_json("queue", "list", "--quizzes"))
    nudge = draft(as_json)
    moved = as_json("queue", "reject", second[:12], nudge[:12], "--reason", "wrong topic")
    assert {(row["id"], row["status"]) for row in moved} == {(second, "rejected"), (nudge, "rejected")}
    assert [(row["id"], row["status"]) for row in as_json("queue", "approve", first)] == [(first, "approved")]
    events = "select type, metadata ->> 'reason' from events where type like 'quiz%' order by type"
    assert rows(Store(path), events) == [("quiz_approved", None), ("quiz_rejected", "wrong topic")]
    _, said, _ = engagement("queue", "list", "--quizzes", "--status", "rejected")
    assert "Quizzes: 1 rejected" in said
    assert as_json("queue", "list", "--quizzes", "--program", "Welding") == []


def test_a_quiz_for_who_said_no_since_is_not_approved(as_json, refused, path):
    quiz = as_json("queue", "list", "--quizzes")[0]
    with Store(path).write() as db:
        db.execute("update learners set contact_opt_out = true where id = $id", {"id": quiz["learner_id"]})
    code, said = refused("queue", "approve", quiz["id"])
    assert code == 2
    assert "1 of 1 drafts, first" in said
    assert as_json("queue", "list", "--quizzes")[0]["status"] == "draft"


@pytest.mark.parametrize("name", ["ana", None], ids=["by name", "without a name, as in a container"])
def test_who_approved_is_recorded_whoever_they_say_they_are(as_json, path, monkeypatch, name):
    monkeypatch.setattr(os, "getuid", lambda: 45_678)
    if name:
        monkeypatch.setattr(pwd, "getpwuid", {45_678: SimpleNamespace(pw_name=name)}.__getitem__)
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(variable, "somebody else")
    as_json("queue", "approve", draft(as_json))
    assert rows(Store(path), "select actor, timestamp from events") == [
        (name or "uid 45678", AS_OF + 9 * HOUR)
    ]


def test_csv_for_a_program_has_plain_values(engagement, as_json):
    as_json("queue", "approve", draft(as_json))
    code, out, _ = engagement("queue", "export")
    assert code == 0
    header = "id,learner_id,channel,name,email,phone,subject,content,status,written_by,edited,approved_by,approved_at"
    assert out.splitlines()[0] == header
    assert ",+1-202-555-0100," in out


def test_what_was_lost_on_its_way_is_had_again_by_its_batch(engagement, as_json, refused, tmp_path):
    for row in as_json("queue", "list"):
        as_json("queue", "approve", row["id"])
    file = tmp_path / "out.json"
    code, out, told = engagement("queue", "export", "--mark-sent", "--to", file)
    assert (code, out) == (0, "")
    sent = json.loads(file.read_text())
    batch = sent[0]["batch"]
    assert told == (
        f"engagement: batch {batch}: 2 marked as sent; should they get lost: engagement queue export --again {batch}\n"
    )
    assert as_json("queue", "export", "--again", batch) == sent
    assert refused("queue", "export", "--again", "x")[0] == NotFound.exit_code
    assert refused("queue", "export", "--again", batch, "--mark-sent")[0] == InvalidInput.exit_code


@pytest.mark.parametrize(
    "into",
    ["> /dev/full", "| true", "| head -c 10 > /dev/null"],
    ids=["a full disk", "nobody", "somebody who leaves"],
)
def test_what_nobody_got_is_not_sent(as_json, path, into):
    as_json("queue", "approve", *(row["id"] for row in as_json("queue", "list")))
    with Store(path).write() as db:  # the clock of the other program is that of today
        db.execute("update nudges set approved_at = now()::timestamp")
    command = (
        f"set -o pipefail; {shlex.quote(sys.executable)} -m engagement.cli queue export --mark-sent {into}"
    )
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("engagement: 2 nudges could not be written: ")
    assert ended.stderr.count("\n") == 1
    assert [row["status"] for row in as_json("queue", "export")] == ["approved", "approved"]


def test_the_queue_says_how_many_there_are_when_it_shows_fewer(engagement):
    assert engagement("queue", "list", "--limit", "1")[1].startswith("Nudges: 2 draft; the first 1\n")


def test_all_that_are_asked_for_are_approved_with_one_question(as_json, engagement, refused, monkeypatch):
    assert as_json("queue", "list", "--risk", "low") == []
    both = {row["id"] for row in as_json("queue", "list", "--risk", "high", "--limit", "1")}
    code, said = refused("queue", "approve", "--risk", "high")
    assert (code, "2 drafts: nobody can be asked here" in said) == (2, True)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True, readline=lambda: "n\n"))
    code, _, said = engagement("queue", "approve", "--risk", "high")
    assert (code, "Approve 2 nudges? [y/N]" in said) == (1, True)
    assert {row["id"] for row in as_json("queue", "list")} == both
    welding = as_json("queue", "approve", "--program", "Welding", "--limit", "5", "--yes")
    assert [(row["program"], row["status"]) for row in welding] == [("Welding", "approved")]
    (left,) = as_json("queue", "list")
    rejected = as_json("queue", "reject", "--type", left["type"], "--yes", "--reason", "not now")
    assert [row["id"] for row in rejected] == [left["id"]]


def test_which_are_meant_is_said_in_one_way(refused, path):
    one = rows(Store(path), "select id from nudges limit 1")[0][0]
    for arguments, told in (
        ([], "say which: ids, or --risk"),
        ([one, "--risk", "high"], "not both"),
        (["--risk", "hihg"], "risk 'hihg': allowed are high, medium, low, unknown"),
        (["--type", "nagging"], "type 'nagging': allowed are"),
        (["--channel", "letter"], "channel 'letter': allowed are in_app"),
        (["--quizzes", "--channel", "email"], "a quiz has none"),
        (["--risk", "unknown", "--yes"], "no draft is of that kind"),
    ):
        assert told in refused("queue", "approve", *arguments)[1]


def test_an_approval_is_taken_back_until_it_has_left(as_json, refused):
    first = draft(as_json)
    as_json("queue", "approve", first)
    assert [row["status"] for row in as_json("queue", "undo", first[:12])] == ["draft"]
    as_json("queue", "approve", first)
    as_json("queue", "export", "--mark-sent")
    assert "cannot go from sent to draft" in refused("queue", "undo", first)[1]


def test_a_draft_is_shown_whole(as_json, engagement):
    nudge, quiz = draft(as_json), as_json("queue", "list", "--quizzes")[0]["id"]
    code, said, _ = engagement("queue", "show", nudge[:12], quiz)
    assert code == 0
    (shown,) = as_json("queue", "show", nudge)
    assert shown["content_filled"].split("\n")[-1] in said
    assert "Templates were asked for." in said
    (shown,) = as_json("queue", "show", quiz[:12])
    for question in shown["questions"]:
        assert question["stem"][:60] in said.replace("\n", " ")
    assert said.count("* ") >= len(shown["questions"])
