"""How far a batch of texts is, from the notebook that writes them to whoever watches the run.

They are in two processes. The writer leaves a small file beside the store, replaced whole every other second; whoever
runs the pipeline looks at it. No one has to look, and a file that is left behind by a killed process is harmless.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from engagement.llm.journal import folder

_SUFFIX: Final = ".progress"


@dataclass(frozen=True)
class Progress:
    """Prompts `asked` of `total`, `written` of them by the model; money (None: price not known); seconds so far."""

    asked: int
    total: int
    written: int
    spent_usd: float | None
    seconds: float

    @property
    def per_second(self) -> float:
        """Prompts a second."""
        return self.asked / self.seconds if self.seconds else 0.0

    @property
    def left_s(self) -> float | None:
        """How long the rest takes at this rate; None before the first answer."""
        return (self.total - self.asked) / self.per_second if self.per_second else None

    @property
    def template_share(self) -> float:
        """Share of what was asked that a template has to stand in for, 0 to 1."""
        return 1 - self.written / self.asked if self.asked else 0.0

    def as_dict(self) -> dict[str, object]:
        """Return what a log says of it."""
        return {
            **asdict(self),
            "per_second": round(self.per_second, 1),
            "left_s": None if self.left_s is None else round(self.left_s),
            "template_share": round(self.template_share, 3),
        }

    def __str__(self) -> str:
        """Return it in words, short enough for a line beside a bar."""
        parts = [f"{self.asked:,} of {self.total:,} texts", f"{self.per_second:.0f}/s"]
        if self.left_s is not None and self.asked < self.total:
            minutes, seconds = divmod(round(self.left_s), 60)
            parts.append(f"{minutes}:{seconds:02} left")
        if self.spent_usd is not None:
            parts.append(f"${self.spent_usd:.2f}")
        if self.asked > self.written:
            parts.append(f"{100 * self.template_share:.0f} % templates")
        return " · ".join(parts)


_PROGRESS: Final = TypeAdapter(Progress)


def note(store: Path, run_id: str, progress: Progress) -> None:
    """Leave it where `watched` finds it; where that cannot be, nobody sees it."""
    path = folder(store) / f"{run_id}{_SUFFIX}"
    unfinished = path.with_suffix(".part")
    with suppress(OSError):
        unfinished.unlink(missing_ok=True)  # of a killed process, or a link
        unfinished.write_bytes(_PROGRESS.dump_json(progress))
        unfinished.replace(path)


def forget(store: Path, run_id: str) -> None:
    """Take it away: the batch is over."""
    for suffix in (_SUFFIX, ".part"):
        with suppress(OSError):
            (folder(store) / f"{run_id}{suffix}").unlink(missing_ok=True)


@contextmanager
def watched(
    store: Path, pipeline: str, tell: Callable[[Progress], None], *, every_s: float
) -> Iterator[None]:
    """Call `tell` from a thread of its own while the block runs, whenever a run of the pipeline has got further."""
    ended = threading.Event()
    left_behind = _newest(store, pipeline)

    def look() -> None:
        before = left_behind
        while not ended.wait(every_s):
            found = _newest(store, pipeline)
            if found is not None and found != before:
                tell(found)
                before = found

    watcher = threading.Thread(target=look, name="progress", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def _newest(store: Path, pipeline: str) -> Progress | None:
    with suppress(OSError, ValueError):
        paths = folder(store).glob(f"{pipeline}-*{_SUFFIX}")
        newest = max(paths, key=lambda path: path.stat().st_mtime_ns, default=None)
        return _PROGRESS.validate_json(newest.read_bytes()) if newest else None
    return None
