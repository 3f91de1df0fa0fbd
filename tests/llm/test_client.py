import asyncio
import json
from contextlib import ExitStack

import pytest

from engagement.errors import InvalidInput
from engagement.llm import prompts
from engagement.llm.client import DEFAULT_BASE_URL, Model, Wire
from engagement.llm.prompts import Prompt
from engagement.llm.protocol import Failure, Refused, Reply
from tests.support.asking import KEY, NAME, model_at
from tests.support.model_server import SENTENCES, ModelServer, envelope, failing, sending

TASK = prompts.nudge_task("in_app", "en")
PROMPT = Prompt(TASK, "reason: praise\nstyle: 1", "k")
BODY = json.dumps({"body": SENTENCES["en"]})
SCHEMA = {
    "type": "object",
    "properties": {"body": {"type": "string"}},
    "required": ["body"],
    "additionalProperties": False,
}
FLAVOURS = pytest.mark.parametrize("speaks_responses", [True, False], ids=["responses", "chat"])


def ask(*asked, url, key=KEY):
    """Return what each prompt in turn comes to, a reply or a `Failure`, over a wire of its own."""

    async def all_of_them():
        wire = Wire(model_at(url, key=key))
        try:
            return [await outcome(wire, prompt) for prompt in asked]
        finally:
            await wire.close()

    return asyncio.run(all_of_them())


async def outcome(wire, prompt):
    try:
        return await wire.ask(prompt)
    except Failure as failure:
        return failure


@pytest.fixture(scope="module")
def comes_to():
    """What a prompt comes to at a server that behaves so; one wire for all, as a new one costs 60 ms."""
    behaviour = []
    with asyncio.Runner() as runner, ExitStack() as held:
        wires = {}
        for speaks_responses in (True, False):
            server = held.enter_context(
                ModelServer(lambda _number, _request: behaviour[0], speaks_responses=speaks_responses)
            )
            wires[speaks_responses] = Wire(model_at(server.url))

        def found(at_once, speaks_responses=False):
            behaviour[:] = [at_once]
            return runner.run(outcome(wires[speaks_responses], PROMPT))

        yield found
        for wire in wires.values():
            runner.run(wire.close())


def paths(server):
    return [request.path for request in server.requests]


def about(failure):
    return (
        failure.reason,
        failure.is_outage,
        failure.ends_run,
        failure.retry_after_s,
        failure.may_cost,
    )


def test_the_responses_api_is_sent_the_prompt_and_nothing_else():
    with ModelServer() as server:
        assert ask(PROMPT, url=server.url) == [Reply(BODY, 600, 0, 100)]
    assert paths(server) == ["/v1/responses"]
    assert server.requests[0].json == {
        "model": NAME,
        "instructions": TASK.instructions,
        "input": "reason: praise\nstyle: 1",
        "text": {"format": {"type": "json_schema", "name": "nudge", "strict": True, "schema": SCHEMA}},
        "max_output_tokens": 200,
        "store": False,
    }


def test_chat_completions_are_sent_the_prompt_and_nothing_else():
    with ModelServer(speaks_responses=False) as server:
        assert ask(PROMPT, url=server.url) == [Reply(BODY, 600, 0, 100)]
    assert server.requests[1].json == {
        "model": NAME,
        "messages": [
            {"role": "system", "content": TASK.instructions},
            {"role": "user", "content": "reason: praise\nstyle: 1"},
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "nudge", "strict": True, "schema": SCHEMA},
        },
        "max_tokens": 200,
    }


def test_the_key_is_in_one_header_only_and_none_tells_of_the_machine():
    with ModelServer() as server:
        ask(PROMPT, url=server.url)
    (request,) = server.requests
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert [name for name, value in request.headers.items() if KEY in value] == ["authorization"]
    assert KEY.encode() not in request.body
    assert set(request.headers) == {
        *("host", "connection", "content-length", "content-type", "authorization"),
        *("accept", "accept-encoding", "user-agent", "x-stainless-retry-count"),
    }


@FLAVOURS
def test_a_broken_rule_is_told_after_the_data(speaks_responses):
    async def ask_again(url):
        wire = Wire(model_at(url))
        await wire.ask(PROMPT, broken_rule="holds a link")
        await wire.close()

    with ModelServer(speaks_responses=speaks_responses) as server:
        asyncio.run(ask_again(server.url))
    assert server.requests[-1].data == (
        "reason: praise\nstyle: 1\n\nYour last answer broke a rule (holds a link). Write it anew."
    )


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_server_without_the_responses_api_is_asked_in_the_other_way_from_then_on(status):
    def behave(_number, request):
        return failing(status, "not_found") if request.path.endswith("/responses") else None

    with ModelServer(behave) as server:
        assert ask(PROMPT, PROMPT, url=server.url) == 2 * [Reply(BODY, 600, 0, 100)]
    assert paths(server) == ["/v1/responses", "/v1/chat/completions", "/v1/chat/completions"]


