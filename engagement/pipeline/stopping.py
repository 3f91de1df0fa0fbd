"""A run that is asked to end: by systemd or a container (SIGTERM), a terminal that closes (SIGHUP), or Ctrl-C (SIGINT).

It ends like any that fails: marked, told, cleaned up, and the same command goes on from there. That it was asked is
only noted when it happens; the run looks where it can end whole: before a step, while a notebook works, and before it
publishes. What is being written meanwhile is written to its end, and what is published ends as published.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from engagement.errors import RunStopped

SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class Stop:
    """Whether the run was asked to end, and by which signal."""

    def __init__(self) -> None:
        self.asked: signal.Signals | None = None

    def note(self, number: int, _frame: FrameType | None) -> None:
        """Note the first signal; it is what a signal calls."""
        self.asked = self.asked or signal.Signals(number)

    def check(self, run_id: str = "") -> None:
        """Raise `RunStopped` where it was asked."""
        if self.asked:
            where = f"{run_id}: ended" if run_id else "ended before the run began,"
            raise RunStopped(
                f"{where} by {self.asked.name}; the same command goes on from there", signal=self.asked
            )


_listening: Stop | None = None


@contextmanager
def listening() -> Iterator[Stop]:
    """Note signals while the block works; within another such block it is that one's.

    A signal that was ignored before stays so (`nohup`), and outside the main thread nobody can listen.
    """
    global _listening  # noqa: PLW0603 (a process has one handler for each signal)
    if _listening is not None or threading.current_thread() is not threading.main_thread():
        yield _listening or Stop()
        return
    stop = _listening = Stop()
    heard = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, stop.note) for number in heard}
    try:
        yield stop
    finally:
        _listening = None
        for number, handler in before.items():
            signal.signal(number, handler)
