"""`engagement queue`: drafts are listed, approved or rejected by a person, and handed to whatever sends them."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from io import UnsupportedOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engagement.cli.terminal import console
from engagement.cli.terminal.console import Json, Program
from engagement.errors import InvalidInput, NotFound
from engagement.vocabulary import STATUS_WORDS

if TYPE_CHECKING:
    from engagement.store import Store

app = typer.Typer(no_args_is_help=True, help="Review drafts: list, show, approve, reject, undo, export.")

DraftIds = Annotated[
    list[str] | None, typer.Argument(metavar="ID...", help="Nudges or quizzes, by id or its beginning.")
]
Risk = Annotated[str | None, typer.Option(metavar="LABEL", help="Of learners at this risk, such as high.")]
Type = Annotated[str | None, typer.Option("--type", help="Of this type, such as inactivity.")]
Channel = Annotated[str | None, typer.Option(help="By this channel: in_app, whatsapp or email.")]
Quizzes = Annotated[bool, typer.Option("--quizzes", help="Quizzes in place of nudges.")]
Most = Annotated[int | None, typer.Option("--limit", min=1, help="At most so many, the worst first.")]
Yes = Annotated[bool, typer.Option("--yes", help="Without a question.")]


@app.command("list")
def listed(
    status: Annotated[str, typer.Option(help="draft, approved, sent, …")] = "draft",
    program: Program = None,
    risk: Risk = None,
    kind: Type = None,
    channel: Channel = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many in the table.")] = 20,
    quizzes: Quizzes = False,
    as_json: Json = False,
) -> None:
    """List nudges or quizzes, worst first."""
    from engagement.outreach import review

    _, store, _ = console.start()
    asked = _asked(store, program, risk, kind, channel)
    _show(review.listed(store, "quiz" if quizzes else "nudge", status=status, **asked), limit, as_json)


@app.command()
def show(ids: Annotated[list[str], typer.Argument(metavar="ID...")], as_json: Json = False) -> None:
    """Show nudges or quizzes whole: the text, who wrote it, and why it may not go, if so."""
    from engagement.cli.terminal import render
    from engagement.outreach import review

    _, store, _ = console.start()
    found = review.whole(store, ids)
    if as_json:
        console.print_json([row for _, row in found])
        return
    screen = console.screen()
    for kind, row in found:
        render.show_whole(screen, kind, row)


@app.command()
def approve(
    ids: DraftIds = None,
    program: Program = None,
    risk: Risk = None,
    kind: Type = None,
    channel: Channel = None,
    limit: Most = None,
    quizzes: Quizzes = False,
    past_limits: Annotated[
        bool,
        typer.Option("--past-limits", help="Also where the person was written to lately; it is recorded."),
    ] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Approve drafts, by id or all that are asked for; those that may not go out now are left as they are, and told."""
    from engagement.outreach import review
    from engagement.targeting import limits

    settings, store, now = console.start()
    asked = _asked(store, program, risk, kind, channel)
    chosen = _chosen(store, ids, asked, limit, quizzes=quizzes, question=None if yes else "Approve")
    known = limits.LIMITS if past_limits else ()
    rows = review.approve(store, chosen, by=console.acting(settings, now), known=known)
    if held := {row["id"]: row["why"] for row in rows if "why" in row}:
        _tell(f"{len(held):,} of {len(rows):,} are left as they are. {limits.in_words(held)}")
    _show(rows, len(chosen), as_json)