def test_a_model_that_does_not_exist_is_not_taken_for_an_api_that_does_not():
    with ModelServer(lambda _number, _request: "404 model") as server:
        first, second = ask(PROMPT, PROMPT, url=server.url)
    assert (first.reason, second.reason) == ("no_such_model", "no_such_model")
    assert paths(server) == ["/v1/responses", "/v1/responses"]


def form_of(request):
    """Return how a request tells of the shape of its answer: where, and the keys that say so."""
    sent = request.json
    told = sent["text"]["format"] if "text" in sent else sent.get("response_format", {"type": "text"})
    return told["type"], "schema" in told or "json_schema" in told


SERVERS = {
    # what llama.cpp's own server in Python says: the validation of its request fails within it
    "500 that names the format": (
        lambda form: form[0] != "json_schema",
        failing(500, body=b"{\"error\": {\"message\": \"[{'loc': ('body', 'response_format', 'type')}]\"}}"),
        ("json_object", True),
    ),
    "400 without a word": (
        lambda form: form == ("json_object", False),
        failing(400, body=b'{"error": {"message": "Bad Request"}}'),
        ("json_object", False),
    ),
    "422 for anything but text": (
        lambda form: form[0] == "text",
        failing(422, body=b'{"detail": [{"type": "extra_forbidden", "loc": ["body", "response_format"]}]}'),
        ("text", False),
    ),
}


@pytest.mark.parametrize("server", SERVERS)
def test_what_a_server_does_not_take_is_left_out_from_then_on(server):
    takes, refuses, wanted = SERVERS[server]

    def behave(_number, request):
        if request.path.endswith("/responses"):
            return failing(404, "not_found")
        return BODY if takes(form_of(request)) else refuses

    with ModelServer(behave) as here:
        first, second = ask(PROMPT, PROMPT, url=here.url)
        assert (first.text, second.text) == (BODY, BODY)
    forms = [form_of(request) for request in here.requests]
    assert forms[-2:] == [wanted, wanted]
    assert forms.count(wanted) == 2  # and every other at most once by each API
    assert len(forms) == len(set(forms)) + 2
    told = here.requests[-1].json["messages"][0]["content"]
    assert told.startswith(TASK.instructions)
    assert json.dumps(SCHEMA) in told


@pytest.mark.parametrize(
    "said",
    ["Sure! Here it is:\n```json\n{}\n```", "<think>a nudge {short}</think>{}", "{} I hope this helps."],
    ids=["in a fence", "after a thought", "with an end"],
)
def test_what_a_model_writes_around_its_object_is_not_read(said):
    def behave(_number, request):
        return said.replace("{}", BODY) if form_of(request)[0] == "text" else failing(400, "unsupported")

    with ModelServer(behave) as here:
        (found,) = ask(PROMPT, url=here.url)
    assert found.text == BODY


def test_a_server_that_takes_a_form_and_does_not_keep_to_it_is_told_in_words():
    def behave(_number, request):
        return "Dear learner, welcome." if form_of(request)[0] == "json_schema" else BODY

    with ModelServer(behave) as here:
        first, second = ask(PROMPT, PROMPT, url=here.url)
    assert (first.text, second.text) == (BODY, BODY)
    assert len(here.requests) == 4
    assert (first.input_tokens, second.input_tokens) == (1800, 600)  # what was no answer is on the bill


def test_a_model_that_never_writes_an_object_is_an_answer_that_is_checked():
    with ModelServer(lambda *_: "I would rather not.") as here:
        first, second = ask(PROMPT, PROMPT, url=here.url)
    assert (first.text, second.text) == 2 * ("I would rather not.",)
    assert [form_of(request) for request in here.requests[-2:]] == [("text", False), ("text", False)]


def test_an_outage_says_nothing_of_the_way():
    def behave(number, _request):
        return failing(500, "server_error") if number == 0 else None

    with ModelServer(behave) as here:
        first, second = ask(PROMPT, PROMPT, url=here.url)
    assert (first.reason, second.text) == ("unavailable", BODY)
    assert paths(here) == ["/v1/responses", "/v1/responses"]


def test_a_bad_request_is_one_where_the_way_has_worked():
    def behave(number, _request):
        return failing(400, "context_length_exceeded") if number == 1 else None

    with ModelServer(behave) as here:
        _, second, third = ask(PROMPT, PROMPT, PROMPT, url=here.url)
    assert (second.reason, third.text) == ("bad_request", BODY)
    assert len(here.requests) == 3


@FLAVOURS
def test_tokens_are_read_with_those_from_the_cache(comes_to, speaks_responses):
    usage = {"input_tokens": 900, "output_tokens": 40, "input_tokens_details": {"cached_tokens": 512}}
    made = sending(lambda request: envelope(request, "{}", usage=usage))
    assert comes_to(made, speaks_responses) == Reply("{}", 900, 512, 40)


