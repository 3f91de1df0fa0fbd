"""What is new in an inbox, and which run it belongs to.

What is new is told by content. A file of an inbox whose bytes were loaded before, under whatever name, is not loaded
again, not even to take back what came after it; a file that is named is loaded by every run. Files come in the order
of their paths, so a later name corrects an earlier one.

Exports of a platform come after the learners, those of an inbox before those that are named, and each as its kind says.

What lies in an inbox is known from the moment a run takes it. A run for an instant that is past would have to date it
back, below facts that are newer, and there it would count as loaded: such a run takes nothing, and the files wait for
one whose day is not over. What a run is to load is kept with it, each file by its hash: a run that is taken up again,
be it days later, knows what was its own.
"""

import glob
import logging
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

from engagement import runs
from engagement.errors import InvalidInput, RunFailed
from engagement.ingest.loads.loading import Kind, effect
from engagement.ingest.platforms import recognition
from engagement.ingest.source.source_format import SourceFormat
from engagement.pipeline.incoming import inputs
from engagement.pipeline.incoming.source_config import PLAN, Sources
from engagement.pipeline.incoming.sources import waiting
from engagement.runs import Run
from engagement.settings import PROJECT
from engagement.store import Cursor, Store, first_row, query

_log = logging.getLogger(__name__)
_WILD: Final = re.compile(r"[*?\[]")
_NOT_UTF8: Final = re.compile("[\ud800-\udfff]")  # how Python writes such a byte of a name


@dataclass(frozen=True)
class File:
    """A file as a run found it; `name` is its path relative to the project, `effect` what it does to the store."""

    kind: Kind
    name: str
    content_hash: str
    from_inbox: bool
    export: str = ""  # what it is, where it is an export of a platform
    effect: str = ""

    @property
    def content(self) -> tuple[str, str]:
        """What a store knows of it once it is loaded."""
        return ("exports" if self.export else self.kind), self.content_hash


@dataclass(frozen=True)
class Offer:
    """What a run that begins now may load: the files, the new ones it leaves, and what the store knows then."""

    files: list[File]
    waiting: list[str]
    fingerprint: str


def found(store: Store, sources: Sources, zone: str) -> list[File]:
    """Return every file that is there, in the order of loading: learners before what they did.

    Raises `InvalidInput` for one that is not there or cannot be read.
    """
    names: list[tuple[Kind, bool, str]] = [
        # What is named is loaded every night and comes last, so that the order of loads stays the same.
        *(("learners", True, name) for name in _matching(sources.inbox)),
        *(("learners", False, name) for name in sources.learners),
        *(("events", True, name) for name in _matching(sources.events_inbox)),
        *(("events", False, name) for name in sources.events),
    ]
    said = sources.source_format(zone)
    files = []
    for kind, from_inbox, name in names:
        held = recognition.content_hash(PROJECT / name)
        export = _export(PROJECT / name, said, sources.platform)
        if export:
            does = recognition.effect(store, export, held, said)
        else:
            does = effect(held, said, of=sources.lists if kind == "learners" else "rows")
        files.append(File(kind, name, held, from_inbox, export, does))
    order = {kind.what: place for place, kind in enumerate(recognition.KINDS)}
    of_platforms = [file for file in files if file.export]
    of_platforms.sort(key=lambda file: (not file.from_inbox, order[file.export], file.effect))
    return [*(file for file in files if not file.export), *of_platforms]


def _export(path: Path, said: SourceFormat, platform: str) -> str:
    """Return what a file is, where it is an export; why it cannot be read says the run, as it loads it."""
    try:
        export = recognition.recognised(path, said, platform=platform)
    except InvalidInput:
        return ""
    return export.what if export else ""


def _matching(patterns: Iterable[str]) -> list[str]:
    """Return the files that match, by path; hidden ones are somebody's unfinished uploads."""
    matches: set[str] = set()
    for pattern in patterns:
        if (PROJECT / pattern).is_dir():
            raise InvalidInput(
                f"inbox {pattern}: is a folder; {pattern.rstrip('/')}/*.csv means the files in it"
            )
        matches |= set(glob.glob(pattern, root_dir=PROJECT, recursive=True))  # noqa: PTH207 (Path.glob finds hidden files)
    names = sorted(name for name in matches if not (PROJECT / name).is_dir())
    for name in names:
        if _NOT_UTF8.search(name):
            raise InvalidInput(f"{ascii(Path(name).name)[:200]}: rename it; a name is UTF-8")
    return names