@app.command()
def reject(
    reason: Annotated[str, typer.Option(help="Why; it is kept.")],
    ids: DraftIds = None,
    program: Program = None,
    risk: Risk = None,
    kind: Type = None,
    channel: Channel = None,
    limit: Most = None,
    quizzes: Quizzes = False,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Reject drafts, by id or all that are asked for, with a reason."""
    from engagement.outreach import review

    settings, store, now = console.start()
    asked = _asked(store, program, risk, kind, channel)
    chosen = _chosen(store, ids, asked, limit, quizzes=quizzes, question=None if yes else "Reject")
    rows = review.reject(store, chosen, by=console.acting(settings, now), reason=reason)
    _show(rows, len(chosen), as_json)


@app.command()
def undo(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="By id or its beginning.")],
    as_json: Json = False,
) -> None:
    """Take back an approval or a rejection: a draft again, as long as it has not left."""
    from engagement.outreach import review

    settings, store, now = console.start()
    _show(review.move(store, ids, "draft", by=console.acting(settings, now)), len(ids), as_json)


def _asked(
    store: "Store", program: str | None, risk: str | None, kind: str | None, channel: str | None
) -> dict[str, str | None]:
    return {
        "program": console.program(store, program),
        "risk": risk,
        "of_type": kind,
        "channel": channel,
    }


def _chosen(
    store: "Store",
    ids: Sequence[str] | None,
    asked: Mapping[str, str | None],
    limit: int | None,
    *,
    quizzes: bool,
    question: str | None,
) -> list[str]:
    """Return the ids that are named, or of all drafts that are wanted once somebody says yes to their number."""
    from engagement.outreach import review

    is_asked = any([*asked.values(), limit])
    if ids:
        if is_asked:
            raise InvalidInput(
                "name ids, or say which by --risk, --program, --type, --channel and --limit; not both"
            )
        return list(ids)
    if not is_asked:
        raise InvalidInput("say which: ids, or --risk, --program, --type, --channel or --limit")
    found = review.listed(store, "quiz" if quizzes else "nudge", **asked)[:limit]
    if not found:
        raise NotFound("no draft is of that kind")
    if question:
        if not sys.stdin.isatty():
            raise InvalidInput(
                f"{len(found):,} drafts: nobody can be asked here; `--yes` goes without a question"
            )
        what = "quizzes" if quizzes else "nudges"
        typer.confirm(f"{question} {len(found):,} {what}?", abort=True, err=True)
    return [row["id"] for row in found]


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
    quizzes: Annotated[
        bool, typer.Option("--quizzes", help="The approved quizzes, to a new .zip: a package of QTI 2.1.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print the approved nudges as CSV (or JSON) for whatever sends them, or write them to a file."""
    from engagement.outreach import export
    from engagement.targeting import limits

    if quizzes:
        if to is None or mark_sent or again or as_json:
            raise InvalidInput("--quizzes goes with --to FILE.zip, and with nothing else")
        _, store, _ = console.start()
        print(f"{export.write_quizzes(store, to):,} quizzes in {to.name}")
        return
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


def _show(rows: Sequence[dict[str, Any]], limit: int, as_json: bool) -> None:
    """Print nudges and quizzes as JSON, or the first `limit` of each as a table."""
    if as_json:
        console.print_json(rows)
        return
    quizzes = [_quiz_line(row) for row in rows if "questions" in row]
    nudges = [row for row in rows if "questions" not in row]
    if nudges or not quizzes:
        _table("Nudges", nudges, limit, ("type", "channel", "by", "content"))
    if quizzes:
        _table("Quizzes", quizzes, limit, ("topic", "by", "questions", "first"))


def _quiz_line(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "questions": len(row["questions"]), "first": row["questions"][0]["stem"]}


def _table(name: str, rows: Sequence[dict[str, Any]], limit: int, columns: Sequence[str]) -> None:
    from engagement.outreach import queue

    counted = Counter(row["status"] for row in rows)
    title = (
        ", ".join(f"{count:,} {STATUS_WORDS[status].lower()}" for status, count in counted.items()) or "none"
    )
    first = f"; the first {limit:,}" if len(rows) > limit else ""
    shown = [{**row, "by": queue.author(row)} for row in rows[:limit]]
    console.table(f"{name}: {title}{first}", ("id", "learner_id", "risk_label", *columns), shown)
