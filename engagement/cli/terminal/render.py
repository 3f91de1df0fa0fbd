"""What a person reads in a terminal: the summary of a run, tables of learners and nudges.

Every text of a learner passes `plain`: no markup, no escape sequence, no direction override acts here.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from io import UnsupportedOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text

from engagement import runs
from engagement.content.generation import WHY_TEMPLATE
from engagement.dates import day_in_words
from engagement.llm.pricing import usd
from engagement.policy import shown_score
from engagement.targeting.limits import WORDS as WHY_HELD
from engagement.targeting.selection import REASONS
from engagement.text import one_line
from engagement.vocabulary import (
    CHANNEL_WORDS,
    CHANNELS,
    DRAFT_WORDS,
    LABELS,
    STATUS_WORDS,
    TYPE_WORDS,
    happened,
)

if TYPE_CHECKING:
    from engagement.pipeline.dry_run import Estimate
    from engagement.pipeline.incoming.preview import Preview

_STYLES: Final = {"high": "bold red", "medium": "yellow", "low": "cyan", "unknown": "dim"}
_WORDS: Final = {"channel": CHANNEL_WORDS, "status": STATUS_WORDS, "type": TYPE_WORDS}  # of codes, by column
_BAR: Final = 28  # cells of the longest bar
_PARAGRAPH: Final = 2_000
_LATEST: Final = 10
_CELL: Final = 60  # characters of a text in a table
_SENTENCES: Final = 600  # of an answer
_SHORT_ID: Final = 12  # of a SHA-256: enough to be the only one, short enough to be typed
_HEADINGS: Final = {
    "as_of": "as of",
    "created_at": "created",
    "learner_id": "learner",
    "risk_label": "risk",
    "risk_score": "score",
    "shown_score": "score",
    "top_reason": "main reason",
}
_LEVERS: Final = {
    "completed_percent": "{:g} % of the {work} done",
    "avg_quiz_score": "a quiz average of {:g}",
    "consecutive_missed_sessions": "missed sessions in a row down to {:g}",
    "days_inactive": "a last login at most {:g} days ago",
}


class Screen(Console):
    """A terminal, or a pipe whose reader may go: the rest goes nowhere then, and the command ends as it would."""

    def on_broken_pipe(self) -> None:
        """Stay silent."""
        self.quiet = True
        with suppress(UnsupportedOperation):  # what stands in for a terminal in a notebook is no file
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


def plain(value: object, longest: int = _CELL) -> Text:
    """Return a value as inert text of at most `longest` characters."""
    return Text(one_line(value, longest), overflow="ellipsis")


def show_summary(
    console: Console,
    counts: Mapping[str, Any],
    *,
    title: str,
    reasons: Mapping[str, str],
    report: Path | None,
) -> None:
    """Print what a run found and prepared."""
    console.print(f"\n[bold]{escape(title)}[/bold]")
    if counts["learners"] or not counts.get("answer"):
        _show_learners(console, counts, reasons)
    else:
        for answer in counts["answer"].splitlines():
            console.print(plain(answer, longest=_SENTENCES), highlight=False, overflow="fold")
    if report:
        console.print()
        show_artifacts(console, [("Report", report)])


def show_artifacts(console: Console, artifacts: Iterable[tuple[str, Path]]) -> None:
    """Print where the other files of a run are, each on a line with what it is."""
    for name, path in artifacts:
        console.print(plain(name) + Text(":"), style="bold", end=" ")
        console.print(str(path), soft_wrap=True, highlight=False, markup=False)


def _show_learners(console: Console, counts: Mapping[str, Any], reasons: Mapping[str, str]) -> None:
    labels: Mapping[str, int] = counts["labels"]
    console.print(f"[bold]{labels['high']:,} of {counts['learners']:,} learners are at high risk[/bold]\n")
    console.print(_label_table(labels, counts.get("labels_before")))
    _show_authors(console, counts)
    if counts.get("quarantined"):
        console.print(f"{counts['quarantined']:,} rows of the files loaded since the last run were refused.")
    _show_counts(console, "Not contacted:", counts["left_out"], reasons)


def _show_authors(console: Console, counts: Mapping[str, Any]) -> None:
    """Say what was drafted, by whom, why templates stand in, and what the model cost."""
    drafts = counts["nudges"] + counts["quizzes"]
    from_templates = counts["nudges_by_template"] + counts["quizzes_by_template"]
    use: Mapping[str, Any] | None = counts.get("model")
    if use and from_templates < drafts:
        others = f", {from_templates:,} from templates" if from_templates else ""
        by = f": {drafts - from_templates:,} by {plain(use['model'])}{others}"
    else:
        by = ", all of them from templates" if from_templates else ""
    console.print(
        f"\n[bold]{counts['nudges']:,} nudges[/bold] and [bold]{counts['quizzes']:,} quizzes[/bold] drafted"
        + escape(by)
        + ".\nNothing is sent before a person approves it.",
        highlight=False,
    )
    if newer := counts.get("newer_day"):
        console.print(runs.look_back(newer), highlight=False)
    if use:
        console.print("\n" + escape(_cost(use)), highlight=False)
        _show_counts(console, "Templates, because:", counts["templates"], WHY_TEMPLATE)


def _cost(use: Mapping[str, Any]) -> str:
    spent = "" if use["spent_usd"] is None else f", {usd(use['spent_usd'])}"
    saved = f"; equal prompts asked once saved {usd(use['saved_usd'])}" if (use["saved_usd"] or 0) > 0 else ""
    return (
        f"The model was asked {use['requests']:,} times and wrote {use['different_texts']:,} different texts: "
        f"{use['input_tokens'] + use['output_tokens']:,} tokens{spent}{saved}."
    )


def _show_counts(console: Console, title: str, counts: Mapping[str, int], words: Mapping[str, str]) -> None:
    if not counts:
        return
    console.print(f"\n{title}")
    table = Table(Column(justify="right"), Column(), box=None, show_header=False, padding=(0, 1))
    for reason, count in sorted(counts.items(), key=lambda item: -item[1]):
        table.add_row(f"{count:,}", words.get(reason, reason))
    console.print(table)


def _label_table(labels: Mapping[str, int], before: Mapping[str, int] | None) -> Table:
    table = Table(Column(), Column(justify="right"), box=None, show_header=False, padding=(0, 1))
    longest = max(labels.values(), default=0) or 1
    for label in LABELS:
        count = labels[label]
        table.add_row(
            Text(label, style=_STYLES[label]),
            f"{count:,}",
            Text("█" * round(_BAR * count / longest), style=_STYLES[label]),
            _change(count, label, before),
        )
    return table


def _change(count: int, label: str, before: Mapping[str, int] | None) -> str:
    if not before:
        return "no earlier run"
    change = count - before.get(label, 0)
    return "as in the last run" if change == 0 else f"{change:+,} since the last run"


def show_table(
    console: Console,
    title: str,
    columns: Sequence[str],
    rows: Iterable[Mapping[str, Any]],
    *,
    longest: int = _CELL,
) -> None:
    """Print records as a table; a risk label is coloured and stands there as a word.

    A text of more than `longest` characters is cut; `content` stays on its line, however narrow the terminal.
    """
    if title:
        console.print(plain(title, _PARAGRAPH), style="italic")
    headings = (
        Column(
            _HEADINGS.get(column, column.replace("_", " ")),
            overflow="fold",
            no_wrap=column in ("id", "risk_label"),
        )
        for column in columns
    )
    table = Table(*headings, header_style="bold", box=None, padding=(0, 1))
    for row in rows:
        table.add_row(*(_cell(column, row.get(column), longest) for column in columns))
    console.print(table)


def _cell(column: str, value: object, longest: int) -> Text:
    if isinstance(value, float):
        return Text(f"{value:.2f}", justify="right")
    if isinstance(value, datetime):
        return Text(f"{value:%Y-%m-%d %H:%M}")
    value = _WORDS.get(column, {}).get(str(value), value)
    is_digest = column == "id" and len(str(value)) == 64  # a SHA-256
    text = plain(str(value)[:_SHORT_ID] if is_digest else value, longest)
    text.no_wrap = column == "content"
    if column == "risk_label":
        text.stylize(_STYLES.get(str(value), ""))
    return text


def show_draft(console: Console, made: Mapping[str, Any], text: str) -> None:
    """Print one draft with its warnings, and say where it came from."""
    source = "from a template" if made["gptFallback"] else "written by the model"
    console.print(
        f"[bold]Draft[/bold] {made['id'][:_SHORT_ID]}, {source}; a person has to approve it.", highlight=False
    )
    if made["gptFallback"]:
        console.print(
            Text("Why a template: ", style="yellow") + plain(WHY_TEMPLATE.get(made["reason"], ""), _PARAGRAPH)
        )
    for warning in made["warnings"]:
        console.print(Text("Mind: ", style="yellow") + plain(warning, _PARAGRAPH))
    if made["subject"]:
        console.print(Text("\nSubject: ", style="bold") + plain(made["subject"], _PARAGRAPH))
    console.print()
    for line in text.split("\n"):
        console.print(plain(line, _PARAGRAPH))


def show_whole(console: Console, kind: str, row: Mapping[str, Any]) -> None:
    """Print a nudge or quiz as a coordinator reads it: whose it is, who wrote it, why it may not go, the text."""
    console.print(
        Text(f"{DRAFT_WORDS[kind]} {row['id'][:_SHORT_ID]}, ", style="bold")
        + plain(STATUS_WORDS[row["status"]].lower())
    )
    risk = row["risk_label"] or "unknown"
    said = {
        "for": f"{row['name'] or row['learner_id']} ({row['learner_id']}), {row['program']}, {risk} risk",
        "by": CHANNEL_WORDS.get(row.get("channel") or "", ""),
        "type": TYPE_WORDS.get(row.get("type") or "", ""),
        "written": f"by the model {row['model']}" if not row["gpt_fallback"] else "from a template",
        "why": WHY_TEMPLATE.get(row["reason"] or "", "") if row["gpt_fallback"] else "",
        "rule": row["broken_rule"] or "",
        "changed": f"by {row['changed_by']}" if row["changed_by"] else "",
        "held": WHY_HELD.get(row["refused"] or "", ""),
        "subject": row.get("subject_filled") or "",
    }
    for name, text in said.items():
        if text:
            console.print(Text(f"  {name:<8}", style="dim") + plain(text, _PARAGRAPH))
    console.print()
    for line in _lines_of(kind, row):
        console.print(plain(line, _PARAGRAPH))
    console.print()


def _lines_of(kind: str, row: Mapping[str, Any]) -> Iterator[str]:
    if kind == "nudge":
        yield from row["content_filled"].split("\n")
        return
    for number, question in enumerate(row["questions"], start=1):
        yield f"{number}. {question['stem']}"
        for place, option in enumerate(question["options"]):
            yield f"   {'*' if place == question['answer_index'] else ' '} {option['text']}"
        yield f"   {question['explanation']}"


def show_estimate(console: Console, estimate: "Estimate") -> None:
    """Print what a run would ask of a model, and what it costs by model."""
    console.print(
        f"\n[bold]Dry run[/bold] for {day_in_words(estimate.day)}: nothing is asked, drafted or published.",
        highlight=False,
    )
    columns = ("texts", "drafts", "withheld", "prompts", "known", "to_ask", "input_tokens", "output_tokens")
    show_table(
        console, "", columns, [{"texts": kind, **asdict(part)} for kind, part in estimate.parts.items()]
    )
    console.print(
        "\nEqual prompts are asked once; `known` are answered already. Tokens read are counted, tokens written are at "
        "most; usually it is about half.",
        style="dim",
    )
    console.print()
    rows = [{"model": name, "at_most": usd(cost)} for name, cost in estimate.cost_usd.items()]
    show_table(console, "", ("model", "at_most"), rows)
    if estimate.model and estimate.model not in estimate.cost_usd:
        console.print(
            f"The price of {plain(estimate.model)} is not known; ENGAGEMENT_PRICE says it.", style="yellow"
        )


def show_preview(console: Console, found: "Preview") -> None:
    """Print what a load would change: how many learners, the first of them, and which labels would move."""
    console.print(
        f"\n[bold]Dry run[/bold]: {found.new:,} learners would be new, {found.changed:,} changed, "
        f"{found.gone:,} no longer active. Nothing was changed.",
        highlight=False,
    )
    if found.last:
        console.print(
            f"The last one: {plain(found.last['source'])}, {found.last['rows']:,} rows, {found.last['accepted']:,} "
            f"accepted, {found.last['quarantined']:,} quarantined.",
            style="dim",
            highlight=False,
        )
    if found.examples:
        shown = [
            {**one, "before": one["before"] or "–", "after": one["after"] or "–"} for one in found.examples
        ]
        show_table(console, "For example", ("id", "about", "before", "after"), shown)
    rows = [
        {"risk_label": label, "before": found.labels["before"][label], "after": found.labels["after"][label]}
        for label in LABELS
    ]
    show_table(console, "Labels, scored now", ("risk_label", "before", "after"), rows)


def show_profile(console: Console, profile: Mapping[str, Any]) -> None:
    """Print one learner: who, the score and its parts, what would help, what happened."""
    console.print(plain(profile["name"] or profile["id"]), style="bold")
    console.print(plain(f"{profile['id']} · {profile['program']}", 2 * _CELL), style="dim")
    reached = [profile[way] for way in ("phone", "email") if profile.get(way)]
    if reached:
        console.print(plain(" · ".join(reached), 2 * _CELL), highlight=False)
    _show_score(console, profile)
    for heading, why in _why_nobody_writes(profile["contact"]):
        console.print(Text(f"{heading}: ", style="yellow") + plain(why, _PARAGRAPH))
    for title, columns in (
        ("history", ("as_of", "risk_label", "risk_score")),
        ("nudges", ("id", "created_at", "channel", "status", "content")),
        ("quizzes", ("id", "created_at", "topic", "status")),
        ("events", ("timestamp", "type", "actor")),
    ):
        newest = _newest(title, profile)
        if newest:
            console.print()
            show_table(console, title.capitalize(), columns, newest)


def _why_nobody_writes(contact: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield why no nudge may go to a learner, by any channel or by one, and which limits one would go past."""
    refused = {channel: contact["refusals"][channel] for channel in CHANNELS}
    is_alike = len(set(refused.values())) == 1
    for channel, code in list(refused.items())[: 1 if is_alike else None]:
        if code:
            yield ("Nobody may write to them" if is_alike else f"Not by {channel}"), WHY_HELD[code]
    for code in contact["warnings"]:
        yield "Mind", REASONS[code]


