"""What a command takes while it works: memory of all its processes at once, and how long it keeps others out.

Both are looked at from outside, as an operator would see them. Memory is the proportional share (PSS): pages that
processes share count once. Kernels of a run are in process groups of their own, so they are found by their parents.
The write lock's file holds the holder's process id while somebody writes (`locks`); reading it disturbs nobody.
Linux only.
"""

import os
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from engagement.settings import PROJECT

MEMORY_EVERY_S = 0.1
LOCK_EVERY_S = 0.001


class Footprint(NamedTuple):
    """Seconds on the clock, the most memory at one time, the longest stretch in which nobody else could write."""

    wall_s: float
    memory_gib: float
    held_s: float


def footprint(command: Sequence[str | Path], *, store: Path, env: Mapping[str, str]) -> Footprint:
    """Run the command and return what it took; `RuntimeError` with its last words where it fails."""
    words = [str(part) for part in command]
    begin = time.monotonic()
    process = subprocess.Popen(
        words,
        env=os.environ | dict(env),
        cwd=PROJECT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    memory, held = [0.0], [0.0]
    ended = threading.Event()
    watchers = [
        threading.Thread(target=_watch_memory, args=(process.pid, memory, ended)),
        threading.Thread(target=_watch_lock, args=(store.with_name(f"{store.name}.lock"), held, ended)),
    ]
    for watcher in watchers:
        watcher.start()
    _, said = process.communicate()
    wall_s = time.monotonic() - begin
    ended.set()
    for watcher in watchers:
        watcher.join()
    if process.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with {process.returncode}:\n{said[-2000:]}")
    return Footprint(wall_s, max(memory), max(held))


def _watch_memory(pid: int, found: list[float], ended: threading.Event) -> None:
    while not ended.wait(MEMORY_EVERY_S):
        found.append(sum(map(_share_kib, _family(pid))) / 2**20)


def _watch_lock(file: Path, found: list[float], ended: threading.Event) -> None:
    file.touch()
    with _opened(file) as lock:
        since = None
        while not ended.wait(LOCK_EVERY_S):
            is_held, now = bool(os.pread(lock, 1, 0)), time.monotonic()
            if is_held and since is None:
                since = now
            elif not is_held and since is not None:
                found.append(now - since)
                since = None


@contextmanager
def _opened(file: Path) -> Iterator[int]:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _family(pid: int) -> list[int]:
    """Return the process and all that descend from it."""
    children = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (stat := _text(entry / "stat")):
            parent = int(stat.rpartition(")")[2].split()[1])
            children[parent].append(int(entry.name))
    family = [pid]
    for member in family:
        family += children[member]
    return family


def _share_kib(pid: int) -> int:
    lines = _text(Path(f"/proc/{pid}/smaps_rollup")).splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:  # it has ended meanwhile
        return ""
