"""What a notebook cell of a report ends in: cards, tables, remarks.

Cells stay one line, and learners' texts stay texts: every value goes through an autoescaping template.
A notebook shows these pieces plainly; a page made by `pages` dresses them.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import jinja2
import pandas as pd

from engagement.vocabulary import CHANNEL_WORDS, LABELS

LONG: Final = 24  # characters of a text that needs some width of its own, also on a phone
TEMPLATES: Final = Path(__file__).parent / "templates"

PAGES: Final = jinja2.Environment(
    loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
)


class Column(NamedTuple):
    """The head of a column; numbers stand to the right."""

    title: str
    number: bool


class Cell(NamedTuple):
    """One value as text, its class in the sheet, and the risk label it is, if it is one."""

    text: str
    css: str
    label: str


@dataclass(frozen=True)
class Display:
    """Something a notebook cell ends in: HTML for people, a line of text for a diff."""

    html: str
    text: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.text


def cards(frame: pd.DataFrame) -> Display:
    """Return one headline card per row: a label, its learners, the change since the last run.

    Parameters
    ----------
    frame
        `label`, `learners`, `change` (NULL where there was no earlier run). If all are risk labels, each
        card also says its share of the learners.
    """
    total = frame["learners"].sum() if frame["label"].isin(LABELS).all() else 0
    items = [
        {
            "kind": label if label in LABELS else "other",
            "label": f"{label} risk".capitalize() if label in LABELS[:3] else str(label).capitalize(),
            "learners": f"{learners:,.0f}",
            "share": f"{100 * learners / total:.0f} %" if total else "",
            "change": _change(change),
        }
        for label, learners, change in zip(frame["label"], frame["learners"], frame["change"], strict=True)
    ]
    text = " · ".join(f"{item['label']} {item['learners']} ({item['change']})" for item in items)
    return Display(part("cards", items), text or "no cards")


def table(frame: pd.DataFrame, *, caption: str = "") -> Display:
    """Return a frame as a table: numbers with thousands separators, labels marked, NULL as a dash."""
    columns, rows = table_parts(frame)
    titles = ", ".join(column.title for column in columns)
    size = f"{len(frame):,} {'row' if len(frame) == 1 else 'rows'}: {titles}"
    return Display(part("table", caption, columns, rows), f"{caption}, {size}" if caption else size)


def note(text: str) -> Display:
    """Return a remark, set off from the text around it."""
    return Display(part("paragraph", "note", text), text)


def section(heading: str, text: str, frame: pd.DataFrame) -> Display:
    """Return a heading, a remark and a table; nothing at all where the table is empty."""
    if frame.empty:
        return Display("", "")
    shown = table(frame)
    html = part("heading", heading) + part("paragraph", "note", text) + shown.html
    return Display(html, f"{heading}: {text} {shown.text}")


def finding(text: str) -> Display:
    """Return the sentence a report opens with: what was found, in large type."""
    return Display(part("paragraph", "finding", text), text)


def part(macro: str, *values: object) -> str:
    """Return what a macro of `parts.html.j2` makes of the values, escaped."""
    return str(getattr(PAGES.get_template("parts.html.j2").module, macro)(*values))


def table_parts(frame: pd.DataFrame) -> tuple[list[Column], list[tuple[Cell, ...]]]:
    """Return the columns and the rows of cells that the `rows` macro turns into a table."""
    columns = [Column(_heading(str(name)), _is_number(frame[name])) for name in frame.columns]
    cells = [_cells(frame[name]) for name in frame.columns]
    return columns, list(zip(*cells, strict=True))


def _heading(name: str) -> str:
    if name in CHANNEL_WORDS:
        return CHANNEL_WORDS[name]
    words = re.sub(r"_percent\b", "\u00a0%", name).replace("_", " ")
    return words[:1].upper() + words[1:]


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _cells(column: pd.Series) -> list[Cell]:
    is_number = _is_number(column)
    is_broken = is_number and (str(column.name).endswith("score") or (column.dropna() % 1 != 0).any())
    decimals = (1 if str(column.name).endswith("_percent") else 2) if is_broken else 0
    if is_number and str(column.name).endswith(", points"):
        decimals = 1  # a difference and its range alike, also where one of them is whole
    is_id = column.name == "id"  # one that is broken over lines is read as two
    is_label = str(column.name).lower().endswith("label")
    return [
        Cell(
            text=f"{value:,.{decimals}f}" if is_number and not pd.isna(value) else _text(value),
            css="number" if is_number else _css(value, is_id=is_id),
            label=str(value) if is_label and value in LABELS else "",
        )
        for value in column.tolist()
    ]


def _css(value: Any, *, is_id: bool) -> str:
    if is_id or isinstance(value, date):
        return "when"
    return "long" if len(str(value)) > LONG else ""


def _text(value: Any) -> str:
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return value.isoformat() if isinstance(value, date) else str(value)


def _change(change: float | None) -> str:
    if change is None or pd.isna(change):
        return "no earlier run"
    if not change:
        return "no change since the last run"
    return f"{int(change):+,} since the last run".replace("-", "−")