def _newest(title: str, profile: Mapping[str, Any]) -> list[dict[str, Any]]:
    if title == "history":
        points = profile["history"][-_LATEST:][::-1]
        return [{**point, "risk_score": _shown(point, profile)} for point in points]
    newest: list[dict[str, Any]] = profile[title][:_LATEST]
    if title == "events":
        return [{**event, "type": happened(event["type"])} for event in newest]
    return newest


def _shown(scored: Mapping[str, Any], profile: Mapping[str, Any]) -> float | None:
    score = scored["risk_score"]
    return None if score is None else shown_score(score, profile.get("thresholds", {}).values())


def _show_score(console: Console, profile: Mapping[str, Any]) -> None:
    label = profile["risk_label"]
    if label is None:
        console.print("\nNot scored yet.")
        return
    score = "no score" if profile["risk_score"] is None else f"{_shown(profile, profile):.2f}"
    risk = Text(f"{label} ({score})", style=_STYLES[label])
    console.print(Text("\nRisk ") + risk + plain(f": {profile['top_reason']}"))
    if others := profile.get("reasons", [])[1:]:
        console.print(plain(f"Also: {'; '.join(others)}", _SENTENCES), highlight=False)
    if chance := profile["probability"]:
        console.print(plain(chance["in_words"], _PARAGRAPH), highlight=False)
    parts = [
        {"part": TYPE_WORDS[term], "contribution": "not known" if part is None else part}
        for term, part in profile["contributions"].items()
    ]
    show_table(console, "", ("part", "contribution"), parts)
    for lever in profile["what_would_help"]:
        work = "course" if profile.get("basis") == "course" else "due work"
        needed = _LEVERS[lever["input"]].format(lever["needed"], work=work)
        console.print(f"Would help: {needed} (then {lever['label_then']} risk).", highlight=False)
