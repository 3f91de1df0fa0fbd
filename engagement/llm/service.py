"""One model's service: it is asked, its answer is checked, and after eight seconds there is an end to it.

One learner or a hundred thousand take the same way. What differs is patience. Where a person waits, the service gets
eight seconds on the clock and, while it fails, none at all. A batch has time, and more of it for each text where the
settings say so: it stands still through a short outage or a "come back in 30 seconds", and its clocks with it, and
gives up only where that lasts.

The model is asked in a thread with an event loop of its own, one for the process. So the same call works in a script,
in a notebook whose own loop is busy, and in several threads of a dashboard at once. Nothing that goes wrong leaves as
an exception: it is the `reason` of an answer without a text.
"""

import asyncio
import atexit
import concurrent.futures
import logging
import math
import secrets
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

from engagement.content.quiz import QuestionDict
from engagement.dates import utc_now
from engagement.llm import guardrails
from engagement.llm.client import Model, Wire
from engagement.llm.journal import Answer
from engagement.llm.pricing import Budget, OverBudget, about_tokens, most_tokens
from engagement.llm.prompts import Prompt
from engagement.llm.protocol import Failure, Refused, Reply, Way
from engagement.llm.resilience import Breaker, Gate, Rates, jittered

_log = logging.getLogger(__name__)

PERSON_WAITS_S: Final = 8.0
TRIES: Final = 2  # at an answer that passes the checks
FIRST_BACKOFF_S: Final = 0.5
LONGEST_BACKOFF_S: Final = 5.0  # one prompt's bad luck is not the service's end
# A worker waits, about, before it takes the next prompt: others may have failed too, and the breaker is to know.
AFTER_A_FAILURE_S: Final = 0.5
LONGEST_HOLD_S: Final = 600.0  # for everybody; then somebody asks again, in case the service was wrong
LOOK_S: Final = 0.2  # how often who waits looks whether the service is back, about


@dataclass
class Job:
    """What one batch, or one call by hand, shares between its prompts; without patience, a person waits."""

    budget: Budget
    patience_s: float
    run_id: str | None = None
    stopped: str | None = None  # the reason why nothing more is asked
    began: float = field(default_factory=time.monotonic)
    last_answer: float = field(default_factory=time.monotonic)

    @property
    def is_patient(self) -> bool:
        """Whether it may wait for a service that fails at the moment."""
        return self.patience_s > 0


@dataclass
class _Spent:
    """What one prompt has cost so far, over all tries at it."""

    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0

    def add(self, reply: Reply, budget: Budget, *, at_most: float) -> float:
        """Count the tokens of a reply and return what they cost: the most, where the service counted none."""
        self.input_tokens += reply.input_tokens
        self.output_tokens += reply.output_tokens
        if budget.price is None or not reply.input_tokens + reply.output_tokens:
            return at_most
        return budget.price.cost_usd(reply.input_tokens, reply.output_tokens, reply.cached_tokens)


class _GaveUp(Exception):
    """No text; the message is the reason, and `rule` what the last answer did wrong."""

    def __init__(self, reason: str, *, rule: str | None = None) -> None:
        super().__init__(reason)
        self.rule = rule


