"""From drafts to texts: what is asked, of whom, once; what is kept, what it cost, what left."""

import asyncio
import json
import threading
from datetime import timedelta

import pytest
from pydantic import SecretStr

from engagement.errors import InvalidInput, StoreUnusable
from engagement.llm import completions, journal, pricing, titles
from engagement.llm.client import Model
from engagement.llm.writer import TEMPLATES, Service, Writer, _service
from engagement.outreach import export, nudges, quizzes, review
from engagement.pipeline import publication
from engagement.policy import DEFAULT_SELECTION
from engagement.store import query
from engagement.targeting import decisions
from tests.support.acting import acting
from tests.support.cohort import AS_OF, DAY, HOUR, Overtaken, begin, decided, learner, load, rows
from tests.support.model_server import SENTENCES, ModelServer, envelope, good_answer, sending

PRICE = pricing.Price(1.0, 0.5, 10.0)  # 600 tokens read and 100 written: 0.0016 US dollars
COST = 0.0016
SECOND = timedelta(seconds=1)
EACH = {"preferred_channel": "in_app"}
SOME = [learner(f"l{number}", **EACH) for number in range(6)]


@pytest.fixture
def model():
    """A model's service, and what makes writers of it."""
    services = []
    with ModelServer() as server:

        def writer(*, name="m", budget_usd=None, price=PRICE, **settings):
            asked = Model(name, SecretStr("sk-test"), server.url, **{"outage_wait_s": 0.0, **settings})
            services.append(Service(asked))
            return Writer(services[-1], "", price, budget_usd)

        server.writer = writer
        yield server
        for service in services:
            service.close()


def drafted(store, writer, *, as_of=AS_OF, pipeline="nightly", module=nudges):
    run = decided(store, as_of, pipeline=pipeline)
    module.draft(store, run, writer)
    return run


def found(store, columns="learner_id, gpt_fallback, reason", table="nudges"):
    return rows(store, f"select {columns} from {table} order by all")


def different(count):
    """Return learners about whom no two prompts are the same."""
    return [
        learner(f"l{n}", **EACH, completed_percent=[5, 30][n % 2], program=f"P{n // 2}", topic=f"t{n}")
        for n in range(count)
    ]


def confirm_all(store):
    for row in titles.listed(store):
        titles.confirm(store, [row["text"]], kind=row["kind"], actor="coordinator", now=AS_OF)


def test_a_model_writes_the_draft(store, model):
    load(store, learner("a", **EACH))
    drafted(store, model.writer())
    columns = "gpt_fallback, reason, fallback_id, model, gpt_prompt_version, content, subject, status"
    assert found(store, columns) == [
        (False, None, None, "m", "v1.0", SENTENCES["en"], None, "draft"),
    ]


def test_a_model_writes_the_quiz(store, model):
    load(store, learner("a"))
    drafted(store, model.writer(), module=quizzes)
    ((fallback, name, language, topic, questions),) = found(
        store, "gpt_fallback, model, language, topic, questions", "quizzes"
    )
    assert (fallback, name, language, topic) == (False, "m", "en", None)
    assert sorted(question["answer_index"] for question in json.loads(questions)) == [0, 1, 2, 3]


def test_an_email_has_the_models_subject_and_the_learners_language(store, model):
    load(store, learner("a", preferred_channel="email", locale="de-AT"))
    drafted(store, model.writer())
    assert found(store, "subject, locale") == [("Fünf ruhige Minuten", "de-AT")]
    assert "Write in German." in model.requests[0].json["instructions"]


def test_equal_prompts_are_asked_once_for_each_style(store, model):
    load(store, *(learner(f"l{number}", **EACH) for number in range(40)))
    drafted(store, model.writer())
    styles = {request.data.rpartition(": ")[2] for request in model.requests}
    assert styles == {"1", "2", "3"}
    assert len(model.requests) == 3
    assert found(store, "count(*), count(distinct cache_key), bool_or(gpt_fallback)") == [(40, 3, False)]


