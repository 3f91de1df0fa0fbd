"""The files a pipeline loads by itself, before it looks at anybody."""

from collections.abc import Sequence
from dataclasses import asdict
from zoneinfo import ZoneInfo

import pandas as pd

from engagement import events, learners
from engagement.runs import Run
from engagement.settings import PROJECT
from engagement.store import Store

_SHOWN = ("source", "rows", "accepted", "quarantined")


def load(
    store: Store, run: Run, *, learner_files: Sequence[str], event_files: Sequence[str], zone: ZoneInfo
) -> pd.DataFrame:
    """Load the files as known at the run's `as_of`; return one row per file: `source` and its rows by fate."""
    loaders = [(learners.load, name) for name in learner_files] + [(events.load, name) for name in event_files]
    loaded = [
        load_one(store, PROJECT / name, observed_at=run.as_of, loaded_at=run.started_at, timezone=zone.key)
        for load_one, name in loaders
    ]
    return pd.DataFrame([asdict(summary) for summary in loaded], columns=list(_SHOWN))
