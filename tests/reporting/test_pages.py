import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from engagement.errors import InvalidInput, NotFound
from engagement.reporting import displays, pages
from engagement.reporting.charts import runs
from engagement.reporting.pages import Page as Sister
from tests.support.elements import Page, chromium

HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
PROGRAMS = pd.DataFrame(
    {"program": [HOSTILE, "Welding"], "high": [1, 4], "medium": 3, "low": 2, "unknown": 0}
)
DRIVERS = pd.DataFrame({"driver": ["low_quiz", "behind_pace"], "learners": [1, 3]})
OUR_SCRIPTS = 2  # plotly's file and report.js


def shown(data: dict[str, Any]) -> Any:
    return new_code_cell("show", outputs=[new_output("display_data", data=data)])


def figure(chart: Any) -> Any:
    return shown({pages.PLOTLY: json.loads(chart.to_json()), "text/html": "<b>inlined plotly</b>"})


def write(tmp_path: Path, *cells: Any) -> Path:
    folder = tmp_path / "reports" / "nightly" / "r1"
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=list(cells)), folder / "90_report.ipynb")
    return pages.write_report(
        folder / "90_report.ipynb", folder / "report.html", title="Nightly", subtitle="As of"
    )


def page(tmp_path: Path, *cells: Any) -> Page:
    return Page(write(tmp_path, *cells).read_text("utf-8"))


HOSTILE_CELLS = {
    "html": lambda: shown({"text/html": HOSTILE}),
    "markdown output": lambda: shown({"text/markdown": HOSTILE + "\n\n[x](javascript:alert(1))"}),
    "markdown cell": lambda: new_markdown_cell(
        HOSTILE + "\n\n[x](javascript:alert(1)) ![y](https://example.invalid/y.png)"
    ),
    "plain": lambda: shown({"text/plain": HOSTILE}),
    "javascript": lambda: shown({"application/javascript": "document.title='owned'", "text/plain": "x"}),
    "svg": lambda: shown({"image/svg+xml": "<svg onload='alert(1)'></svg>", "text/plain": "x"}),
    "stdout": lambda: new_code_cell("p", outputs=[new_output("stream", name="stdout", text=HOSTILE)]),
    "style": lambda: shown(
        {"text/html": "<style>@import url(https://example.invalid)</style><p style='x:y'>a</p>"}
    ),
    "frame": lambda: shown({"text/html": "<iframe src='https://example.invalid'></iframe><base href='//x'>"}),
    "table": lambda: shown({"text/html": displays.table(pd.DataFrame({"a": [HOSTILE]}))._repr_html_()}),
    "figure": lambda: figure(runs.program_labels(PROGRAMS)),
    "raw cell": lambda: nbformat.v4.new_raw_cell(HOSTILE),
}


@pytest.mark.parametrize("cell", HOSTILE_CELLS.values(), ids=HOSTILE_CELLS)
def test_hostile_text_brings_no_script_no_handler_and_no_address(tmp_path, cell) -> None:
    made = page(tmp_path, cell(), figure(runs.drivers(DRIVERS)))
    code = [a for a in made.all("script") if a.get("type") != "application/json"]
    assert len(code) == OUR_SCRIPTS
    assert not made.all("img")
    assert not {"iframe", "object", "embed", "base", "form", "link"} & {tag for tag, _ in made.elements}
    for _, attributes in made.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        for name in ("src", "href"):
            assert re.match(r"#|\.\./\.\./plotly-[\d.]+\.min\.js$", attributes.get(name) or "#")


def test_hostile_text_is_still_there_to_be_read(tmp_path) -> None:
    assert HOSTILE in page(tmp_path, HOSTILE_CELLS["table"]()).text


def test_pages_name_no_address_on_any_network(tmp_path) -> None:
    html = write(tmp_path, new_markdown_cell("## A"), figure(runs.drivers(DRIVERS))).read_text("utf-8")
    assert not re.search(r"https?:|(?:src|href)\s*=\s*[\"']?//|url\(", html)


def test_a_page_has_the_title_as_text_and_not_in_the_drawing(tmp_path) -> None:
    drawn = runs.drivers(DRIVERS)
    html = write(tmp_path, figure(drawn)).read_text("utf-8")
    data = json.loads(re.search(r'class="figure-data">(.*?)</script>', html, re.DOTALL)[1])
    assert "title" not in data["layout"]
    above = drawn.layout.meta["above"]
    assert above > 0
    assert data["layout"]["height"] == drawn.layout.height - above
    assert data["layout"]["margin"]["t"] == drawn.layout.margin.t - above


