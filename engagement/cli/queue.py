"""`engagement queue`: drafts are listed, approved or rejected by a person, and handed to whatever sends them."""

import sys
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from engagement.cli import console
from engagement.cli.console import Json, Program

app = typer.Typer(no_args_is_help=True, help="Review drafts: list, approve, reject, export.")

NudgeIds = Annotated[list[str], typer.Argument(metavar="ID...", help="Nudges, by id or its beginning.")]


@app.command("list")
def listed(
    status: Annotated[str, typer.Option(help="draft, approved, sent, …")] = "draft",
    program: Program = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many in the table.")] = 20,
    as_json: Json = False,
) -> None:
    """List nudges, worst first."""
    from engagement.outreach import review

    _, store, _ = console.start()
    _show_nudges(review.listed(store, status=status, program=program), limit, as_json)


@app.command()
def approve(ids: NudgeIds, as_json: Json = False) -> None:
    """Approve drafts."""
    from engagement.outreach import review

    settings, store, now = console.start()
    _show_nudges(review.approve(store, ids, by=console.acting(settings, now)), len(ids), as_json)


@app.command()
def reject(
    ids: NudgeIds, reason: Annotated[str, typer.Option(help="Why; it is kept.")], as_json: Json = False
) -> None:
    """Reject drafts, with a reason."""
    from engagement.outreach import review

    settings, store, now = console.start()
    _show_nudges(
        review.reject(store, ids, by=console.acting(settings, now), reason=reason), len(ids), as_json
    )


@app.command()
def export(
    mark_sent: Annotated[bool, typer.Option("--mark-sent", help="Record that they were sent.")] = False,
    as_json: Json = False,
) -> None:
    """Print the approved nudges as CSV (or JSON) for whatever sends them."""
    from engagement.outreach import export

    settings, store, now = console.start()
    rows = export.hand_over(store, by=console.acting(settings, now)) if mark_sent else export.approved(store)
    if as_json:
        console.print_json(rows)
    else:
        export.write_csv(rows, sys.stdout)


def _show_nudges(rows: Sequence[dict[str, Any]], limit: int, as_json: bool) -> None:
    """Print nudges as JSON, or the first `limit` of them as a table."""
    if as_json:
        console.print_json(rows)
        return
    from engagement.vocabulary import TYPE_WORDS

    shown = [
        {**row, "type": TYPE_WORDS[row["type"]], "by": "template" if row["gpt_fallback"] else "model"}
        for row in rows[:limit]
    ]
    counted = Counter(row["status"] for row in rows)
    title = ", ".join(f"{count:,} {status}" for status, count in counted.items()) or "none"
    first = f"; the first {limit:,}" if len(rows) > limit else ""
    console.table(
        f"Nudges: {title}{first}",
        ("id", "learner_id", "risk_label", "type", "channel", "by", "content"),
        shown,
    )