def missing_folders(sources: Sources) -> list[str]:
    """Return what stands for an inbox and is no folder that can be read, as a share that is not mounted."""
    return sorted(
        str(folder)
        for folder in set(map(_folder, sources.inboxes))
        if not (folder.is_dir() and os.access(folder, os.R_OK | os.X_OK))
    )


def _folder(pattern: str) -> Path:
    """Return the folder as far as the pattern can only mean one."""
    return PROJECT.joinpath(*takewhile(lambda part: not _WILD.search(part), Path(pattern).parts[:-1]))


def offers(
    db: Cursor,
    pipeline: str,
    there: Sequence[File],
    *,
    as_of: datetime,
    now: datetime,
) -> Iterator[Offer]:
    """Yield what a run for `as_of` may load of the files that are there: the first that makes a known run counts.

    Where `as_of` is past, that is what an attempt that did not end had found in its time; or else the named files.
    """
    new = _to_load(db, there)
    if as_of >= now:
        choices = [new]
    else:
        own = {
            file.content
            for run_id in runs.unpublished(db, pipeline)
            for file in _planned(runs.parameters(db, run_id))
        }
        mine = [file for file in there if not file.from_inbox or file.content in own]
        choices = [_to_load(db, mine), named(there)]
    for files in choices:
        coming = {kind: [file.effect for file in files if file.content[0] == kind] for kind in inputs.KINDS}
        fingerprint = inputs.fingerprint(db, as_of, coming)
        yield Offer(files, [file.name for file in new if file not in files], fingerprint)


def _to_load(db: Cursor, files: Sequence[File]) -> list[File]:
    """Return the named files, and of those from an inbox what is new."""
    known = _loaded(db) | {file.content for file in named(files)}
    chosen = []
    for file in files:
        if not file.from_inbox or file.content not in known:
            chosen.append(file)
        known.add(file.content)
    return chosen


def _loaded(db: Cursor) -> set[tuple[str, str]]:
    """Return the `content` of every file that was ever loaded."""
    return set(db.execute(query("pipeline/files_loaded")).fetchall())


def named(files: Iterable[File]) -> list[File]:
    """Return the files that a pipeline names, which every run loads."""
    return [file for file in files if not file.from_inbox]


def keep_plan(db: Cursor, run: Run, sources: Sources, offer: Offer) -> list[File]:
    """Write down with the run what it loads and how, and what of the files that are there it leaves to another.

    Return its files, with those it loaded before it stopped.
    """
    parameters = runs.parameters(db, run.run_id)
    loaded = _loaded(db)
    done = [file for file in _planned(parameters) if file.from_inbox and file.content in loaded]
    files = [*done, *offer.files]
    plan = {"rules": sources.rules, "files": [asdict(file) for file in files], "waiting": offer.waiting}
    if PLAN in parameters or any(plan.values()):
        runs.keep_parameters(db, run.run_id, {**parameters, PLAN: plan})
    return files


def _planned(parameters: dict[str, Any]) -> list[File]:
    return [File(**file) for file in parameters.get(PLAN, {}).get("files", [])]


def check_news(store: Store, run: Run, sources: Sources, files: Sequence[File], *, now: datetime) -> None:
    """Say, or raise `RunFailed`, where the inboxes have nothing new for the run.

    Not where an earlier attempt took what they had: one at the same day, or one that was never published. Nor where
    the run's instant is past, which is no time for news: what waits for another run is only said.
    """
    if run.as_of < now:
        if left := waiting(store, run):
            _log.warning(
                f"{run.as_of.isoformat()} is past: {len(left)} new files in the inbox "
                f"{', '.join(sources.inboxes)} wait for a run whose day is not over",
                extra={"run_id": run.run_id},
            )
        return
    if not sources.inboxes or any(file.from_inbox for file in files):
        return
    with store.read() as db:
        if first_row(db, query("pipeline/inbox_was_taken"), {"pipeline": run.pipeline, "day": run.day})[0]:
            return
    gone = [f"no folder {folder} that can be read" for folder in missing_folders(sources)]
    said = "; ".join([f"nothing new in the inbox {', '.join(sources.inboxes)}", *gone])
    if sources.if_nothing_new == "fail":
        raise RunFailed(f"{run.run_id}: {said}; nothing was scored, what was published stands")
    _log.warning(said, extra={"run_id": run.run_id})