def test_figures_are_data_beside_their_title_and_numbers(tmp_path) -> None:
    made = page(tmp_path, figure(runs.drivers(DRIVERS)))
    title = "Behind with the work weighs most for 3 of 4 learners at risk"
    assert made.all("figure") == [{"aria-label": title}]
    spoken = f"{title}: Behind with the work, Learners 3; Low quiz results, Learners 1."
    assert {"class": "figure", "role": "img", "aria-label": spoken} in made.all("div")
    assert made.all("details") == [{"open": None}]
    assert {"type": "application/json", "class": "figure-data"} in made.all("script")
    assert "inlined plotly" not in made.text
    assert "Behind with the work" in made.text


def spoken(tmp_path, columns, rows) -> str:
    meta = {"title": "It rose", "columns": columns, "rows": rows}
    made = page(tmp_path, shown({pages.PLOTLY: {"data": [], "layout": {"meta": meta}}}))
    return next(a["aria-label"] for a in made.all("div") if a.get("role") == "img") or ""


def test_of_many_numbers_a_figure_says_the_largest(tmp_path) -> None:
    rows = [[count / 10, "low", count] for count in (1, 2, 9, 3, 8, 7, 4)]
    assert spoken(tmp_path, ["From", "Label", "Learners"], rows) == (
        "It rose: the largest of 7: From 0.90, Label low, Learners 9; From 0.80, Label low, Learners 8; "
        "From 0.70, Label low, Learners 7."
    )


def test_of_many_days_a_figure_says_the_first_and_the_last(tmp_path) -> None:
    rows = [[f"day {number}", number] for number in range(1, 8)]
    assert spoken(tmp_path, ["Day", "High"], rows) == "It rose: first and last: day 1, High 1; day 7, High 7."


def test_a_figure_says_nothing_of_what_is_missing_and_is_quoted(tmp_path) -> None:
    said = spoken(tmp_path, ["Group", "Share", "From"], [[HOSTILE, 4, None], ["a", 5, 1]])
    assert said == f"It rose: {HOSTILE}, Share 4; a, Share 5, From 1."


def test_a_figure_without_numbers_says_its_title(tmp_path) -> None:
    assert spoken(tmp_path, ["Group"], []) == "It rose"


def test_figure_data_survives_the_page(tmp_path) -> None:
    html = write(tmp_path, figure(runs.program_labels(PROGRAMS))).read_text("utf-8")
    data = json.loads(re.search(r'class="figure-data">(.*?)</script>', html)[1])
    assert data["data"][0]["name"] == "High"
    assert data["data"][0]["x"] == [44.44, 16.67]


@pytest.mark.parametrize("text", ["</script >", "</script/>", "<!--<script>", "a & b"])
def test_nothing_in_a_figure_ends_its_data(tmp_path, text) -> None:
    spec = {"data": [{"name": text}], "layout": {}}
    html = write(tmp_path, shown({pages.PLOTLY: spec})).read_text("utf-8")
    data = re.search(r'class="figure-data">(.*?)</script>', html)[1]
    assert not set("<>&") & set(data)
    assert json.loads(data) == spec


def test_a_figure_of_another_hand_is_kept_and_numbered(tmp_path) -> None:
    made = page(
        tmp_path, shown({pages.PLOTLY: {"data": [], "layout": {}, "config": {"plotlyServerURL": "x"}}})
    )
    assert made.all("figure") == [{"aria-label": "Figure 1"}]


def test_one_plotly_file_serves_all_runs(tmp_path) -> None:
    html = write(tmp_path, figure(runs.drivers(DRIVERS)))
    (plotly,) = (tmp_path / "reports").glob("plotly-*.min.js")
    first = plotly.stat().st_ino
    write(tmp_path, figure(runs.drivers(DRIVERS)))
    assert plotly.stat().st_ino == first
    assert f'src="../../{plotly.name}"' in html.read_text("utf-8")


def test_a_page_without_figures_needs_no_script(tmp_path) -> None:
    assert page(tmp_path, new_markdown_cell("hello")).all("script") == []
    assert not list((tmp_path / "reports").glob("plotly-*"))


