"""What a night takes for a million learners: time, memory, how long others wait, how the store grows.

The commands are a user's, on stores of invented learners. `BENCHMARK_LEARNERS` gives another size than a million,
for trying; the targets then say nothing.
"""

import os
import shutil
import sys
import tempfile
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from engagement.dates import end_of_day
from engagement.demo import sample
from engagement.ingest import learners
from engagement.store import open_store
from tests.benchmarks.footprint import Footprint, footprint

LEARNERS = int(os.environ.get("BENCHMARK_LEARNERS", "1_000_000"))
FEWER = 10  # times fewer for the lock: a coordinator works there all day
CAPACITY = 5_000  # what an institution of a million can look at in a day
NIGHTS = 7
SETTLED = 3  # from then on the file has the free space that a night needs
CHANGED = 0.05
DAY = date(2026, 3, 1)
UTC = ZoneInfo("UTC")
BIN = Path(sys.executable).parent


def main() -> list[dict[str, Any]]:
    """Return what each of them takes."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        invented = _invented(LEARNERS)
        whole = _store(folder / "whole.duckdb", invented)
        return [
            *_nightly(f"nightly run of {LEARNERS:,} learners, capacity {CAPACITY:,}", whole, CAPACITY),
            *_nightly(f"nightly run of {LEARNERS:,} learners, no limit", whole, None),
            *_locked(folder),
            *_growth(whole, invented),
        ]


def smallest() -> list[dict[str, Any]]:
    """Return what it takes to load a few learners; what nights take is measured in the same way."""
    with tempfile.TemporaryDirectory() as made:
        taken = _loaded(Path(made), 300)
    return [{"what": "memory of loading 300 learners", "ours": taken.memory_gib, "unit": "GiB"}]


def _nightly(what: str, store: Path, capacity: int | None) -> list[dict[str, Any]]:
    copy = _copy(store, "night")
    before = copy.stat().st_size
    taken = _run(copy, DAY, capacity)
    grown_mb = (copy.stat().st_size - before) / 1e6
    _remove(copy)
    return [
        {"what": what, "ours": taken.wall_s, "unit": "s", "most": 120},
        {"what": f"{what}, memory of all processes", "ours": taken.memory_gib, "unit": "GiB", "most": 2.5},
        {"what": f"{what}, the first night in the store", "ours": grown_mb, "unit": "MB"},
    ]


def _locked(folder: Path) -> list[dict[str, Any]]:
    """The longest wait of a writer while a file comes in and in the night after it: the first, without a limit."""
    taken = [_loaded(folder, LEARNERS // FEWER), _run(folder / "fewer.duckdb", DAY, None)]
    what = f"write lock held at a stretch, {LEARNERS // FEWER:,} learners"
    return [{"what": what, "ours": max(one.held_s for one in taken), "unit": "s", "most": 1}]


def _loaded(folder: Path, size: int) -> Footprint:
    file = folder / "fewer.csv"
    _invented(size).to_csv(file, index=False)
    return _command(folder / "fewer.duckdb", "load", str(file), "--observed-at", DAY.isoformat())


def _growth(store: Path, invented: pd.DataFrame) -> list[dict[str, Any]]:
    """How the file grows from night to night when one learner in twenty has new facts."""
    copy = _copy(store, "growth")
    chance = np.random.default_rng(1)
    sizes = []
    for night in range(NIGHTS):
        day = DAY + timedelta(days=night)
        changed = invented[chance.random(len(invented)) < CHANGED]
        done = np.round(100 * chance.random(len(changed)), 1)
        end = end_of_day(day, UTC)
        changed = changed.assign(
            last_login=end - timedelta(hours=5), completed_percent=done, completed_percent_due=done
        )
        _load(copy, changed, end - timedelta(hours=3))
        _run(copy, day, CAPACITY)
        sizes.append(copy.stat().st_size / 1e6)
    _remove(copy)
    grown = np.diff(sizes)[SETTLED - 1 :]
    what = f"growth of the store in a night, {LEARNERS:,} learners, {CHANGED:.0%} changed"
    return [
        {"what": what, "ours": median(grown), "unit": "MB", "most": 5},
        {"what": f"{what}, the worst of {len(grown)}", "ours": max(grown), "unit": "MB"},
        {"what": f"the store after {NIGHTS} such nights", "ours": sizes[-1], "unit": "MB"},
    ]


def _invented(size: int) -> pd.DataFrame:
    return sample.cohort(size, seed=1, as_of=end_of_day(DAY, UTC)).snapshot(sample.WEEKS - 1)


def _store(path: Path, rows: pd.DataFrame) -> Path:
    _load(path, rows, end_of_day(DAY, UTC) - timedelta(days=7))
    return path


def _load(path: Path, rows: pd.DataFrame, at: datetime) -> None:
    learners.load(open_store(path), rows, observed_at=at, loaded_at=at)


def _copy(store: Path, name: str) -> Path:
    return Path(shutil.copy(store, store.with_name(f"{name}.duckdb")))


def _remove(store: Path) -> None:
    for file in store.parent.glob(f"{store.name}*"):
        file.unlink()


def _run(store: Path, day: date, capacity: int | None) -> Footprint:
    limit = ["-p", f"capacity={capacity}"] if capacity else []
    return _command(store, "run", "nightly", "--as-of", day.isoformat(), *limit)


def _command(store: Path, *words: str) -> Footprint:
    env = {"ENGAGEMENT_STORE": str(store), "ENGAGEMENT_REPORTS": str(store.with_name("reports"))}
    return footprint([BIN / "engagement", *words], store=store, env=env)
