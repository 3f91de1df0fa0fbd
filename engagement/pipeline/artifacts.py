"""The folder of a run: the record of what it was, the pages people read, and what goes into a mail.

Whoever has the reports folder but not the store reads the records, and so does the index over all runs. Pages are
part of a run: one that cannot be made fails it. What is made for mail is not: where there is no browser, or it fails,
the run is published without, and says so.
"""

import json
import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from engagement import reporting
from engagement.errors import EngagementError
from engagement.pipeline.config import Pipeline
from engagement.reporting import mail_summary, printing
from engagement.reporting.displays import PAGES
from engagement.reporting.mail_summary import Summary
from engagement.reporting.pages import Page
from engagement.runs import Run
from engagement.store import Store
from engagement.views import cohorts
from engagement.vocabulary import LABELS

_log = logging.getLogger(__name__)

RECORD: Final = "run.json"
PDF: Final = "report.pdf"  # all pages
SUMMARY: Final = "summary.png"
WORDS: Final = "summary.txt"
FOR_MAIL: Final = (WORDS, PDF, SUMMARY)
_WORK: Final = ".printing"  # for as long as it takes


@dataclass(frozen=True)
class Papers:
    """What a run has left for people to read; `missing` says in a sentence what was to be made and could not be."""

    pages: tuple[Page, ...] = ()
    pdf: Path | None = None
    summary: Path | None = None
    missing: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the documented JSON form."""
        paths = [{"title": page.title, "path": str(page.html)} for page in self.pages]
        return {
            "report": paths[0]["path"] if paths else None,
            "pages": paths,
            "pdf": str(self.pdf) if self.pdf else None,
            "summary": str(self.summary) if self.summary else None,
            "missing": self.missing,
        }


class _Counts(BaseModel):
    labels: dict[str, int] = {}
    nudges: int | None = None
    quizzes: int | None = None
    quarantined: int | None = None
    answer: str = ""

    @property
    def scored(self) -> bool:
        return any(self.labels.values()) or not self.answer


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


def write_pages(pipeline: Pipeline, run: Run, home: Path) -> Papers:
    """Write the pages of a pipeline whose notebooks have run; each links to the others."""
    pages = _pages(pipeline, home)
    for page in pages:
        reporting.pages.write_report(
            page.notebook,
            page.html,
            title=page.title,
            subtitle=_subtitle(run),
            root=home.parents[1],
            pages=pages,
        )
    return Papers(pages)


def there(pipeline: Pipeline, home: Path) -> Papers:
    """Return what an earlier run of the pipeline has left in its folder."""
    pages = tuple(page for page in _pages(pipeline, home) if page.html.is_file())
    pdf, summary = home / PDF, home / SUMMARY
    return Papers(pages, pdf if pdf.is_file() else None, summary if summary.is_file() else None)


def answer(pages: tuple[Page, ...]) -> str:
    """Return what the notebooks answer, a line for each: the first one's whole answer, of the others a sentence."""
    answers = [reporting.pages.answer(page.notebook) for page in pages]
    lines = [*answers[:1], *(mail_summary.first_sentence(text) for text in answers[1:])]
    return "\n".join(line for line in lines if line)


def for_mail(
    store: Store, pipeline: Pipeline, run: Run, *, home: Path, papers: Papers, answers: str
) -> Papers:
    """Make one PDF of the pages, and a summary as a picture and in words; without a browser the words alone."""
    title = f"{pipeline.name.capitalize()} report"
    work = home / _WORK
    made: dict[str, Path] = {}
    missing = ""
    try:
        _remove(work, *(home / name for name in FOR_MAIL))  # what an attempt that did not end well has left
        summary = Summary(title, run.day, answers.splitlines(), _labels(store, pipeline, run))
        made[WORDS] = reporting.pages.write_whole(home / WORDS, f"{summary.words}\n".encode())
        booklet = reporting.pages.write_booklet(
            papers.pages, work / "booklet.html", title=title, subtitle=_subtitle(run), root=home.parents[1]
        )
        made[PDF] = reporting.pages.write_whole(home / PDF, printing.pdf(booklet))
        card = reporting.pages.write_whole(work / "summary.html", summary.html().encode())
        size = {"width": mail_summary.WIDTH, "height": mail_summary.HEIGHT, "scale": mail_summary.SCALE}
        made[SUMMARY] = reporting.pages.write_whole(home / SUMMARY, printing.picture(card, **size))
    except (EngagementError, OSError) as error:
        why = str(error) if isinstance(error, EngagementError) else error.strerror
        missing = f"without {' and '.join(name for name in FOR_MAIL if name not in made)}: {why}"
        _log.warning("it goes on %s", missing, extra={"run_id": run.run_id})
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Papers(papers.pages, made.get(PDF), made.get(SUMMARY), missing)


def _remove(work: Path, *files: Path) -> None:
    shutil.rmtree(work, ignore_errors=True)
    for file in files:
        file.unlink(missing_ok=True)


def _labels(store: Store, pipeline: Pipeline, run: Run) -> dict[str, int]:
    """Return how many learners there are by risk label, as the notebooks count them that look at a cohort."""
    shares = cohorts.label_shares(cohorts.learners_at(store, run.as_of, policy=pipeline.policy))
    return dict(zip(shares["label"], shares["learners"].tolist(), strict=True))


def _pages(pipeline: Pipeline, home: Path) -> tuple[Page, ...]:
    wanted = pipeline.report.pages if pipeline.report else []
    return tuple(Page(home / f"{page.step}.ipynb", home / page.file, page.title) for page in wanted)


def _subtitle(run: Run) -> str:
    return f"As of {run.day:%d %B %Y} · run {run.run_id}"


def write_record(
    home: Path,
    run: Run,
    status: str,
    *,
    now: datetime,
    counts: Mapping[str, Any] | None = None,
    papers: Papers | None = None,
) -> None:
    """Write what the run is beside its notebooks."""
    pages = papers.pages if papers else ()
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
    reporting.pages.write_whole(home / RECORD, json.dumps(record, indent=2).encode())


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
        runs=[_index_row(record, folder, root) for record, folder in runs],
        broken=broken,
        labels=LABELS,
        **reporting.pages.style(),
    )
    return reporting.pages.write_whole(root / "index.html", page.encode())


def _index_row(record: _Record, folder: Path, root: Path) -> dict[str, Any]:
    def link(file: str | None) -> str:
        path = folder / Path(file or "").name
        return quote(path.relative_to(root).as_posix()) if path.is_file() else ""

    counts = record.counts
    numbers = [*(counts.labels.get(label) for label in LABELS)]
    numbers += [counts.nudges, counts.quizzes, counts.quarantined]
    pages = [{"title": page.title, "href": link(page.file)} for page in record.pages]
    return {
        "run_id": record.run_id,
        "pipeline": record.pipeline,
        "answers": [] if counts.scored else counts.answer.splitlines(),
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