@pytest.mark.parametrize("tag", ["parameters", "injected-parameters", "remove-cell"])
def test_cells_not_meant_for_readers_are_left_out(tmp_path, tag) -> None:
    cell = new_code_cell(
        "as_of = 'secret'",
        metadata={"tags": [tag]},
        outputs=[new_output("stream", name="stdout", text="secret")],
    )
    assert "secret" not in write(tmp_path, cell, new_markdown_cell("x")).read_text("utf-8")


def test_code_warnings_and_tracebacks_are_left_out_and_a_sentence_stands_there(tmp_path) -> None:
    outputs = [
        new_output("stream", name="stderr", text="secret warning"),
        new_output("error", ename="SecretError", evalue="secret", traceback=["secret line"]),
    ]
    html = write(tmp_path, new_code_cell("secret_code()", outputs=outputs)).read_text("utf-8")
    assert "secret" not in html.lower()
    assert html.count("This section could not be made.") == 1


def test_our_own_pieces_keep_their_looks_and_lose_their_inline_styles(tmp_path) -> None:
    cards = displays.cards(pd.DataFrame({"label": ["high"], "learners": [1], "change": [None]}))
    made = page(tmp_path, shown({"text/html": cards._repr_html_()}))
    assert {"class": "card high"} in made.all("div")
    assert {"class": "figure-number"} in made.all("dd")


def test_texts_cannot_borrow_classes_ids_or_labels_of_the_page(tmp_path) -> None:
    made = page(tmp_path, shown({"text/html": '<p class="skip hidden" id="palette" role="alert">x</p>'}))
    assert {} in made.all("p")
    assert not [a for _, a in made.elements if a.get("id") == "palette"]


def test_one_heading_leads_and_the_sections_follow(tmp_path) -> None:
    made = page(
        tmp_path, new_markdown_cell("# Notebook"), new_markdown_cell("## A & b"), new_markdown_cell("# C")
    )
    assert len(made.all("h1")) == 1
    assert "Notebook" not in made.text
    assert made.all("h2") == [{"id": "section-1"}, {"id": "section-2"}]
    assert [a["href"] for a in made.all("a")] == ["#main", "#section-1", "#section-2"]
    assert made.all("html") == [{"lang": "en"}]


def test_markdown_keeps_quotes_code_and_tables(tmp_path) -> None:
    made = page(tmp_path, new_markdown_cell("> quote\n\n`a < b`\n\n| x | y |\n|---|---|\n| 1 | 2 |"))
    assert made.all("blockquote")
    assert "a < b" in made.text
    assert {"class": "scroll", "role": "region", "tabindex": "0", "aria-label": "Table"} in made.all("div")


def test_titles_are_escaped(tmp_path) -> None:
    write(tmp_path, new_markdown_cell("x"))
    folder = tmp_path / "reports" / "nightly" / "r1"
    html = pages.write_report(folder / "90_report.ipynb", folder / "b.html", title=HOSTILE, subtitle=HOSTILE)
    assert Page(html.read_text("utf-8")).all("script") == []


def test_a_page_links_to_its_sisters_and_says_which_it_is(tmp_path) -> None:
    folder = write(tmp_path, new_markdown_cell("x")).parent
    notebook = folder / "90_report.ipynb"
    sisters = [
        Sister(notebook, folder / "report.html", "First"),
        Sister(notebook, folder / "report-b c.html", HOSTILE),
    ]
    made = Page(
        pages.write_report(
            notebook, folder / "report.html", title="First", subtitle="", pages=sisters
        ).read_text("utf-8")
    )
    assert made.all("nav") == [{"class": "sisters", "aria-label": "Pages of this run"}]
    assert made.all("a")[1:] == [
        {"href": "report.html", "aria-current": "page"},
        {"href": "report-b%20c.html"},
    ]
    assert HOSTILE in made.text
    assert made.all("script") == []


def test_a_page_alone_has_no_sisters(tmp_path) -> None:
    assert page(tmp_path, new_markdown_cell("x")).all("nav") == []


