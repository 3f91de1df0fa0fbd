"""Pages that can be mailed, printed and opened years later: executed notebooks as single HTML files.

A page asks nothing of any network: styles and script are inside, and the one large file, plotly's, lies
once in the reports folder for all runs; a page sent without it shows its figures as numbers. Texts come
from learners' data, so three doors are shut, each enough alone: what a notebook shows is built by
autoescaping templates, everything that enters a page passes an allow-list of tags and attributes, and the
page's own policy lets no script run but its own.
Each file appears whole or not at all: whoever reads while a run writes sees the last good page.
"""

import json
import os
import re
import secrets
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from html import unescape
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast
from urllib.parse import quote

import pandas as pd
from markupsafe import Markup

from engagement import private
from engagement.errors import InvalidInput, NotFound
from engagement.reporting.charts.style import DARK, LIGHT
from engagement.reporting.displays import PAGES, TEMPLATES, Cell, Column, part, table_parts
from engagement.vocabulary import LABELS

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["Page", "answer", "style", "write_booklet", "write_report"]

REPORT_DEPTH: Final = 2  # a page is reports/<pipeline>/<run id>/report.html
UNMADE: Final = "This section could not be made."
NOT_FOR_READERS: Final = frozenset(
    {"parameters", "injected-parameters", "remove-cell", "papermill-error-cell-tag"}
)
PLOTLY: Final = "application/vnd.plotly.v1+json"
SHOWN: Final = ("text/html", "text/markdown", "text/plain")
FEW_ROWS: Final = 6  # of numbers that are read out with a figure's title; of more, some
SOME_ROWS: Final = 3
MISSING: Final = "–"  # a cell without a value

_TAGS: Final = re.findall(
    r"\w+",
    "p div span br hr h1 h2 h3 h4 h5 h6 strong b em i u s del sub sup small code pre blockquote ul ol li "
    "dl dt dd a table caption thead tbody tfoot tr th td",
)
_CLASSES: Final = {
    *LABELS,
    *re.findall(
        r"[\w-]+",
        "cards card figure-number change other scroll data number when long label finding note nothing unmade",
    ),
}


class Page(NamedTuple):
    """A page to be: the executed notebook it is made of, its file, and its title."""

    notebook: Path
    html: Path
    title: str


def write_report(
    notebook: Path,
    html: Path,
    *,
    title: str,
    subtitle: str,
    banner: str = "",
    root: Path | None = None,
    pages: Sequence[Page] = (),
) -> Path:
    """Write an executed notebook as one offline page and return its path.

    Left out: code, parameters, warnings, tracebacks (a plain sentence stands there instead), and cells
    tagged `remove-cell`. The notebook's first `#` heading gives way to `title`.

    Parameters
    ----------
    notebook, html
        The executed notebook and the page to make of it; missing folders are made.
    title, subtitle
        The heading of the page, and the line below it: as of when, how many learners.
    banner
        What must not be overlooked, above everything; empty for nothing.
    root
        The folder that holds the shared plotly file, by default two levels above the page's folder:
        `reports` for `reports/<pipeline>/<run id>/report.html`.
    pages
        All pages of the run, this one among them; it links to the others, which lie beside it.
    """
    body, figures = _body(_read_notebook(notebook))
    body, sections = _sections(body)
    return _write_page(
        "report.html.j2",
        html,
        root,
        figures,
        title=title,
        subtitle=subtitle,
        banner=banner,
        sections=sections,
        sisters=[
            {"title": page.title, "href": quote(page.html.name), "is_current": page.html == html}
            for page in pages
        ],
        body=Markup(body),  # noqa: S704 sanitised in `_body`, and `_sections` adds only ids
    )


def write_booklet(
    pages: Sequence[Page],
    html: Path,
    *,
    title: str,
    subtitle: str,
    banner: str = "",
    root: Path | None = None,
) -> Path:
    """Write all pages of a run as one document to be printed, each from a new sheet on; return its path."""
    parts, figures = [], 0
    for page in pages:
        body, drawn = _body(_read_notebook(page.notebook))
        parts.append({"title": page.title, "body": Markup(_sections(body)[0])})  # noqa: S704 sanitised in `_body`
        figures += drawn
    return _write_page(
        "booklet.html.j2",
        html,
        root,
        figures,
        title=title,
        subtitle=subtitle,
        banner=banner,
        parts=parts,
    )


