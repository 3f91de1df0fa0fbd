"""`engagement sources`: how files are read that were loaded with options, and are from then on without."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from engagement.cli.terminal import console
from engagement.cli.terminal.console import Json

if TYPE_CHECKING:
    from engagement.ingest.loads.remembered import Remembered

app = typer.Typer(
    help="How files of a shape are read: what `load` was told once, it knows.", no_args_is_help=True
)

Shape = Annotated[str, typer.Argument(metavar="SHAPE", help="As `sources list` shows it, or its beginning.")]


@app.command("list")
def listed(as_json: Json = False) -> None:
    """List the shapes that are remembered, the one that was used last first."""
    from engagement.ingest.loads import remembered

    _, store, _ = console.start()
    rows = [_row(one) for one in remembered.listed(store)]
    columns = ("shape", "kind", "source", "columns", "options", "used_at")
    console.show_rows("How files are read", columns, rows, as_json)


@app.command()
def show(shape: Shape, as_json: Json = False) -> None:
    """Show one: the names in its header, and how it is read."""
    from engagement.ingest.loads import remembered

    _, store, _ = console.start()
    found = remembered.one(store, shape)
    if as_json:
        console.print_json({**_row(found), "columns": found.columns, "options": found.options})
        return
    rows = [
        {"about": name, "said": value} for name, value in {"columns": found.columns, **found.options}.items()
    ]
    console.show_rows(found.source, ("about", "said"), rows, as_json)


@app.command()
def forget(shape: Shape) -> None:
    """Forget one: files of that shape are read as documented again."""
    from engagement.ingest.loads import remembered

    _, store, _ = console.start()
    print(f"Forgotten: {_row(remembered.forget(store, shape))['source']}")


def _row(found: "Remembered") -> dict[str, Any]:
    from engagement.ingest.loads.remembered import SHORT
    from engagement.text import one_line

    return {
        "shape": found.shape[:SHORT],
        "kind": found.kind,
        "source": one_line(found.source, 60),
        "columns": len(found.columns),
        "options": ", ".join(found.options),
        "used_at": found.used_at,
    }
