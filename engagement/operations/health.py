"""What a person checks when something is wrong: the store, the templates, the settings, the versions.

A check fails where somebody has to act. Age alone fails only where a pipeline's `max_age_days` sets a limit: a doctor
that always complains is not listened to.
"""

import glob
import math
import os
import platform
import shlex
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, NamedTuple

from engagement import private
from engagement.content import templates
from engagement.content.generation import WHY_TEMPLATE
from engagement.errors import EngagementError, NotFound, StoreUnusable, of_the_system
from engagement.ingest.facts import newest_facts_at
from engagement.llm import pricing, prompts, titles, writer
from engagement.llm.prompts import Prompt
from engagement.pipeline import config
from engagement.pipeline.config import Pipeline
from engagement.pipeline.incoming import inbox
from engagement.settings import Settings
from engagement.store import SCHEMA_VERSION, Cursor, Store, first_row, open_store, query
from engagement.store.locks import runner, turnstile
from engagement.store.upgrade import kept
from engagement.text import one_line

_VERSIONS: Final = ("duckdb", "pandas", "narwhals", "papermill", "jupyterlab", "voila", "plotly", "openai")
_ENOUGH_DISK_MB: Final = 500
_HOLDER_WAIT_S: Final = 3.0  # our own blocks are shorter; who asks does not want to wait as a run does
# An index is read from the file where a key is looked up, so that some keys of each find what a scan does not.
_KEYS_LOOKED_UP: Final = 200
_LONGEST_ANSWER: Final = 300  # characters that are shown
_NOT_YET: Final = "not looked at: the store has an earlier schema"


class Check(NamedTuple):
    """One thing that was looked at; its fields are those of the documented JSON form."""

    name: str
    ok: bool
    detail: str


def examine(settings: Settings, *, now: datetime) -> list[Check]:
    """Return every check; none of them changes anything that is kept, or shows a secret."""
    others = _check("other accounts", lambda: _other_accounts(settings))  # whoever opens the store closes it
    return [
        *_of_the_store(open_store(settings.store), now),
        _check("templates", _templates),
        _check("pipelines", _pipelines),
        _check("reports", lambda: _reports(settings)),
        _check("disk", lambda: _disk(settings)),
        others,
        _check("time zone", lambda: settings.zone.key),
        _check("model", lambda: _model(settings)),
        _check("notices", lambda: _notices(settings)),
        _check("versions", _versions),
    ]


def _of_the_store(store: Store, now: datetime) -> list[Check]:
    """Return what can be said of the store; to read one of an earlier version would bring it up to date."""
    lock = _check("lock", lambda: _lock(store))
    inside: dict[str, Callable[[], str]] = {
        "integrity": lambda: _integrity(store),
        "last run": lambda: _last_runs(store, now),
        "facts": lambda: _facts(store, now),
        "titles": lambda: _titles(store),
    }
    if not lock.ok:
        held = "not looked at: somebody holds the store"
        return [lock, *(Check(name, False, held) for name in ("store", *inside))]
    if (older := _older_schema(store)) is not None:
        said = f"{store.path}: schema {older}, this program brings it to {SCHEMA_VERSION} at the next run"
        return [lock, Check("store", True, said), *(Check(name, True, _NOT_YET) for name in inside)]
    return [
        lock,
        _check("store", lambda: _store(store)),
        *(_check(name, look) for name, look in inside.items()),
    ]


def _older_schema(store: Store) -> int | None:
    """Return the number of the store's schema where it is an earlier one, None also where it cannot be read."""
    try:
        schema = store.schema()
    except EngagementError:  # which the checks say themselves
        return None
    return schema if schema < SCHEMA_VERSION else None


