"""The record of each run beside its notebooks, and the index over all runs that is made of them.

Whoever has the reports folder but not the store reads the records, and so does the index.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from engagement import private
from engagement.pipeline.artifacts import PDF, Artifacts
from engagement.reporting.displays import PAGES
from engagement.reporting.pages import style
from engagement.runs import Run
from engagement.settings import DEMO
from engagement.store import invented
from engagement.vocabulary import LABELS

RECORD: Final = "run.json"


class _Counts(BaseModel):
    labels: dict[str, int] = {}
    nudges: int | None = None
    quizzes: int | None = None
    quarantined: int | None = None
    answer: str = ""


class _Page(BaseModel):
    title: str
    file: str


class _Record(BaseModel):
    run_id: str
    pipeline: str
    status: str
    as_of: datetime
    day: date | None = None
    started_at: datetime
    finished_at: datetime | None = None
    report: str | None = None
    pages: list[_Page] = []
    counts: _Counts = _Counts()


def write_record(
    home: Path,
    run: Run,
    status: str,
    *,
    now: datetime,
    counts: Mapping[str, Any] | None = None,
    artifacts: Artifacts | None = None,
) -> None:
    """Write what the run is beside its notebooks; `OSError` where its folder, or the pipeline's, is a link."""
    private.follow_no_link(home.parent, home)
    pages = artifacts.pages if artifacts else ()
    record = {
        "run_id": run.run_id,
        "pipeline": run.pipeline,
        "status": status,
        "as_of": run.as_of.isoformat(),
        "day": run.day.isoformat(),
        "started_at": run.started_at.isoformat(),
        "finished_at": None if status == "running" else now.isoformat(),
        "policy_hash": run.policy_hash,
        "report": pages[0].html.name if pages else None,
        "pages": [{"title": page.title, "file": page.html.name} for page in pages],
        "counts": dict(counts or {}),
    }
    private.write_whole(home / RECORD, json.dumps(record, indent=2).encode())


def recorded_status(home: Path) -> str | None:
    """Return what the record says of the run; None where there is none that can be read."""
    try:
        record = json.loads((home / RECORD).read_text(encoding="utf-8"))
        return str(record["status"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_index(root: Path) -> Path:
    """Write `index.html` over all runs that left a record below the reports folder, newest first."""
    runs, broken = [], []
    for file in sorted(root.glob(f"*/*/{RECORD}")):
        try:
            runs.append((_Record.model_validate_json(file.read_bytes()), file.parent))
        except (ValidationError, OSError):
            broken.append(file.relative_to(root).as_posix())
    runs.sort(key=lambda found: (_moment(found[0].as_of), _moment(found[0].started_at)), reverse=True)
    page = PAGES.get_template("index.html.j2").render(
        banner=invented.NOTE if root.name == DEMO else "",
        runs=[_index_row(record, folder, root) for record, folder in runs],
        broken=broken,
        labels=LABELS,
        **style(),
    )
    return private.write_whole(root / "index.html", page.encode())


def _index_row(record: _Record, folder: Path, root: Path) -> dict[str, Any]:
    def link(file: str | None) -> str:
        path = folder / Path(file or "").name
        return quote(path.relative_to(root).as_posix()) if path.is_file() else ""

    counts = record.counts
    by_label = (counts.labels.get(label) for label in LABELS)
    numbers = [*by_label, counts.nudges, counts.quizzes, counts.quarantined]
    pages = [{"title": page.title, "href": link(page.file)} for page in record.pages]
    return {
        "run_id": record.run_id,
        "pipeline": record.pipeline,
        "answers": [] if any(counts.labels.values()) else counts.answer.splitlines(),
        "status": record.status,
        "kind": record.status if record.status in {"published", "failed"} else "other",
        "as_of": f"{record.day or record.as_of:%Y-%m-%d}",
        "finished": f"{record.finished_at:%Y-%m-%d %H:%M}" if record.finished_at else "–",
        "link": link(record.report),
        "pages": [page for page in pages if page["href"]] if len(pages) > 1 else [],
        "pdf": link(PDF),
        "numbers": ["–" if number is None else f"{number:,}" for number in numbers],
    }


def _moment(instant: datetime) -> str:
    return instant.replace(tzinfo=None).isoformat()
