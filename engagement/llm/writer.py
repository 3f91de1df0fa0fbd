"""Who writes the texts: a model, one prompt or a batch at a time, or templates where there is none.

Everything about asking is `service`'s. Here a caller's thread gives prompts and takes answers, and never waits for
anything else.
"""

import asyncio
import concurrent.futures
import os
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Final

from pydantic import SecretStr

from engagement.errors import EngagementError
from engagement.llm.client import DEFAULT_BASE_URL, Model
from engagement.llm.journal import Answer, Journal
from engagement.llm.pricing import Budget, Price, price
from engagement.llm.progress import Progress
from engagement.llm.prompts import Prompt, Task
from engagement.llm.protocol import Way
from engagement.llm.service import LOOK_S, PERSON_WAITS_S, Job, Service, about
from engagement.settings import DEFAULT_MODEL, Settings

NO_MODEL: Final = "none"  # the name of no model: every text is a template
DELIVERED: Final = 500  # answers handed over at a time, or what there is after
DELIVERED_AFTER_S: Final = 2.0
_TRIED_FOR_S: Final = 1.0  # where the service fails
_STARTING_S: Final = 0.2  # for the thread, on top of the deadline


class Batch:
    """Many prompts on their way; `job.stopped` is the reason why the rest was not asked, None where all were."""

    def __init__(self, service: Service, budget: Budget, journal: Journal, run_id: str | None) -> None:
        self._service = service
        self._journal = journal
        self.job = Job(budget, service.model.outage_wait_s, run_id)
        self._waiting: asyncio.Queue[Prompt | None] = asyncio.Queue()
        self._arrived: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._keeping = threading.Lock()
        self._ended = False
        self.asked = 0
        self.written = 0

    def progress(self, total: int) -> Progress:
        """Return how far it is on its way through so many prompts."""
        spent_usd = self.job.budget.spent_usd if self.job.budget.price else None
        return Progress(self.asked, total, self.written, spent_usd, time.monotonic() - self.job.began)

    def answers(self, chunks: Iterator[Sequence[Prompt]]) -> Iterator[list[Answer]]:
        """Yield answers as they come, some hundreds or those of two seconds; each is in the journal by then.

        `chunks` are taken in this thread, one when there is soon nothing left to ask, and none after a stop.
        """
        crew = self._service.begin(self._service.all(self._waiting, self.job, self._done))
        fed, more, delivered = 0, True, time.monotonic()
        ready: list[Answer] = []
        try:
            while more or self.asked < fed:
                if more and fed - self.asked <= 2 * self._service.model.concurrency:
                    chunk = None if self.job.stopped else next(chunks, None)
                    more = chunk is not None
                    fed += len(chunk or ())
                    self._service.begin(self._feed(chunk))
                with suppress(queue.Empty):
                    ready.append(self._arrived.get(timeout=LOOK_S))
                    self.asked += 1
                    self.written += ready[-1].is_written
                if crew.done():
                    crew.result()  # raises what ended it early
                late = time.monotonic() - delivered > DELIVERED_AFTER_S
                if len(ready) >= DELIVERED or late:
                    yield ready
                    ready, delivered = [], time.monotonic()
            yield ready
        finally:
            with self._keeping:  # whoever holds the journal may close it now
                self._ended = True
            crew.cancel()

    async def _feed(self, chunk: Sequence[Prompt] | None) -> None:
        for prompt in (None,) if chunk is None else chunk:
            self._waiting.put_nowait(prompt)

    def _done(self, answer: Answer) -> None:
        with self._keeping:
            if answer.requests and not self._ended:
                self._journal.append(answer)
        self._arrived.put(answer)


