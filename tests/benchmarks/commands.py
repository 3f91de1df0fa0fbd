"""What a command costs: CPU seconds of it and of every process it starts, as the operating system counts them.

Commands run as on a machine that has run them before: with their byte code kept, whatever the caller's environment says
about writing it. One run that is not counted writes what is missing.
"""

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from engagement.settings import PROJECT

ENGAGEMENT = Path(sys.executable).parent / "engagement"


class Cost(NamedTuple):
    """CPU seconds (user and system, all processes) and seconds on the clock."""

    cpu_s: float
    wall_s: float


def cost(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    before: Callable[[], None] | None = None,
) -> Cost:
    """Run the command in the project's folder and return its cost; `RuntimeError` with its last words where it fails.

    Parameters
    ----------
    before
        Done in the new process before the command.
    """
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    full = inherited | dict(env or {})
    used_before, begin = _children_s(), time.monotonic()
    words = [str(part) for part in command]
    done = subprocess.run(
        words, check=False, env=full, cwd=PROJECT, capture_output=True, text=True, preexec_fn=before
    )
    wall_s = time.monotonic() - begin
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return Cost(_children_s() - used_before, wall_s)


def in_turns(*sides: Callable[[], Cost], runs: int) -> list[Cost]:
    """Return the median cost of each side; they take turns, after an uncounted run of each where there are several."""
    taken: list[list[Cost]] = [[] for _ in sides]
    uncounted = min(runs - 1, 1)
    for run in range(uncounted + runs):
        for side, costs in zip(sides, taken, strict=True):
            measured = side()
            if run >= uncounted:
                costs.append(measured)
    return [Cost(*(statistics.median(column) for column in zip(*costs, strict=True))) for costs in taken]


def _children_s() -> float:
    """Return the CPU seconds of all processes this one started and has seen end, theirs included."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
