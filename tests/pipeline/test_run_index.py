"""The record of a run, and the index over all runs."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from engagement.pipeline import run_index
from engagement.pipeline.artifacts import Artifacts
from engagement.policy import DEFAULT_POLICY
from engagement.reporting import pages as reporting
from engagement.runs import Run
from engagement.vocabulary import LABELS
from tests.support.elements import Page

HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
AS_OF = datetime.fromisoformat("2026-03-01T23:59:59.999999")
CURRENT = Run("weekly-2026-03-01-1", "weekly", AS_OF, date(2026, 3, 1), 1, "running", DEFAULT_POLICY, AS_OF)
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
    made = Page(run_index.write_index(tmp_path).read_text("utf-8"))
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
    made = Page(run_index.write_index(tmp_path).read_text("utf-8"))
    assert answer in made.text
    assert "3 learners" not in made.text
    assert made.all("b") == []


def test_index_shows_a_failed_run_without_a_link(tmp_path) -> None:
    record(tmp_path, "nightly/r1", status="failed", report=None, counts={}, finished_at=None)
    made = Page(run_index.write_index(tmp_path).read_text("utf-8"))
    assert "failed" in made.text
    assert [a["href"] for a in made.all("a")] == ["#main"]


@pytest.mark.parametrize("report", ["../../secret.html", "/etc/passwd", "gone.html"])
def test_index_links_only_to_pages_inside_the_folder_of_the_run(tmp_path, report) -> None:
    record(tmp_path, "nightly/r1", report=report)
    (tmp_path / "secret.html").write_text("x")
    made = Page(run_index.write_index(tmp_path).read_text("utf-8"))
    assert [a["href"] for a in made.all("a")] == ["#main"]


@pytest.mark.parametrize("text", ["{", "[]", '{"run_id": "secret"}', ""])
def test_index_names_the_records_it_cannot_read_and_nothing_in_them(tmp_path, text) -> None:
    record(tmp_path, "nightly/r1")
    (record(tmp_path, "nightly/r2") / "run.json").write_text(text)
    made = Page(run_index.write_index(tmp_path).read_text("utf-8"))
    assert "nightly/r2/run.json" in made.text
    assert "secret" not in made.text
    assert "1 run, newest first" in made.text


def test_index_escapes_what_records_say(tmp_path) -> None:
    record(tmp_path, "nightly/r1", pipeline=HOSTILE, status=HOSTILE)
    made = Page(run_index.write_index(tmp_path).read_text("utf-8"))
    assert not made.all("script")
    assert HOSTILE in made.text


def test_index_of_an_empty_folder_says_so(tmp_path) -> None:
    assert "No run has left a report yet." in run_index.write_index(tmp_path).read_text("utf-8")


def test_index_links_to_each_page_of_a_run_and_to_its_pdf(tmp_path) -> None:
    pages = [{"title": "First", "file": "report.html"}, {"title": HOSTILE, "file": "report-b.html"}]
    pages += [{"title": "Gone", "file": "gone.html"}, {"title": "Out", "file": "../../secret.html"}]
    folder = record(tmp_path, "weekly/r1", pages=pages)
    for path in ("weekly/r1/report.html", "weekly/r1/report-b.html", "weekly/r1/report.pdf", "secret.html"):
        (tmp_path / path).write_text("x")
    made = Page(run_index.write_index(tmp_path).read_text("utf-8"))
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
    html = run_index.write_index(tmp_path).read_text("utf-8")
    assert "<p>It helped.</p><p>3 are at risk.</p>" in html


def test_the_record_names_the_pages_and_the_index_reads_it(tmp_path) -> None:
    home = tmp_path / "weekly" / "w1"
    home.mkdir(parents=True)
    pages = [
        ("report.html", "Did it help?"),
        ("report-fairness.html", HOSTILE),
        ("report-cohort.html", "Who?"),
    ]
    for file, _ in pages:
        (home / file).write_text("x")
    made = Artifacts(tuple(reporting.Page(home / "a.ipynb", home / file, title) for file, title in pages))
    run_index.write_record(home, CURRENT, "published", now=AS_OF, counts={"answer": "Yes."}, artifacts=made)
    assert run_index.recorded_status(home) == "published"
    kept = json.loads((home / "run.json").read_text())
    assert kept["report"] == "report.html"
    assert kept["pages"][1] == {"title": HOSTILE, "file": "report-fairness.html"}
    assert "Who?" in run_index.write_index(tmp_path).read_text("utf-8")


@pytest.mark.parametrize("text", ["", "[]", "{", "{}", "3"])
def test_a_record_that_cannot_be_read_says_nothing(tmp_path, text) -> None:
    assert run_index.recorded_status(tmp_path) is None
    (tmp_path / "run.json").write_text(text)
    assert run_index.recorded_status(tmp_path) is None