def _check(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except NotFound as nothing_yet:
        return Check(name, name != "store", str(nothing_yet))
    except EngagementError as error:
        return Check(name, False, str(error))
    except OSError as error:
        return Check(name, False, of_the_system(error))


def _lock(store: Store) -> str:
    """Say who works on the store; `StoreBusy` names who keeps it longer than anybody of ours should."""
    if store.is_there():
        with turnstile(store.path, exclusive=False, wait_s=_HOLDER_WAIT_S):
            pass
        with suppress(StoreUnusable):
            store.schema()  # a program outside the turnstile may hold the file
    working = runner(store.path)
    return f"a run is working ({working})" if working else "nobody holds the store"


def _store(store: Store) -> str:
    with store.read() as db:
        (learners,) = first_row(db, "select count(*) from learners")
        facts = newest_facts_at(db, None)
    known = f"facts up to {facts:%Y-%m-%d %H:%M} UTC" if facts else "no facts yet"
    before = kept(store.path)
    older = f"; as it was before the last change of schema: {before.name}" if before else ""
    return f"{store.path}: schema {SCHEMA_VERSION}, {learners:,} learners, {known}{older}"


def _integrity(store: Store) -> str:
    """Read every row of every table, and a sample of each index; a block for each, so that nobody waits long."""
    with store.read() as db:
        tables = db.execute(
            "select table_name from duckdb_tables() where database_name = 'store' order by table_name"
        ).fetchall()
        keys = db.execute(
            """
            select table_name, constraint_column_names[1]
            from duckdb_constraints()
            where database_name = 'store' and constraint_type = 'PRIMARY KEY' and len(constraint_column_names) = 1
            """
        ).fetchall()
    rows = 0
    for (table,) in tables:
        with store.read() as db:
            rows += first_row(db, f'select count(*), bit_xor(hash(t)) from "{table}" as t')[0]  # noqa: S608 (our tables)
    for table, key in keys:
        with store.read() as db:
            _look_up(db, table, key)
    with store.read() as db:
        wrong = db.execute(query("operations/inconsistencies")).fetchall()
    if wrong:
        raise StoreUnusable("; ".join(f"{count} {what}, first {first}" for what, count, first in wrong))
    return f"{rows:,} rows in {len(tables)} tables read"


def _look_up(db: Cursor, table: str, key: str) -> None:
    some = db.execute(
        f'select "{key}" from "{table}" order by hash("{key}") limit {_KEYS_LOOKED_UP}'  # noqa: S608 (our names)
    ).fetchall()
    for (value,) in some:
        found = first_row(db, f'select count(*) from "{table}" where "{key}" = $value', {"value": value})  # noqa: S608
        if found != (1,):
            raise StoreUnusable(f"{table}: {key} {value} is there {found[0]} times by its index, not once")


def _last_runs(store: Store, now: datetime) -> str:
    """Say how the newest run of each pipeline ended."""
    limits = {pipeline.name: pipeline.sources.max_age_days for pipeline in _readable_pipelines()}
    with store.read() as db:
        newest = db.execute(query("operations/newest_runs"), {"pipelines": list(limits)}).fetchall()
    said, wrong = [], False
    for run_id, pipeline, status, when in newest:
        hours = max((now - when).total_seconds() / 3600, 0)
        limit = limits[pipeline]
        stopped = status == "running" and runner(store.path) is None
        too_old = limit is not None and hours > limit * 24
        wrong = wrong or stopped or too_old or status == "failed"
        note = " (it stopped; the same command goes on)" if stopped else ""
        note += f" (max_age_days is {limit:g})" if too_old else ""
        said.append(f"{run_id}: {status}, {hours:.0f} hours ago{note}")
    if wrong:
        raise EngagementError("; ".join(said))
    return "; ".join(said) or "no run yet"


def _facts(store: Store, now: datetime) -> str:
    """Say how old the newest facts are, held against the strictest `max_age_days` of a pipeline."""
    limits = [pipeline.sources.max_age_days for pipeline in _readable_pipelines()]
    limit = min((days for days in limits if days is not None), default=None)
    with store.read() as db:
        newest = newest_facts_at(db, None)
    age_days = max((now - newest).total_seconds() / 86_400, 0) if newest else math.inf
    said = f"the newest are {age_days:.1f} days old" if newest else "no facts yet"
    if limit is not None and age_days > limit:
        raise EngagementError(f"{said}; max_age_days is {limit:g}")
    return said


def _readable_pipelines() -> list[Pipeline]:
    """Return the pipelines whose files are as documented; another check speaks of the others."""
    found = []
    for file in sorted(config.PIPELINES.glob("*.toml")):
        with suppress(EngagementError):
            found.append(config.read_pipeline(file.stem, config.PIPELINES))
    return found


def _titles(store: Store) -> str:
    """Say how many programs and topics a model may be told by name."""
    found = titles.listed(store)
    waiting = sum(row["title"] is None for row in found)
    said = f"{len(found) - waiting} of {len(found)} programs and topics may go to a model"
    return f"{said}; `engagement titles` shows the others" if waiting else said


def _model(settings: Settings) -> str:
    """Say which model would be asked, without asking it."""
    if settings.openai_api_key is None:
        pricing.price("", own=settings.price)
        return "no key: texts come from templates"
    model = writer.chosen_model(settings)
    known = pricing.price(model.name, own=settings.price)
    cost = (
        f"${known.input_usd:g} and ${known.output_usd:g} for a million tokens" if known else "price not known"
    )
    return f"{model.name} at {model.address}; {cost}; a key is set"


def ask_model(settings: Settings) -> Check:
    """Return what comes of one small question to the model, about nobody: the way it takes, how long, and the text."""
    return _check("model's answer", lambda: _answer(settings))


def _answer(settings: Settings) -> str:
    asked = writer.writer_for(settings)
    if asked.is_nobody:
        raise EngagementError(f"nobody was asked: {WHY_TEMPLATE[asked.why_not]}")
    task = prompts.nudge_task("in_app", "en")
    data = "reason: praise\nstyle: 1"
    began = time.monotonic()
    answer, way = asked.try_out(Prompt(task, data, prompts.cache_key(asked.key_prefix(task), data)))
    took = f"{asked.model.name}, asked by {way}, after {time.monotonic() - began:.1f} s"
    if answer.reason:
        rule = f" The last time: {answer.rule}." if answer.rule else ""
        raise EngagementError(f"{took}: no text. {WHY_TEMPLATE[answer.reason]}{rule}")
    return f"{took}: {one_line(str(answer.content), _LONGEST_ANSWER)}"


def _notices(settings: Settings) -> str:
    """Say who hears of a run that failed; a webhook's address is a secret."""
    ways = []
    if settings.notify_command is not None:
        program = shlex.split(settings.notify_command)[0]
        if shutil.which(program) is None:
            raise EngagementError(
                f"ENGAGEMENT_NOTIFY_COMMAND: {program[:80]!r} is no program that can be run"
            )
        ways.append(f"the command {Path(program).name}")
    if settings.notify_webhook is not None:
        ways.append("a webhook")
    return (
        f"a run that fails tells it by {' and '.join(ways)}" if ways else "off: a run that fails tells nobody"
    )


def _templates() -> str:
    nudges, quizzes = templates.load_nudges(), templates.load_quizzes()
    return f"nudges in {', '.join(sorted(nudges))}; quizzes in {', '.join(sorted(quizzes))}"


def _pipelines() -> str:
    names = sorted(file.stem for file in config.PIPELINES.glob("*.toml"))
    for name in names:
        pipeline = config.read_pipeline(name, config.PIPELINES)
        config.parameters_of(pipeline, {})
        if gone := inbox.missing_folders(pipeline.sources):
            raise EngagementError(f"{name}.toml: its inbox is no folder that can be read: {', '.join(gone)}")
    return ", ".join(names)


def _versions() -> str:
    try:
        installed = [f"{name} {version(name)}" for name in _VERSIONS]
    except PackageNotFoundError as missing:
        raise EngagementError(f"{missing.name} is not installed; `make demo` installs everything") from None
    return ", ".join(
        [f"engagement {version('engagement')}", f"Python {platform.python_version()}", *installed]
    )


def _reports(settings: Settings) -> str:
    folder = settings.reports
    with suppress(FileNotFoundError):
        folder.stat()
        if not (folder.is_dir() and os.access(folder, os.W_OK)):
            raise EngagementError(f"{folder} is not a folder that can be written to")
    return str(folder)


def _other_accounts(settings: Settings) -> str:
    """Say what other accounts of the machine may read of what is kept and written here, or could replace."""
    folder = settings.store.parent
    if folder.is_dir() and private.anybody_may_write_in(folder):
        raise EngagementError(
            f"{folder}: others could replace the store: chmod o-w {shlex.quote(str(folder))}"
        )
    for shared in filter(Path.is_dir, (folder, settings.reports)):
        if not private.is_shared(shared):
            there = shlex.quote(str(shared))
            raise EngagementError(
                f"{shared}: what is made there is not the group's: chgrp {settings.group} {there}; chmod g+rwxs {there}"
            )
    env_file = Settings.model_config.get("env_file")
    places = [
        *folder.glob(f"{glob.escape(settings.store.name)}*"),
        *(folder / name for name in (".spill", "dashboard.log")),
        *(settings.reports.iterdir() if settings.reports.is_dir() else ()),
        *(path for path in (env_file, settings.users) if isinstance(path, Path)),
    ]
    found = {place: len(list(private.open_to_others(place))) for place in places}
    if open_ones := sorted(str(place) for place, count in found.items() if count):
        raise EngagementError(
            f"others on this machine may read {sum(found.values()):,} of the files and folders here: "
            f"chmod -R {private.closing()} {shlex.join(open_ones)}"
        )
    return "may read nothing of this"


def _disk(settings: Settings) -> str:
    """Say how much is free beside the store, which is as large again while it is rewritten."""
    folder = next(parent for parent in settings.store.parents if parent.exists())
    free = shutil.disk_usage(folder).free // 1_000_000
    files = (settings.store, settings.store.with_name(f"{settings.store.name}.wal"))
    store = sum(file.stat().st_size for file in files if file.is_file()) // 1_000_000
    needed = max(_ENOUGH_DISK_MB, store)
    if free < needed:
        raise EngagementError(f"{free:,} MB free at {folder}; {needed:,} are needed, the store has {store:,}")
    return f"{free:,} MB free, the store has {store:,}"