def test_another_night_reads_what_was_answered_and_asks_nothing(store, model):
    load(store, *SOME)
    drafted(store, model.writer(), as_of=AS_OF - DAY)
    asked = len(model.requests)
    drafted(store, model.writer())
    assert len(model.requests) == asked
    assert found(store, "count(*), bool_or(gpt_fallback)") == [(12, False)]


@pytest.mark.parametrize("module", [nudges, quizzes], ids=["nudge", "quiz"])
def test_a_rejected_text_is_asked_anew_and_offered_to_nobody_again(store, model, module):
    # By one prompt both are told the same; the second one has another night.
    load(store, learner("a", **EACH), learner("b", **EACH, enrolled_at=None))
    kind, content = ("nudge", "content") if module is nudges else ("quiz", "questions")
    table = "nudges" if module is nudges else "quizzes"
    writer = model.writer()
    first = drafted(store, writer, as_of=AS_OF - 8 * DAY, module=module)
    publication.publish(store, first, now=AS_OF - 8 * DAY)
    texts = {text for (text,) in rows(store, f"select {content} from {table}")}
    for draft_id, version in rows(store, f"select id, version from {table}"):
        by = acting(AS_OF - 8 * DAY + HOUR)
        review.move_seen(store, kind, {draft_id: version}, "rejected", by=by, reason="too stiff")
    asked = len(model.requests)
    run = drafted(store, writer, module=module)
    again = rows(store, f"select {content}, gpt_fallback from {table} where run_id = $run", run=run.run_id)
    assert len(model.requests) > asked
    assert len(again) == 2
    assert not texts & {
        text for text, _ in again
    }  # the model said the same once more: a template stands there
    assert {fallback for _, fallback in again} == {True}


@pytest.mark.parametrize("change", [{"name": "other"}, {}], ids=["another model", "another address"])
def test_an_answer_is_for_one_model_at_one_address(store, model, change):
    load(store, learner("a", **EACH))
    drafted(store, model.writer())
    if change:
        drafted(store, model.writer(**change), pipeline="weekly")
        assert len(model.requests) == 2
        return
    with ModelServer() as elsewhere:
        asked = Model("m", SecretStr("sk-test"), elsewhere.url)
        service = Service(asked)
        drafted(store, Writer(service, "", PRICE), pipeline="weekly")
        service.close()
        assert len(elsewhere.requests) == 1


def test_a_nudge_asked_for_by_hand_is_asked_anew(store, model):
    load(store, learner("a", name="Ada Example", **EACH))
    writer = model.writer()
    drafted(store, writer)
    asked = len(model.requests)
    made = nudges.ask(store, "a", channel="in_app", by=acting(AS_OF), writer=writer)
    assert (made["gptFallback"], made["reason"], len(model.requests)) == (False, None, asked + 1)
    assert made["content"].startswith("Hi Ada, ")
    assert rows(store, "select run_id, content from nudges where id = $id", id=made["id"]) == [
        (None, SENTENCES["en"])
    ]


def test_what_tonights_run_knew_is_what_the_model_is_told_this_morning(store, model):
    load(store, learner("a", **EACH, completed_percent=80))
    load(store, learner("a", **EACH, completed_percent=5), at=AS_OF)
    run = drafted(store, TEMPLATES)
    publication.publish(store, run, now=AS_OF - 20 * HOUR)
    morning = AS_OF - 14 * HOUR
    nudges.ask(store, "a", channel="in_app", by=acting(morning, day=AS_OF.date()), writer=model.writer())
    assert "planned work done: less than a quarter" in model.requests[0].data


def test_a_failure_by_hand_is_a_template_although_an_answer_is_known(store, model):
    load(store, learner("a", **EACH))
    writer = model.writer()
    drafted(store, writer)
    model.behave = lambda *_: "refusal"
    made = nudges.ask(store, "a", channel="in_app", by=acting(AS_OF), writer=writer)
    assert (made["gptFallback"], made["reason"]) == (True, "refused")


