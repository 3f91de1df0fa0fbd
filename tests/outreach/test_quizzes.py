import asyncio
import json
from collections import Counter

import pytest

from engagement.errors import Changed, InvalidInput, NotFound
from engagement.outreach import drafting, editing, queue, quizzes
from engagement.policy import DEFAULT_SELECTION
from engagement.targeting import decisions
from tests.support.acting import acting
from tests.support.asking import asking
from tests.support.cohort import AS_OF, DAY, HOUR, LOW, Overtaken, begin, decided, learner, load, rows
from tests.support.model_server import ModelServer

MONDAY = AS_OF + DAY


def drafted(store, as_of=AS_OF):
    return quizzes.draft(store, decided(store, as_of))


def ask(store, learner_id="a", topic=None, now=AS_OF):
    return quizzes.ask(store, learner_id, topic=topic, by=acting(now))


def keys(questions):
    return Counter(question["answer_index"] for question in questions)


def test_only_learners_at_risk_with_results_below_60_get_a_quiz(store):
    load(
        store,
        learner("a", avg_quiz_score=59.9),
        learner("b", avg_quiz_score=60),
        learner("c", avg_quiz_score=None),
        learner("d", **LOW | {"avg_quiz_score": 50}),
        learner("e", contact_opt_out=True),
    )
    assert drafted(store) == 1
    assert rows(store, "select learner_id, status, period from quizzes") == [("a", "draft", "2026-W09")]


def test_a_learner_gets_one_quiz_in_an_iso_week(store):
    load(store, learner("a"))
    assert [drafted(store, MONDAY + day * DAY) for day in range(8)] == [1, 0, 0, 0, 0, 0, 0, 1]


def test_a_quiz_is_on_the_topic_and_in_the_language_of_the_learner(store):
    load(
        store,
        learner("a", topic="reading", locale="de-AT"),
        learner("b", topic="a topic nobody has written about"),
        learner("c", locale="fi"),
    )
    drafted(store)
    assert rows(store, "select learner_id, topic, language from quizzes order by learner_id") == [
        ("a", "reading", "de"),
        ("b", None, "en"),
        ("c", None, "en"),
    ]


def test_a_quiz_is_stored_as_it_is_generated_for_the_learner(store):
    topics = ("reading", " Reading", "planning", "a topic nobody has written about", None)
    invented = [
        learner(f"{locale}{number}", topic=topic, locale=locale)
        for locale in ("en", "de", "fi")
        for number, topic in enumerate(topics)
    ]
    load(store, *invented)
    assert drafted(store) == 15
    found = rows(store, "select learner_id, topic, questions, fallback_id from quizzes")
    for row in invented:
        key = f"{row['id']}|nightly|2026-W09"
        made = quizzes.generate({"topic": row["topic"], "locale": row["locale"], "seed_key": key})
        questions = json.dumps(made.content, ensure_ascii=False)
        assert (row["id"], made.topic, questions, made.fallback_id) in found


def test_a_quiz_that_another_run_drafted_meanwhile_stays_the_only_one(store):
    load(store, learner("a"))
    slow, fast = begin(store), begin(store, AS_OF - DAY)
    for run in (slow, fast):
        decisions.decide(store, run, policy=DEFAULT_SELECTION)
    quizzes.draft(Overtaken(store.path, lambda: quizzes.draft(store, fast)), slow)
    assert rows(store, "select run_id from quizzes") == [(fast.run_id,)]


def test_more_quizzes_than_one_block_holds_are_all_drafted(store, monkeypatch):
    monkeypatch.setattr(drafting, "TEXT_ROWS_PER_BLOCK", 2)
    load(store, *(learner(f"l{number}") for number in range(5)))
    assert drafted(store) == 5
    assert rows(store, "select count(distinct learner_id), count(*) from quizzes") == [(5, 5)]


def test_a_stored_quiz_has_three_to_ten_questions_of_four_different_options(store):
    load(store, learner("a", topic="reading"))
    drafted(store)
    questions = json.loads(rows(store, "select questions from quizzes")[0][0])
    assert 3 <= len(questions) <= 10
    for question in questions:
        assert set(question) == {"id", "stem", "options", "answer_index", "explanation", "difficulty"}
        assert len({option["text"] for option in question["options"]}) == 4
        assert 0 <= question["answer_index"] < 4


