"""What a pipeline's file says of the files it loads, and the loading of those a run has to load.

Which they are was written down with the run when it began (`inbox`), each by its hash: a file that is still being
written when the run comes to it is refused rather than loaded by half. Each file is kept by itself: what a run loaded
before it met a bad one stays known, while the last published scores stand.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

import pandas as pd
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from engagement import runs
from engagement.errors import InvalidInput, RunFailed
from engagement.ingest import events, learners
from engagement.ingest.facts import newest_facts_at
from engagement.ingest.loads.loading import IfUnlike, Kind, LoadSummary
from engagement.ingest.source.readers import content_hash, source_name
from engagement.ingest.source.source_format import NAME_ORDERS, SourceFormat
from engagement.runs import Run
from engagement.settings import PROJECT
from engagement.store import Store, query

_log = logging.getLogger(__name__)

_LOADERS: Final[Mapping[str, Callable[..., LoadSummary]]] = {
    "rows": learners.load,
    "everybody": learners.load_full,
    "events": events.load,
}
_SHOWN: Final = ("source", "rows", "accepted", "quarantined")
_RULES: Final = {
    "timezone",
    "columns",
    "date_formats",
    "percent_scale",
    "groups",
    "encoding",
    "sheet",
    "missing",
    "cap",
    "values",
    "name_order",
    "key",
    "types",
    "full",
    "max_quarantine",
    "if_unlike",
}
PLAN: Final = "[sources]"  # its place among a run's parameters by step; no step can be called so

Patterns = Annotated[
    list[Annotated[str, StringConstraints(min_length=1)]],
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
]


class Sources(BaseModel):
    """What a pipeline's file says under `[sources]`; paths are relative to the project.

    `source_format` holds for all of its files. With `full` each file of learners lists everybody: who is not in it
    becomes inactive.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    learners: list[str] = []
    events: list[str] = []
    inbox: Patterns = []
    events_inbox: Patterns = []
    if_nothing_new: Literal["warn", "fail"] = "warn"
    max_age_days: float | None = Field(None, gt=0, allow_inf_nan=False)
    timezone: str | None = None
    columns: dict[str, str] = {}
    date_formats: list[str] = []
    percent_scale: dict[str, int] = {}
    groups: dict[str, str] = {}
    encoding: str = ""
    sheet: str = ""
    missing: list[str] = []
    cap: int | None = None
    values: dict[str, str] = {}
    name_order: str = NAME_ORDERS[0]
    key: str = "id"
    types: dict[str, str] = {}
    full: bool = False
    max_quarantine: float = Field(1.0, ge=0, le=1)
    if_unlike: IfUnlike = "warn"

    @property
    def inboxes(self) -> list[str]:
        """Every pattern of an inbox."""
        return [*self.inbox, *self.events_inbox]

    @property
    def bring_learners(self) -> bool:
        """Whether a run may find learners or events to load: it makes a store where there is none."""
        return bool(self.learners or self.events or self.inboxes)

    @property
    def is_used(self) -> bool:
        """Whether there is something to load or to hold facts to."""
        return bool(self.bring_learners or self.max_age_days)

    @property
    def lists(self) -> Literal["rows", "everybody"]:
        """Of whom a file of learners speaks."""
        return "everybody" if self.full else "rows"

    @property
    def rules(self) -> dict[str, Any]:
        """What decides how a file is read, where it is not as documented; part of a run's key."""
        return self.model_dump(include=_RULES, exclude_defaults=True)

    def source_format(self, zone: str) -> SourceFormat:
        """Return how the files are written, in `zone` where nothing is said; `InvalidInput` for what none can mean."""
        return SourceFormat(
            self.timezone or zone,
            self.columns,
            tuple(self.date_formats),
            dict(self.percent_scale),
            dict(self.groups),
            encoding=self.encoding,
            sheet=self.sheet,
            missing=tuple(self.missing),
            cap=self.cap,
            values=self.values,
            name_order=self.name_order,
            key=self.key,
            types=self.types,
        )