def test_a_quiz_asked_for_by_hand_gives_the_contract(store, model):
    load(store, learner("a"))
    made = quizzes.ask(store, "a", topic=None, by=acting(AS_OF), writer=model.writer())
    assert (made["gptFallback"], made["prompt_version"], len(made["content"])) == (False, "v1.0", 4)


@pytest.mark.parametrize(
    "opted_out",
    [{"learner_id": "a"}, {"learner_id": "z", "person_id": "a", "email": None, "active": False}],
    ids=["in the same enrolment", "in an ended one"],
)
def test_who_opts_out_while_the_model_writes_gets_no_draft(store, model, opted_out):
    load(store, learner("a", **EACH))

    def opt_out(*_):
        load(store, learner(**EACH | opted_out, contact_opt_out=True), at=AS_OF)

    model.behave = opt_out
    with pytest.raises(InvalidInput, match="asked not to be contacted"):
        nudges.ask(store, "a", channel="in_app", by=acting(AS_OF), writer=model.writer())
    assert found(store) == []


def test_the_store_is_free_while_the_model_writes(store, model):
    load(store, learner("a", **EACH))
    waited = []

    def look(*_):
        thread = threading.Thread(target=lambda: (load(store, learner("b"), at=AS_OF), waited.append(True)))
        thread.start()
        thread.join(5)

    model.behave = look
    nudges.ask(store, "a", channel="in_app", by=acting(AS_OF), writer=model.writer())
    assert waited == [True]


def test_about_who_does_not_want_it_nothing_leaves(store, model):
    load(
        store,
        learner("a", **EACH, person_id="p", llm_opt_out=True, email=None),
        learner(
            "b", **EACH, person_id="p", email=None, completed_percent=0
        ),  # the same person's other enrolment
        learner("c", **EACH),
    )
    writer = model.writer()
    run = drafted(store, writer)
    quizzes.draft(store, run, writer)
    assert set(found(store)) == {("b", True, "opted_out"), ("c", False, None)}
    assert dict(found(store, "learner_id, reason", "quizzes")) == {
        "a": "opted_out",
        "b": "opted_out",
        "c": None,
    }
    assert {row[0] for row in rows(store, "select learner_id from disclosures")} == {"c"}
    made = nudges.ask(store, "a", channel="in_app", by=acting(AS_OF), writer=writer)
    assert (made["gptFallback"], made["reason"]) == (True, "opted_out")


def test_an_ended_enrolments_no_counts_for_the_person(store, model):
    old = learner("a", **EACH, person_id="p", llm_opt_out=True, active=False, email=None)
    load(store, old, learner("b", **EACH, person_id="p"))
    writer = model.writer()
    run = drafted(store, writer)
    quizzes.draft(store, run, writer)
    assert found(store) == [("b", True, "opted_out")]
    assert found(store, "learner_id, reason", "quizzes") == [("b", "opted_out")]
    assert model.requests == []


def test_an_unconfirmed_title_stays_here(store, model):
    secret = "Ask Zebulon Example, 555-0100"
    load(store, learner("a", **EACH, program=secret, topic=secret))
    writer = model.writer()
    run = drafted(store, writer)
    quizzes.draft(store, run, writer)
    assert found(store, "reason") == [(None,)]
    assert found(store, "reason", "quizzes") == [("unconfirmed_topic",)]
    assert [request.data for request in model.requests if "Zebulon" in request.data] == []
    assert "course: their course" in model.requests[0].data


def test_a_confirmed_title_is_told_in_the_words_that_were_confirmed(store, model):
    load(store, learner("a", **EACH, program="DS-101", topic="loops"))
    titles.confirm(store, ["DS-101"], kind="program", actor="c", now=AS_OF, title="Working with data")
    titles.confirm(store, ["loops"], kind="topic", actor="c", now=AS_OF)
    writer = model.writer()
    run = drafted(store, writer)
    quizzes.draft(store, run, writer)
    assert "course: Working with data\ntopic: loops" in model.requests[0].data
    assert model.requests[-1].data.startswith("topic: loops")
    assert found(store, "topic, reason", "quizzes") == [("loops", None)]