def test_the_right_answers_stand_in_each_place_about_equally_often(store):
    load(store, learner("a"))
    made = ask(store)
    assert max(keys(made["content"]).values()) <= -(-len(made["content"]) // 4)


def test_the_order_of_options_is_the_learners_own(store):
    load(store, *(learner(f"l{number}") for number in range(8)))
    drafted(store)
    assert len(set(rows(store, "select questions from quizzes"))) > 1


def test_asking_by_hand_gives_the_contract_and_stores_a_draft(store):
    load(store, learner("a"))
    made = ask(store, topic="reading")
    assert set(made) == {
        *("content", "prompt_version", "gptFallback"),
        *("id", "subject", "status", "reason", "warnings"),
    }
    assert rows(store, "select id, topic, status, run_id from published_quizzes") == [
        (made["id"], "reading", "draft", None)
    ]


def test_asking_without_a_topic_takes_the_learners_own(store):
    load(store, learner("a", topic="reading"))
    ask(store)
    assert rows(store, "select topic from quizzes") == [("reading",)]


@pytest.mark.parametrize(
    ("different", "message"),
    [({"contact_opt_out": True}, "asked not to be contacted"), ({"active": False}, "no longer active")],
    ids=["opted out", "inactive"],
)
def test_asking_is_refused(store, different, message):
    load(store, learner("a", **different), learner("b"))
    with pytest.raises(InvalidInput, match=message):
        ask(store)
    assert rows(store, "select count(*) from quizzes") == [(0,)]


def test_asking_for_nobody_is_not_found(store):
    load(store, learner("a"))
    with pytest.raises(NotFound, match="no learner 'b'"):
        ask(store, "b")


def test_generate_quiz_returns_exactly_the_contract():
    made = asyncio.run(quizzes.generate_quiz({"topic": "reading"}))
    assert set(made) == {"content", "prompt_version", "gptFallback"}
    assert made["gptFallback"] is True
    assert all(question["stem"] for question in made["content"])


def test_the_same_seed_key_gives_the_same_quiz():
    first, again = (asyncio.run(quizzes.generate_quiz({"seed_key": "a|nightly|2026-W09"})) for _ in range(2))
    assert first == again


@pytest.fixture
def model():
    """A model's service; `writer` asks it."""
    with ModelServer() as server, asking(server) as server.writer:
        yield server


BEN = acting(AS_OF + HOUR, name="ben", day=AS_OF.date())


def write(store, **different):
    asked = {"topic": None, "by": acting(AS_OF)} | different
    return quizzes.write(store, "a", **asked)


def rewrite(store, quiz, **different):
    asked = {"version": quiz["version"], "by": BEN} | different
    return quizzes.rewrite(store, quiz["id"], **asked)


def test_what_a_coordinator_asks_for_comes_as_the_queue_shows_it_and_who_asked_is_an_event(store):
    load(store, learner("a"))
    made = write(store, topic="reading")
    assert queue.queue(store, "quiz", programs=None)["rows"] == [made]
    assert (made["topic"], made["changed_by"], made["by_hand"]) == ("reading", "ana", True)
    ((kind, actor, metadata),) = rows(store, "select type, actor, metadata from events")
    assert (kind, actor, json.loads(metadata)) == (
        "quiz_drafted",
        "ana",
        {"quiz_id": made["id"], "version": 1},
    )


def test_a_model_rewrites_a_quiz_and_a_failure_says_why(store, model):
    load(store, learner("a"))
    made = write(store)
    again = rewrite(store, made, writer=model.writer)
    assert (again["gpt_fallback"], again["version"], len(again["questions"])) == (False, 2, 4)
    assert again["questions"] != made["questions"]
    model.behave = lambda *_: "refusal"
    third = rewrite(store, again, writer=model.writer)
    assert (third["gpt_fallback"], third["reason"], third["version"]) == (True, "refused", 3)
    assert (
        rows(store, "select type, actor from events where type = 'quiz_rewritten'")
        == [("quiz_rewritten", "ben")] * 2
    )


def test_a_quiz_that_somebody_edits_while_the_model_writes_is_not_overwritten(store, model):
    load(store, learner("a"))
    made = write(store)
    kept = made["questions"][:3]
    mine = {"version": 1, "questions": kept, "by": acting(AS_OF)}
    model.behave = lambda *_: editing.edit_quiz(store, made["id"], **mine) and None
    with pytest.raises(Changed, match="by 'ana'"):
        rewrite(store, made, writer=model.writer)
    assert [json.loads(questions) for (questions,) in rows(store, "select questions from quizzes")] == [kept]


def test_another_programs_learner_or_quiz_is_not_there(store):
    load(store, learner("a"))
    made = write(store)
    for act in (
        lambda: write(store, by=acting(AS_OF, programs=["Welding"])),
        lambda: rewrite(store, made, by=acting(AS_OF + HOUR, programs=["Welding"])),
    ):
        with pytest.raises(NotFound):
            act()
    assert rows(store, "select count(*), max(version) from quizzes") == [(1, 1)]
