"""The loading of what a run has to load: its files, and what the Moodle answers that its pipeline asks.

Which files they are was written down with the run when it began (`inbox`), each by its hash: one that is still being
written when the run comes to it is refused rather than loaded by half. Each is kept by itself: what a run loaded before
it met a bad one stays known, while the last published scores stand.

Exports of a platform come after the tables of learners, which they may need: those of an inbox together, then those
that are named. One counts as loaded with the last of what it came to: a run that was stopped between reads it again,
which adds nothing twice.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd

from engagement import runs
from engagement.errors import InvalidInput, RunFailed
from engagement.ingest import events, learners
from engagement.ingest.facts import newest_facts_at
from engagement.ingest.loads.loading import Kind, LoadSummary
from engagement.ingest.platforms import recognition
from engagement.ingest.platforms.exports import Kind as Export
from engagement.ingest.platforms.moodle import sync
from engagement.ingest.source.readers import Source, source_name
from engagement.ingest.source.source_format import SourceFormat
from engagement.pipeline.incoming.source_config import PLAN, Sources
from engagement.runs import Run
from engagement.settings import PROJECT, read_settings
from engagement.store import Store, query, records

_log = logging.getLogger(__name__)

_LOADERS: Final[Mapping[str, Callable[..., LoadSummary]]] = {
    "rows": learners.load,
    "everybody": learners.load_full,
    "events": events.load,
}
_SHOWN: Final = ("source", "rows", "accepted", "quarantined")


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


@dataclass(frozen=True)
class _File:
    """A file to load, as the run planned it; without a plan in a notebook that is opened by hand."""

    kind: Kind
    path: Path
    export: Export | None  # which it is, where it is there
    content_hash: str | None = None
    from_inbox: bool = False
    was_export: bool = False

    @property
    def is_export(self) -> bool:
        """Whether it is one of a platform, or was when the run began."""
        return self.export is not None or self.was_export

    def check_same(self) -> None:
        """Raise `InvalidInput` where it is not what it was when the run began."""
        if self.content_hash is not None and recognition.content_hash(self.path) != self.content_hash:
            raise InvalidInput(
                f"{self.path.name}: has changed since the run began; is it still being written? "
                "The same command takes it as it is then"
            )


def load(
    store: Store, run: Run, *, learner_files: Sequence[str], event_files: Sequence[str], zone: ZoneInfo
) -> pd.DataFrame:
    """Load the files as known at the run's `as_of`; return one row per source: its name and its rows by fate.

    For a day that is not over they are known from now on, so that what is loaded by hand today comes after them.
    A file that an earlier attempt loaded for the same instant is not loaded again. How files are written, and what
    must be in them, is kept with the run; in a notebook opened by hand they are as documented, in `zone`. An export of
    a platform says itself what it holds, in whichever list it stands.

    Raises `InvalidInput` for a file that is refused, or is not what it was when the run began.
    """
    with store.read() as db:
        plan = runs.parameters(db, run.run_id).get(PLAN, {})
    rules = Sources.model_validate(plan.get("rules", {}))
    loading = _Loading(store, run, rules, rules.source_format(zone.key))
    planned = {(file["kind"], file["name"]): file for file in plan.get("files", [])}
    told: list[tuple[Kind, str]] = [
        *(("learners", name) for name in learner_files),
        *(("events", name) for name in event_files),
    ]
    files = [loading.file(*each, planned.get(each, {})) for each in told]
    own = [file for file in files if not file.is_export]
    rows = [loading.of_file(file) for file in own if file.kind == "learners"]
    loading.ask_moodle()
    for from_inbox in (True, False):
        loading.read_exports([file for file in files if file.is_export and file.from_inbox == from_inbox])
    rows += loading.of_platforms()
    rows += [loading.of_file(file) for file in own if file.kind == "events"]
    return pd.DataFrame(rows, columns=list(_SHOWN))


@dataclass(frozen=True)
class _Loading:
    store: Store
    run: Run
    rules: Sources
    said: SourceFormat

    def file(self, kind: Kind, name: str, planned: Mapping[str, Any]) -> _File:
        path = PROJECT / name
        export = recognition.recognised(path, self.said, platform=self.rules.platform)
        told = {key: planned[key] for key in ("content_hash", "from_inbox") if key in planned}
        return _File(kind, path, export, **told, was_export=bool(planned.get("export")))

    def of_file(self, file: _File) -> dict[str, Any]:
        """Load a table of learners or events, where that was not done; return what became of its rows."""
        row = _loaded_before(self.store, self.run, file)
        if not row or file.path.exists():  # what was loaded before may have been put away since
            file.check_same()
        if not row:
            row = asdict(self._load(file.kind, file.path, self.said))
            file.check_same()
        return row

    def read_exports(self, files: Sequence[_File]) -> None:
        """Load what the exports come to, where the run has not loaded all of them."""
        is_done = self._has_read(files)
        for file in files:
            if not is_done or file.path.exists():
                file.check_same()
        if is_done:
            return
        exports = {file.path: file.export for file in files if file.export}
        for part in recognition.read(self.store, exports, self.said, as_of=_known_at(self.run)):
            self._load(part.of, part.source, part.source_format)
        for file in files:
            file.check_same()

    def _has_read(self, files: Sequence[_File]) -> bool:
        with self.store.read() as db:
            found = db.execute(query("pipeline/exports_of_run"), _instants(self.run)).fetchall()
        return {held for (held,) in found}.issuperset(
            file.content_hash or recognition.content_hash(file.path) for file in files
        )

    def ask_moodle(self) -> None:
        """Load what a Moodle answers now, which is known from now on: not in a run for a day that is over."""
        if not (asked := self.rules.moodle):
            return
        if self.run.as_of < self.run.started_at:
            self._say("what Moodle says now was not known then: it is not asked", self.run.as_of.isoformat())
            return
        token = read_settings().of_moodle()
        for summary in sync.load(
            self.store,
            asked.url,
            token,
            asked.courses,
            program=asked.program,
            now=self.run.started_at,
            in_run=True,
        ):
            self._say_of(summary)

    def of_platforms(self) -> list[dict[str, Any]]:
        """Return what became of the rows that the run's exports came to, and of those a Moodle answered."""
        with self.store.read() as db:
            return records(db, query("pipeline/loads_of_platforms"), _instants(self.run))

    def _load(self, of: Kind, source: Source, source_format: SourceFormat) -> LoadSummary:
        if_unlike = {"if_unlike": self.rules.if_unlike} if of == "learners" else {}
        summary = _LOADERS[self.rules.lists if of == "learners" else of](
            self.store,
            source,
            observed_at=_known_at(self.run),
            loaded_at=self.run.started_at,
            source_format=source_format,
            max_quarantine=self.rules.max_quarantine,
            **if_unlike,
        )
        self._say_of(summary)
        return summary

    def _say_of(self, summary: LoadSummary) -> None:
        for note in (*summary.unlike, *summary.notes):
            self._say(note, summary.source)

    def _say(self, note: str, of: str) -> None:
        _log.warning("%s: %s", of, note, extra={"run_id": self.run.run_id})


def waiting(store: Store, run: Run) -> list[str]:
    """Return the new files of the inbox that the run leaves for one whose day is not over, by path."""
    with store.read() as db:
        names: list[str] = runs.parameters(db, run.run_id).get(PLAN, {}).get("waiting", [])
    return names


def _known_at(run: Run) -> datetime:
    return min(run.as_of, run.started_at)


def _instants(run: Run) -> dict[str, datetime]:
    return {"known_at": _known_at(run), "started_at": run.started_at}


def _loaded_before(store: Store, run: Run, file: _File) -> dict[str, Any]:
    """Return the load of the file for the run's instant, by the run itself or as the newest of that source."""
    with store.read() as db:
        found = db.execute(
            query("pipeline/loads_of_source"),
            {
                "kind": file.kind,
                "source": source_name(file.path),
                "expected": file.content_hash,
                **_instants(run),
            },
        ).fetchall()
    # Only the newest counts: a file that is again what it was corrects the one that was loaded between.
    if not found or found[0][-1] != (file.content_hash or recognition.content_hash(file.path)):
        return {}
    return dict(zip(_SHOWN, found[0][:-1], strict=True))
