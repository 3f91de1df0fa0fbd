import csv
import errno
import io
import json
import os
import stat
import zipfile
from xml.etree import ElementTree

import pytest

from engagement.errors import Changed, EngagementError, InvalidInput, NotFound, StoreBusy
from engagement.outreach import editing, export, nudges, queue, review
from engagement.targeting import decisions
from engagement.text import iso_utc
from tests.support import workbooks
from tests.support.acting import acting
from tests.support.cohort import AS_OF, HOUR, LOW, learner, load, night, rows

NOW = AS_OF + HOUR


def statuses(store):
    return [row["status"] for row in review.listed(store, status=None)]


def file_of(store, kind, **asked):
    return export.queue_file(store, kind, programs=None, format="xlsx", **asked)


def test_nudges_are_exported_as_a_person_reads_them(two_programs):
    file = file_of(two_programs, "nudge")
    lines = workbooks.lines(file["bytes"])
    assert file["filename"] == "nudges-draft.xlsx"
    assert [line["learner_id"] for line in lines] == ["a", "b", "c"]
    assert "Ána" in lines[0]["content"]
    assert (lines[0]["written_by"], lines[0]["approved_by"], lines[0]["approved_at"]) == ("template", "", "")


def test_no_exported_cell_is_a_formula(store):
    names = ["=1+1", "@SUM(1)", "x;=3+3"]
    load(store, *(learner(str(at), name=name) for at, name in enumerate(names)))
    night(store)
    assert sorted(line["name"] for line in workbooks.lines(file_of(store, "nudge")["bytes"])) == sorted(names)


@pytest.mark.parametrize("kind", ["nudge", "quiz"])
def test_what_leaves_says_who_wrote_it_and_who_approved_it_when(store, drafts, kind):
    """Ada edits and approves, takes it back; Bea approves; another hand sends it, where it can be sent."""
    table = queue.TABLES[kind]
    ((draft_id,),) = rows(store, f"select id from {table} where learner_id = 'b'")
    quizzes = {"questions": queue.queue(store, "quiz", programs=None)["rows"][0]["questions"]}
    edit, change = {
        "nudge": (editing.edit_nudge, {"subject": "One word", "content": "Hi {first_name}, come on Friday."}),
        "quiz": (editing.edit_quiz, {"questions": quizzes["questions"][:3]}),
    }[kind]
    edit(store, draft_id, version=1, by=acting(NOW, name="ada"), **change)
    for version, to, name, hours in (
        (2, "approved", "ada", 0),
        (3, "draft", "ada", 1),
        (4, "approved", "bea", 2),
    ):
        by = acting(NOW + hours * HOUR, name=name)
        assert review.move_seen(store, kind, {draft_id: version}, to, by=by)["moved"]
    signed = {"written_by": "template", "edited": True, "approved_by": "bea", "approved_at": NOW + 2 * HOUR}
    (line,) = {
        line["id"]: line for line in workbooks.lines(file_of(store, kind, status="approved")["bytes"])
    }.values()
    assert {name: line[name] for name in signed} == {
        **{name: str(value) for name, value in signed.items()},
        "approved_at": iso_utc(NOW + 2 * HOUR),
    }
    (row,) = json.loads(
        export.queue_file(store, kind, programs=None, format="json", status="approved")["text"]
    )
    assert {name: row[name] for name in signed} == {**signed, "approved_at": iso_utc(NOW + 2 * HOUR)}
    if kind == "quiz":
        return
    batch = export.send(store, by=acting(NOW + 3 * HOUR, name="mailer"), write=lambda _: None)
    for (row,) in (batch.rows, export.again(store, batch.id).rows):
        assert {name: row[name] for name in signed} == signed
    file = io.StringIO(newline="")
    export.write_csv(batch.rows, file)
    (written,) = csv.DictReader(io.StringIO(file.getvalue(), newline=""))
    assert (written["written_by"], written["edited"], written["approved_by"]) == ("template", "True", "bea")
    assert written["approved_at"] == iso_utc(NOW + 2 * HOUR)


