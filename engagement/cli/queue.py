"""`engagement queue`: drafts are listed, approved or rejected by a person, and handed to whatever sends them."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from io import UnsupportedOperation
from pathlib import Path
from typing import Annotated, Any

import typer

from engagement.cli import console
from engagement.cli.console import Json, Program
from engagement.errors import InvalidInput
from engagement.vocabulary import STATUS_WORDS

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
    rows = review.listed(store, status=status, program=console.program(store, program))
    _show_nudges(rows, limit, as_json)


@app.command()
def approve(
    ids: NudgeIds,
    past_limits: Annotated[
        bool,
        typer.Option("--past-limits", help="Also where the person was written to lately; it is recorded."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Approve drafts; those that may not go out now are left as they are, and told."""
    from engagement.outreach import review
    from engagement.targeting import limits

    settings, store, now = console.start()
    known = limits.LIMITS if past_limits else ()
    rows = review.approve(store, ids, by=console.acting(settings, now), known=known)
    if held := {row["id"]: row["why"] for row in rows if "why" in row}:
        _tell(f"{len(held):,} of {len(rows):,} are left as they are. {limits.in_words(held)}")
    _show_nudges(rows, len(ids), as_json)


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
    mark_sent: Annotated[
        bool, typer.Option("--mark-sent", help="Record that they were sent, once they are written.")
    ] = False,
    to: Annotated[
        Path | None,
        typer.Option(help="A new file: .csv or .json for a program, .xlsx for a person.", metavar="FILE"),
    ] = None,
    again: Annotated[
        str, typer.Option(metavar="BATCH", help="Those that were sent in that batch, once more.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Print the approved nudges as CSV (or JSON) for whatever sends them, or write them to a file."""
    from engagement.outreach import export
    from engagement.targeting import limits

    if again and mark_sent:
        raise InvalidInput("--again: what was sent before is not marked once more; leave out --mark-sent")
    settings, store, now = console.start()

    def write(rows: export.Rows) -> None:
        if to is not None:
            export.write_file(rows, to, as_json=lambda those: f"{console.json_text(those)}\n")
        else:
            _print_rows(rows, as_json)

    if not again and (held := export.held_back(store, now=now)):
        _tell(f"{len(held):,} approved nudges are held back. {limits.in_words(held)}")
    if again:
        batch = export.again(store, again)
        write(batch.rows)
        if len(batch.rows) < batch.size:
            _tell(
                f"batch {batch.id}: {len(batch.rows):,} of {batch.size:,}; the others may not be written to any more, "
                "or it is known what became of them"
            )
    elif mark_sent:
        batch = export.send(store, by=console.acting(settings, now), write=write)
        if batch.rows and not as_json:
            _tell(
                f"batch {batch.id}: {len(batch.rows):,} marked as sent; should they get lost: "
                f"engagement queue export --again {batch.id}"
            )
    else:
        write(export.approved(store, now=now))


def _print_rows(rows: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    """Print nudges, and return when whoever reads them has them."""
    from engagement.outreach import export

    try:
        if as_json:
            console.print_json(rows)
        else:
            export.write_csv(rows, console.for_programs())
        sys.stdout.flush()
        with suppress(UnsupportedOperation):  # what stands in for standard output in a notebook is no file
            export.arrived(sys.stdout.fileno())
    except OSError:
        console.drop_output()
        raise


def _tell(text: str) -> None:
    print(f"engagement: {text}", file=sys.stderr)


def _show_nudges(rows: Sequence[dict[str, Any]], limit: int, as_json: bool) -> None:
    """Print nudges as JSON, or the first `limit` of them as a table."""
    if as_json:
        console.print_json(rows)
        return
    from engagement.outreach import queue

    shown = [{**row, "by": queue.author(row)} for row in rows[:limit]]
    counted = Counter(row["status"] for row in rows)
    title = (
        ", ".join(f"{count:,} {STATUS_WORDS[status].lower()}" for status, count in counted.items()) or "none"
    )
    first = f"; the first {limit:,}" if len(rows) > limit else ""
    console.table(
        f"Nudges: {title}{first}",
        ("id", "learner_id", "risk_label", "type", "channel", "by", "content"),
        shown,
    )
