"""What a run leaves in its folder: the pages people read, and what goes into a mail.

Pages are part of a run: one that cannot be made fails it. What is made for mail is not: where there is no browser, or
it fails, the run is published without, and says so.
"""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from engagement import private
from engagement.dates import day_in_words
from engagement.errors import EngagementError, of_the_system
from engagement.pipeline.config import Pipeline
from engagement.reporting import mail_summary, printing
from engagement.reporting.mail_summary import Summary
from engagement.reporting.pages import Page, answer, write_booklet, write_report
from engagement.runs import Run
from engagement.store import Store, invented
from engagement.views import calls, cohorts, roster

_log = logging.getLogger(__name__)

PDF: Final = "report.pdf"  # all pages
SUMMARY: Final = "summary.png"
WORDS: Final = "summary.txt"
FOR_MAIL: Final = (WORDS, PDF, SUMMARY)
_WORK: Final = ".printing"  # for as long as it takes


@dataclass(frozen=True)
class Artifacts:
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


def made(store: Store, pipeline: Pipeline, run: Run, home: Path) -> tuple[Artifacts, str]:
    """Make what the pipeline wants of its notebooks, which have run; return it, and what they answer."""
    with store.read() as db:
        banner = invented.NOTE if invented.is_invented(db) else ""
    left = write_pages(pipeline, run, home, banner=banner)
    said = answers(left.pages)
    if pipeline.report and pipeline.report.for_mail:
        left = for_mail(store, pipeline, run, home=home, pages=left.pages, said=said, banner=banner)
    return left, said


def write_pages(pipeline: Pipeline, run: Run, home: Path, *, banner: str = "") -> Artifacts:
    """Write the pages of a pipeline whose notebooks have run, the `banner` above each; each links to the others."""
    pages = _pages(pipeline, home)
    for page in pages:
        write_report(
            page.notebook,
            page.html,
            title=page.title,
            subtitle=_subtitle(run),
            banner=banner,
            root=home.parents[1],
            pages=pages,
        )
    return Artifacts(pages)


def there(pipeline: Pipeline, home: Path) -> Artifacts:
    """Return what an earlier run of the pipeline has left in its folder."""
    pages = tuple(page for page in _pages(pipeline, home) if page.html.is_file())
    pdf, summary = home / PDF, home / SUMMARY
    return Artifacts(pages, pdf if pdf.is_file() else None, summary if summary.is_file() else None)


def answers(pages: tuple[Page, ...]) -> str:
    """Return what the notebooks answer, a line for each: the first one's whole answer, of the others a sentence."""
    whole = [answer(page.notebook) for page in pages]
    lines = [*whole[:1], *(mail_summary.first_sentence(text) for text in whole[1:])]
    return "\n".join(line for line in lines if line)


def for_mail(
    store: Store,
    pipeline: Pipeline,
    run: Run,
    *,
    home: Path,
    pages: tuple[Page, ...],
    said: str,
    banner: str = "",
) -> Artifacts:
    """Make one PDF of the pages, and a summary of what they `said` in words and as a picture.

    Without a browser there are the words alone.
    """
    title = f"{pipeline.name.capitalize()} report"
    work = home / _WORK
    files: dict[str, Path] = {}
    missing = ""
    try:
        private.remove(work)  # what an attempt that did not end well has left
        for name in FOR_MAIL:
            (home / name).unlink(missing_ok=True)
        # Counted as the notebooks do that look at a cohort.
        shares = cohorts.label_shares(cohorts.learners_at(store, run.as_of))
        labels = dict(zip(shares["label"], shares["learners"].tolist(), strict=True))
        first = roster.to_call(store, limit=calls.LISTED, now=min(run.as_of, run.started_at))
        summary = Summary(
            title, run.day, said.splitlines(), labels, calls=[row["id"] for row in first], banner=banner
        )
        files[WORDS] = private.write_whole(home / WORDS, f"{summary.words}\n".encode())
        booklet = write_booklet(
            pages,
            work / "booklet.html",
            title=title,
            subtitle=_subtitle(run),
            banner=banner,
            root=home.parents[1],
        )
        files[PDF] = private.write_whole(home / PDF, printing.pdf(booklet))
        card = private.write_whole(work / "summary.html", summary.html().encode())
        picture = printing.picture(
            card, width=mail_summary.WIDTH, height=mail_summary.HEIGHT, scale=mail_summary.SCALE
        )
        files[SUMMARY] = private.write_whole(home / SUMMARY, picture)
    except (EngagementError, OSError) as error:
        why = str(error) if isinstance(error, EngagementError) else of_the_system(error, home)
        missing = f"without {' and '.join(name for name in FOR_MAIL if name not in files)}: {why}"
        _log.warning("it goes on %s", missing, extra={"run_id": run.run_id})
    finally:
        private.remove(work)
    return Artifacts(pages, files.get(PDF), files.get(SUMMARY), missing)


def _pages(pipeline: Pipeline, home: Path) -> tuple[Page, ...]:
    return tuple(
        Page(home / f"{page.step}.ipynb", home / page.file, page.title)
        for page in (pipeline.report.pages if pipeline.report else ())
    )


def _subtitle(run: Run) -> str:
    return f"As of {day_in_words(run.day)} · run {run.run_id}"