def answer(notebook: Path) -> str:
    """Return what the last cell of an executed notebook prints: its answer in words; empty where it prints nothing."""
    code = [cell for cell in _read_notebook(notebook).cells if cell.cell_type == "code"]
    printed = [output.text for output in code[-1].outputs if output.get("name") == "stdout"] if code else []
    return "".join(printed).strip()


def _write_page(template: str, html: Path, root: Path | None, figures: int, **named: object) -> Path:
    root = root or html.resolve().parents[REPORT_DEPTH]
    private.make_folder(html.parent)
    script = (TEMPLATES / "report.js").read_text("utf-8")
    page = PAGES.get_template(template).render(
        has_figures=figures > 0,
        plotly=quote(os.path.relpath(_plotly_file(root), html.resolve().parent)) if figures else "",
        script=Markup(script),  # noqa: S704 our own file
        script_hash=f"sha256-{b64encode(sha256(script.encode()).digest()).decode()}",
        palette_json=_json({LIGHT[name]: DARK[name] for name in LIGHT}),
        **named,
        **style(),
    )
    return private.write_whole(html, page.encode())


def _read_notebook(path: Path) -> "NotebookNode":
    from nbformat.v4 import reads

    try:
        text = path.read_text("utf-8")
        raw = json.loads(text)
    except FileNotFoundError:
        raise NotFound(f"notebook: {path.name} does not exist") from None
    except ValueError:
        raw = None
    if not (isinstance(raw, dict) and raw.get("nbformat") == 4 and isinstance(raw.get("cells"), list)):
        raise InvalidInput(f"notebook: {path.name} is not a notebook of format 4")
    return cast("NotebookNode", reads(text))  # type: ignore[no-untyped-call]


def _body(notebook: "NotebookNode") -> tuple[str, int]:
    """Return what the notebook shows as safe HTML, and how many figures it has."""
    from nbconvert import HTMLExporter
    from nbconvert.preprocessors.sanitize import SanitizeHTML

    nonce = secrets.token_hex(16)  # no text in the data can name a figure's place
    figures: list[str] = []
    cells = []
    for cell in notebook.cells:
        if not NOT_FOR_READERS.isdisjoint(cell.metadata.get("tags", [])):
            continue
        if cell.cell_type == "code":
            cell.outputs = [shown for output in cell.outputs for shown in _output(output, nonce, figures)]
        if cell.cell_type == "markdown" or (cell.cell_type == "code" and cell.outputs):
            cells.append(cell)
    notebook.cells = cells
    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        template_name="basic",
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    raw, _ = exporter.from_notebook_node(notebook)
    raw = re.sub(r"(?is)<(script|style)\b.*?</\1\s*>", "", raw)  # bleach would keep their content as text
    sanitize = SanitizeHTML(tags=_TAGS, attributes=_is_allowed, strip=True)  # type: ignore[no-untyped-call]
    clean = sanitize.sanitize_html_tags(raw)  # type: ignore[no-untyped-call]
    scrolled = r'<div class="scroll" role="region" tabindex="0" aria-label="Table">\1</div>'
    clean = re.sub(r"(<table>.*?</table>)", scrolled, clean, flags=re.DOTALL)
    for place, figure in enumerate(figures):
        clean = clean.replace(f"<p>{nonce}-{place}-</p>", figure)
    return clean, len(figures)


def _output(output: "NotebookNode", nonce: str, figures: list[str]) -> Iterable["NotebookNode"]:
    if output.output_type == "error":
        yield _html_output(part("paragraph", "unmade", UNMADE))
    elif output.output_type == "stream":
        if output.name == "stdout":
            yield output
    elif PLOTLY in output.data:
        figures.append(_figure(output.data[PLOTLY], len(figures) + 1))
        yield _html_output(f"<p>{nonce}-{len(figures) - 1}-</p>")
    else:
        output.data = {kind: output.data[kind] for kind in SHOWN if kind in output.data}
        if output.data:
            yield output


def _html_output(html: str) -> "NotebookNode":
    from nbformat import from_dict

    output = {"output_type": "display_data", "metadata": {}, "data": {"text/html": html}}
    return cast("NotebookNode", from_dict(output))  # type: ignore[no-untyped-call]