def test_a_quiz_is_exported_with_a_row_for_each_question(two_programs):
    (quiz, *_) = queue.queue(two_programs, "quiz", programs=None)["rows"]
    exported = workbooks.lines(file_of(two_programs, "quiz")["bytes"])
    lines = [line for line in exported if line["learner_id"] == "a"]
    assert [line["question"] for line in lines] == [str(n + 1) for n in range(len(quiz["questions"]))]
    first = quiz["questions"][0]
    assert lines[0][f"option_{lines[0]['right']}"] == first["options"][first["answer_index"]]["text"]


@pytest.mark.parametrize("kind", ["nudge", "quiz"])
def test_an_export_in_json_reads_back_as_the_queue(two_programs, kind):
    file = export.queue_file(two_programs, kind, programs=None, format="json", status=None)
    found = json.loads(file["text"])
    assert [row["id"] for row in found] == [
        row["id"] for row in queue.queue(two_programs, kind, programs=None)["rows"]
    ]
    assert found[0]["created_at"] == "2026-03-01T23:59:59Z"


def test_an_export_is_a_workbook_or_json(two_programs):
    with pytest.raises(InvalidInput, match="xlsx, json"):
        export.queue_file(two_programs, "nudge", programs=None, format="csv")


@pytest.mark.parametrize("format", ["moodle_xml", "gift"])
def test_a_quiz_for_a_learning_platform_says_who_approved_it_and_no_name_ends_the_remark(
    store, drafts, format
):
    (draft,) = queue.queue(store, "quiz", programs=None)["rows"][:1]
    unsigned = export.quiz_file(store, draft["id"], format=format, programs=None)["text"]
    assert "written by template; not approved" in unsigned
    by = acting(NOW, name="ada --> <b>\n{:)} --- x")
    review.move_seen(store, "quiz", {draft["id"]: 1}, "approved", by=by)
    text = export.quiz_file(store, draft["id"], format=format, programs=None)["text"]
    (line,) = {*text.splitlines()} - {*unsigned.splitlines()}
    assert "approved by ada - -> <b> {:)} - - - x, 2026-03-02T00:59:59Z" in line
    if format == "moodle_xml":
        assert ElementTree.fromstring(text).tag == "quiz"
        assert line.count("-->") == 1
    else:
        assert line.startswith("// ")
    assert unsigned.splitlines()[2:] == text.splitlines()[2:]


@pytest.mark.parametrize(("format", "ending"), [("moodle_xml", ".xml"), ("gift", ".txt")])
def test_a_quiz_is_a_file_for_a_learning_platform(two_programs, format, ending):
    (quiz, *_) = queue.queue(two_programs, "quiz", programs=["Data"])["rows"]
    file = export.quiz_file(two_programs, quiz["id"], format=format, programs=["Data"])
    assert file["filename"].endswith(ending)
    assert file["text"].count("[plain]" if format == "gift" else "<answer ") >= 12
    with pytest.raises(NotFound):
        export.quiz_file(two_programs, quiz["id"], format=format, programs=["Welding"])
    with pytest.raises(InvalidInput):
        export.quiz_file(two_programs, quiz["id"], format="word", programs=None)
    with zipfile.ZipFile(
        io.BytesIO(export.quiz_file(two_programs, quiz["id"], format="qti", programs=None)["bytes"])
    ) as file:
        assert {"imsmanifest.xml", "quiz1.xml", "quiz1_q1.xml"} <= {*file.namelist()}
        assert b"written by template; not approved" in file.read("quiz1.xml")


def test_approved_quizzes_are_one_package_in_a_new_file(two_programs, tmp_path):
    to = tmp_path / "quizzes.zip"
    with pytest.raises(NotFound, match="no quiz is approved"):
        export.write_quizzes(two_programs, to)
    found = queue.queue(two_programs, "quiz", programs=None)["rows"]
    review.move_seen(two_programs, "quiz", {row["id"]: 1 for row in found}, "approved", by=acting(NOW))
    assert export.write_quizzes(two_programs, to) == len(found)
    with zipfile.ZipFile(to) as file:
        assert f"quiz{len(found)}.xml" in file.namelist()
    for other, told in ((to, "there already"), (tmp_path / "quizzes.xml", "a .zip")):
        with pytest.raises(InvalidInput, match=told):
            export.write_quizzes(two_programs, other)


def test_export_gives_the_approved_and_changes_nothing(store, drafts):
    review.approve(store, drafts[:2], by=acting(NOW))
    assert [row["id"] for row in export.approved(store, now=NOW)] == drafts[:2]
    assert rows(store, "select status from nudges order by 1") == [("approved",), ("approved",), ("draft",)]


