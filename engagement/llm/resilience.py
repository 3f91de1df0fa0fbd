"""How fast a service is asked: no more at once than it bears, no more a minute than was agreed, and not while it fails.

Measured, not guessed. A breaker that counts failures in a row opens on every hiccup of a busy service, so this one
looks at the share among the last twenty. Concurrency shrinks on being told "too many requests", and only then: a slow
service is not a crowded one. All of it belongs to one event loop and needs no lock.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

WINDOW: Final = 20  # outcomes the breaker looks at
OUTCOMES_NEEDED: Final = 10  # below that a few failures say nothing
FAILING_SHARE: Final = 0.5
STALE_S: Final = 60.0  # older outcomes say nothing about now
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 5.0

CROWDED_SHARE: Final = 0.15  # of "too many requests" among the last answers
SHRINK: Final = 0.7
MINUTE_S: Final = 60.0
LATE_S: Final = 0.25  # that timers and a busy loop may lose, and that is made up for
ANSWERS_LOOKED_AT: Final = 40


class Breaker:
    """Knows whether a service works at the moment. Open, it lets one trial through from time to time.

    The trial is a request, and a request is the task that makes it: of what left before, no end says anything now.
    """

    def __init__(self) -> None:
        self._outcomes: deque[tuple[float, bool]] = deque(maxlen=WINDOW)
        self._opened_at: float | None = None
        self._retry_at = 0.0
        self._pause_s = FIRST_PAUSE_S
        self._trial: object | None = None

    @property
    def is_open(self) -> bool:
        """Whether the service counts as failing."""
        return self._opened_at is not None

    @property
    def open_s(self) -> float:
        """For how long it has been open, in seconds; 0 while it is closed."""
        return 0.0 if self._opened_at is None else time.monotonic() - self._opened_at

    def admits(self) -> bool:
        """Return whether a request may go out now. True while open makes the caller's request the trial."""
        if self._opened_at is None:
            return True
        if self._trial is not None or time.monotonic() < self._retry_at:
            return False
        self._trial = _request()
        return True

    def leave(self) -> None:
        """Let another be the trial, if the caller's request was the trial and has had no end."""
        if self._is_trial():
            self._trial = None

    def succeeded(self) -> None:
        """Note that the service answered, whatever it said."""
        if self._opened_at is None:
            self._outcomes.append((time.monotonic(), True))
        elif self._is_trial():
            self._outcomes.clear()
            self._opened_at, self._trial, self._pause_s = None, None, FIRST_PAUSE_S

    def failed(self) -> None:
        """Note that it did not."""
        now = time.monotonic()
        if self._opened_at is not None:
            if self._is_trial():
                self._trial = None
                self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
                self._retry_at = now + self._pause_s
            return
        self._outcomes.append((now, False))
        recent = [good for at, good in self._outcomes if now - at < STALE_S]
        if len(recent) >= OUTCOMES_NEEDED and recent.count(False) >= FAILING_SHARE * len(recent):
            self._opened_at, self._retry_at = now, now + self._pause_s

    def _is_trial(self) -> bool:
        return self._trial is not None and self._trial is _request()


_NO_TASK: Final = object()  # who asks outside of an event loop is one


def _request() -> object:
    """Return what tells the caller's request from others."""
    try:
        return asyncio.current_task() or _NO_TASK
    except RuntimeError:
        return _NO_TASK


class Gate:
    """Lets so many through at once; fewer while the service says it is crowded, more again as it answers."""

    def __init__(self, most: int) -> None:
        self._most = float(most)
        self._limit = float(most)
        self._inside = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._answers: deque[bool] = deque(maxlen=ANSWERS_LOOKED_AT)

    @property
    def limit(self) -> int:
        """How many may be inside now."""
        return int(self._limit)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold one of the places, first come first served."""
        if self._inside < self.limit:
            self._inside += 1
        else:
            await self._turn()
        try:
            yield
        finally:
            self._leave()

    def note(self, *, crowded: bool) -> None:
        """Note whether the service said "too many requests"."""
        self._answers.append(crowded)
        full = len(self._answers) == ANSWERS_LOOKED_AT
        if full and self._answers.count(True) > CROWDED_SHARE * ANSWERS_LOOKED_AT:
            self._limit = max(1.0, self._limit * SHRINK)
            self._answers.clear()
        elif not crowded and self._limit < self._most:
            self._limit = min(self._most, self._limit + 1 / self._limit)
            self._wake()

    async def _turn(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # the place was given already
                self._leave()
            raise

    def _leave(self) -> None:
        self._inside -= 1
        self._wake()

    def _wake(self) -> None:
        """Give places to those who wait: whoever comes meanwhile, or has just left, does not overtake them."""
        while self._waiting and self._inside < self.limit:
            turn = self._waiting.popleft()
            if not turn.done():  # it may have given up
                self._inside += 1
                turn.set_result(None)


class Rates:
    """Requests and tokens a minute, as far as they are limited."""

    def __init__(self, requests: int | None, tokens: int | None) -> None:
        self._requests = _Pace(requests) if requests else None
        self._tokens = _Pace(tokens) if tokens else None

    async def wait(self, tokens: int) -> None:
        """Wait until one more request of so many tokens is within both."""
        if self._requests:
            await self._requests.wait(1)
        if self._tokens:
            await self._tokens.wait(tokens)


class _Pace:
    """So many in any minute, the first as well, and spread over it: who asks in between need not wait for the next."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._gone: deque[tuple[float, int]] = deque()  # within the last minute
        self._sum = 0
        self._next_at = 0.0
        self._turn = asyncio.Lock()  # first come, first served

    async def wait(self, count: int) -> None:
        count = min(count, self._most)
        async with self._turn:
            while (wait_s := self._wait_s(count)) > 0:
                await asyncio.sleep(wait_s)
            now = time.monotonic()
            self._gone.append((now, count))
            self._sum += count
            self._next_at = max(self._next_at, now - LATE_S) + count * MINUTE_S / self._most

    def _wait_s(self, count: int) -> float:
        now = time.monotonic()
        while self._gone and now - self._gone[0][0] >= MINUTE_S:
            self._sum -= self._gone.popleft()[1]
        room_at = self._gone[0][0] + MINUTE_S if self._sum + count > self._most else now
        return max(room_at, self._next_at) - now


def jittered(seconds: float) -> float:
    """Return about so many seconds, so that those who wait do not come back all at once."""
    return seconds * random.uniform(0.6, 1.4)  # noqa: S311 (spreads waiters, keeps no secret)
