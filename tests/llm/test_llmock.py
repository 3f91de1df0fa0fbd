"""A service of somebody else's making, which also judges its client: did it wait, back off, and know when to stop."""

import json

import pytest

from engagement.llm.protocol import WAYS
from engagement.llm.writer import _service, writer_for
from engagement.settings import read_settings
from tests.support.asking import Asked, prompt
from tests.support.model_server import SENTENCES

NUDGE = json.dumps({"body": SENTENCES["en"]})
WITH_A_LINK = json.dumps({"body": "Hi {first_name}, your course is at https://example.org for today."})


@pytest.fixture
def writer(llmock):
    """Whoever the environment says writes, which `llmock` has set to itself."""
    made = writer_for(read_settings())
    yield made
    made.service.close()
    _service.cache_clear()


def test_a_nudge_is_written(llmock, writer):
    llmock.reply(NUDGE)
    answer = writer.write(prompt(writer))
    assert (answer.reason, answer.content) == (None, SENTENCES["en"])
    assert answer.input_tokens > 100
    assert answer.output_tokens > 10
    (request,) = llmock.requests
    assert request.path == "/v1/responses"
    llmock.assert_resilient(strict=True)


def test_a_text_that_breaks_a_rule_is_asked_for_again(llmock, writer):
    llmock.reply(WITH_A_LINK).reply(NUDGE)
    answer = writer.write(prompt(writer))
    assert (answer.reason, answer.requests) == (None, 2)
    llmock.assert_resilient(strict=True)


def test_what_is_no_text_of_ours_is_asked_for_twice(llmock, writer):
    answer = writer.write(prompt(writer))  # it answers with a sentence of its own
    assert (answer.reason, answer.requests) == ("invalid_output", 2)
    llmock.assert_resilient(strict=True)


def test_a_crowded_service_is_asked_again_when_it_said_so(llmock, writer):
    llmock.rate_limit(retry_after=1).reply(NUDGE)
    answer = writer.write(prompt(writer))
    assert (answer.reason, answer.requests) == (None, 2)
    llmock.assert_resilient(strict=True)


def test_a_failing_service_is_asked_again_later_and_later(llmock, writer):
    llmock.fail(503, times=2, retry_after=0).reply(NUDGE)
    answer = writer.write(prompt(writer))
    assert (answer.reason, answer.requests) == (None, 3)
    first, second, third = llmock.requests
    assert second.started_at - first.ended_at >= 0.3
    assert third.started_at - second.ended_at >= 0.6
    llmock.assert_resilient(strict=True)


def test_an_outage_is_given_up_in_time(llmock, writer):
    llmock.outage()
    answer = writer.write(prompt(writer))
    assert answer.reason in {
        "unavailable",
        "deadline",
    }  # the last request may be under way when the time is up
    assert 2 <= answer.requests <= 6
    llmock.assert_resilient(strict=True)


def test_a_batch_waits_for_a_crowded_service_as_well(llmock, writer, tmp_path):
    llmock.rate_limit(times=5, retry_after=1).reply(NUDGE, times=None)
    asked = Asked(writer, 60, tmp_path)
    assert (asked.written, len(llmock.requests)) == (60, 65)
    llmock.assert_resilient(strict=True)


@pytest.mark.parametrize(
    ("status", "reason"),
    [(413, "bad_request"), (401, "unauthorized"), (403, "unauthorized"), (404, "no_such_model")],
)
def test_what_cannot_succeed_is_asked_once(llmock, writer, status, reason):
    code = "model_not_found" if status == 404 else None
    llmock.fail(status, times=None, code=code)
    answer = writer.write(prompt(writer))
    assert (answer.reason, len(llmock.requests)) == (reason, 1)
    llmock.assert_resilient(strict=True)


def test_a_request_that_no_way_helps_is_tried_in_each_and_the_next_once(llmock, writer):
    llmock.fail(400, times=None)
    for style, most in ((1, len(WAYS)), (2, len(WAYS) + 1)):
        assert writer.write(prompt(writer, style)).reason == "bad_request"
        assert len(llmock.requests) == most


def test_an_account_without_money_is_not_asked_again(llmock, writer):
    llmock.fail(429, times=None, code="insufficient_quota")
    answer = writer.write(prompt(writer))
    assert (answer.reason, len(llmock.requests)) == ("no_quota", 1)