def test_what_left_is_recorded_for_each_learner(store, model):
    load(store, *SOME)
    drafted(store, model.writer())
    recorded = rows(
        store, "select learner_id, kind, model, base_url, prompt_version, fields from disclosures"
    )
    assert {row[0] for row in recorded} == {row["id"] for row in SOME}
    assert len(recorded) == len(SOME)
    assert {row[1:5] for row in recorded} == {("nudge", "m", model.url, "v1.0")}
    fields = [
        "language",
        "channel",
        "reason",
        "course",
        "topic",
        "completed_percent range",
        "days_inactive range",
    ]
    assert [row[5] for row in recorded] == [fields] * len(SOME)


def test_it_is_recorded_before_it_leaves(store, model):
    load(store, learner("a", **EACH))
    seen = []
    model.behave = lambda *_: seen.append(rows(store, "select count(*) from disclosures"))
    drafted(store, model.writer())
    assert seen == [[(1,)]]


def test_what_did_not_leave_is_not_recorded(store, model):
    load(store, *different(6))
    confirm_all(store)
    drafted(store, model.writer(budget_usd=0.0))
    assert len(model.requests) == 0
    assert rows(store, "select count(*) from disclosures") == [(0,)]
    assert {reason for *_, reason in found(store)} == {"budget"}


def test_the_address_is_recorded_without_a_password(store):
    with ModelServer() as server:
        service = Service(
            Model("m", SecretStr("k"), server.url.replace("127.0.0.1", "user:secret@127.0.0.1"))
        )
        load(store, learner("a", **EACH))
        drafted(store, Writer(service, "", PRICE))
        service.close()
        for table in ("disclosures", "model_answers"):
            assert rows(store, f"select base_url from {table}") == [(server.url,)]


def test_the_budget_of_a_run_holds_and_the_worst_learners_come_first(store, model):
    people = different(8)
    for number, row in enumerate(people):
        row["consecutive_missed_sessions"] = 7 - number  # l0 is the worst
        row["completed_percent"] = 5
    load(store, *people)
    confirm_all(store)
    model.delay_s = (0.01, 0.02)
    most = PRICE.cost_usd(pricing.most_tokens(" " * 4_500), 200)
    drafted(store, model.writer(budget_usd=3 * COST + most, concurrency=1))
    written = [row[0] for row in found(store) if row[2] is None]
    assert 3 <= len(written) < 8
    assert written == [f"l{number}" for number in range(len(written))]
    assert {row[2] for row in found(store) if row[2]} == {"budget"}
    assert rows(store, "select sum(cost_usd) from model_answers")[0][0] <= 3 * COST + most


def test_a_resumed_run_has_what_is_left_of_its_budget(store, model):
    load(store, *different(4))
    confirm_all(store)
    run = drafted(store, model.writer())
    assert rows(store, "select round(sum(cost_usd), 6) from model_answers") == [(round(4 * COST, 6),)]
    load(store, learner("new", **EACH, topic=None, completed_percent=60, avg_quiz_score=0), at=AS_OF)
    with store.write() as db:
        db.execute("delete from nudges")
        db.execute("delete from model_answers where cache_key in (select min(cache_key) from model_answers)")
    asked = len(model.requests)
    nudges.draft(store, run, model.writer(budget_usd=3 * COST + 1e-9))
    assert len(model.requests) == asked
    assert [row[2] for row in found(store)].count("budget") == 1


def test_each_answer_is_kept_with_what_it_cost(store, model):
    load(store, learner("a", **EACH))
    run = drafted(store, model.writer())
    assert rows(
        store,
        "select kind, reason, content, requests, input_tokens, output_tokens, round(cost_usd, 6), model, run_id "
        "from model_answers",
    ) == [("nudge", None, SENTENCES["en"], 1, 600, 100, COST, "m", run.run_id)]


