import json
import logging
import os
import random
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engagement.content.quiz import read_questions
from engagement.errors import EngagementError, InvalidInput, StoreUnusable
from engagement.llm import journal
from engagement.llm.journal import Journal
from engagement.llm.pricing import Price
from engagement.llm.service import Service
from engagement.llm.writer import TEMPLATES, Writer, _service, writer_for
from engagement.settings import PROJECT, Settings, read_settings
from tests.support.asking import (
    KEY,
    NAME,
    PRICE,
    Asked,
    all_of,
    asking,
    blocks,
    model_at,
    prompt,
    quiz_prompt,
)
from tests.support.model_server import (
    BODIES,
    SENTENCES,
    SUBJECTS,
    ModelServer,
    envelope,
    failing,
    good_answer,
    sending,
)

FLAVOURS = pytest.mark.parametrize("speaks_responses", [True, False], ids=["responses", "chat"])
WITH_A_LINK = json.dumps({"body": "Hi {first_name}, your course is at https://example.org for today."})
CROWDED = failing(429, "rate_limit_exceeded")
SENTENCE_USD = 0.0004  # 600 tokens read, 100 written
# Set aside for one: instructions and schema have 2,049 bytes, the data 26, and 200 tokens are to be written.
RESERVED_USD = (2_049 + 26) * 0.4e-6 + 200 * 1.6e-6
FORK = """
import os
from tests.support.asking import asking, blocks, prompt
from tests.support.model_server import ModelServer
from engagement.llm.writer import writer_for
from engagement.settings import read_settings

writer = writer_for(read_settings())
first = writer.write(prompt(writer, 1))
child = os.fork()
if child == 0:
    own = writer_for(read_settings())
    assert own.service is not writer.service
    os._exit(0 if own.write(prompt(own, 2)).is_written else 1)
_, status = os.waitpid(child, 0)
print(first.reason, os.waitstatus_to_exitcode(status), writer.write(prompt(writer, 3)).reason)
"""


@pytest.fixture
def server():
    with ModelServer() as made:
        yield made


@pytest.fixture
def environment(monkeypatch):
    """Set what is given in the environment and nothing else; services started for it are closed afterwards."""
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.validation_alias), raising=False)
    made = []

    def chosen(**named):
        variables = {name: text for name, text in named.items() if name.isupper()}
        for name, text in variables.items():
            monkeypatch.setenv(name, text)
        rest = {name: value for name, value in named.items() if name not in variables}
        made.append(writer_for(read_settings(), **rest))
        return made[-1]

    yield chosen
    for one in made:
        if not one.is_nobody:
            one.service.close()
    _service.cache_clear()


def test_without_a_key_every_text_is_a_template(environment):
    nobody = environment()
    assert nobody.is_nobody
    assert nobody.why_not == "no_key"
    with pytest.raises(EngagementError, match="no model is asked"):
        _ = nobody.model


def test_none_is_the_name_of_no_model(environment):
    assert environment(OPENAI_API_KEY=KEY, model="none") == TEMPLATES
    assert TEMPLATES.why_not == "no_model"


def test_none_is_the_name_of_no_model_in_the_environment_too(environment):
    assert environment(OPENAI_API_KEY=KEY, ENGAGEMENT_MODEL="none") == TEMPLATES


def test_with_a_key_and_nothing_else_a_known_model_writes(environment):
    chosen = environment(OPENAI_API_KEY=KEY)
    assert not chosen.is_nobody
    assert (chosen.model.name, chosen.model.base_url) == ("gpt-4.1-mini", "https://api.openai.com/v1")
    assert (chosen.model.concurrency, chosen.model.outage_wait_s) == (64, 60)
    assert chosen.price == PRICE


def test_the_environment_says_which_model_where_and_how(environment):
    chosen = environment(
        OPENAI_API_KEY=KEY,
        OPENAI_BASE_URL="http://127.0.0.1:9/v1",
        ENGAGEMENT_MODEL="llama-at-home",
        ENGAGEMENT_PRICE="0.5/2",
        ENGAGEMENT_CONCURRENCY="5",
        ENGAGEMENT_REQUESTS_PER_MINUTE="60",
        ENGAGEMENT_TOKENS_PER_MINUTE="90000",
        ENGAGEMENT_OUTAGE_WAIT="0",
        budget_usd=3,
    )
    assert chosen.model == model_at(
        "http://127.0.0.1:9/v1",
        name="llama-at-home",
        concurrency=5,
        requests_per_minute=60,
        tokens_per_minute=90_000,
        outage_wait_s=0,
    )
    assert (chosen.price, chosen.budget_usd) == (Price(0.5, 0.5, 2), 3)


