import json
import sys
from subprocess import run

import pytest

from engagement.errors import InvalidInput, NotFound
from engagement.outreach import editing, export, nudges, queue, review
from engagement.store import upgrade
from tests.support.acting import acting
from tests.support.cohort import AS_OF, HOUR, begin, learner, load, night, rows

NOW = AS_OF + HOUR


def listed(store, kind="nudge", **asked):
    return queue.queue(store, kind, **{"programs": None} | asked)


def learners_of(store, kind="nudge", **asked):
    return [row["learner_id"] for row in listed(store, kind, **asked)["rows"]]


NUDGE = {
    *(
        "id",
        "learner_id",
        "name",
        "program",
        "channel",
        "type",
        "status",
        "version",
        "risk_score",
        "risk_label",
    ),
    *(
        "subject",
        "content",
        "subject_filled",
        "content_filled",
        "first_name",
        "gpt_fallback",
        "reason",
        "model",
    ),
    *("by_hand", "edited", "created_at", "created_by_run", "changed_by", "changed_at"),
}
QUIZ = {
    *(
        "id",
        "learner_id",
        "name",
        "program",
        "topic",
        "status",
        "version",
        "questions",
        "gpt_fallback",
        "reason",
    ),
    *("model", "by_hand", "edited", "risk_score", "risk_label", "created_at", "changed_by", "changed_at"),
    "language",
}


def test_a_row_of_the_queue_has_what_a_page_shows(two_programs):
    nudge, quiz = listed(two_programs)["rows"][0], listed(two_programs, "quiz")["rows"][0]
    assert set(nudge) >= NUDGE
    assert set(quiz) >= QUIZ
    assert (nudge["first_name"], nudge["gpt_fallback"], nudge["reason"]) == ("Ána", True, "no_model")
    assert "{first_name}" in nudge["content"]
    assert "Ána" in nudge["content_filled"]
    assert (nudge["changed_by"], nudge["edited"], nudge["by_hand"], nudge["refused"]) == (
        None,
        False,
        False,
        None,
    )
    assert quiz["risk_label"] == "high"
    assert len(quiz["questions"][0]["options"]) == 4


@pytest.mark.parametrize("kind", ["nudge", "quiz"])
def test_the_queue_has_the_worst_first_and_counts_by_status(two_programs, kind):
    (first, *_) = listed(two_programs, kind)["rows"]
    review.move_seen(two_programs, kind, {first["id"]: 1}, "approved", by=acting(NOW))
    page = listed(two_programs, kind)
    assert [row["learner_id"] for row in page["rows"]] == ["b", "c"]
    assert (page["total"], page["counts"]["draft"], page["counts"]["approved"]) == (2, 2, 1)
    (approved,) = listed(two_programs, kind, status="approved")["rows"]
    assert (approved["learner_id"], approved["changed_by"], approved["changed_at"]) == ("a", "ana", NOW)


@pytest.mark.parametrize("kind", ["nudge", "quiz"])
def test_filters_hold_together(two_programs, kind):
    found = {
        "all": learners_of(two_programs, kind),
        "program": learners_of(two_programs, kind, program="Welding"),
        "template": learners_of(two_programs, kind, written_by="template"),
        "model": learners_of(two_programs, kind, written_by="model"),
        "name": learners_of(two_programs, kind, search="áNA"),
        "id": learners_of(two_programs, kind, search="C"),
        "e-mail": learners_of(two_programs, kind, search="OTHER@"),
        "none": learners_of(two_programs, kind, search="OTHER@", program="Data"),
        "text": learners_of(two_programs, kind, search="%' or 1=1 --"),
    }
    assert found == {
        "all": ["a", "b", "c"],
        "program": ["b"],
        "template": ["a", "b", "c"],
        "model": [],
        "name": ["a"],
        "id": ["c"],
        "e-mail": ["b"],
        "none": [],
        "text": [],
    }
    assert listed(two_programs, kind, search="OTHER@")["counts"]["draft"] == 1


