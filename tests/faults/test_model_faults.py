"""A model's service in every way it can fail: there is a text in time, or a reason why a template stands in."""

import asyncio
import itertools
import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from engagement.content.generation import WHY_TEMPLATE
from engagement.llm.service import PERSON_WAITS_S
from engagement.settings import PROJECT
from tests.support.asking import Asked, asking, prompt
from tests.support.model_server import FAULTS, ModelServer, failing

# Eight seconds for the service, the rest for whatever else this machine does: the benchmarks hold it to 8.3.
IN_TIME_S = 11
APIS = ("responses", "chat")
IMPATIENT = """
import json, sys, time
from pathlib import Path
from tests.support.asking import Asked, asking
from tests.support.model_server import ModelServer

with ModelServer(lambda *_: "hang") as server, asking(server, outage_wait_s=0) as writer:
    began = time.monotonic()
    asked = Asked(writer, 10_000, Path(sys.argv[1]))
    seconds = time.monotonic() - began
    found = {"reasons": sorted(asked.reasons), "stopped": asked.stopped, "requests": server.answered}
print(json.dumps(found | {"seconds": seconds}))
"""
# What is tried again may be under way when the time is up.
TRIED_AGAIN = {
    **dict.fromkeys(("500", "503", "html", "reset", "cut off", "empty body", "endless"), "unavailable"),
    **dict.fromkeys(("truncated", "malformed", "deep", "wrong types"), "invalid_output"),
}
EXPECTED = {
    **dict.fromkeys(("hang", "drip headers", "drip body"), "deadline"),
    **dict.fromkeys(("null text", "not json", "wrong shape"), "invalid_output"),
    **dict.fromkeys(("401", "403"), "unauthorized"),
    **dict.fromkeys(("400", "redirect"), "bad_request"),
    **{"429": "rate_limited", "404 model": "no_such_model", "quota": "no_quota", "refusal": "refused"},
}


@pytest.fixture(scope="module", autouse=True)
def _library():
    """The client library takes two seconds to import; a person's first call would pay for it."""
    import openai  # noqa: F401


def timed(call, *arguments):
    began = time.monotonic()
    made = call(*arguments)
    return made, time.monotonic() - began


@pytest.fixture(scope="module")
def faults():
    """What a call comes to at a service with each fault in each API, and how long it took; all at the same time."""

    def one(api, fault):
        with (
            ModelServer(lambda *_: fault, speaks_responses=api == "responses") as server,
            asking(server) as writer,
        ):
            return timed(writer.write, prompt(writer, channel="email"))

    each = list(itertools.product(APIS, FAULTS))
    with ThreadPoolExecutor(len(each)) as threads:
        return dict(zip(each, threads.map(one, *zip(*each, strict=True)), strict=True))


@pytest.mark.parametrize("api", APIS)
def test_whatever_a_service_does_there_is_an_end_in_time_and_a_reason(faults, api):
    found = {fault: faults[api, fault] for fault in FAULTS}
    reasons = {fault: answer.reason for fault, (answer, _) in found.items()}
    assert {fault: reasons[fault] for fault in EXPECTED} == EXPECTED
    for fault, reason in TRIED_AGAIN.items():
        assert reasons[fault] in {reason, "deadline"}, fault
    assert reasons["empty output"] == "invalid_output"
    assert set(reasons.values()) <= set(WHY_TEMPLATE)
    assert {fault: seconds for fault, (_, seconds) in found.items() if seconds > IN_TIME_S} == {}
    assert {(answer.content, answer.subject) for answer, _ in found.values()} == {(None, None)}


def blocking_inside_a_loop(_folder):
    """A call from a notebook, whose own loop runs."""

    async def notebook(writer):
        return timed(writer.write, prompt(writer))

    with ModelServer(lambda *_: "hang") as server, asking(server) as writer:
        return asyncio.run(notebook(writer))


def awaited_beside_a_busy_coroutine(_folder):
    """A call in a loop that another coroutine keeps for itself for five seconds."""

    async def busy():
        time.sleep(5)

    async def both(writer):
        began = time.monotonic()
        answer, _ = await asyncio.gather(writer.write_soon(prompt(writer)), busy())
        return answer, time.monotonic() - began

    with ModelServer(lambda *_: "hang") as server, asking(server) as writer:
        return asyncio.run(both(writer))


def twenty_threads(_folder):
    with (
        ModelServer(lambda *_: "hang") as server,
        asking(server) as writer,
        ThreadPoolExecutor(20) as threads,
    ):
        made = list(threads.map(lambda style: timed(writer.write, prompt(writer, style)), range(20)))
        return made, server.answered


