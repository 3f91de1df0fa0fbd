"""One process that asks a model for many nudges and prints what that took, as JSON: ours, or a rival.

    python -m tests.benchmarks.asker ours http://127.0.0.1:8000/v1 2000

It imports, makes its client and asks one prompt before its clocks start. CPU is user and system seconds of all its
threads. Memory is what the operating system says about this process, which imports no more than asking needs: VmRSS,
and for the peak VmHWM; `ru_maxrss` would begin with the peak of the process that started this one. Linux only.

The rivals ask as the model library's documentation shows, and only ask and parse. Ours also checks every text, writes
it to a journal, and holds back where the service fails.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from engagement.llm import journal, pricing, prompts
from engagement.llm.client import Model
from engagement.llm.prompts import Prompt
from engagement.llm.service import Service
from engagement.llm.writer import Writer
from engagement.settings import DEFAULT_MODEL
from engagement.vocabulary import CHANNELS

AT_ONCE = 64
EARLY = 2_000  # answers after which memory is looked at, too
BLOCK = 500  # prompts handed over at a time, as a run does
WRITTEN = "written"
KEY = "sk-none"


class Message(BaseModel):
    """What the rivals let the library parse."""

    body: str


class EMail(BaseModel):
    """The same, of an e-mail."""

    subject: str
    body: str


def ours(url: str, count: int) -> dict[str, Any]:
    """Ask for all of them in a batch, which waits for a service that fails."""
    writer = _writer(url, patience_s=60)
    assert writer.write(next(_prompts(1))).is_written
    return _batch(writer, count)


def impatient(url: str, count: int) -> dict[str, Any]:
    """Do the same in a batch that does not wait, at a service that need not work."""
    import openai  # noqa: F401 (before the clocks start, as for the others)

    return _batch(_writer(url, patience_s=0), count)


def call(url: str, _count: int) -> dict[str, Any]:
    """Ask for one nudge as soon as the process has begun, and for one in an event loop that this blocks."""
    writer = _writer(url, patience_s=60)
    (prompt,) = _prompts(1)

    def taken_s() -> float:
        begin = time.monotonic()
        assert writer.write(prompt).reason == "deadline"
        return time.monotonic() - begin

    async def blocking_s() -> float:
        return taken_s()

    return {"first_s": taken_s(), "in_loop_s": asyncio.run(blocking_s())}


def semaphore(url: str, count: int) -> dict[str, Any]:
    """Ask with the library's asynchronous client, its `parse`, and a semaphore."""
    import openai

    async def asked() -> dict[str, Any]:
        async with openai.AsyncOpenAI(api_key=KEY, base_url=url) as client:
            places = asyncio.Semaphore(AT_ONCE)

            async def ask(prompt: Prompt) -> bool:
                async with places:
                    response = await client.responses.parse(**_request(prompt))
                return response.output_parsed is not None

            assert await ask(next(_prompts(1)))
            clocks = _clocks()
            written = await asyncio.gather(*map(ask, _prompts(count)))
            return _since(clocks) | {"reasons": {WRITTEN: sum(written)}}

    return asyncio.run(asked())


def threads(url: str, count: int) -> dict[str, Any]:
    """Ask with the library's other client, in as many threads as there are requests at once."""
    import openai

    with openai.OpenAI(api_key=KEY, base_url=url) as client, ThreadPoolExecutor(AT_ONCE) as pool:

        def ask(prompt: Prompt) -> bool:
            return client.responses.parse(**_request(prompt)).output_parsed is not None

        assert ask(next(_prompts(1)))
        clocks = _clocks()
        written = sum(pool.map(ask, _prompts(count)))
        return _since(clocks) | {"reasons": {WRITTEN: written}}


SIDES = {side.__name__: side for side in (ours, impatient, call, semaphore, threads)}


def _prompts(count: int) -> Iterator[Prompt]:
    """Yield so many different prompts, over all channels and two languages."""
    tasks = [prompts.nudge_task(channel, language) for language in ("en", "de") for channel in CHANNELS]
    for number in range(count):
        task = tasks[number % len(tasks)]
        data = (
            f"reason: inactivity\ncourse: Introduction to subject {number}\nplanned work done: a quarter to a half\n"
            f"last visit: one to two weeks ago\nstyle: {1 + number % 3}"
        )
        yield Prompt(task, data, prompts.cache_key(task.digest, data))


def _request(prompt: Prompt) -> dict[str, Any]:
    """Return what `parse` needs to send what we send."""
    return {
        "model": DEFAULT_MODEL,
        "instructions": prompt.task.instructions,
        "input": prompt.data,
        "text_format": EMail if prompt.task.channel == "email" else Message,
        "max_output_tokens": prompt.task.max_output_tokens,
        "store": False,
    }


def _writer(url: str, *, patience_s: float) -> Writer:
    model = Model(DEFAULT_MODEL, SecretStr(KEY), url, concurrency=AT_ONCE, outage_wait_s=patience_s)
    return Writer(Service(model), why_not="", price=pricing.price(model.name))


def _batch(writer: Writer, count: int) -> dict[str, Any]:
    reasons: Counter[str] = Counter()
    early_rss_mb = 0.0
    made = _prompts(count)
    blocks = iter(lambda: list(islice(made, BLOCK)), [])
    with tempfile.TemporaryDirectory() as folder, journal.opened(Path(folder) / "store.duckdb") as kept:
        clocks = _clocks()
        batch = writer.batch(kept)
        for answers in batch.answers(blocks):
            reasons.update(answer.reason or WRITTEN for answer in answers)
            if not early_rss_mb and reasons.total() >= EARLY:
                early_rss_mb = _memory_mb("VmRSS")
        taken = _since(clocks)
    return taken | {"reasons": reasons, "stopped": batch.job.stopped, "early_rss_mb": early_rss_mb}


def _clocks() -> tuple[float, float]:
    return time.monotonic(), time.process_time()


def _since(begin: tuple[float, float]) -> dict[str, Any]:
    wall_s, cpu_s = (now - then for now, then in zip(_clocks(), begin, strict=True))
    return {"wall_s": wall_s, "cpu_s": cpu_s, "rss_mb": _memory_mb("VmRSS"), "peak_mb": _memory_mb("VmHWM")}


def _memory_mb(name: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    side, url, count = sys.argv[1:]
    print(json.dumps(SIDES[side](url, int(count))))