def test_a_model_that_is_named_wins_over_the_environment(environment):
    assert environment(OPENAI_API_KEY=KEY, ENGAGEMENT_MODEL="a", model="b").model.name == "b"


def test_a_budget_for_a_model_without_a_price_is_refused(environment):
    with pytest.raises(InvalidInput, match="ENGAGEMENT_PRICE"):
        environment(OPENAI_API_KEY=KEY, model="llama-at-home", budget_usd=3)
    assert environment(model="llama-at-home").price is None


def test_a_process_asks_a_model_through_one_service_however_many_threads_it_has(environment):
    environment(OPENAI_API_KEY=KEY)
    _service.cache_clear()
    together = threading.Barrier(20)

    def choose(_number):
        together.wait()
        return environment().service

    with ThreadPoolExecutor(20) as threads:
        services = set(threads.map(choose, range(20)))
    assert len(services) == 1


def test_another_model_is_asked_through_another_service(environment):
    first, second = environment(OPENAI_API_KEY=KEY), environment(model="gpt-4.1")
    assert first.service is not second.service


def test_a_forked_process_has_a_service_of_its_own_and_leaves_the_others_alone(server):
    done = subprocess.run(
        [sys.executable, "-c", FORK],
        cwd=PROJECT,
        env=os.environ | {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": server.url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("None 0 None\n", "")


@FLAVOURS
def test_a_model_writes_nudges_and_quizzes(speaks_responses):
    with ModelServer(speaks_responses=speaks_responses) as server, asking(server) as writer:
        for language in ("en", "de"):
            email = writer.write(prompt(writer, channel="email", language=language))
            assert (email.subject, email.content) == (SUBJECTS[language], BODIES[language])
            for channel in ("in_app", "whatsapp"):
                nudge = writer.write(prompt(writer, channel=channel, language=language))
                assert (nudge.subject, nudge.content) == (None, SENTENCES[language])
            quiz = writer.write(quiz_prompt(writer, language=language))
            assert len(read_questions(quiz.content)) == 4
            assert {answer.reason for answer in (email, nudge, quiz)} == {None}


def test_an_answer_says_where_it_comes_from_and_what_it_cost(server):
    with asking(server) as writer:
        asked = prompt(writer)
        answer = writer.write(asked)
    assert (answer.cache_key, answer.kind, answer.prompt_version) == (asked.cache_key, "nudge", "v1.0")
    assert (answer.model, answer.base_url, answer.run_id) == (NAME, server.url, None)
    assert (answer.requests, answer.input_tokens, answer.output_tokens) == (1, 600, 100)
    assert answer.cost_usd == pytest.approx(SENTENCE_USD)
    age = datetime.now(UTC).replace(tzinfo=None) - datetime.fromisoformat(answer.answered_at)
    assert timedelta(0) <= age < timedelta(seconds=10)


def test_without_a_price_nobody_says_what_an_answer_cost(server):
    with asking(server) as known:
        unknown = Writer(known.service, "", None)
        assert unknown.write(prompt(unknown)).cost_usd is None


@FLAVOURS
def test_an_answer_that_breaks_a_rule_is_asked_for_once_more_with_the_rule(speaks_responses):
    answers = iter([WITH_A_LINK, None])
    with (
        ModelServer(
            lambda _number, request: next(answers) if speaks_responses or "chat" in request.path else None,
            speaks_responses=speaks_responses,
        ) as server,
        asking(server) as writer,
    ):
        answer = writer.write(prompt(writer))
    assert answer.content == SENTENCES["en"]
    assert (answer.requests, answer.input_tokens, answer.output_tokens) == (2, 1_200, 200)
    assert answer.cost_usd == pytest.approx(2 * SENTENCE_USD)
    assert "broke a rule (holds a link)" in server.requests[-1].data
    assert "broke a rule" not in server.requests[-2].data


def test_an_answer_that_breaks_a_rule_twice_is_given_up(server):
    server.behave = lambda *_: WITH_A_LINK
    with asking(server) as writer:
        answer = writer.write(prompt(writer))
    assert (answer.reason, answer.content, answer.requests) == ("invalid_output", None, 2)
    assert answer.cost_usd == pytest.approx(2 * SENTENCE_USD)
    assert server.answered == 2


@pytest.mark.parametrize(("timeout_s", "reason"), [(1, "deadline"), (8, None)])
def test_a_text_of_a_batch_may_take_as_long_as_the_settings_say(server, tmp_path, timeout_s, reason):
    server.delay_s = (1.2, 1.3)
    with asking(server, timeout_s=timeout_s, outage_wait_s=0.1) as writer:
        answer, _ = writer.try_out(prompt(writer))
        assert answer.reason == reason
        assert writer.write(prompt(writer)).reason is None  # where a person waits it is eight seconds


def test_a_model_that_declines_is_not_asked_again(server):
    server.behave = lambda *_: "refusal"
    with asking(server) as writer:
        answer = writer.write(prompt(writer))
    assert (answer.reason, answer.requests, answer.output_tokens) == ("refused", 1, 100)
    assert answer.cost_usd == pytest.approx(SENTENCE_USD)
    assert server.answered == 1


@pytest.mark.parametrize("key", ["sk-one\nsk-two", "schlüssel-0123"])
def test_a_key_that_cannot_be_sent_gives_templates_and_is_told_to_nobody(server, key, caplog):
    service = Service(model_at(server.url, key=key))
    with closing(service), caplog.at_level(logging.DEBUG):
        chosen = Writer(service, "", PRICE)
        answer = chosen.write(prompt(chosen))
    assert (answer.reason, answer.content) == ("unauthorized", None)
    assert key not in repr(answer) + caplog.text
    assert server.answered == 0


def test_what_nobody_expected_gives_a_template_and_a_number_in_the_log(server, caplog):
    service = Service(
        model_at(server.url.replace("//", "//me:hidden@"))
    )  # the library refuses such an address
    with closing(service), caplog.at_level(logging.DEBUG):
        chosen = Writer(service, "", PRICE)
        answer = chosen.write(prompt(chosen))
    assert (answer.reason, answer.content) == ("error", None)
    (record,) = [record for record in caplog.records if record.name == "engagement.llm.service"]
    assert (record.message, record.error) == ("asking a model failed", "ValueError")
    assert len(record.error_id) == 8
    assert "hidden" not in caplog.text + repr(vars(record)) + repr(answer)


def test_a_batch_is_written_and_no_more_are_under_way_than_was_set(tmp_path):
    with ModelServer(delay_s=(0.002, 0.01)) as server, asking(server, concurrency=12) as writer:
        asked = Asked(writer, 400, tmp_path, run_id="nightly-2026-03-01-1")
    assert (asked.written, asked.stopped) == (400, None)
    assert len({answer.cache_key for answer in asked.answers}) == 400
    assert {answer.run_id for answer in asked.answers} == {"nightly-2026-03-01-1"}
    assert (asked.batch.asked, asked.batch.written) == (400, 400)
    assert asked.batch.job.budget.spent_usd == pytest.approx(400 * SENTENCE_USD)
    assert server.answered == 400
    assert server.most_at_once == 12


def test_prompts_are_taken_only_as_they_are_needed(tmp_path, server):
    outstanding = []

    def watched(writer, batch):
        for taken, block in enumerate(blocks(writer, 300, size=20)):
            outstanding.append(20 * taken - batch.asked)
            yield block

    with asking(server, concurrency=10) as writer, journal.opened(tmp_path / "store.duckdb") as kept:
        batch = writer.batch(kept)
        answers = all_of(batch, watched(writer, batch))
    assert len(answers) == 300
    assert max(outstanding) <= 20  # twice as many as are under way


def test_a_block_may_hold_one_prompt_or_none(tmp_path, server):
    with asking(server) as writer, journal.opened(tmp_path / "store.duckdb") as kept:
        made = iter([[], [prompt(writer, 1)], [], [prompt(writer, 2), prompt(writer, 3)], []])
        answers = all_of(writer.batch(kept), made, within_s=10)
        assert all_of(writer.batch(kept), iter([]), within_s=10) == []
    assert [answer.is_written for answer in answers] == 3 * [True]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("401", "unauthorized"), ("quota", "no_quota"), ("404 model", "no_such_model")],
)
def test_what_a_person_has_to_change_ends_a_batch_at_once(tmp_path, server, fault, reason):
    server.behave = lambda *_: fault
    with asking(server, concurrency=16) as writer:
        asked = Asked(writer, 500, tmp_path)
    assert (asked.reasons, asked.stopped) == ({reason}, reason)
    assert server.answered <= 16
    assert asked.batch.job.budget.spent_usd == 0


