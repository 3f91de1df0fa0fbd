"""The files a pipeline loads by itself, before it looks at anybody."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd

from engagement import events, learners
from engagement.intake import content_hash
from engagement.runs import Run
from engagement.settings import PROJECT
from engagement.store import Store

_SHOWN: Final = ("source", "rows", "accepted", "quarantined")


def load(
    store: Store, run: Run, *, learner_files: Sequence[str], event_files: Sequence[str], zone: ZoneInfo
) -> pd.DataFrame:
    """Load the files as known at the run's `as_of`; return one row per file: `source` and its rows by fate.

    A file that an earlier attempt loaded for the same instant is not loaded again.
    """
    loaders = [(learners.load, name) for name in learner_files] + [
        (events.load, name) for name in event_files
    ]
    rows = [
        _loaded_before(store, run, PROJECT / name)
        or asdict(
            load_one(
                store, PROJECT / name, observed_at=run.as_of, loaded_at=run.started_at, timezone=zone.key
            )
        )
        for load_one, name in loaders
    ]
    return pd.DataFrame(rows, columns=list(_SHOWN))


def _loaded_before(store: Store, run: Run, file: Path) -> dict[str, Any]:
    with store.write() as db:  # which makes the store, if this is its first file
        found = db.execute(
            f"""
            select {", ".join(_SHOWN)} from loads
            where content_hash = $content_hash and observed_at = $as_of
            """,  # noqa: S608 (our own columns)
            {"content_hash": content_hash(file), "as_of": run.as_of},
        ).fetchall()
    return dict(zip(_SHOWN, found[0], strict=True)) if found else {}