def test_what_was_refused_twice_is_kept_with_what_it_cost(store, model):
    load(store, learner("a", **EACH))
    model.behave = lambda *_: json.dumps({"body": "Hi {first_name}, you are lazy. Reply if you like."})
    drafted(store, model.writer())
    kept = "select reason, content, requests, round(cost_usd, 6), rule from model_answers"
    assert rows(store, kept) == [("invalid_output", None, 2, 2 * COST, "blames or presses")]
    assert found(store) == [("a", True, "invalid_output")]


def test_a_price_that_is_not_known_is_not_zero(store, model):
    load(store, learner("a", **EACH))
    run = drafted(store, model.writer(price=None))
    assert rows(store, "select cost_usd from model_answers") == [(None,)]
    publication.publish(store, run, now=AS_OF)
    (counts,) = rows(store, "select counts from runs where run_id = $id", id=run.run_id)
    assert json.loads(counts[0])["model"]["spent_usd"] is None


def test_a_killed_process_leaves_answers_that_are_not_asked_for_again(store, model):
    load(store, *SOME)
    run = begin(store)
    decisions.decide(store, run, policy=DEFAULT_SELECTION)
    writer = model.writer()
    with pytest.raises(StoreUnusable):  # the store cannot be written: the journal has the answers
        nudges.draft(Fails(store.path, "keep"), run, writer)
    asked = len(model.requests)
    assert asked > 0
    assert rows(store, "select count(*) from model_answers") == [(0,)]
    assert nudges.draft(store, run, writer) == len(SOME)
    assert len(model.requests) == asked
    assert not journal.folder(store.path).exists()
    assert found(store, "bool_or(gpt_fallback)") == [(False,)]


class Fails(Overtaken):
    """A store whose disk is full when answers are kept."""

    def __init__(self, path, _what):
        super().__init__(path, lambda: None)
        self.writes = 0

    def write(self):
        self.writes += 1
        if self.writes > 1:  # the first records what leaves
            raise StoreUnusable("the disk is full")
        return super().write()


def test_answers_taken_over_twice_are_there_once(store, model):
    load(store, learner("a", **EACH))
    with journal.opened(store.path) as kept:
        service_writer = model.writer()
        batch = service_writer.batch(kept, run_id="r")
        task = nudges.WANTED.task("in_app", "en")
        prompt = nudges.prompts.Prompt(task, "reason: inactivity", "k")
        (done,) = [answer for some in batch.answers(iter([[prompt]])) for answer in some]
    for _ in range(2):
        with store.write() as db:
            completions.keep(db, [done])
    assert rows(store, "select cache_key, run_id from model_answers") == [("k", "r")]


def test_a_service_that_dies_leaves_templates_that_say_so(store, model):
    load(store, *different(30))
    confirm_all(store)
    model.behave = lambda number, _: None if number < 10 else "503"
    drafted(store, model.writer(concurrency=2))
    reasons = [reason for *_, reason in found(store)]
    assert reasons.count(None) == 10
    assert set(reasons) <= {None, "unavailable", "breaker_open", "deadline"}


def test_what_reached_nobody_is_not_recorded_and_costs_nothing(store, model):
    load(store, *different(6))
    confirm_all(store)
    writer = model.writer()
    model.stop()
    drafted(store, writer)
    assert {reason for *_, reason in found(store)} <= {"unavailable", "breaker_open"}
    assert rows(store, "select count(*) from disclosures") == [(0,)]
    assert rows(store, "select count(*) from model_answers") == [(0,)]


def test_a_service_that_counts_no_tokens_is_taken_at_its_dearest(store, model):
    load(store, learner("a", **EACH))
    nothing = {"input_tokens": 0, "output_tokens": 0}
    counted = sending(lambda request: envelope(request, good_answer(request), usage=nothing))
    model.behave = lambda *_: counted
    drafted(store, model.writer())
    ((cost_usd,),) = rows(store, "select cost_usd from model_answers")
    assert cost_usd > COST


