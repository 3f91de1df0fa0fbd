"""A model's service on the loopback address, for tests and benchmarks: it answers well, or fails in a chosen way.

It speaks the Responses API and chat completions over plain HTTP/1.1, on bytes, so that it can also do what no library
would: drip, cut off, reset. What it was sent is kept in `requests`. By itself:

    python -m tests.support.model_server [--delay 0.3 0.8] [--fault hang]   prints its port, serves until its input ends
"""

import argparse
import asyncio
import json
import random
import socket
import struct
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache

from engagement.content import templates

SENTENCES = {
    "en": "Hi {first_name}, one short visit to your course is enough for today. Reply if you would like company.",
    "de": "Hallo {first_name}, ein kurzer Besuch in deinem Kurs reicht für heute. Antworte, wenn du magst.",
}
BODIES = {
    "en": "Hi {first_name},\n\nit has been quiet in your course for a while, and that is fine. Open one lesson and "
    "look around for five minutes. You can decide afterwards whether you want to go on.\n\nReply to this message if "
    "you would like to talk.\n\nYour learning team",
    "de": "Hallo {first_name},\n\nin deinem Kurs war es eine Weile ruhig, und das ist in Ordnung. Öffne eine Lektion "
    "und sieh dich fünf Minuten um. Ob du weitermachst, entscheidest du danach.\n\nAntworte auf diese Nachricht, "
    "wenn du reden möchtest.\n\nDein Lernteam",
}
SUBJECTS = {"en": "Five quiet minutes", "de": "Fünf ruhige Minuten"}
USAGE = {"input_tokens": 600, "output_tokens": 100}
CHAT_NAMES = {
    "input_tokens": "prompt_tokens",
    "output_tokens": "completion_tokens",
    "input_tokens_details": "prompt_tokens_details",
}

# What may happen to a request in place of an answer.
FAULTS = (
    *("hang", "drip headers", "drip body", "429", "500", "503", "401", "403", "404 model", "quota", "400"),
    *(
        "html",
        "truncated",
        "malformed",
        "deep",
        "empty output",
        "null text",
        "refusal",
        "reset",
        "wrong types",
    ),
    *("not json", "redirect", "cut off", "empty body", "wrong shape", "endless"),
)


@dataclass
class Request:
    """One request as it came."""

    at: float
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def data(self):
        """The lines about the learner."""
        sent = self.json
        return sent["input"] if "input" in sent else sent["messages"][-1]["content"]