@FLAVOURS
@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({}, (0, 0, 0)),
        ({"input_tokens": 7, "output_tokens": 8, "input_tokens_details": None}, (7, 0, 8)),
        ({"input_tokens": 7, "output_tokens": 8, "input_tokens_details": {"cached_tokens": None}}, (7, 0, 8)),
        ({"input_tokens": None, "output_tokens": "many"}, (0, 0, 0)),
        ({"input_tokens": -600, "output_tokens": -100}, (0, 0, 0)),
        ({"input_tokens": 10**400, "output_tokens": 8}, (0, 0, 8)),
    ],
    ids=["empty", "no details", "null in the details", "no numbers", "negative", "more than there can be"],
)
def test_a_count_of_tokens_that_is_none_is_read_as_not_said(comes_to, speaks_responses, usage, tokens):
    made = sending(lambda request: envelope(request, "{}", usage=usage))
    found = comes_to(made, speaks_responses)
    assert (found.text, (found.input_tokens, found.cached_tokens, found.output_tokens)) == ("{}", tokens)


@FLAVOURS
def test_an_answer_without_any_usage_is_an_answer(comes_to, speaks_responses):
    def without(request):
        body = json.loads(envelope(request, "{}"))
        del body["usage"]
        return json.dumps(body).encode()

    assert comes_to(sending(without), speaks_responses) == Reply("{}", 0, 0, 0)


@FLAVOURS
def test_a_model_that_declines_has_its_tokens_counted(comes_to, speaks_responses):
    found = comes_to("refusal", speaks_responses)
    assert isinstance(found, Refused)
    assert about(found) == ("refused", False, False, None, False)
    assert (found.reply.input_tokens, found.reply.output_tokens) == (600, 100)


def test_an_answer_that_a_filter_stopped_counts_as_declined(comes_to):
    def filtered(request):
        body = json.loads(envelope(request, ""))
        body["choices"][0]["finish_reason"] = "content_filter"
        return json.dumps(body).encode()

    assert comes_to(sending(filtered)).reason == "refused"


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "invalid_request_error", ("bad_request", False, False, None, False)),
        (401, "invalid_api_key", ("unauthorized", False, True, None, False)),
        (402, "payment_required", ("no_quota", False, True, None, False)),
        (403, "forbidden", ("unauthorized", False, True, None, False)),
        (404, "model_not_found", ("no_such_model", False, True, None, False)),
        (404, "not_found", ("no_such_model", False, True, None, False)),
        (400, "model_not_found", ("no_such_model", False, True, None, False)),
        (400, "unsupported_model", ("no_such_model", False, True, None, False)),
        (408, "timeout", ("unavailable", True, False, None, False)),
        (409, "conflict", ("unavailable", True, False, None, False)),
        (413, "too_large", ("bad_request", False, False, None, False)),
        (422, "unprocessable", ("bad_request", False, False, None, False)),
        (425, "too_early", ("unavailable", True, False, None, False)),
        (429, "rate_limit_exceeded", ("rate_limited", False, False, None, False)),
        (429, "insufficient_quota", ("no_quota", False, True, None, False)),
        (429, "billing_hard_limit_reached", ("no_quota", False, True, None, False)),
        (403, "billing_not_active", ("no_quota", False, True, None, False)),
        (500, "server_error", ("unavailable", True, False, None, False)),
        (501, "not_implemented", ("unavailable", True, False, None, False)),
        (502, "bad_gateway", ("unavailable", True, False, None, False)),
        (503, "overloaded", ("unavailable", True, False, None, False)),
        (504, "gateway_timeout", ("unavailable", True, False, None, False)),
        (529, "overloaded_error", ("unavailable", True, False, None, False)),
    ],
)
def test_a_status_says_what_a_failure_means(comes_to, status, code, expected):
    assert about(comes_to(failing(status, code))) == expected


@pytest.mark.parametrize(
    "body",
    [b"", b"<h1>Forbidden</h1>", b"null", b"[1]", b'{"error": "no"}', b'{"error": {"code": 7}}', b"\xff{"],
)
def test_the_body_of_an_error_may_hold_anything(comes_to, body):
    assert comes_to(failing(401, body=body)).reason == "unauthorized"


@FLAVOURS
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        *(("reset", "unavailable"), ("cut off", "unavailable"), ("html", "unavailable")),
        *(("empty body", "unavailable"), ("truncated", "invalid_output"), ("malformed", "invalid_output")),
        *(("deep", "invalid_output"), ("wrong types", "invalid_output")),
    ],
)
def test_what_is_no_answer_is_an_outage_that_may_be_on_the_bill(comes_to, fault, reason, speaks_responses):
    found = comes_to(fault, speaks_responses)
    assert about(found) == (reason, True, False, None, True)
    assert not found.never_left


