"""What the notebook of the tour stands on: a store of its own, whose past is invented, and the next week's file."""

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from engagement.audit import Actor
from engagement.dates import local_day, parse_as_of
from engagement.demo import history, sample
from engagement.settings import read_settings
from engagement.store import Store, open_store

_SEED: Final = 1


@dataclass(frozen=True)
class Tour:
    """Where somebody stands who takes it: `now` is the morning on which the `file` of the eighth week has come."""

    store: Store
    file: Path
    by: Actor
    _folder: TemporaryDirectory[str]  # goes with it


def begin(*, as_of: str, learners: int) -> Tour:
    """Make the store, with seven weeks of a cohort that ends at `as_of`; from here on `eg` asks it in this process."""
    zone = read_settings().zone
    end = parse_as_of(as_of, zone)
    folder = TemporaryDirectory(prefix="eg")
    store = open_store(Path(folder.name) / "tour.duckdb")
    nudged = history.fill(
        store, size=learners, seed=_SEED, as_of=end, now=end, zone=zone, weeks=sample.WEEKS - 1
    )
    cohort = sample.cohort(learners, seed=_SEED, as_of=end)
    file, _ = sample.write_csv(cohort, Path(folder.name), nudged=nudged)
    os.environ["ENGAGEMENT_STORE"] = str(store.path)
    now = end + timedelta(hours=9)
    return Tour(store, file, Actor(name="you", now=now, day=local_day(now, zone), programs=None), folder)
