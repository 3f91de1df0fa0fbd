"""The folder of a run: its record and its pages, the index over all, and what goes into a mail."""

import json
import logging
import re
import zlib
from datetime import date, datetime
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from engagement.demo import sample
from engagement.ingest import learners
from engagement.pipeline import artifacts
from engagement.pipeline.config import Pipeline, Report, Step
from engagement.policy import DEFAULT_POLICY
from engagement.reporting.pages import PLOTLY
from engagement.runs import Run
from engagement.vocabulary import LABELS
from tests.support.elements import Page, chromium

HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
AS_OF = datetime.fromisoformat("2026-03-01T23:59:59.999999")
CURRENT = Run("weekly-2026-03-01-1", "weekly", AS_OF, date(2026, 3, 1), 1, "running", DEFAULT_POLICY, AS_OF)
REPORT = Report(
    step="effect", title="Did it help?", also={"fairness": HOSTILE, "cohort": "Who?"}, for_mail=True
)
WEEKLY = Pipeline(
    name="weekly", report=REPORT, steps=[Step(notebook=name) for name in ("effect", "fairness", "cohort")]
)
SAYS = {"effect": "It helped. By 3 points.", "fairness": "No group stands out. Nor by a lot.", "cohort": ""}
BARS = {
    "data": [{"type": "bar", "x": ["a", "b"], "y": [1, 2]}],
    "layout": {"meta": {"title": "Bars", "columns": ["Bar", "Learners"], "rows": [["a", 1], ["b", 2]]}},
}
RUN = {
    "run_id": "r1",
    "pipeline": "nightly",
    "status": "published",
    "as_of": "2026-11-22T23:59:59",
    "started_at": "2026-11-23T02:00:00",
    "finished_at": "2026-11-23T02:01:10",
    "report": "report.html",
    "counts": {
        "labels": {"high": 397, "medium": 1132, "low": 438},
        "nudges": 1375,
        "quizzes": 210,
        "quarantined": 12,
    },
}


def record(root: Path, folder: str, **changes: Any) -> Path:
    (root / folder).mkdir(parents=True)
    (root / folder / "run.json").write_text(json.dumps(RUN | changes))
    return root / folder


def test_index_lists_runs_newest_first_with_relative_links(tmp_path) -> None:
    old = record(tmp_path, "nightly/r0", as_of="2026-11-21T23:59:59", run_id="r0")
    new = record(tmp_path, "week ly/r1")
    for folder in (old, new):
        (folder / "report.html").write_text("x")
    made = Page(artifacts.write_index(tmp_path).read_text("utf-8"))
    assert [a["href"] for a in made.all("a")] == [
        "#main",
        "week%20ly/r1/report.html",
        "nightly/r0/report.html",
    ]
    assert "1,132" in made.text


def test_index_shows_the_answer_of_a_run_that_scored_nobody(tmp_path) -> None:
    none = dict.fromkeys(LABELS, 0)
    answer = "It helped <b>a lot</b>."
    record(tmp_path, "weekly/w1", counts={"labels": none, "nudges": 0, "quizzes": 0, "answer": answer})
    record(tmp_path, "nightly/r1", counts={"labels": {"high": 3}, "answer": "3 learners are at high risk."})
    made = Page(artifacts.write_index(tmp_path).read_text("utf-8"))
    assert answer in made.text
    assert "3 learners" not in made.text
    assert made.all("b") == []


def test_index_shows_a_failed_run_without_a_link(tmp_path) -> None:
    record(tmp_path, "nightly/r1", status="failed", report=None, counts={}, finished_at=None)
    made = Page(artifacts.write_index(tmp_path).read_text("utf-8"))
    assert "failed" in made.text
    assert [a["href"] for a in made.all("a")] == ["#main"]


@pytest.mark.parametrize("report", ["../../secret.html", "/etc/passwd", "gone.html"])
def test_index_links_only_to_pages_inside_the_folder_of_the_run(tmp_path, report) -> None:
    record(tmp_path, "nightly/r1", report=report)
    (tmp_path / "secret.html").write_text("x")
    made = Page(artifacts.write_index(tmp_path).read_text("utf-8"))
    assert [a["href"] for a in made.all("a")] == ["#main"]