def test_each_answer_is_in_the_journal_when_it_is_handed_over(tmp_path):
    store = tmp_path / "store.duckdb"
    faults = (None, "refusal", "400", WITH_A_LINK)
    with (
        ModelServer(lambda number, _request: faults[number % 4]) as server,
        asking(server, concurrency=8) as writer,
        pytest.raises(KeyboardInterrupt),
        journal.opened(store) as kept,
    ):
        handed = []
        for some in writer.batch(kept).answers(blocks(writer, 40)):
            handed += some
            (path,) = journal.folder(store).iterdir()
            assert len(path.read_bytes().splitlines()) >= len(handed)
        raise KeyboardInterrupt
    with journal.abandoned(store) as found:
        assert sorted(map(repr, found)) == sorted(map(repr, handed))
    assert sum(answer.requests for answer in handed) == server.answered


def test_answers_that_cannot_be_kept_end_a_batch(server):
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        with asking(server, concurrency=4) as writer:
            batch = writer.batch(Journal(full, Path("1-ab.jsonl")))
            with pytest.raises(StoreUnusable, match="an answer cannot be kept"):
                all_of(batch, blocks(writer, 1_000))
    finally:
        os.close(full)
    assert server.answered <= 16


def test_a_batch_that_nobody_wants_any_more_asks_no_further_and_harms_nobody(tmp_path, server):
    server.behave = lambda *_: "hang"

    def given_up(writer):
        yield from blocks(writer, 30, size=30)
        while server.answered < 16:
            time.sleep(0.01)
        raise ZeroDivisionError

    with asking(server, concurrency=16) as writer, journal.opened(tmp_path / "store.duckdb") as kept:
        with pytest.raises(ZeroDivisionError):
            all_of(writer.batch(kept), given_up(writer))
        time.sleep(0.2)
        server.behave = lambda *_: None
        began = time.monotonic()
        assert writer.write(prompt(writer)).is_written
        assert time.monotonic() - began < 6
    assert server.answered == 17


