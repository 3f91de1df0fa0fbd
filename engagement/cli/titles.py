"""`engagement titles`: which programs and topics a model may be told by name."""

from typing import Annotated

import typer

from engagement.cli.terminal import console
from engagement.cli.terminal.console import Json

app = typer.Typer(
    help="Programs and topics that a model may be told by name. Read them first: they must name nobody.",
    invoke_without_command=True,
)

Kind = Annotated[str, typer.Option(help="program or topic.")]
Texts = Annotated[list[str], typer.Argument(metavar="TITLE...", help="As it stands with the learners.")]
_COLUMNS = ("kind", "text", "learners", "title", "confirmed_by")


@app.callback()
def listed(context: typer.Context, as_json: Json = False) -> None:
    """List the programs and topics of active learners; only a confirmed one goes to a model."""
    if context.invoked_subcommand:
        return
    from engagement.llm import titles

    _, store, _ = console.start()
    console.show_rows(
        "Programs and topics; a model is told the title", _COLUMNS, titles.listed(store), as_json
    )


@app.command()
def confirm(
    texts: Texts,
    kind: Kind = "topic",
    title: Annotated[str | None, typer.Option("--as", help="What a model is told instead.")] = None,
    as_json: Json = False,
) -> None:
    """Let titles go to a model."""
    from engagement.audit import account
    from engagement.llm import titles

    _, store, now = console.start()
    rows = titles.confirm(store, texts, kind=kind, actor=account(), now=now, title=title)
    console.show_rows("Confirmed", _COLUMNS, rows, as_json)


@app.command()
def withdraw(texts: Texts, kind: Kind = "topic", as_json: Json = False) -> None:
    """Keep titles back from now on."""
    from engagement.llm import titles

    _, store, _ = console.start()
    console.show_rows("Withdrawn", _COLUMNS, titles.withdraw(store, texts, kind=kind), as_json)
