"""The pages of a run, and what goes into a mail."""

import logging
import re
import zlib
from datetime import date, datetime

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from engagement.demo import sample
from engagement.ingest import learners
from engagement.pipeline import artifacts
from engagement.pipeline.config import Pipeline, Report, Step
from engagement.policy import DEFAULT_POLICY, RiskPolicy
from engagement.reporting import printing
from engagement.reporting.pages import PLOTLY
from engagement.runs import Run
from engagement.targeting import contact_log
from engagement.views import roster
from tests.support.acting import acting
from tests.support.cohort import night, rows
from tests.support.elements import Page, chromium
from tests.support.once import once

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


@once
def load_cohort(store):
    frame = sample.cohort(80, seed=1, as_of=AS_OF).snapshot(8)
    learners.load(store, frame, observed_at=AS_OF, loaded_at=AS_OF)


def mailed(store, home):
    pages = artifacts.write_pages(WEEKLY, CURRENT, home).pages
    said = artifacts.answers(pages)
    return artifacts.for_mail(store, WEEKLY, CURRENT, home=home, pages=pages, said=said)


def test_every_page_is_written_and_links_to_the_others(home) -> None:
    made = artifacts.write_pages(WEEKLY, CURRENT, home)
    names = ["report.html", "report-fairness.html", "report-cohort.html"]
    assert [page.html.name for page in made.pages] == names
    for page in made.pages:
        shown = Page(page.html.read_text("utf-8"))
        assert [a["href"] for a in shown.all("a") if not (a["href"] or "").startswith("#")] == names
        assert [a["href"] for a in shown.all("a") if "aria-current" in a] == [page.html.name]
        assert shown.text.count(HOSTILE) >= 1
        assert shown.all("img") == []
    assert artifacts.there(WEEKLY, home) == made


def test_a_banner_stands_above_every_page_and_in_the_words(store, home, monkeypatch) -> None:
    load_cohort(store)
    for page in artifacts.write_pages(WEEKLY, CURRENT, home, banner="Nobody <b>exists</b>.").pages:
        shown = page.html.read_text("utf-8")
        assert shown.index("Nobody &lt;b&gt;exists&lt;/b&gt;.") < shown.index("<h1>")
    monkeypatch.setattr(printing, "pdf", lambda page: page.read_bytes())
    monkeypatch.setattr(printing, "picture", lambda page, **_: page.read_bytes())
    pages = artifacts.there(WEEKLY, home).pages
    made = artifacts.for_mail(
        store, WEEKLY, CURRENT, home=home, pages=pages, said="It helped.", banner="Nobody."
    )
    assert (home / "summary.txt").read_text("utf-8").startswith("Nobody. Weekly report")
    for file in (made.pdf, made.summary):
        assert b">Nobody.<" in file.read_bytes()


def test_the_answer_is_the_whole_of_the_first_and_a_sentence_of_the_others(home) -> None:
    pages = artifacts.write_pages(WEEKLY, CURRENT, home).pages
    assert artifacts.answers(pages) == "It helped. By 3 points.\nNo group stands out."
    assert artifacts.answers(pages[1:]) == "No group stands out. Nor by a lot."
    assert artifacts.answers(()) == ""


def test_without_a_browser_there_are_the_words_and_a_sentence_that_says_why(
    store, home, monkeypatch, caplog
) -> None:
    load_cohort(store)
    (home / "report.pdf").write_bytes(b"of an earlier attempt")
    monkeypatch.setenv("PATH", "/nowhere")
    with caplog.at_level(logging.WARNING):
        made = mailed(store, home)
    assert made.missing == "without report.pdf and summary.png: there is no Chromium on the PATH"
    assert (made.pdf, made.summary, len(made.pages)) == (None, None, 3)
    assert [entry.getMessage() for entry in caplog.records] == [f"it goes on {made.missing}"]
    left = {path.name for path in home.iterdir() if path.suffix not in {".ipynb", ".html"}}
    assert left == {"summary.txt"}
    words = (home / "summary.txt").read_text()
    assert words.startswith(
        "Weekly report, as of 1 March 2026. It helped. By 3 points. No group stands out. "
    )


def test_the_words_of_a_mail_list_whom_to_call_first_as_the_page_does(store, home, monkeypatch) -> None:
    load_cohort(store)
    night(store, AS_OF)
    monkeypatch.setenv("PATH", "/nowhere")
    first = [row["id"] for row in roster.to_call(store, limit=10, now=AS_OF)]
    contact_log.phoned(store, first[0], by=acting(AS_OF))
    mailed(store, home)
    called = [row["id"] for row in roster.to_call(store, limit=10, now=AS_OF)]
    assert first[0] not in called
    assert f"Whom to call first: {', '.join(called)}." in (home / "summary.txt").read_text()


def test_a_mail_counts_by_the_policy_of_the_scores_whatever_its_pipeline_says(
    store, home, monkeypatch
) -> None:
    load_cohort(store)
    night(store, AS_OF, policy=RiskPolicy(high_above=0.45, medium_above=0.25))
    labels = dict(rows(store, "select risk_label, count(*) from risk_scores group by 1"))
    assert CURRENT.policy == DEFAULT_POLICY
    assert min(labels["high"], labels["medium"]) >= 10
    monkeypatch.setenv("PATH", "/nowhere")
    mailed(store, home)
    words = (home / "summary.txt").read_text()
    assert f"{sum(labels.values())} learners, {labels['high']} at high risk (" in words
    assert f", {labels['medium']} at medium risk (" in words


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
    made = mailed(store, home)
    assert made.missing == "without summary.png: Chromium ended with exit code 7"
    assert made.pdf.read_bytes() == b"%PDF-1.4\n"
    assert artifacts.there(WEEKLY, home).pdf == made.pdf
    assert not (home / ".printing").exists()


def test_nothing_is_printed_in_or_taken_from_where_a_link_leads(store, home, tmp_path, monkeypatch) -> None:
    load_cohort(store)
    kept = tmp_path / "elsewhere" / "kept"
    kept.parent.mkdir()
    kept.touch()
    (home / ".printing").symlink_to(kept.parent)
    monkeypatch.setenv("PATH", "/nowhere")
    mailed(store, home)
    assert list(kept.parent.iterdir()) == [kept]
    assert not (home / ".printing").is_symlink()


def test_a_folder_that_cannot_be_written_leaves_the_run_without_them(store, home) -> None:
    load_cohort(store)
    (home / "summary.txt").mkdir()
    made = mailed(store, home)
    assert made.missing.endswith(f"and summary.png: {home}/summary.txt: Is a directory")


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