def check_age(store: Store, run: Run, sources: Sources) -> None:
    """Raise `RunFailed` where the newest facts the run knows of are older than `max_age_days`.

    Facts are kept when something changes, so that an export that only repeats itself grows old, too.
    """
    if sources.max_age_days is None:
        return
    with store.read() as db:
        newest = newest_facts_at(db, run.as_of)
    age_days = (_known_at(run) - newest).total_seconds() / 86_400 if newest else None
    if age_days is None or age_days > sources.max_age_days:
        said = "there are no facts" if age_days is None else f"the newest facts are {age_days:.1f} days old"
        raise RunFailed(
            f"{run.run_id}: {said}, and max_age_days is {sources.max_age_days:g}; nothing was scored, "
            "what was published stands"
        )


def load(
    store: Store, run: Run, *, learner_files: Sequence[str], event_files: Sequence[str], zone: ZoneInfo
) -> pd.DataFrame:
    """Load the files as known at the run's `as_of`; return one row per file: `source` and its rows by fate.

    For a day that is not over they are known from now on, so that what is loaded by hand today comes after them.
    A file that an earlier attempt loaded for the same instant is not loaded again. How files are written, and what
    must be in them, is kept with the run; in a notebook opened by hand they are as documented, in `zone`.

    Raises `InvalidInput` for a file that is refused, or is not what it was when the run began.
    """
    with store.read() as db:
        plan = runs.parameters(db, run.run_id).get(PLAN, {})
    planned = {(file["kind"], file["name"]): file["content_hash"] for file in plan.get("files", [])}
    rules = Sources.model_validate(plan.get("rules", {}))
    told: list[tuple[Kind, str]] = [
        *(("learners", name) for name in learner_files),
        *(("events", name) for name in event_files),
    ]
    rows = []
    for kind, name in told:
        file, expected = PROJECT / name, planned.get((kind, name))
        row = _loaded_before(store, run, kind, file, expected=expected)
        if not row or file.exists():  # what was loaded before may have been put away since
            _check_same(file, expected)
        if not row:
            summary = _LOADERS[rules.lists if kind == "learners" else kind](
                store,
                file,
                observed_at=_known_at(run),
                loaded_at=run.started_at,
                source_format=rules.source_format(zone.key),
                max_quarantine=rules.max_quarantine,
                **({"if_unlike": rules.if_unlike} if kind == "learners" else {}),
            )
            _check_same(file, expected)
            for note in (*summary.unlike, *summary.notes):
                _log.warning("%s: %s", summary.source, note, extra={"run_id": run.run_id})
            row = asdict(summary)
        rows.append(row)
    return pd.DataFrame(rows, columns=list(_SHOWN))


def waiting(store: Store, run: Run) -> list[str]:
    """Return the new files of the inbox that the run leaves for one whose day is not over, by path."""
    with store.read() as db:
        names: list[str] = runs.parameters(db, run.run_id).get(PLAN, {}).get("waiting", [])
    return names


def _known_at(run: Run) -> datetime:
    return min(run.as_of, run.started_at)


def _check_same(file: Path, expected: str | None) -> None:
    if expected is not None and content_hash(file) != expected:
        raise InvalidInput(
            f"{file.name}: has changed since the run began; is it still being written? "
            "The same command takes it as it is then"
        )


def _loaded_before(store: Store, run: Run, kind: Kind, file: Path, *, expected: str | None) -> dict[str, Any]:
    """Return the load of the file for the run's instant, by the run itself or as the newest of that source."""
    with store.read() as db:
        found = db.execute(
            query("pipeline/loads_of_source"),
            {
                "kind": kind,
                "source": source_name(file),
                "known_at": _known_at(run),
                "started_at": run.started_at,
                "expected": expected,
            },
        ).fetchall()
    # Only the newest counts: a file that is again what it was corrects the one that was loaded between.
    if not found or found[0][-1] != (expected or content_hash(file)):
        return {}
    return dict(zip(_SHOWN, found[0][:-1], strict=True))