def impatient_batch(folder):
    """Ten thousand prompts for a service that hangs, where nothing is to be waited for; in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", IMPATIENT, str(folder / "impatient")],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def crowded_batch(folder):
    """A service that always says "in a second", for longer than is to be waited."""
    crowded = failing(429, "rate_limit_exceeded", "retry-after: 1")
    with (
        ModelServer(lambda *_: crowded) as server,
        asking(server, outage_wait_s=3, concurrency=8) as writer,
    ):
        asked, seconds = timed(Asked, writer, 500, folder / "crowded")
        return asked, seconds, server.answered


def batch_through_an_outage(folder):
    """A service that fails for three seconds while a batch is under way."""
    begun = []

    def behave(number, request):
        begun[:] = begun or [request.at]
        failing_now = 0.5 <= request.at - begun[0] < 3.5
        return ("503", "reset")[number % 2] if failing_now else None

    with ModelServer(behave, delay_s=(0.03, 0.06)) as server, asking(server, concurrency=16) as writer:
        asked, seconds = timed(Asked, writer, 400, folder / "outage")
        return asked, seconds, server


SLOW = (
    *(blocking_inside_a_loop, awaited_beside_a_busy_coroutine, twenty_threads),
    *(impatient_batch, crowded_batch, batch_through_an_outage),
)


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    """What takes its seconds, all of it at the same time."""
    folder = tmp_path_factory.mktemp("slow")
    for work in ("impatient", "crowded", "outage"):
        (folder / work).mkdir()
    with ThreadPoolExecutor(len(SLOW)) as threads:
        made = [threads.submit(work, folder) for work in SLOW]
    return SimpleNamespace(**{work.__name__: done for work, done in zip(SLOW, made, strict=True)})


@pytest.mark.parametrize("call", ["blocking_inside_a_loop", "awaited_beside_a_busy_coroutine"])
def test_a_call_ends_in_time_in_a_notebook_whatever_its_loop_does(slow, call):
    answer, seconds = getattr(slow, call).result()
    assert answer.reason == "deadline"
    assert seconds <= IN_TIME_S


def test_the_deadline_is_eight_seconds():
    assert PERSON_WAITS_S == 8


def test_calls_from_twenty_threads_end_in_time(slow):
    made, requests = slow.twenty_threads.result()
    assert {answer.reason for answer, _ in made} == {"deadline"}
    assert max(seconds for _, seconds in made) <= IN_TIME_S
    assert requests == 20


def test_a_batch_without_patience_leaves_a_service_that_hangs_after_a_few_requests(slow):
    found = slow.impatient_batch.result()
    assert set(found["reasons"]) <= {"deadline", "breaker_open"}
    assert found["stopped"] == "breaker_open"
    assert found["requests"] <= 80
    assert found["seconds"] < 15  # a second round at it would take 16


def test_a_batch_gives_up_a_service_that_is_crowded_for_longer_than_its_patience(slow):
    asked, seconds, requests = slow.crowded_batch.result()
    assert (asked.reasons, asked.stopped) == ({"rate_limited"}, "rate_limited")
    assert 3 <= seconds <= 20
    assert requests <= 8 * 20


def test_a_batch_stands_still_through_a_short_outage(slow):
    asked, seconds, server = slow.batch_through_an_outage.result()
    assert len(asked.answers) == 400
    assert asked.written >= 0.97 * 400
    assert asked.stopped is None
    assert seconds < 40
    assert server.answered < 400 + 100


def test_people_wait_for_nothing_while_a_service_fails_and_get_texts_when_it_is_back(tmp_path):
    with (
        ModelServer(lambda *_: "503") as server,
        asking(server, concurrency=20, outage_wait_s=0) as writer,
    ):
        assert Asked(writer, 20, tmp_path).stopped == "breaker_open"
        for _ in range(6):  # the first may be the trial, if there has been time for one
            asked = server.answered
            answer, seconds = timed(writer.write, prompt(writer))
            if answer.requests == 0:
                break
        assert (answer.reason, answer.requests) == ("breaker_open", 0)
        assert seconds < 0.5
        assert server.answered == asked

        server.behave = lambda *_: None
        back_at = time.monotonic()
        while not (answer := writer.write(prompt(writer))).is_written:
            assert answer.reason == "breaker_open"
            assert time.monotonic() - back_at < 6
            time.sleep(0.05)
        assert all(writer.write(prompt(writer, style)).is_written for style in range(5))


def test_twenty_threads_are_served_at_once_and_none_gets_anothers_text():
    with ModelServer(delay_s=(0.05, 0.1)) as server, asking(server) as writer:
        together = threading.Barrier(20)

        def call(style):
            together.wait()
            return writer.write(prompt(writer, style))

        with ThreadPoolExecutor(20) as threads:
            answers = list(threads.map(call, range(20)))
        assert all(answer.is_written for answer in answers)
        assert [answer.cache_key for answer in answers] == [
            prompt(writer, style).cache_key for style in range(20)
        ]
        assert server.most_at_once == 20
