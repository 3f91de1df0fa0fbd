import json
from datetime import timedelta

import pytest

from engagement.errors import Changed, InvalidInput, NotFound
from engagement.outreach import drafting, editing, nudges, queue, review
from engagement.policy import DEFAULT_SELECTION
from engagement.targeting import decisions
from tests.support.acting import acting
from tests.support.cohort import AS_OF, HOUR, begin, learner, load, night, rows

NOW = AS_OF + HOUR
TEXT = "Hi {first_name}, how was your week?"


@pytest.fixture
def nudge(store):
    """A draft by e-mail in a published run, and another one in another program."""
    load(store, learner("a", name="Kim Example"), learner("b", program="Welding"))
    night(store)
    return queue.queue(store, "nudge", programs=["Data"])["rows"][0]


@pytest.fixture
def quiz(store, nudge):
    return queue.queue(store, "quiz", programs=["Data"])["rows"][0]


def edit(store, nudge, **different):
    asked = {"version": nudge["version"], "subject": "Your week", "content": TEXT, "by": acting(NOW)}
    return editing.edit_nudge(store, nudge["id"], **asked | different)


def edit_quiz(store, quiz, questions, **different):
    asked = {"version": quiz["version"], "questions": questions, "by": acting(NOW)}
    return editing.edit_quiz(store, quiz["id"], **asked | different)


def texts(store):
    return rows(store, "select id, subject, content, version from nudges order by id")


def test_an_edit_is_the_draft_as_the_person_wrote_it_and_keeps_what_was_generated(store, nudge):
    edited = edit(store, nudge)
    assert (edited["subject"], edited["content"], edited["version"]) == ("Your week", TEXT, 2)
    assert edited["content_filled"] == "Hi Kim, how was your week?"
    assert (edited["edited"], edited["changed_by"], edited["changed_at"]) == (True, "ana", NOW)
    assert rows(store, "select draft_content from nudges where id = $id", id=nudge["id"]) == [
        (nudge["content"],)
    ]


def test_an_edit_is_an_event_that_names_who_and_which_version_and_no_text(store, nudge):
    edit(store, nudge)
    ((kind, actor, metadata),) = rows(store, "select type, actor, metadata from events")
    assert (kind, actor) == ("nudge_edited", "ana")
    assert json.loads(metadata) == {"nudge_id": nudge["id"], "version": 2}


def test_only_a_subject_that_was_edited_is_an_edit_too(store, nudge):
    assert edit(store, nudge, content=nudge["content"])["edited"]


def test_a_person_may_leave_the_name_out(store, nudge):
    assert edit(store, nudge, content="How was your week?")["content_filled"] == "How was your week?"


def test_an_edit_that_changes_nothing_is_none(store, nudge):
    again = edit(store, nudge, subject=nudge["subject"], content=f" {nudge['content']}\r\n")
    assert again["version"] == 1
    assert rows(store, "select count(*) from events") == [(0,)]


def test_of_two_who_edit_one_draft_the_second_is_told_by_whom_and_overwrites_nothing(store, nudge):
    edit(store, nudge)
    with pytest.raises(Changed, match="by 'ana'"):
        edit(store, nudge, content="Mine.", by=acting(NOW, name="ben"))
    assert (nudge["id"], "Your week", TEXT, 2) in texts(store)


@pytest.mark.parametrize("status", ["approved", "rejected"])
def test_what_is_no_draft_is_taken_back_before_it_is_edited(store, nudge, status):
    review.move_seen(store, "nudge", {nudge["id"]: 1}, status, by=acting(NOW), reason="x")
    with pytest.raises(InvalidInput, match="take it back first"):
        edit(store, nudge, version=2)


BROKEN = [
    ("email", "Subject", "", [("content", "empty", None)]),
    ("email", "", "Text", [("subject", "empty", None)]),
    ("email", None, "Text", [("subject", "subject_missing", None)]),
    ("in_app", "Subject", "Text", [("subject", "subject_extra", None)]),
    ("in_app", None, "One\ntwo", [("content", "line_break", None)]),
    ("email", "One\ntwo", "Text", [("subject", "line_break", None)]),
    ("in_app", None, "x" * 281, [("content", "too_long", 280)]),
    ("in_app", None, "Hi {first_name}, " + "x" * 236, [("content", "too_long", 280)]),
    ("email", "x" * 79, "Text", [("subject", "too_long", 78)]),
    ("in_app", None, "Hi {first_name} there", [("content", "placeholder_place", None)]),
    ("in_app", None, "Hi {name}.", [("content", "braces", None)]),
    ("in_app", None, "Hi\x07.", [("content", "unsafe_character", None)]),
    ("in_app", None, "Hi \u202e.", [("content", "unsafe_character", None)]),
    ("in_app", None, "Hi \ud800.", [("content", "unsafe_character", None)]),
    (
        "email",
        "{",
        "\x00{",
        [("content", "braces", None), ("content", "unsafe_character", None), ("subject", "braces", None)],
    ),
    ("whatsapp", None, "x" * 1024, []),
    ("in_app", None, "Hi {first_name}, " + "x" * 235, []),
    ("email", "Subject", "One\r\n\r\ntwo 👩‍🎓", []),
]