class Slow(Journal):
    """A journal that takes its time, and notes when it was done."""

    def __init__(self):
        super().__init__(-1, Path("1-ab.jsonl"))
        self.began = threading.Event()
        self.done_at = []

    def append(self, answer):
        self.began.set()
        time.sleep(0.2)
        self.done_at.append(time.monotonic())


def test_nothing_is_written_to_a_journal_after_its_batch_has_ended(server):
    kept = Slow()

    def failing_later(writer):
        yield [prompt(writer, style) for style in range(4)]
        kept.began.wait(5)
        raise ZeroDivisionError

    with asking(server, concurrency=4) as writer:
        with pytest.raises(ZeroDivisionError):
            all_of(writer.batch(kept), failing_later(writer))
        ended_at = time.monotonic()
        time.sleep(0.5)
    assert kept.done_at
    assert max(kept.done_at) < ended_at


def test_where_the_service_says_for_how_long_nobody_asks_before(tmp_path, server):
    server.behave = lambda number, _request: (
        failing(429, "crowded", "retry-after: 1") if number == 0 else None
    )
    with asking(server, concurrency=4) as writer:
        asked = Asked(writer, 40, tmp_path)
    assert asked.written == 40
    began, *later = [request.at for request in server.requests]
    early = [at - began for at in later if at - began < 1]
    assert len(early) <= 3  # those that were under way
    assert all(seconds < 0.9 for seconds in early)


def test_a_batch_stands_still_where_an_overloaded_service_says_for_how_long(tmp_path, server):
    overloaded = failing(503, "overloaded", "retry-after: 2")
    server.behave = lambda number, _request: overloaded if number < 4 else None
    with asking(server, concurrency=4) as writer:
        asked = Asked(writer, 40, tmp_path)
    assert (asked.written, server.answered) == (40, 44)
    assert server.requests[4].at - server.requests[0].at >= 2


