"""What a person reads in a terminal: the summary of a run, tables of learners and nudges.

Every text of a learner passes `plain`: no markup, no escape sequence, no direction override acts here.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from engagement.palette import LABELS

_UNSAFE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_STYLES: Final = {"high": "bold red", "medium": "yellow", "low": "green", "unknown": "dim"}
_BAR: Final = 28  # cells of the longest bar
_PARAGRAPH: Final = 2_000
_LATEST: Final = 10
_CELL: Final = 60  # characters of a text in a table


def plain(value: object, longest: int = _CELL) -> Text:
    """Return a value as inert text of at most `longest` characters."""
    text = _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", "" if value is None else str(value)).replace("\n", " ")
    return Text(text if len(text) <= longest else text[: longest - 1] + "…", overflow="ellipsis")


def show_summary(
    console: Console, counts: Mapping[str, Any], *, title: str, reasons: Mapping[str, str], report: Path | None
) -> None:
    """Print what a run found and prepared."""
    console.print(f"\n[bold]{escape(title)}[/bold]")
    labels: Mapping[str, int] = counts["labels"]
    high, total = labels["high"], counts["learners"]
    console.print(f"[bold]{high:,} of {total:,} learners are at high risk[/bold]\n")
    console.print(_label_table(labels, counts.get("labels_before")))
    console.print(
        f"\n[bold]{counts['nudges']:,} nudges[/bold] and [bold]{counts['quizzes']:,} quizzes[/bold] drafted; "
        f"{counts['nudges_by_template'] + counts['quizzes_by_template']:,} of them from templates. "
        "Nothing is sent before a person approves it."
    )
    if counts["left_out"]:
        console.print("\nNot contacted:")
        table = Table(box=None, show_header=False, padding=(0, 1))
        table.add_column(justify="right")
        table.add_column()
        for reason, learners in counts["left_out"].items():
            table.add_row(f"{learners:,}", reasons.get(reason, reason))
        console.print(table)
    if report:
        console.print("\nReport:", style="bold", end=" ")
        console.print(str(report), soft_wrap=True, highlight=False)


def _label_table(labels: Mapping[str, int], before: Mapping[str, int] | None) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 1))
    for justify in ("left", "right", "left", "left"):
        table.add_column(justify=justify)  # type: ignore[arg-type]
    longest = max(labels.values(), default=0) or 1
    for label in LABELS:
        count = labels[label]
        bar = "█" * round(_BAR * count / longest)
        table.add_row(
            Text(label, style=_STYLES[label]), f"{count:,}", Text(bar, style=_STYLES[label]), _change(count, label, before)
        )
    return table


def _change(count: int, label: str, before: Mapping[str, int] | None) -> str:
    if not before:
        return "no earlier run"
    change = count - before.get(label, 0)
    return "as in the last run" if change == 0 else f"{change:+,} since the last run"


def show_table(console: Console, title: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Print records as a table; a risk label is coloured and stands there as a word."""
    table = Table(title=title, title_justify="left", header_style="bold", box=None, padding=(0, 1))
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(_cell(column, row.get(column)) for column in columns))
    console.print(table)


def _cell(column: str, value: object) -> Text:
    if isinstance(value, float):
        return Text(f"{value:.2f}", justify="right")
    text = plain(str(value)[:12] if column == "id" and len(str(value)) == 64 else value)  # noqa: PLR2004 (a SHA-256)
    if column == "risk_label":
        text.stylize(_STYLES.get(str(value), ""))
    return text


def show_draft(console: Console, made: Mapping[str, Any], text: str) -> None:
    """Print one draft with its warnings, and say where it came from."""
    source = f"from a template ({made['reason']})" if made["gptFallback"] else "written by the model"
    console.print(f"[bold]Draft[/bold] {made['id'][:12]}, {source}; it waits for approval.", highlight=False)
    for warning in made["warnings"]:
        console.print(Text("Mind: ", style="yellow") + plain(warning, _PARAGRAPH))
    if made["subject"]:
        console.print(Text("\nSubject: ", style="bold") + plain(made["subject"], _PARAGRAPH))
    console.print()
    for line in text.split("\n"):
        console.print(plain(line, _PARAGRAPH))


def show_profile(console: Console, profile: Mapping[str, Any]) -> None:
    """Print one learner: who, the score and its parts, what would help, what happened."""
    console.print(Text("", style="bold") + plain(profile["name"] or profile["id"]))
    console.print(Text("") + plain(f"{profile['id']} · {profile['program']}"), style="dim")
    if profile["risk_label"] is None:
        console.print("\nNot scored yet.")
    else:
        score = "no score" if profile["risk_score"] is None else f"{profile['risk_score']:.2f}"
        label = str(profile["risk_label"])
        console.print(Text("\nRisk ") + Text(f"{label} ({score})", style=_STYLES[label]) + plain(f": {profile['top_reason']}"))
        parts = profile["contributions"].items()
        show_table(
            console, "", ("part", "contribution"),
            [{"part": term.replace("_", " "), "contribution": "not known" if part is None else part} for term, part in parts],
        )
    for lever in profile["what_would_help"]:
        name = lever["input"].replace("_", " ")
        console.print(f"Would help: {name} at {lever['needed']:g} makes the risk {lever['label_then']}.", highlight=False)
    for title, columns in (
        ("history", ("as_of", "risk_label", "risk_score")),
        ("nudges", ("id", "created_at", "channel", "type", "status", "content")),
        ("quizzes", ("id", "created_at", "topic", "status")),
        ("events", ("timestamp", "type", "actor")),
    ):
        if profile[title]:
            console.print()
            show_table(console, title.capitalize(), columns, profile[title][:_LATEST])
