"""What the store's engine may take: memory, and beyond it a private place on disk.

DuckDB alone would take 80 % of the machine's memory, and spill into files that everybody can read.
"""

import os
import resource
import secrets
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from engagement.settings import read_settings

# Of an engine: a million learners need a third of it; past it, work goes by way of the disk.
MEMORY_MB: Final = 2_500
# A variable of the engine's allocator (jemalloc, on Linux) and its value. Left alone, it keeps what a query took for
# ten seconds: many pages are open at once, and most of them are only being read.
GIVES_BACK_SOON: Final = ("DUCKDB_JE_MALLOC_CONF", "dirty_decay_ms:4000,muzzy_decay_ms:0")
_CGROUP_LIMITS: Final = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
MEMORY_SHARE: Final = 0.35  # of what the machine has: a run has a second process, and a browser looks at it


def spill_folder(beside: Path) -> Path:
    """Return where this process's engine may put what does not fit into memory; DuckDB makes it if there is need.

    It lies in a folder that only its user can read, by the store or, where that is not ours to write in, among the
    temporary files. What a killed process left there is removed.
    """
    shared = Path(tempfile.gettempdir(), f"engagement-{os.geteuid()}.spill")
    private = next((folder for folder in (beside / ".spill", shared) if _is_private(folder)), None)
    if private is None:
        return Path(tempfile.mkdtemp(prefix="engagement-", suffix=".spill"))
    for left in private.iterdir():
        if not _is_alive(left.name.partition("-")[0]):
            shutil.rmtree(left, ignore_errors=True)
    return private / f"{os.getpid()}-{secrets.token_hex(4)}"


def _is_private(folder: Path) -> bool:
    """Return whether the folder is there, made now or before, for nobody but this user."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def _is_alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, OverflowError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


def limit_mb() -> int:
    """Return how much memory the engine may take: DuckDB alone would take 80 % of the machine's."""
    if (given := read_settings().memory_mb) is not None:
        return given
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit, _ in map(resource.getrlimit, (resource.RLIMIT_AS, resource.RLIMIT_DATA)):
        there = min(there, limit) if limit != resource.RLIM_INFINITY else there
    for limited in _CGROUP_LIMITS:
        with suppress(OSError, ValueError):  # no such limit, or the word "max"
            there = min(there, int(limited.read_text(encoding="utf-8")))
    return min(MEMORY_MB, int(there * MEMORY_SHARE / 1_000_000))