def test_without_a_model_nothing_is_asked_or_recorded(store, model):
    load(store, learner("a"))
    run = drafted(store, TEMPLATES)
    quizzes.draft(store, run, Writer(why_not="no_key"))
    assert found(store) == [("a", True, "no_model")]
    assert found(store, table="quizzes") == [("a", True, "no_key")]
    assert rows(store, "select count(*) from disclosures") == [(0,)]
    assert not journal.folder(store.path).exists()


def test_the_newest_text_of_a_prompt_is_the_one_that_is_used(store, model):
    load(store, learner("a", **EACH))
    writer = model.writer()
    drafted(store, writer, as_of=AS_OF - DAY)
    with store.write() as db:
        db.execute(
            "insert into model_answers select * replace ('newer' as content, answered_at + to_hours(1) as answered_at) "
            "from model_answers"
        )
    drafted(store, writer)
    assert found(store, "content") == [(SENTENCES["en"],), ("newer",)]


def test_a_run_says_who_wrote_and_what_that_cost_and_saved(store, model):
    load(store, *(learner(f"l{number}", **EACH) for number in range(40)), learner("out", llm_opt_out=True))
    run = drafted(store, model.writer())
    counts = publication.publish(store, run, now=AS_OF)
    assert counts["templates"] == {"opted_out": 1}
    use = counts["model"]
    assert (use["model"], use["drafts"], use["texts"], use["different_texts"]) == ("m", 41, 40, 3)
    assert (use["requests"], use["input_tokens"], use["output_tokens"]) == (3, 1800, 300)
    assert use["spent_usd"] == pytest.approx(3 * COST)
    assert use["saved_usd"] == pytest.approx(37 * COST)
    assert (counts["nudges"], counts["nudges_by_template"]) == (41, 1)


def test_a_run_that_was_answered_before_spends_nothing_and_saves_all(store, model):
    load(store, *SOME)
    drafted(store, model.writer(), as_of=AS_OF - DAY)
    run = drafted(store, model.writer())
    use = publication.publish(store, run, now=AS_OF)["model"]
    assert (use["model"], use["texts"], use["requests"], use["spent_usd"]) == ("m", 6, 0, None)
    assert use["saved_usd"] == pytest.approx(6 * COST)


def test_the_chat_flavour_gives_the_same_drafts(store, model):
    model.speaks_responses = False
    load(store, *SOME)
    drafted(store, model.writer(concurrency=1))
    assert {reason for *_, reason in found(store)} == {None}
    assert [request.path for request in model.requests].count("/v1/responses") == 1
    assert json.loads(envelope(model.requests[-1], good_answer(model.requests[-1])))["choices"]


def test_the_public_entry_writes_with_the_model_of_the_settings(monkeypatch, model):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    monkeypatch.setenv("OPENAI_BASE_URL", model.url)
    context = {
        "type": "inactivity",
        "channel": "in_app",
        "days_inactive": 12.0,
        "name": "Zebulon",
        "topic": "x",
    }
    made = asyncio.run(nudges.generate_nudge(context))
    assert made == {"content": SENTENCES["en"], "prompt_version": "v1.0", "gptFallback": False}
    assert model.requests[-1].data == (
        "reason: inactivity\ncourse: their course\nlast visit: one to two weeks ago\nstyle: "
        + model.requests[-1].data[-1]
    )
    quiz = asyncio.run(quizzes.generate_quiz({"topic": "planning"}, titles=["planning"]))
    assert (quiz["gptFallback"], len(quiz["content"])) == (False, 4)
    assert asyncio.run(quizzes.generate_quiz({"topic": "planning"}))["gptFallback"] is True
    assert asyncio.run(nudges.generate_nudge({**context, "llm_opt_out": True}))["gptFallback"] is True
    model.behave = lambda *_: "401"
    assert asyncio.run(nudges.generate_nudge(context))["gptFallback"] is True
    assert len(model.requests) == 3
    _service.cache_clear()


def night_with(store, writer, *, attempt=0):
    """Do a night whose texts the writer writes; a later attempt is a moment later."""
    policy = decisions.SelectionPolicy(rewrite_templates=not writer.is_nobody)
    run = begin(store, AS_OF - attempt * SECOND)
    decisions.decide(store, run, policy=policy)
    nudges.draft(store, run, writer)
    quizzes.draft(store, run, writer)
    return run