@pytest.mark.parametrize(
    ("channel", "subject", "content", "problems"), BROKEN, ids=map(str, range(len(BROKEN)))
)
def test_every_broken_rule_has_a_code(channel, subject, content, problems):
    found = [
        (broken["field"], broken["rule"], broken["limit"])
        for broken in editing.problems(channel, subject, content)
    ]
    assert sorted(found) == problems


def test_a_text_that_breaks_a_rule_is_refused_without_being_quoted(store, nudge):
    before = texts(store)
    with pytest.raises(InvalidInput, match="content: the only placeholder") as refused:
        edit(store, nudge, content="Hi {secret}.")
    assert "secret" not in str(refused.value)
    assert texts(store) == before


def test_a_channel_that_does_not_exist_has_no_rules():
    for channel in ("fax", "email_subject"):
        with pytest.raises(InvalidInput, match="channel"):
            editing.problems(channel, None, "Text")


def test_another_programs_draft_is_not_there(store, nudge, quiz):
    before = texts(store)
    for programs in (["Welding"], []):
        somebody = acting(NOW, programs=programs)
        with pytest.raises(NotFound):
            edit(store, nudge, by=somebody)
        with pytest.raises(NotFound):
            edit_quiz(store, quiz, quiz["questions"][1:], by=somebody)
    assert texts(store) == before
    assert rows(store, "select count(*) from events") == [(0,)]


def test_a_draft_that_a_run_is_about_to_write_anew_stays_as_the_run_left_it(store, nudge):
    run = begin(store, AS_OF + timedelta(minutes=1))
    with (
        store.write() as db
    ):  # as where a model is asked: the same nudge stands there twice until it is published
        db.execute(
            "insert into nudges select * replace ($run as run_id) from nudges where id = $id",
            {"run": run.run_id, "id": nudge["id"]},
        )
    edit(store, nudge)
    found = rows(
        store, "select run_id = $run, version from nudges where id = $id", run=run.run_id, id=nudge["id"]
    )
    assert sorted(found) == [(False, 2), (True, 1)]


def test_questions_are_dropped_and_reordered(store, quiz):
    kept = [quiz["questions"][2], *quiz["questions"][:2]]
    edited = edit_quiz(store, quiz, kept)
    assert (edited["questions"], edited["version"], edited["edited"], edited["changed_by"]) == (
        kept,
        2,
        True,
        "ana",
    )
    ((kind, metadata),) = rows(store, "select type, metadata from events")
    assert (kind, json.loads(metadata)) == ("quiz_edited", {"quiz_id": quiz["id"], "version": 2})


def with_first(quiz, **different):
    return [quiz["questions"][0] | different, *quiz["questions"][1:]]


def test_options_may_change_places_with_the_right_one(store, quiz):
    first = quiz["questions"][0]
    turned = with_first(quiz, options=first["options"][::-1], answer_index=3 - first["answer_index"])
    assert edit_quiz(store, quiz, turned)["questions"] == turned


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda quiz: quiz["questions"][:2], "at least 3"),
        (
            lambda quiz: [q | {"id": f"{n}{q['id']}"} for n in range(4) for q in quiz["questions"][:3]],
            "at most 10",
        ),
        (lambda quiz: with_first(quiz, answer_index=4), "answer_index"),
        (lambda quiz: with_first(quiz, options=quiz["questions"][0]["options"][:3]), "at least 4"),
        (
            lambda quiz: with_first(quiz, options=[quiz["questions"][0]["options"][0]] * 4),
            "two of the four are the same",
        ),
        (lambda quiz: with_first(quiz, stem=" "), "stem"),
        (lambda quiz: with_first(quiz, stem="x\x00"), "control character"),
        (lambda quiz: with_first(quiz, stem="x\ud800"), "questions.0.stem"),
        (
            lambda quiz: with_first(quiz, stem="x" * 2001),
            "question 1: a text is longer than 2,000 characters",
        ),
        (lambda quiz: with_first(quiz, more="x"), "more"),
        (lambda _quiz: "text", "questions"),
    ],
)
def test_a_quiz_that_breaks_a_rule_is_refused(store, quiz, change, message):
    with pytest.raises(InvalidInput, match=message):
        edit_quiz(store, quiz, change(quiz))
    assert rows(store, "select max(version) from quizzes") == [(1,)]


def test_of_two_who_edit_one_quiz_the_second_is_told(store, quiz):
    edit_quiz(store, quiz, quiz["questions"][:3])
    with pytest.raises(Changed, match="by 'ana'"):
        edit_quiz(store, quiz, quiz["questions"][:4], by=acting(NOW, name="ben"))


def test_an_edited_template_is_no_longer_written_anew_by_the_next_attempt(store, nudge):
    edit(store, nudge)
    run = begin(store, AS_OF + timedelta(minutes=1))
    decisions.decide(store, run, policy=DEFAULT_SELECTION)
    with store.staging(), store.read() as db:
        drafting.choose(db, nudges.NUDGES, run, why_not="", rewrites=True)
        assert db.execute("select learner_id from temp.to_draft where learner_id = 'a'").fetchall() == []