@pytest.mark.parametrize("text", ["{", "[]", '{"run_id": "secret"}', ""])
def test_index_names_the_records_it_cannot_read_and_nothing_in_them(tmp_path, text) -> None:
    record(tmp_path, "nightly/r1")
    (record(tmp_path, "nightly/r2") / "run.json").write_text(text)
    made = Page(artifacts.write_index(tmp_path).read_text("utf-8"))
    assert "nightly/r2/run.json" in made.text
    assert "secret" not in made.text
    assert "1 run, newest first" in made.text


def test_index_escapes_what_records_say(tmp_path) -> None:
    record(tmp_path, "nightly/r1", pipeline=HOSTILE, status=HOSTILE)
    made = Page(artifacts.write_index(tmp_path).read_text("utf-8"))
    assert not made.all("script")
    assert HOSTILE in made.text


def test_index_of_an_empty_folder_says_so(tmp_path) -> None:
    assert "No run has left a report yet." in artifacts.write_index(tmp_path).read_text("utf-8")


def test_index_links_to_each_page_of_a_run_and_to_its_pdf(tmp_path) -> None:
    pages = [{"title": "First", "file": "report.html"}, {"title": HOSTILE, "file": "report-b.html"}]
    pages += [{"title": "Gone", "file": "gone.html"}, {"title": "Out", "file": "../../secret.html"}]
    folder = record(tmp_path, "weekly/r1", pages=pages)
    for path in ("weekly/r1/report.html", "weekly/r1/report-b.html", "weekly/r1/report.pdf", "secret.html"):
        (tmp_path / path).write_text("x")
    made = Page(artifacts.write_index(tmp_path).read_text("utf-8"))
    assert folder.is_dir()
    assert [a["href"] for a in made.all("a")] == [
        "#main",
        "weekly/r1/report.html",
        "weekly/r1/report.html",
        "weekly/r1/report-b.html",
        "weekly/r1/report.pdf",
    ]
    assert HOSTILE in made.text
    assert made.all("script") == []


def test_index_shows_each_answer_on_a_line_of_its_own(tmp_path) -> None:
    none = dict.fromkeys(LABELS, 0)
    record(tmp_path, "weekly/w1", counts={"labels": none, "answer": "It helped.\n3 are at risk."})
    html = artifacts.write_index(tmp_path).read_text("utf-8")
    assert "<p>It helped.</p><p>3 are at risk.</p>" in html


@pytest.fixture
def home(tmp_path):
    """The folder of a weekly run whose notebooks have run."""
    folder = tmp_path / "reports" / "weekly" / CURRENT.run_id
    folder.mkdir(parents=True)
    for name, said in SAYS.items():
        shown = new_output("display_data", data={PLOTLY: BARS})
        printed = [new_output("stream", text=f"{said}\n")] if said else []
        cells = [
            new_markdown_cell(f"## About {name}"),
            new_code_cell("draw()", outputs=[shown]),
            new_code_cell("print()", outputs=printed, metadata={"tags": ["remove-cell"]}),
        ]
        nbformat.write(new_notebook(cells=cells), folder / f"{name}.ipynb")
    return folder


def load_cohort(store):
    frame = sample.cohort(80, seed=1, as_of=AS_OF).snapshot(8)
    learners.load(store, frame, observed_at=AS_OF, loaded_at=AS_OF)


def mailed(store, home):
    papers = artifacts.write_pages(WEEKLY, CURRENT, home)
    answers = artifacts.answer(papers.pages)
    return artifacts.for_mail(store, WEEKLY, CURRENT, home=home, papers=papers, answers=answers)


def test_every_page_is_written_and_links_to_the_others(home) -> None:
    papers = artifacts.write_pages(WEEKLY, CURRENT, home)
    names = ["report.html", "report-fairness.html", "report-cohort.html"]
    assert [page.html.name for page in papers.pages] == names
    for page in papers.pages:
        made = Page(page.html.read_text("utf-8"))
        assert [a["href"] for a in made.all("a") if not (a["href"] or "").startswith("#")] == names
        assert [a["href"] for a in made.all("a") if "aria-current" in a] == [page.html.name]
        assert made.text.count(HOSTILE) >= 1
        assert made.all("img") == []
    assert artifacts.there(WEEKLY, home) == papers


def test_the_answer_is_the_whole_of_the_first_and_a_sentence_of_the_others(home) -> None:
    pages = artifacts.write_pages(WEEKLY, CURRENT, home).pages
    assert artifacts.answer(pages) == "It helped. By 3 points.\nNo group stands out."
    assert artifacts.answer(pages[1:]) == "No group stands out. Nor by a lot."
    assert artifacts.answer(()) == ""