@dataclass(frozen=True)
class Writer:
    """Who writes the texts: a model or, for a reason, nobody; then every text is a template.

    Attributes
    ----------
    service
        None where no model is asked.
    why_not
        The reason where none is: `no_key`, or `no_model` where somebody wants templates.
    budget_usd
        At most so much for a batch; None for no limit.
    """

    service: Service | None = None
    why_not: str = "no_model"
    price: Price | None = None
    budget_usd: float | None = None

    def write(self, prompt: Prompt) -> Answer:
        """Return what became of one prompt within eight seconds, whatever the service does. Blocks this thread."""
        work = self._begin(prompt)
        try:
            return work.result(PERSON_WAITS_S + _STARTING_S)
        except concurrent.futures.TimeoutError:  # the whole machine stands still
            work.cancel()
            return Answer(
                **about(prompt, self.model, None),
                reason="deadline",
                content=None,
                subject=None,
                requests=1,
                input_tokens=0,
                output_tokens=0,
                cost_usd=None,
            )

    def try_out(self, prompt: Prompt) -> tuple[Answer, Way]:
        """Return what became of a prompt as one of a batch, and which way the server took. Blocks this thread."""
        job = Job(Budget(self.price), patience_s=_TRIED_FOR_S)
        return self._service.begin(self._service.one(prompt, job)).result(), self._service.way

    async def write_soon(self, prompt: Prompt) -> Answer:
        """Return what `write` does, to code that awaits; the work goes on while the caller's own loop is busy."""
        return await asyncio.wrap_future(self._begin(prompt))

    def batch(self, journal: Journal, *, run_id: str | None = None, spent_usd: float = 0.0) -> Batch:
        """Return a batch of a run that has spent so much of its budget already."""
        budget = Budget(self.price, cap_usd=self.budget_usd, spent_usd=spent_usd)
        return Batch(self._service, budget, journal, run_id)

    def key_prefix(self, task: Task) -> str:
        """Return what the cache keys of a task begin with."""
        return task.key_prefix(model=self.model.name, base_url=self.model.address)

    @property
    def is_nobody(self) -> bool:
        """Whether every text is a template."""
        return self.service is None

    @property
    def model(self) -> Model:
        """The model that is asked; an error where there is none."""
        return self._service.model

    @property
    def _service(self) -> Service:
        if self.service is None:
            raise EngagementError("no model is asked: there is nobody to write")
        return self.service

    def _begin(self, prompt: Prompt) -> "concurrent.futures.Future[Answer]":
        return self._service.begin(self._service.one(prompt, Job(Budget(self.price), patience_s=0)))


TEMPLATES: Final = Writer()


def writer_for(settings: Settings, *, model: str = "", budget_usd: float | None = None) -> Writer:
    """Return who writes: a model where there is a key for one, else templates.

    Parameters
    ----------
    model
        Its name; empty for the one of the settings, `none` for templates.
    budget_usd
        At most so much for a batch. `InvalidInput` where the price of the model is not known.
    """
    if (model or settings.model) == NO_MODEL:
        return TEMPLATES
    if settings.openai_api_key is None:
        return Writer(why_not="no_key")
    asked = chosen_model(settings, model)
    known = price(asked.name, own=settings.price)
    Budget(known, cap_usd=budget_usd)  # refused now rather than in the middle of a run
    return Writer(service(asked, os.getpid()), why_not="", price=known, budget_usd=budget_usd)


def chosen_model(settings: Settings, name: str = "") -> Model:
    """Return the model that is asked: the one named, else the one of the settings, else the default."""
    return Model(
        name=name or settings.model or DEFAULT_MODEL,
        key=settings.openai_api_key or SecretStr(""),
        base_url=settings.openai_base_url or DEFAULT_BASE_URL,
        concurrency=settings.concurrency,
        requests_per_minute=settings.requests_per_minute,
        tokens_per_minute=settings.tokens_per_minute,
        outage_wait_s=settings.outage_wait_s,
        timeout_s=settings.model_timeout_s,
    )


def service(model: Model, process: int) -> Service:
    """Return the process's one service for a model; a forked process has its own."""
    with _starting:
        return _service(model, process)


@cache
def _service(model: Model, _process: int) -> Service:
    return Service(model)


_starting = threading.Lock()