def _figure(spec: Mapping[str, Any], number: int) -> str:
    layout = spec.get("layout") or {}
    meta = layout.get("meta") or {}
    named = isinstance(meta, dict) and {"title", "columns", "rows"} <= meta.keys()
    title = str(meta["title"]) if named else f"Figure {number}"
    frame = pd.DataFrame(meta["rows"], columns=meta["columns"]) if named else pd.DataFrame()
    drawn = {"data": spec.get("data", []), "layout": _untitled(layout, meta)}
    columns, rows = table_parts(frame)
    return part("figure", title, _spoken(title, frame), _json(drawn), columns, rows)


def _untitled(layout: Mapping[str, Any], meta: object) -> dict[str, Any]:
    """Return a layout of `charts.style.lay_out` without its title and the room it takes: the page has it as text."""
    above = meta.get("above") if isinstance(meta, dict) else None
    if not isinstance(above, int):
        return {name: value for name, value in layout.items() if name != "meta"}
    kept = {name: value for name, value in layout.items() if name not in {"meta", "title"}}
    if {"height", "margin"} <= kept.keys():
        kept["height"] -= above
        kept["margin"] = {**kept["margin"], "t": kept["margin"]["t"] - above}
    return kept


def _spoken(title: str, frame: pd.DataFrame) -> str:
    """Return a figure in words: its title and its main numbers."""
    if frame.empty:
        return title
    picked, which = frame, ""
    if len(frame) > FEW_ROWS and "Learners" in frame.columns:
        picked, which = frame.nlargest(SOME_ROWS, "Learners"), f"the largest of {len(frame)}: "
    elif len(frame) > FEW_ROWS:
        picked, which = frame.iloc[[0, -1]], "first and last: "
    columns, rows = table_parts(picked)
    return f"{title}: {which}" + "; ".join(_spoken_row(columns, row) for row in rows) + "."


def _spoken_row(columns: Sequence[Column], row: Sequence[Cell]) -> str:
    """Return a row in words; a text that it begins with is its name."""
    texts = [f"{column.title} {cell.text}" for column, cell in zip(columns, row, strict=True)]
    if not columns[0].number:
        texts[0] = row[0].text
    return ", ".join(text for text, cell in zip(texts, row, strict=True) if cell.text != MISSING)


def _is_allowed(tag: str, name: str, value: str) -> bool:
    """Return whether an attribute may stay: our own classes, places within the page, table structure."""
    match name:
        case "class":
            return set(value.split()) <= _CLASSES
        case "role":
            return value == "region"
        case "tabindex":
            return value == "0"
        case "scope":
            return value in {"col", "row"}
        case "href":
            return tag == "a" and re.fullmatch(r"#[\w-]*", value) is not None
        case "colspan" | "rowspan":
            return value.isdecimal()
    return name == "aria-label"


def _sections(body: str) -> tuple[str, list[dict[str, str]]]:
    """Return the body with one heading tree under the page's own, and its sections for the contents."""
    body = re.sub(r"<h1>.*?</h1>", "", body, count=1, flags=re.DOTALL)
    body = re.sub(r"(</?)h1>", r"\1h2>", body)
    sections: list[dict[str, str]] = []

    def numbered(found: re.Match[str]) -> str:
        title = unescape(re.sub(r"<[^>]*>", "", found[1])).strip()
        sections.append({"id": f"section-{len(sections) + 1}", "title": title})
        return f'<h2 id="{sections[-1]["id"]}">{found[1]}</h2>'

    return re.sub(r"<h2>(.*?)</h2>", numbered, body, flags=re.DOTALL), sections


def _plotly_file(root: Path) -> Path:
    """Return the one plotly file all pages of a reports folder share, put there if it is not."""
    from plotly.offline import get_plotlyjs

    target = root.resolve() / f"plotly-{version('plotly')}.min.js"
    if not target.exists():
        private.write_whole(target, get_plotlyjs().encode())
    return target


def style() -> dict[str, Markup]:
    """Return what a template puts into its style element: the sheet, and the colours of the risk labels."""

    def variables(palette: Mapping[str, str]) -> str:
        return ":root { " + " ".join(f"--{label}: {palette[label]};" for label in LABELS) + " }"

    at_night = f"@media screen and (prefers-color-scheme: dark) {{ {variables(DARK)} }}"
    css = (TEMPLATES / "report.css").read_text("utf-8")
    return {"palette_css": Markup(f"{variables(LIGHT)}\n{at_night}"), "css": Markup(css)}  # noqa: S704 our own constants and file


def _json(value: object) -> Markup:
    """Return JSON that cannot end the script element it stands in."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704