def test_the_record_names_the_pages_and_the_index_reads_it(home) -> None:
    papers = artifacts.write_pages(WEEKLY, CURRENT, home)
    artifacts.write_record(home, CURRENT, "published", now=AS_OF, counts={"answer": "Yes."}, papers=papers)
    assert artifacts.recorded_status(home) == "published"
    kept = json.loads((home / "run.json").read_text())
    assert kept["report"] == "report.html"
    assert kept["pages"][1] == {"title": HOSTILE, "file": "report-fairness.html"}
    assert "Who?" in artifacts.write_index(home.parents[1]).read_text("utf-8")


@pytest.mark.parametrize("text", ["", "[]", "{", "{}", "3"])
def test_a_record_that_cannot_be_read_says_nothing(tmp_path, text) -> None:
    assert artifacts.recorded_status(tmp_path) is None
    (tmp_path / "run.json").write_text(text)
    assert artifacts.recorded_status(tmp_path) is None


def test_without_a_browser_there_are_the_words_and_a_sentence_that_says_why(
    store, home, monkeypatch, caplog
) -> None:
    load_cohort(store)
    (home / "report.pdf").write_bytes(b"of an earlier attempt")
    monkeypatch.setenv("PATH", "/nowhere")
    with caplog.at_level(logging.WARNING):
        papers = mailed(store, home)
    assert papers.missing == "without report.pdf and summary.png: there is no Chromium on the PATH"
    assert (papers.pdf, papers.summary, len(papers.pages)) == (None, None, 3)
    assert [entry.getMessage() for entry in caplog.records] == [f"it goes on {papers.missing}"]
    left = {path.name for path in home.iterdir() if path.suffix not in {".ipynb", ".html"}}
    assert left == {"summary.txt"}
    words = (home / "summary.txt").read_text()
    assert words.startswith(
        "Weekly report, as of 01 March 2026. It helped. By 3 points. No group stands out. "
    )


def test_a_picture_that_fails_leaves_the_pdf(store, home, monkeypatch, tmp_path) -> None:
    load_cohort(store)
    fake = tmp_path / "bin" / "chromium"
    fake.parent.mkdir()
    fake.write_text(
        '#!/bin/sh\nfor a; do case "$a" in\n--screenshot=*) exit 7;;\n'
        '--print-to-pdf=*) echo %PDF-1.4 > "${a#*=}";;\nesac; done\n'
    )
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:/usr/bin:/bin")
    papers = mailed(store, home)
    assert papers.missing == "without summary.png: Chromium ended with exit code 7"
    assert papers.pdf.read_bytes() == b"%PDF-1.4\n"
    assert artifacts.there(WEEKLY, home).pdf == papers.pdf
    assert not (home / ".printing").exists()


def test_a_folder_that_cannot_be_written_leaves_the_run_without_them(store, home) -> None:
    load_cohort(store)
    (home / "summary.txt").mkdir()
    papers = mailed(store, home)
    assert papers.missing.endswith("and summary.png: Is a directory")


@pytest.fixture
def printed(store, home):
    chromium()
    load_cohort(store)
    return mailed(store, home)


def test_a_run_is_printed_and_pictured_and_nothing_else_is_left(printed, home) -> None:
    assert printed.missing == ""
    pdf = printed.pdf.read_bytes()
    assert pdf.startswith(b"%PDF-")
    titles = re.findall(rb"/Title \(((?:\\.|[^\\)])*)\)", pdf)
    assert {b"Weekly report", b"Did it help?", b"Who?", b"About cohort"} <= set(titles)
    drawn = [zlib.decompress(found) for found in streams(pdf)]
    with_text = [content for content in drawn if b" Tf" in content and b" re" in content]
    assert len(with_text) >= 3  # a sheet for each page
    assert b"Bars" in pdf or any(b"Bars" in content for content in drawn)  # what the figure says aloud
    picture = printed.summary.read_bytes()
    assert (int.from_bytes(picture[16:20]), int.from_bytes(picture[20:24])) == (2400, 1260)
    words = (home / "summary.txt").read_text()
    assert re.search(r"\d+ learners, \d+ at high risk \(\d+ %\)", words)
    left = {path.name for path in home.iterdir() if path.suffix not in {".ipynb", ".html"}}
    assert left == {"report.pdf", "summary.png", "summary.txt"}


def streams(pdf: bytes) -> list[bytes]:
    found = re.findall(rb"/Filter /FlateDecode.*?>>\s*stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    assert found
    return found