def test_export_that_marks_sent_gives_each_nudge_once(store, drafts):
    review.approve(store, drafts[:2], by=acting(NOW))
    sent = export.hand_over(store, by=acting(NOW))
    assert [(row["id"], row["status"]) for row in sent] == [(drafts[0], "sent"), (drafts[1], "sent")]
    assert export.hand_over(store, by=acting(NOW)) == []
    assert rows(store, "select type, count(*) from events group by type order by type") == [
        ("nudge_approved", 2),
        ("nudge_queued", 2),
        ("nudge_sent", 2),
    ]
    assert rows(store, "select count(*) from nudges where sent_at = $now", now=NOW) == [(2,)]


def test_what_cannot_be_written_is_not_marked_and_comes_again(store, drafts):
    review.approve(store, drafts[:2], by=acting(NOW))

    def full(_rows):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(EngagementError, match="2 nudges could not be written: No space left on device"):
        export.send(store, by=acting(NOW), write=full)
    assert statuses(store) == ["approved", "approved", "draft"]
    assert [row["id"] for row in export.hand_over(store, by=acting(NOW))] == drafts[:2]


def test_nothing_is_marked_before_it_is_written(store, drafts):
    review.approve(store, drafts[:2], by=acting(NOW))
    seen = []
    export.send(store, by=acting(NOW), write=lambda _: seen.extend(statuses(store)))
    assert seen == ["approved", "approved", "draft"]
    assert statuses(store) == ["sent", "sent", "draft"]


def test_two_exports_at_once_never_give_the_same_nudge(store, drafts):
    review.approve(store, drafts, by=acting(NOW))

    def meanwhile(_rows):
        with pytest.raises(StoreBusy, match="another export"):
            export.hand_over(store, by=acting(NOW))

    assert len(export.send(store, by=acting(NOW), write=meanwhile).rows) == 3


def test_what_is_taken_back_while_it_is_written_is_told_and_not_marked(store, drafts):
    review.approve(store, drafts, by=acting(NOW))

    def meanwhile(_rows):
        review.move(store, drafts[:1], "draft", by=acting(NOW))

    with pytest.raises(Changed, match=r"1 of 3 nudges were taken back .* --again 2026-03-02-\w+`"):
        export.send(store, by=acting(NOW), write=meanwhile)
    assert sorted(statuses(store)) == ["draft", "sent", "sent"]


def test_a_batch_can_be_had_again_but_for_those_who_said_no_since(store, drafts):
    review.approve(store, drafts[:2], by=acting(NOW))
    first = export.send(store, by=acting(NOW), write=lambda _: None)
    review.approve(store, drafts[2:], by=acting(NOW + HOUR))
    second = export.send(store, by=acting(NOW + HOUR), write=lambda _: None)
    assert export.again(store, first.id).rows == first.rows
    assert export.again(store, second.id).rows == second.rows
    load(store, learner("a", contact_opt_out=True), at=AS_OF + 3 * HOUR)
    left = export.again(store, first.id)
    assert ([row["learner_id"] for row in left.rows], left.size) == (["b"], 2)
    with pytest.raises(NotFound, match=f"the newest are {second.id}, {first.id}"):
        export.again(store, "2026-03-02-none")


def test_a_file_is_whole_or_not_there_and_only_its_owners(store, drafts, tmp_path, monkeypatch):
    review.approve(store, drafts, by=acting(NOW))
    ready, file = export.approved(store, now=NOW), tmp_path / "out.csv"
    export.write_file(ready, file, as_json=json.dumps)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with file.open(newline="") as lines:
        assert [line["phone"] for line in csv.DictReader(lines)] == ["+1-202-555-0100"] * 3
    with pytest.raises(InvalidInput, match="is there already"):
        export.write_file(ready, file, as_json=json.dumps)
    with pytest.raises(InvalidInput, match=r"\.csv, \.json or \.xlsx"):
        export.write_file(ready, tmp_path / "out.txt", as_json=json.dumps)

    def full(_file):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        export.write_file(ready, tmp_path / "other.csv", as_json=json.dumps)
    assert {path.name for path in tmp_path.glob("*other*")} == set()