def test_a_booklet_has_every_page_in_order_each_with_its_title(tmp_path) -> None:
    folder = write(tmp_path, new_markdown_cell("# Own title"), new_markdown_cell("one")).parent
    notebook = folder / "90_report.ipynb"
    nbformat.write(new_notebook(cells=[figure(runs.drivers(DRIVERS))]), folder / "other.ipynb")
    parts = [
        Sister(notebook, folder / "a.html", HOSTILE),
        Sister(folder / "other.ipynb", folder / "b.html", "B"),
    ]
    html = pages.write_booklet(
        parts, folder / "work" / "all.html", title="All", subtitle="As of", root=tmp_path
    )
    made = Page(html.read_text("utf-8"))
    assert [a["id"] for a in made.all("h1")] == ["part-1", "part-2"]
    assert [a["href"] for a in made.all("a")] == ["#part-1", "#part-2"]
    assert made.text.index(HOSTILE) < made.text.index("one") < made.text.index("Behind with the work")
    assert "Own title" not in made.text
    (plotly,) = tmp_path.glob("plotly-*.min.js")
    assert {"src": f"../../../../{plotly.name}"} in made.all("script")
    assert len([a for a in made.all("script") if a.get("type") != "application/json"]) == OUR_SCRIPTS


def test_a_missing_notebook_is_not_found(tmp_path) -> None:
    with pytest.raises(NotFound, match=r"gone\.ipynb"):
        pages.write_report(tmp_path / "gone.ipynb", tmp_path / "a" / "b" / "c.html", title="", subtitle="")


@pytest.mark.parametrize("text", ["{", "[]", '{"cells": 3}'])
def test_a_damaged_notebook_is_refused_and_the_last_page_stays(tmp_path, text) -> None:
    html = write(tmp_path, new_markdown_cell("good"))
    notebook = html.with_name("90_report.ipynb")
    notebook.write_text(text)
    with pytest.raises(InvalidInput, match=r"90_report\.ipynb"):
        pages.write_report(notebook, html, title="", subtitle="")
    assert "good" in html.read_text("utf-8")


def test_a_failed_write_leaves_the_old_page_and_no_scraps(tmp_path, monkeypatch) -> None:
    html = write(tmp_path, new_markdown_cell("old"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write(tmp_path, new_markdown_cell("new"))
    assert "old" in html.read_text("utf-8")
    assert sorted(file.name for file in html.parent.iterdir()) == ["90_report.ipynb", "report.html"]


def test_the_answer_is_what_the_last_cell_prints(tmp_path) -> None:
    folder = write(
        tmp_path,
        new_code_cell("print(1)", outputs=[new_output("stream", text="one\n")]),
        new_code_cell("print(2)", outputs=[new_output("stream", text="two\n")]),
    ).parent
    assert pages.answer(folder / "90_report.ipynb") == "two"
    warned = new_output("stream", name="stderr", text="a warning\n")
    write(tmp_path, new_code_cell("x", outputs=[warned, new_output("stream", text="two\n")]))
    assert pages.answer(folder / "90_report.ipynb") == "two"
    write(tmp_path, new_code_cell("pass"))
    assert pages.answer(folder / "90_report.ipynb") == ""


def test_blank_lines_of_a_text_output_stay(tmp_path) -> None:
    assert "a\n\nb" in page(tmp_path, shown({"text/plain": "a\n\nb"})).text


def rendered(html: Path, profile: Path) -> str:
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000"]
    command = [chromium(), *flags, f"--user-data-dir={profile}", "--dump-dom", html.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=90, check=True).stdout


def test_a_browser_draws_the_figures_and_runs_nothing_of_the_texts(tmp_path) -> None:
    html = write(tmp_path, *[make() for make in HOSTILE_CELLS.values()], figure(runs.drivers(DRIVERS)))
    dom = rendered(html, tmp_path / "profile")
    assert len(re.findall(r'class="figure js-plotly-plot"', dom)) == 2
    assert "<title>Nightly</title>" in dom
    assert "<details open" not in dom


def test_a_page_sent_without_plotly_shows_the_numbers(tmp_path) -> None:
    html = write(tmp_path, figure(runs.drivers(DRIVERS)))
    alone = shutil.copy(html, tmp_path / "alone.html")
    dom = rendered(Path(alone), tmp_path / "profile")
    assert "js-plotly-plot" not in dom
    assert "The chart could not be drawn here; its numbers follow." in dom
    assert "<details open" in dom