class Service:
    """One model at one address, for this process. Get it from `service`, so that all calls share what it has learnt."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._loop = asyncio.new_event_loop()
        self._wire = Wire(model)
        self._breaker = Breaker()
        self._gate = Gate(model.concurrency)
        self._rates = Rates(model.requests_per_minute, model.tokens_per_minute)
        self._not_before = 0.0  # monotonic; the service asked to wait until then
        self._thread = threading.Thread(target=self._loop.run_forever, name="model", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    @property
    def way(self) -> Way:
        """Which API and form of answers the server takes, as far as it was asked."""
        return self._wire.way

    def begin(self, work: Coroutine[Any, Any, Any]) -> "concurrent.futures.Future[Any]":
        """Start work on the service's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        """Close the connections and end the thread; what is under way is given up."""
        atexit.unregister(self.close)
        if self._loop.is_closed():
            return
        with suppress(Exception):
            self.begin(self._wind_up()).result(1)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(1)
        if not self._thread.is_alive():
            self._loop.close()

    async def _wind_up(self) -> None:
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await self._wire.close()

    async def one(self, prompt: Prompt, job: Job) -> Answer:
        """Return what became of a prompt: in eight seconds, or twice of them where a batch met an outage."""
        spent = _Spent()
        answer = await self._round(prompt, job, spent)
        if self._breaker.is_open and answer.reason in ("deadline", "unavailable"):
            if not job.is_patient:  # none of its prompts is to be the trial: that may take eight seconds more
                job.stopped = "breaker_open"
            else:  # an outage began under it: once more, when that is over
                answer = await self._round(prompt, job, spent)
        return answer

    async def all(
        self, prompts: "asyncio.Queue[Prompt | None]", job: Job, done: Callable[[Answer], None]
    ) -> None:
        """Work through a queue until it says None, as many at once as the model bears."""
        with suppress(Exception):  # each prompt will have it as its own
            self._wire.open()  # else the first prompt's clock begins, and ends, seconds before the others'
        try:
            async with asyncio.TaskGroup() as crew:
                for _ in range(self.model.concurrency):
                    crew.create_task(self._worker(prompts, job, done))
        except ExceptionGroup as failed:  # the answers cannot be kept
            raise failed.exceptions[0] from None

    async def _worker(
        self, prompts: "asyncio.Queue[Prompt | None]", job: Job, done: Callable[[Answer], None]
    ) -> None:
        while (prompt := await prompts.get()) is not None:
            answer = await self.one(prompt, job)
            done(answer)
            if answer.reason in ("deadline", "unavailable"):
                await asyncio.sleep(jittered(AFTER_A_FAILURE_S))
        prompts.put_nowait(None)  # for the next worker

    async def _round(self, prompt: Prompt, job: Job, spent: _Spent) -> Answer:
        subject: str | None = None
        content: str | list[QuestionDict] | None = None
        reason: str | None = None
        rule: str | None = None
        try:
            deadline_s = self.model.timeout_s if job.is_patient else PERSON_WAITS_S
            async with asyncio.timeout(deadline_s) as clock:
                subject, content = await self._attempts(prompt, job, spent, clock)
        except TimeoutError:
            reason = "deadline"
        except _GaveUp as why:
            reason, rule = str(why), why.rule
        except Exception as error:  # whatever a service can make a library do: the learner gets a template
            number = secrets.token_hex(4)
            _log.error("asking a model failed", extra={"error_id": number, "error": type(error).__name__})
            reason = "error"
        return Answer(
            **about(prompt, self.model, job.run_id),
            reason=reason,
            content=content,
            subject=subject,
            requests=spent.requests,
            input_tokens=spent.input_tokens,
            output_tokens=spent.output_tokens,
            cost_usd=spent.cost_usd if job.budget.price else None,
            rule=rule,
        )

    async def _attempts(
        self, prompt: Prompt, job: Job, spent: _Spent, clock: asyncio.Timeout
    ) -> tuple[str | None, str | list[QuestionDict]]:
        """Return a subject and a text that pass the checks; every other end is an exception."""
        broken_rule, refusals, backoff_s = "", 0, FIRST_BACKOFF_S
        began = time.monotonic()
        while True:
            await self._until_allowed(job, clock)
            try:
                reply = await self._send(prompt, job, spent, clock, broken_rule)
                job.last_answer = time.monotonic()
                return _checked(reply, prompt)
            except guardrails.Unacceptable as broken:
                broken_rule, refusals = str(broken), refusals + 1
                if refusals == TRIES:
                    raise _GaveUp("invalid_output", rule=broken_rule) from None
            except Failure as failure:
                if failure.ends_run:
                    job.stopped = failure.reason
                if failure.reason == "rate_limited" or (failure.is_outage and failure.retry_after_s):
                    await self._hold_back(failure, backoff_s, job, clock, began)
                elif failure.is_outage and (wait_s := jittered(backoff_s)) < _left_s(clock):
                    await asyncio.sleep(wait_s)
                else:
                    raise _GaveUp(failure.reason) from None
                backoff_s = min(2 * backoff_s, LONGEST_BACKOFF_S)

    async def _until_allowed(self, job: Job, clock: asyncio.Timeout) -> None:
        """Wait until the service may be asked: a batch as long as its patience lasts, a person not at all."""
        async with _standing(clock, job):
            while job.stopped is None:
                held_s = self._not_before - time.monotonic()
                if held_s <= 0 and self._breaker.admits():
                    return
                if job.is_patient:
                    if min(self._breaker.open_s, time.monotonic() - job.began) > job.patience_s:
                        job.stopped = "breaker_open"
                    await asyncio.sleep(jittered(LOOK_S))
                elif held_s <= 0:
                    job.stopped = "breaker_open"
                elif held_s >= _left_s(clock):
                    raise _GaveUp("rate_limited")
                else:
                    await asyncio.sleep(held_s)
        raise _GaveUp(job.stopped)

    async def _hold_back(
        self, failure: Failure, backoff_s: float, job: Job, clock: asyncio.Timeout, began: float
    ) -> None:
        """Wait at least as long as the service asked for; give up where that is longer than there is time."""
        asked_s, now = failure.retry_after_s or 0.0, time.monotonic()
        wait_s = max(asked_s, jittered(backoff_s))  # "in 0 seconds" is no leave to ask without a pause
        self._not_before = max(self._not_before, now + min(asked_s, LONGEST_HOLD_S))
        if job.is_patient:
            if max(asked_s, now - max(began, job.last_answer)) > job.patience_s:
                job.stopped = failure.reason
                raise _GaveUp(failure.reason)
        elif wait_s >= _left_s(clock):
            raise _GaveUp(failure.reason)
        async with _standing(clock, job):
            await asyncio.sleep(wait_s)

    async def _send(
        self, prompt: Prompt, job: Job, spent: _Spent, clock: asyncio.Timeout, broken_rule: str
    ) -> Reply:
        """Send one request when there is a place for it, and keep account of it."""
        sent = prompt.task.shared_text + prompt.data + broken_rule
        most_written = prompt.task.max_output_tokens
        async with AsyncExitStack() as held:
            held.callback(self._breaker.leave)
            async with _standing(clock, job):
                await held.enter_async_context(self._gate.place())
                await self._rates.wait(about_tokens(sent) + most_written)
                try:
                    reserved = await job.budget.reserve(most_tokens(sent), most_written)
                except OverBudget:
                    job.stopped = "budget"
                    raise _GaveUp("budget") from None
            spent.requests += 1
            cost_usd = reserved  # until something else is known: it may be on the bill
            try:
                reply = await self._wire.ask(prompt, broken_rule=broken_rule)
                cost_usd = spent.add(reply, job.budget, at_most=reserved)
            except Refused as declined:
                cost_usd = spent.add(declined.reply, job.budget, at_most=reserved)
                self._breaker.succeeded()
                raise
            except Failure as failure:
                cost_usd = reserved if failure.may_cost else 0.0
                spent.requests -= failure.never_left
                self._gate.note(crowded=failure.reason == "rate_limited")
                if failure.is_outage or failure.reason == "bad_request":
                    self._breaker.failed()
                else:
                    self._breaker.succeeded()
                raise
            except BaseException as error:
                # The time is up, or nobody expected it. Who gives up says nothing of the service.
                if clock.expired() or isinstance(error, Exception):
                    self._breaker.failed()
                raise
            finally:
                spent.cost_usd += cost_usd
                job.budget.settle(reserved, cost_usd)
            self._gate.note(crowded=False)
            self._breaker.succeeded()
            return reply