def test_an_exported_text_that_is_no_formula_is_left_alone():
    row = dict.fromkeys(("id", "learner_id", "channel", "name", "email", "phone", "status"), "x")
    file = io.StringIO(newline="")
    export.write_csv([row | {"subject": None, "content": 'Two lines,\nand "quotes" = fine'}], file)
    (written,) = csv.DictReader(io.StringIO(file.getvalue(), newline=""))
    assert (written["subject"], written["content"]) == ("", 'Two lines,\nand "quotes" = fine')


def test_no_exported_text_holds_what_could_act_in_a_terminal():
    row = dict.fromkeys(
        ("id", "learner_id", "channel", "email", "phone", "subject", "content", "status"), "x"
    )
    file = io.StringIO(newline="")
    export.write_csv([row | {"name": "a\x1b[31mb\x9b2Jc\u202ed\x00e"}], file)
    assert not set("\x1b\x9b\u202e\x00") & set(file.getvalue())


@pytest.mark.parametrize("since", [{"contact_opt_out": True}, {"active": False}])
def test_what_was_approved_stays_behind_when_its_learner_opts_out_or_leaves(store, drafts, since):
    review.approve(store, drafts, by=acting(NOW))
    load(store, learner("b", **since), at=AS_OF + 2 * HOUR)
    left = export.hand_over(store, by=acting(AS_OF + 3 * HOUR))
    assert [nudge["learner_id"] for nudge in left] == ["a", "c"]
    assert [nudge["learner_id"] for nudge in review.listed(store, status="approved")] == ["b"]
    assert export.approved(store, now=NOW) == []


@pytest.mark.parametrize("active", [True, False])
def test_an_opt_out_in_another_enrolment_also_an_ended_one_holds_back_what_was_approved(
    store, drafts, active
):
    review.approve(store, drafts, by=acting(NOW))
    other = learner("z", person_id="b", email=None, contact_opt_out=True, active=active)
    load(store, other, at=AS_OF + 2 * HOUR)
    assert [nudge["learner_id"] for nudge in export.approved(store, now=NOW)] == ["a", "c"]
    left = export.hand_over(store, by=acting(AS_OF + 3 * HOUR))
    assert [nudge["learner_id"] for nudge in left] == ["a", "c"]


def test_nothing_leaves_to_who_cannot_be_written_to_that_way_any_more_and_every_door_says_why(store):
    wants = {"preferred_channel": "whatsapp", "whatsapp_opt_in": True}
    since = {
        "letter": {"email": None},
        "family": {"email": "one@example.invalid"},
        "chat": wants | {"phone": None},
        "quiet": wants | {"whatsapp_opt_in": False},
        "left": {"active": False},
        "here": wants | {"email": None},
        "app": {"preferred_channel": "in_app", "email": None, "phone": None},
    }
    before = [learner(name, **(wants if "preferred_channel" in now else {})) for name, now in since.items()]
    before[-1] |= {"preferred_channel": "in_app"}
    load(store, *before, at=AS_OF - 8 * HOUR)
    night(store, AS_OF)
    review.approve(store, [row["id"] for row in review.listed(store)], by=acting(AS_OF + 9 * HOUR))
    kin = learner("kin", email="one@example.invalid", **LOW)
    load(store, kin, *(learner(name, **now) for name, now in since.items()), at=AS_OF + 10 * HOUR)
    by = acting(AS_OF + 11 * HOUR)
    refused = {
        "letter": "no_address",
        "family": "no_address",
        "chat": "no_address",
        "quiet": "no_opt_in",
        "left": "inactive",
        "here": None,
        "app": None,
    }
    shown = queue.queue(store, "nudge", programs=None, status="approved")["rows"]
    assert {row["learner_id"]: row["refused"] for row in shown} == refused
    with store.write() as db:
        said = {row["learner_id"]: decisions.refusals(db, row["learner_id"])[row["channel"]] for row in shown}
    assert said == refused
    for row in shown:
        if refused[row["learner_id"]]:
            with pytest.raises(InvalidInput):
                nudges.write(store, row["learner_id"], channel=row["channel"], by=by)
    left = export.hand_over(store, by=by)
    assert sorted(row["learner_id"] for row in left) == ["app", "here"]
    kept = rows(store, "select learner_id from nudges where status = 'approved' order by 1")
    assert kept == [("chat",), ("family",), ("left",), ("letter",), ("quiet",)]
