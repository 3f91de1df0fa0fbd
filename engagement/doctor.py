"""What a person checks when something is wrong: the store, the templates, the settings, the versions."""

import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from engagement import fallbacks, steps
from engagement.errors import EngagementError, NotFound
from engagement.settings import Settings
from engagement.store import SCHEMA_VERSION, first_row, open_store

_VERSIONS: Final = ("duckdb", "pandas", "narwhals", "papermill", "jupyterlab", "voila", "plotly", "openai")
_ENOUGH_DISK_MB: Final = 500


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str

    def as_dict(self) -> dict[str, object]:
        """Return the documented JSON form."""
        return asdict(self)


def examine(settings: Settings, *, now: datetime) -> list[Check]:
    """Return every check; none of them changes anything or shows a secret."""
    return [
        _check("store", lambda: _store(settings)),
        _check("last run", lambda: _last_run(settings, now)),
        _check("templates", _templates),
        _check("pipelines", _pipelines),
        _check("reports", lambda: _reports(settings)),
        _check("disk", lambda: _disk(settings)),
        Check("time zone", True, settings.timezone),
        Check(
            "model", True, "a key is set" if settings.openai_api_key else "no key: texts come from templates"
        ),
        _check("versions", _versions),
    ]


def _check(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except NotFound as nothing_yet:
        return Check(name, name != "store", str(nothing_yet))
    except EngagementError as error:
        return Check(name, False, str(error))


def _store(settings: Settings) -> str:
    with open_store(settings.store).read() as db:
        learners, facts = first_row(
            db, "select (select count(*) from learners), (select max(observed_at) from learner_facts)"
        )
    known = f"facts up to {facts:%Y-%m-%d %H:%M} UTC" if facts else "no facts yet"
    return f"{settings.store}: schema {SCHEMA_VERSION}, {learners:,} learners, {known}"


def _last_run(settings: Settings, now: datetime) -> str:
    with open_store(settings.store).read() as db:
        rows = db.execute(
            "select run_id, status, coalesce(finished_at, started_at) from runs where pipeline <> 'scratch' "
            "order by started_at desc limit 1"
        ).fetchall()
    if not rows:
        return "no run yet"
    run_id, status, when = rows[0]
    return f"{run_id}: {status}, {(now - when).total_seconds() / 3600:.0f} hours ago"


def _templates() -> str:
    nudges, quizzes = fallbacks.load_nudges(), fallbacks.load_quizzes()
    return f"nudges in {', '.join(sorted(nudges))}; quizzes in {', '.join(sorted(quizzes))}"


def _pipelines() -> str:
    names = sorted(file.stem for file in steps.PIPELINES.glob("*.toml"))
    for name in names:
        steps.parameters(steps.read_pipeline(name), {})
    return ", ".join(names)


def _versions() -> str:
    try:
        return ", ".join(f"{name} {version(name)}" for name in _VERSIONS)
    except PackageNotFoundError as missing:
        raise EngagementError(f"{missing.name} is not installed; `make demo` installs everything") from None


def _reports(settings: Settings) -> str:
    folder = settings.reports
    if folder.exists() and not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise EngagementError(f"{folder} is not a folder that can be written to")
    return str(folder)


def _disk(settings: Settings) -> str:
    folder = next(parent for parent in settings.store.parents if parent.exists())
    free = shutil.disk_usage(folder).free // 1_000_000
    if free < _ENOUGH_DISK_MB:
        raise EngagementError(f"{free:,} MB free at {folder}; {_ENOUGH_DISK_MB} are needed")
    return f"{free:,} MB free"