def about(prompt: Prompt, model: Model, run_id: str | None) -> dict[str, Any]:
    """Return what an answer says of its prompt, whatever became of it."""
    return {
        "cache_key": prompt.cache_key,
        "kind": prompt.task.kind,
        "prompt_version": prompt.task.version,
        "model": model.name,
        "base_url": model.address,
        "run_id": run_id,
        "answered_at": utc_now().isoformat(),
    }


def _checked(reply: Reply, prompt: Prompt) -> tuple[str | None, str | list[QuestionDict]]:
    if prompt.task.kind == "quiz":
        return None, guardrails.quiz(reply.text, prompt.task, seed_key=prompt.cache_key)
    return guardrails.nudge(reply.text, prompt.task, titles=prompt.titles)


def _left_s(clock: asyncio.Timeout) -> float:
    when = clock.when()
    return math.inf if when is None else when - asyncio.get_running_loop().time()


@asynccontextmanager
async def _standing(clock: asyncio.Timeout, job: Job) -> AsyncIterator[None]:
    """Stop a batch's clock meanwhile: what a batch waits for is not the service's answer. A person's clock goes on."""
    if not job.is_patient:
        yield
        return
    left_s = _left_s(clock)
    clock.reschedule(None)
    try:
        yield
    finally:
        clock.reschedule(asyncio.get_running_loop().time() + left_s)