@dataclass
class ModelServer:
    """`behave(number, request)` returns None for a good answer, a fault's name, or the text the model writes.

    Or what answers in its own way, as `failing` and `sending` return it. Used as a context manager; `url` is what
    OPENAI_BASE_URL needs.
    """

    behave: object = lambda _number, _request: None
    delay_s: tuple[float, float] = (0.0, 0.0)
    speaks_responses: bool = True
    keeps: bool = True
    requests: list[Request] = field(default_factory=list)
    answered: int = 0
    most_at_once: int = 0
    _now: int = 0

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.server = asyncio.run_coroutine_threadsafe(self._start(), self.loop).result(5)
        self.port = self.server.sockets[0].getsockname()[1]
        self.tasks = set()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Close every connection and the port, as a service does that dies."""
        if self.loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._stop(), self.loop).result(5)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()

    async def _start(self):
        self.connections = set()
        return await asyncio.start_server(self._serve, "127.0.0.1", self.port if hasattr(self, "port") else 0)

    async def _stop(self):
        self.server.close()
        for task in list(self.connections):
            task.cancel()
        await asyncio.gather(*self.connections, return_exceptions=True)

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        self.connections.add(task)
        try:
            while (request := await _read(reader)) is not None:
                self._now += 1
                self.most_at_once = max(self.most_at_once, self._now)
                try:
                    await self._answer(request, writer)
                finally:
                    self._now -= 1
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.connections.discard(task)
            with suppress(Exception):
                writer.close()

    async def _answer(self, request, writer):
        number = self.answered
        self.answered += 1
        if self.keeps:
            self.requests.append(request)
        behaviour = self.behave(number, request)
        if self.delay_s[1]:
            await asyncio.sleep(random.uniform(*self.delay_s))
        if not self.speaks_responses and request.path.endswith("/responses"):
            return await _send(writer, 404, b'{"detail":"Not Found"}')
        if behaviour in FAULTS:
            return await FAULT_CODE[behaviour](self, request, writer)
        if callable(behaviour):
            return await behaviour(self, request, writer)
        text = behaviour if isinstance(behaviour, str) else good_answer(request)
        await _send(writer, 200, envelope(request, text))


async def _read(reader):
    head = await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b""
    if not head:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name
    }
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(time.monotonic(), first.split(" ")[1], headers, body)


async def _send(writer, status, body, *, kind="application/json", headers=(), length=None):
    lines = [
        f"HTTP/1.1 {status} X",
        f"content-type: {kind}",
        f"content-length: {length or len(body)}",
        *headers,
    ]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    await writer.drain()


@cache
def _language(instructions):
    return "de" if "Write in German." in instructions else "en"


def good_answer(request):
    """Return what a well-behaved model writes for a request."""
    sent = request.json
    if "instructions" in sent:
        instructions, schema = sent["instructions"], sent["text"]["format"]["schema"]
    else:
        instructions = sent["messages"][0]["content"]
        schema = sent["response_format"]["json_schema"]["schema"]
    language = _language(instructions)
    if "questions" in schema["properties"]:
        return _quiz(language)
    if "subject" in schema["properties"]:
        return json.dumps({"subject": SUBJECTS[language], "body": BODIES[language]})
    return json.dumps({"body": SENTENCES[language]})


@cache
def _quiz(language):
    questions = []
    for question in templates.load_quizzes()[language].on("planning").questions[:4]:
        plain = question.as_dict()
        right = plain["options"].pop(plain["answer_index"])
        kept = {name: plain[name] for name in ("stem", "explanation", "difficulty")}
        questions.append({**kept, "right": right, "wrong": plain["options"]})
    while len(questions) < 4:
        questions.append({**questions[0], "stem": f"{questions[0]['stem']} ({len(questions)})"})
    return json.dumps({"questions": questions})


def envelope(request, text, *, refusal=None, usage=USAGE):
    """Return the body that carries a text in the API that was asked."""
    if request.path.endswith("/responses"):
        part = {"type": "refusal", "refusal": refusal} if refusal else {"type": "output_text", "text": text}
        message = {"type": "message", "role": "assistant", "content": [part]}
        return json.dumps({"id": "r", "status": "completed", "output": [message], "usage": usage}).encode()
    counted = {CHAT_NAMES.get(name, name): count for name, count in usage.items()}
    message = {"role": "assistant", "content": text, "refusal": refusal}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json.dumps({"id": "c", "choices": [choice], "usage": counted}).encode()


def error(code, message="told so by the test"):
    return json.dumps({"error": {"message": message, "type": code, "code": code}}).encode()


def failing(status, code="", *headers, body=None):
    """Return a fault: that status, with a body as services send it, or another."""

    async def fault(_server, _request, writer):
        await _send(writer, status, error(code) if body is None else body, headers=headers)

    return fault


def sending(make, *, kind="application/json"):
    """Return what answers 200 with the bytes that `make` returns for a request."""

    async def fault(_server, request, writer):
        await _send(writer, 200, make(request), kind=kind)

    return fault


async def _hang(_server, _request, _writer):
    await asyncio.sleep(60)


async def _drip_headers(_server, _request, writer):
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(600):
        writer.write(f"x-{number}: y\r\n".encode())
        await writer.drain()
        await asyncio.sleep(0.1)


async def _drip_body(_server, _request, writer):
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n")
    for _ in range(600):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.1)


async def _truncated(_server, request, writer):
    body = envelope(request, good_answer(request))
    await _send(writer, 200, body[: len(body) // 2])


async def _cut_off(_server, request, writer):
    body = envelope(request, good_answer(request))
    await _send(writer, 200, body[: len(body) // 2], length=len(body))
    raise ConnectionError


async def _reset(_server, _request, writer):
    linger = struct.pack("ii", 1, 0)  # closing sends RST
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()
    raise ConnectionError


async def _redirect(_server, _request, writer):
    await _send(writer, 307, b"", headers=("location: http://127.0.0.1:9/v1/responses",), length=0)


async def _endless(_server, _request, writer):
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)


def _null_text(request):
    body = json.loads(envelope(request, ""))
    if "output" in body:
        body["output"][0]["content"][0]["text"] = None
    else:
        body["choices"][0]["message"]["content"] = None
    return json.dumps(body).encode()


def _wrong_types(request):
    body = json.loads(envelope(request, "x"))
    body["output" if "output" in body else "choices"] = {"not": ["a", "list"]}
    body["usage"] = "many"
    return json.dumps(body).encode()


def _empty_output(request):
    body = json.loads(envelope(request, "x"))
    body["output" if "output" in body else "choices"] = []
    return json.dumps(body).encode()


FAULT_CODE = {
    "hang": _hang,
    "drip headers": _drip_headers,
    "drip body": _drip_body,
    "429": failing(429, "rate_limit_exceeded", "retry-after: 30"),
    "500": failing(500, "server_error"),
    "503": failing(503, "overloaded"),
    "401": failing(401, "invalid_api_key"),
    "403": failing(403, "forbidden"),
    "404 model": failing(404, "model_not_found"),
    "quota": failing(429, "insufficient_quota"),
    "400": failing(400, "invalid_request_error"),
    "html": sending(lambda _: b"<!doctype html><title>Sign in</title>", kind="text/html"),
    "truncated": _truncated,
    "cut off": _cut_off,
    "malformed": sending(lambda _: b'{"output": [{"type": "message",,]}'),
    "deep": sending(lambda _: b"[" * 100_000),
    "empty body": sending(lambda _: b""),
    "empty output": sending(_empty_output),
    "null text": sending(_null_text),
    "refusal": sending(lambda request: envelope(request, None, refusal="I cannot help with that.")),
    "reset": _reset,
    "wrong types": sending(_wrong_types),
    "not json": sending(lambda request: envelope(request, "Hi {first_name}, welcome back!")),
    "wrong shape": sending(lambda request: envelope(request, '{"text": ["a"], "options": {"b": null}}')),
    "redirect": _redirect,
    "endless": _endless,
}


def main():
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay", nargs=2, type=float, default=(0.0, 0.0))
    parser.add_argument("--fault", choices=FAULTS)
    parser.add_argument("--outage", nargs=2, type=float, help="from and to, seconds after the first request")
    given = parser.parse_args()
    begun = []

    def behave(_number, request):
        begun[:] = begun or [request.at]
        if given.outage and given.outage[0] <= request.at - begun[0] < given.outage[1]:
            return "503"
        return given.fault

    with ModelServer(behave, tuple(given.delay), keeps=False) as server:
        print(server.port, flush=True)
        sys.stdin.read()
        print(json.dumps({"requests": server.answered, "most_at_once": server.most_at_once}), flush=True)


if __name__ == "__main__":
    main()