def published(store, writer, *, attempt=0, before=lambda: None):
    run = night_with(store, writer, attempt=attempt)
    before()
    publication.publish(store, run, now=AS_OF)
    return run


def test_a_later_attempt_with_a_model_rewrites_the_templates_of_the_day(store, model):
    load(store, *SOME)
    published(store, TEMPLATES)
    run = published(store, model.writer(), attempt=1)
    for table in ("nudges", "quizzes"):
        assert found(store, "count(*), bool_or(gpt_fallback), min(run_id), max(run_id)", table) == [
            (6, False, run.run_id, run.run_id)
        ]


def test_readers_see_the_templates_until_the_rewritten_ones_are_published(store, model):
    load(store, *SOME)
    published(store, TEMPLATES)
    night_with(store, model.writer(), attempt=1)
    assert {row["gpt_fallback"] for row in review.listed(store)} == {True}
    assert len(review.listed(store)) == 6
    with store.read() as db:
        assert db.execute(query("operations/inconsistencies")).fetchall() == []


def test_what_a_coordinator_has_touched_is_not_rewritten(store, model):
    load(store, *SOME)
    published(store, TEMPLATES)
    approved, rejected, *_ = [row["id"] for row in review.listed(store)]
    review.approve(store, [approved], by=acting(AS_OF, name="c"))
    review.reject(store, [rejected], by=acting(AS_OF, name="c"), reason="no")
    published(store, model.writer(), attempt=1)
    kept = rows(store, "select id, status, gpt_fallback from nudges where status <> 'draft' order by status")
    assert kept == [(approved, "approved", True), (rejected, "rejected", True)]
    assert found(store, "count(*), count(distinct id)") == [(6, 6)]


def test_what_a_coordinator_approves_while_a_run_rewrites_it_stays_as_it_was_approved(store, model):
    load(store, *SOME)
    published(store, TEMPLATES)
    seen = review.listed(store)[0]
    published(
        store,
        model.writer(),
        attempt=1,
        before=lambda: review.approve(store, [seen["id"]], by=acting(AS_OF, name="c")),
    )
    assert rows(store, "select count(*) from events where type = 'nudge_approved'") == [(1,)]
    (after,) = export.approved(store, now=AS_OF)
    assert (after["id"], after["content"], after["gpt_fallback"]) == (seen["id"], seen["content"], True)
    assert found(store, "count(*), count(distinct id)") == [(6, 6)]


def test_a_template_that_a_model_could_not_rewrite_says_why(store, model):
    load(store, *SOME)
    published(store, TEMPLATES)
    model.behave = lambda *_: "401"
    run = published(store, model.writer(), attempt=1)
    assert found(store, "distinct run_id, reason") == [(run.run_id, "unauthorized")]
    assert found(store, "count(*), count(distinct id)") == [(6, 6)]


def test_what_a_model_wrote_is_not_written_again(store, model):
    load(store, *SOME)
    published(store, model.writer())
    asked = len(model.requests)
    run = published(store, model.writer(name="another"), attempt=1)
    assert len(model.requests) == asked
    assert rows(store, "select count(*) from nudges where run_id = $id", id=run.run_id) == [(0,)]


def test_rewriting_keeps_to_the_capacity_of_the_day(store, model):
    load(store, *SOME)
    run = begin(store)
    decisions.decide(store, run, policy=decisions.SelectionPolicy(capacity=2))
    nudges.draft(store, run)
    publication.publish(store, run, now=AS_OF)
    again = begin(store, AS_OF - SECOND)
    policy = decisions.SelectionPolicy(capacity=2, rewrite_templates=True)
    assert decisions.decide(store, again, policy=policy) == 2
    nudges.draft(store, again, model.writer())
    publication.publish(store, again, now=AS_OF)
    assert found(store, "count(*), bool_or(gpt_fallback)") == [(2, False)]
