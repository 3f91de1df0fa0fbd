"""What the commands have in common: options, how they begin, and how they show what came out.

The settings are read here, once, and the clock; everything below is handed an instant. Logs go to standard error, as
lines for a person at a terminal and as one JSON object each for everything else. They carry run ids, steps and counts;
never a learner's name or address, a text, or a key.
"""

import codecs
import io
import json
import logging
import os
import sys
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TextIO

import typer

from engagement import dates
from engagement.errors import InvalidInput

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from engagement.audit import Actor
    from engagement.settings import Settings
    from engagement.store import Store

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
AsOf = Annotated[
    str, typer.Option("--as-of", help="A date (its end) or an ISO date and time; today if left out.")
]
Program = Annotated[str | None, typer.Option(help="Only this program.")]
Model = Annotated[
    str, typer.Option(help="A model's name; left out: what the settings say. `none`: templates.")
]


_OTHERWISE: Final = "engagement.otherwise"


class _OneLineEach(logging.Formatter):
    """One JSON object a record. What makes them is imported with the first: most commands log nothing."""

    def format(self, record: logging.LogRecord) -> str:
        return _json_formatter().format(record)


@cache
def _json_formatter() -> logging.Formatter:
    from pythonjsonlogger.json import JsonFormatter

    return JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s")


_WRITTEN_AS: Final = str.maketrans(
    {"–": "-", "—": "-", "‑": "-", "·": "-", "█": "#", "“": '"', "”": '"', "‘": "'", "’": "'", "→": "->"}
)


def set_up_output() -> None:
    """Print to whatever is there: a character that it lacks is written another way; what is closed takes it in silence.

    A run is published by the time that it is told of, and what is told of it is no reason to fail. Who said what to do
    with such characters (`PYTHONIOENCODING=ascii:strict`) knows better.
    """
    codecs.register_error(_OTHERWISE, _otherwise)
    said = ":" in os.environ.get("PYTHONIOENCODING", "")
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started this; nothing else should be opened in its place
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 (to the end)
        elif isinstance(stream, io.TextIOWrapper) and not said:
            stream.reconfigure(errors=_OTHERWISE)


def _otherwise(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    plain = (unicodedata.normalize("NFKD", letter.translate(_WRITTEN_AS)) for letter in lacking)
    return "".join(text.encode("ascii", "ignore").decode() or "?" for text in plain), error.end


def for_programs() -> TextIO:
    """Return standard output as a file is read by: in UTF-8, with every character as it is."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="strict")
    return sys.stdout


def set_up_home() -> None:
    """Name a home where a container's user has none: what looks for one there would fail, and needs nothing of it."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = "/nonexistent"


def set_up_logs() -> None:
    """Send the package's log to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    if sys.stderr.isatty():
        handler.setLevel(logging.WARNING)  # progress is shown on the screen already
        handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    else:
        handler.setFormatter(_OneLineEach())
    log = logging.getLogger("engagement")
    log.addHandler(handler)
    log.setLevel(logging.INFO)


def start() -> tuple["Settings", "Store", datetime]:
    """Return the settings, the store that is asked and this moment; `NotFound` where there is no store yet."""
    settings, _, now = start_anew()
    store = asked(settings)
    with store.read():
        return settings, store, now


def start_anew() -> tuple["Settings", "Store", datetime]:
    """Return what `start` does, with one's own store, which need not exist."""
    from engagement.settings import read_settings
    from engagement.store import open_store

    settings = read_settings()
    return settings, open_store(settings.own_store), dates.utc_now()


def asked(settings: "Settings") -> "Store":
    """Return the store that is asked, saying so where it is the demo's."""
    from engagement.store import open_store

    say_if_invented(settings)
    return open_store(settings.store)


def say_if_invented(settings: "Settings") -> None:
    """Say in one line that what follows is about nobody, where there is no store but the demo's."""
    if settings.store == settings.demo_store and "--json" not in sys.argv:
        print(
            f"The invented cohort ({settings.store.name}): `engagement load` brings learners of your own.",
            file=sys.stderr,
        )


def instant(text: str, settings: "Settings", now: datetime) -> datetime:
    """Return what `--as-of` means: the end of today where it was left out. A day to come is `InvalidInput`.

    Scores of a day to come would stay the current ones until that day.
    """
    today = dates.end_of_day(dates.local_day(now, settings.zone), settings.zone)
    wanted = dates.parse_as_of(text, settings.zone) if text else today
    if wanted > today:
        raise InvalidInput(
            f"{text}: lies after today, {dates.local_day(now, settings.zone)} in {settings.timezone}"
        )
    return wanted


def program(store: "Store", name: str | None) -> str | None:
    """Return what `--program` names; `InvalidInput` lists the programs where there is none of that name."""
    from engagement.views import named

    if name is None:
        return None
    with store.read() as db:
        return named.program(db, name)


def acting(settings: "Settings", now: datetime) -> "Actor":
    """Return who is at the keyboard, for the record of what they do, and may see all learners."""
    from engagement.audit import Actor, account

    return Actor(name=account(), now=now, day=dates.local_day(now, settings.zone), programs=None)


def name_and_value(text: str, *, option: str) -> tuple[str, str]:
    """Return both halves of `name=value`; `InvalidInput` names the option where there is only one."""
    name, equals, value = text.partition("=")
    if not equals:
        raise InvalidInput(f"{option} {text[:40]!r}: name=value is needed")
    return name, value


def drop_output() -> None:
    """Let what is printed go nowhere: Python would try what it could not print once more at its end, and fail again."""
    with suppress(OSError):  # what stands in for standard output in a notebook is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def show_rows(title: str, columns: Sequence[str], rows: Sequence[dict[str, Any]], as_json: bool) -> None:
    """Print rows as JSON or as a table."""
    if as_json:
        print_json(rows)
    else:
        table(title, columns, rows)


def print_json(value: object) -> None:
    """Print JSON; a character that could act in a terminal is written as its escape, which reads back the same."""
    text = json_text(value)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        if sys.stdout.errors != _OTHERWISE:
            raise
        text = json.dumps(json.loads(text), indent=2)  # in ASCII, which reads back the same, too
    print(text)


def json_text(value: object) -> str:
    """Return what `print_json` prints."""
    from engagement.text import ACTS_IN_A_LINE

    text = json.dumps(value, ensure_ascii=False, indent=2, default=_as_text)
    return ACTS_IN_A_LINE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _as_text(value: Any) -> str:
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)


def table(title: str, columns: Sequence[str], rows: Sequence[dict[str, Any]], *, longest: int = 60) -> None:
    """Print records as a table; see `render.show_table`."""
    from engagement.cli.terminal.render import show_table

    show_table(screen(), title, columns, rows, longest=longest)


def screen(*, stderr: bool = False) -> "Console":
    """Return the terminal, or whatever stands in for it."""
    from engagement.cli.terminal.render import Screen

    return Screen(stderr=stderr)


def progress(console: "Console") -> "Progress":
    """Return bars that show which step is running."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[note]}"),
        console=console,
        disable=not console.is_terminal,  # the log tells the others
    )