def test_a_person_waits_as_long_as_the_service_asks(server):
    server.behave = lambda number, _request: (
        failing(429, "crowded", "retry-after: 1") if number == 0 else None
    )
    with asking(server) as writer:
        answer = writer.write(prompt(writer))
    assert (answer.reason, answer.requests) == (None, 2)
    assert server.requests[1].at - server.requests[0].at >= 1


def test_a_person_does_not_wait_longer_than_there_is_time_and_nobody_asks_meanwhile(server):
    server.behave = lambda *_: "429"
    began = time.monotonic()
    with asking(server) as writer:
        reasons = [writer.write(prompt(writer, style)).reason for style in range(3)]
    assert time.monotonic() - began < 7
    assert (reasons, server.answered) == (3 * ["rate_limited"], 1)


@pytest.mark.parametrize("status", [429, 503])
def test_a_service_that_says_in_no_time_is_not_asked_without_a_pause(server, status):
    server.behave = lambda number, _request: failing(status, "x", "retry-after: 0") if number < 2 else None
    with asking(server) as writer:
        assert writer.write(prompt(writer)).is_written
    first, second, third = [request.at for request in server.requests]
    assert second - first > 0.25
    assert third - second > 0.5


def test_one_prompt_that_is_never_let_through_does_not_end_a_batch_that_goes_on(tmp_path):
    def behave(_number, request):
        return CROWDED if request.data.endswith("style: 0") else None

    with (
        ModelServer(behave, delay_s=(0.04, 0.06)) as server,
        asking(server, concurrency=4, outage_wait_s=0.6) as writer,
    ):
        asked = Asked(writer, 80, tmp_path)
    assert [answer.reason for answer in asked.answers if not answer.is_written] == ["rate_limited"]


def test_fewer_are_asked_at_once_where_a_service_says_too_many(tmp_path):
    def behave(_number, _request):
        return CROWDED if server._now > 4 else None

    with ModelServer(behave, delay_s=(0.01, 0.02)) as server, asking(server, concurrency=32) as writer:
        asked = Asked(writer, 120, tmp_path)
        assert writer.service._gate.limit < 32
    assert (asked.written, asked.stopped) == (120, None)
    assert server.answered < 2 * 120


def billed(usd):
    """Return a server's behaviour that uses up tokens as it likes, fails now and then, and adds up the bill."""
    chance = random.Random(3)

    def behave(number, _request):
        usage = {"input_tokens": chance.randint(300, 900), "output_tokens": chance.randint(20, 200)}
        if number % 9 == 4:
            return "503"
        usd.append(PRICE.cost_usd(*usage.values()))
        if number % 9 in (1, 7):
            return ("reset", "cut off")[number % 2]
        return sending(lambda request: envelope(request, good_answer(request), usage=usage))

    return behave


def test_a_batch_never_costs_more_than_its_budget(tmp_path):
    usd = []
    with ModelServer(billed(usd)) as server, asking(server, cap_usd=0.05, concurrency=16) as writer:
        asked = Asked(writer, 500, tmp_path)
    assert 0.03 < sum(usd) <= 0.05
    assert 0.05 - RESERVED_USD < asked.batch.job.budget.spent_usd <= 0.05
    assert asked.stopped == "budget"
    assert asked.written > 50
    assert {"budget"} < asked.reasons <= {"budget", None, "unavailable"}
    assert sum(answer.cost_usd for answer in asked.answers) == pytest.approx(asked.batch.job.budget.spent_usd)


def test_a_service_that_counts_no_tokens_spends_the_budget_all_the_same(tmp_path, server):
    server.behave = lambda *_: sending(lambda request: envelope(request, good_answer(request), usage={}))
    with asking(server, cap_usd=10.5 * RESERVED_USD, concurrency=4) as writer:
        asked = Asked(writer, 100, tmp_path)
    assert (server.answered, asked.written, asked.stopped) == (10, 10, "budget")


def test_a_budget_that_is_enough_stops_nothing(tmp_path, server):
    with asking(server, cap_usd=100 * SENTENCE_USD + RESERVED_USD, concurrency=16) as writer:
        asked = Asked(writer, 100, tmp_path)
    assert (asked.written, asked.stopped) == (100, None)


def test_what_a_run_has_spent_before_is_part_of_its_budget(tmp_path, server):
    with asking(server, cap_usd=2) as writer:
        asked = Asked(writer, 10, tmp_path, spent_usd=2)
    assert (asked.reasons, asked.stopped, server.answered) == ({"budget"}, "budget", 0)