@pytest.mark.parametrize("kind", ["nudge", "quiz"])
def test_a_viewer_sees_their_programs_only_whatever_they_ask(two_programs, kind):
    assert learners_of(two_programs, kind, programs=["Data"]) == ["a", "c"]
    assert learners_of(two_programs, kind, programs=["Data"], program="Welding") == []
    assert listed(two_programs, kind, programs=["Data"], search="b")["counts"]["draft"] == 0
    assert listed(two_programs, kind, programs=[])["total"] == 0
    (hidden,) = listed(two_programs, kind, program="Welding")["rows"]
    with two_programs.read() as db:
        assert queue.those(db, kind, [hidden["id"]], programs=["Data"]) == []
        with pytest.raises(NotFound):
            queue.one(db, kind, hidden["id"], programs=["Data"])
    text = export.queue_file(two_programs, kind, programs=["Data"], format="json")["text"]
    assert {row["learner_id"] for row in json.loads(text)} == {"a", "c"}


def test_a_learner_who_went_to_another_program_took_their_drafts_along(two_programs):
    load(two_programs, learner("c", program="Welding"), at=AS_OF + HOUR)
    assert learners_of(two_programs, programs=["Welding"]) == ["b", "c"]
    assert learners_of(two_programs, programs=["Data"]) == ["a"]


def test_pages_hold_every_draft_once(store):
    load(store, *(learner(f"l{number:02}") for number in range(27)))
    night(store)
    pages = [learners_of(store, page=number) for number in (1, 2, 3)]
    assert [len(page) for page in pages] == [25, 2, 0]
    assert sorted(pages[0] + pages[1]) == [f"l{number:02}" for number in range(27)]


@pytest.mark.parametrize(
    "asked", [{"status": "lost"}, {"written_by": "me"}, {"page": 0}, {"kind": "learner"}], ids=str
)
def test_what_the_queue_does_not_know_is_refused(two_programs, asked):
    with pytest.raises(InvalidInput):
        listed(two_programs, **asked)


def test_drafts_of_an_unpublished_run_are_not_there(store):
    load(store, learner("a"))
    begin(store)
    assert listed(store)["total"] == 0


def test_a_learners_own_come_newest_first(two_programs):
    made = nudges.write(two_programs, "a", channel="in_app", by=acting(NOW))
    with two_programs.read() as db:
        found = queue.of_learner(db, "nudge", "a")
        assert found[0]["id"] == made["id"]
        assert {row["learner_id"] for row in found} == {"a"}
        assert [row["learner_id"] for row in queue.of_learner(db, "quiz", "a")] == ["a"]
        assert queue.of_learner(db, "nudge", "nobody") == []
    assert (found[0]["by_hand"], found[0]["changed_by"], found[0]["created_by_run"]) == (True, "ana", None)


def test_who_opted_out_since_is_marked_and_has_no_address(two_programs):
    load(two_programs, learner("a", contact_opt_out=True), at=NOW)
    (row, *_) = listed(two_programs)["rows"]
    assert (row["refused"], row["email"], row["phone"]) == ("opted_out", None, None)
    assert listed(two_programs, "quiz")["rows"][0]["refused"] == "opted_out"


def test_a_store_of_before_says_who_changed_what(two_programs):
    (nudge, *_) = listed(two_programs)["rows"]
    review.approve(two_programs, [nudge["id"]], by=acting(NOW))
    migration = upgrade.FILES[5].read_text()
    with two_programs.write() as db:
        for table in ("nudges", "quizzes"):
            for column in ("edited", "changed_by", "changed_at"):
                db.execute(f"alter table {table} drop column {column}")
        db.execute(migration)
    (row,) = listed(two_programs, status="approved")["rows"]
    assert (row["changed_by"], row["changed_at"], row["edited"]) == ("ana", NOW, False)
    assert rows(two_programs, "select count(*) from nudges where changed_by is null") == [(2,)]


def test_reading_and_deciding_need_no_pandas_no_charts_and_no_model():
    code = (
        "import sys\n"
        "from engagement import audit\n"
        "from engagement.content import quiz_export\n"
        "from engagement.outreach import editing, export, queue, review\n"
        "from engagement.targeting import decisions\n"
        "print(sorted({'pandas', 'plotly', 'openai', 'numpy'} & set(sys.modules)))"
    )
    assert run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_an_edited_draft_is_marked(two_programs):
    (nudge, *_) = listed(two_programs)["rows"]
    editing.edit_nudge(
        two_programs, nudge["id"], version=1, subject="Mine", content=nudge["content"], by=acting(NOW)
    )
    assert [row["edited"] for row in listed(two_programs)["rows"]] == [True, False, False]
