"""The files a pipeline loads by itself, before it looks at anybody."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd

from engagement import events, learners
from engagement.conventions import Conventions
from engagement.intake import content_hash, source_name
from engagement.runs import Run
from engagement.settings import PROJECT
from engagement.store import Store

_SHOWN: Final = ("source", "rows", "accepted", "quarantined")


def load(
    store: Store, run: Run, *, learner_files: Sequence[str], event_files: Sequence[str], zone: ZoneInfo
) -> pd.DataFrame:
    """Load the files as known at the run's `as_of`; return one row per file: `source` and its rows by fate.

    For a day that is not over they are known from now on, so that what is loaded by hand today comes after them.
    A file that an earlier attempt loaded for the same instant is not loaded again.
    """
    loaders = [(learners.load, name) for name in learner_files] + [
        (events.load, name) for name in event_files
    ]
    rows = [
        _loaded_before(store, run, PROJECT / name)
        or asdict(
            load_one(
                store,
                PROJECT / name,
                observed_at=_known_at(run),
                loaded_at=run.started_at,
                conventions=Conventions(zone.key),
            )
        )
        for load_one, name in loaders
    ]
    return pd.DataFrame(rows, columns=list(_SHOWN))


def _known_at(run: Run) -> datetime:
    return min(run.as_of, run.started_at)


def _loaded_before(store: Store, run: Run, file: Path) -> dict[str, Any]:
    with store.write() as db:  # which makes the store, if this is its first file
        found = db.execute(
            f"""
            select {", ".join(_SHOWN)}, content_hash from loads
            where source = $source and observed_at = $known_at
            order by load_id desc
            limit 1
            """,  # noqa: S608 (our own columns)
            {"source": source_name(file), "known_at": _known_at(run)},
        ).fetchall()
    # Only the newest counts: a file that is again what it was corrects the one that was loaded between.
    if not found or found[0][-1] != content_hash(file):
        return {}
    return dict(zip(_SHOWN, found[0][:-1], strict=True))