@FLAVOURS
def test_a_body_that_never_ends_is_not_taken_in(comes_to, speaks_responses):
    sent = []

    async def endless(_server, _request, writer):
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        while True:
            writer.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
            await writer.drain()
            sent.append(0x10000)

    assert about(comes_to(endless, speaks_responses)) == ("unavailable", True, False, None, True)
    assert sum(sent) < 40_000_000  # four millions, and what is on its way


@pytest.mark.parametrize("url", ["gone", "http://models.invalid/v1", "ftp://127.0.0.1/v1", "nowhere"])
def test_a_service_that_is_not_there_is_an_outage(url):
    with ModelServer() as server:
        gone = server.url
    (found,) = ask(PROMPT, url=gone if url == "gone" else url)
    assert about(found) == ("unavailable", True, False, None, False)
    assert found.never_left


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (["retry-after: 30"], 30),
        (["retry-after: 0.25"], 0.25),
        (["retry-after: 0"], 0),
        (["retry-after: -5"], 0),
        (["retry-after: 999999999"], 86_400),
        (["retry-after: inf"], 86_400),
        (["retry-after: nan"], None),
        (["retry-after: soon"], None),
        (["retry-after:"], None),
        ([], None),
        (["date: Wed, 25 Nov 2026 12:00:00 GMT", "retry-after: Wed, 25 Nov 2026 12:00:30 GMT"], 30),
        (["date: Wed, 25 Nov 2026 13:00:00 +0100", "retry-after: Wed, 25 Nov 2026 12:00:30 GMT"], 30),
        (["date: Wed, 25 Nov 2026 12:00:00 GMT", "retry-after: Wed, 25 Nov 2026 11:00:00 GMT"], 0),
        (["date: Wed, 25 Nov 2026 12:00:00 GMT", "retry-after: Sun, 25 Nov 2029 12:00:00 GMT"], 86_400),
        (["date: Wed, 25 Nov 1987 12:00:00 GMT", "retry-after: Wed, 25 Nov 1987 12:01:00 GMT"], 60),
        (["retry-after: Sat, 01 Jan 2000 00:00:00 GMT"], 0),
        (["date: yesterday", "retry-after: Sat, 01 Jan 2000 00:00:00 GMT"], 0),
        (["retry-after: Wed, 25 Nov 20266 12:00:30 GMT"], None),
        (["date: Wed, 25 Nov 20266 12:00:00 GMT", "retry-after: Sat, 01 Jan 2000 00:00:00 GMT"], 0),
    ],
    ids=lambda value: "; ".join(value) or "none" if isinstance(value, list) else str(value),
)
def test_how_long_to_wait_is_read_from_seconds_or_a_date_by_the_services_clock(comes_to, headers, seconds):
    found = comes_to(failing(429, "rate_limit_exceeded", *headers))
    assert (found.reason, found.retry_after_s) == ("rate_limited", seconds)


def test_an_overloaded_service_may_say_how_long_to_wait_too(comes_to):
    assert comes_to(failing(503, "overloaded", "retry-after: 7")).retry_after_s == 7


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(comes_to, status):
    with ModelServer() as other:
        moved = failing(status, "moved", f"location: {other.url}/responses")
        assert about(comes_to(moved)) == ("bad_request", False, False, None, False)
    assert other.requests == []


@pytest.mark.parametrize("key", ["sk-one\nsk-two", "sk-one\n", "sk\x00one", "schlüssel", "密钥", ""])
def test_a_key_that_no_header_can_hold_counts_as_refused_and_is_in_no_message(key):
    with ModelServer() as server:
        (found,) = ask(PROMPT, url=server.url, key=key)
    assert about(found) == ("unauthorized", False, True, None, False)
    assert str(found) == "unauthorized"
    assert found.never_left
    assert server.requests == []


def test_the_address_of_a_model_holds_nothing_secret():
    made = model_at("https://me:hidden@models.example:8443/v1/?token=hidden#hidden")
    assert made.address == "https://models.example:8443/v1"
    assert "hidden" not in repr(made)
    assert KEY not in repr(made)
    assert KEY not in str(made)


def test_a_model_is_asked_at_openai_unless_something_else_is_set():
    assert DEFAULT_BASE_URL == "https://api.openai.com/v1"
    assert Model("m", model_at("").key).address == "https://api.openai.com/v1"


@pytest.mark.parametrize("url", ["http://127.0.0.1:port/v1", "http://127.0.0.1:99999/v1", "http://[::1/v1"])
def test_an_address_that_is_none_is_refused_without_being_quoted(url):
    with pytest.raises(InvalidInput, match="OPENAI_BASE_URL") as refused:
        _ = model_at(url).address
    assert url not in str(refused.value)
