"""What the commands have in common: how they begin, and how they show what came out.

The clock and the settings are read here, once; everything below is handed an instant.
"""

import json
import logging
import os
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from engagement.errors import InvalidInput

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from engagement.llm.progress import Progress as TextsDone
    from engagement.llm.writer import Writer
    from engagement.pipeline.config import Pipeline
    from engagement.pipeline.runner import RunResult
    from engagement.settings import Settings
    from engagement.store import Store

_log = logging.getLogger(__name__)

NICENESS: Final = 10  # of a run; at most 19
LOOKS_EVERY_S: Final = 0.5  # at how far a batch of texts is, where a person watches
LOGS_EVERY_S: Final = 15.0  # and where a log does


def start() -> tuple["Settings", "Store", datetime]:
    """Return the settings, their store and this moment; `NotFound` where there is no store yet."""
    settings, store, now = start_anew()
    with store.read():
        return settings, store, now


def start_anew() -> tuple["Settings", "Store", datetime]:
    """Return what `start` does, with a store that need not exist."""
    from engagement.settings import read_settings
    from engagement.store import open_store

    settings = read_settings()
    return settings, open_store(settings.store), now()


def now() -> datetime:
    """Return this moment as naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None)


def instant(text: str, settings: "Settings", now: datetime) -> datetime:
    """Return what `--as-of` means: the end of today where it was left out. A day to come is `InvalidInput`.

    Scores of a day to come would stay the current ones until that day.
    """
    from engagement.dates import end_of_day, local_day, parse_as_of

    today = end_of_day(local_day(now, settings.zone), settings.zone)
    wanted = parse_as_of(text, settings.zone) if text else today
    if wanted > today:
        raise InvalidInput(
            f"{text}: lies after today, {local_day(now, settings.zone)} in {settings.timezone}"
        )
    return wanted


def actor() -> str:
    """Return who is at the keyboard, for the record of what they approve."""
    import getpass

    return getpass.getuser()


def name_and_value(text: str, *, option: str) -> tuple[str, str]:
    """Return both halves of `name=value`; `InvalidInput` names the option where there is only one."""
    name, equals, value = text.partition("=")
    if not equals:
        raise InvalidInput(f"{option} {text[:40]!r}: name=value is needed")
    return name, value


def waiting_for(writer: "Writer") -> AbstractContextManager[object]:
    """Return a block that shows a person in a terminal that the model is asked."""
    shown = screen(stderr=True)
    if writer.is_nobody or not shown.is_terminal:
        return nullcontext()
    return shown.status(f"Asking {writer.model.name}; at most eight seconds")


def for_the_model(model: str, budget_usd: float | None) -> dict[str, str]:
    """Return the parameters of the notebooks that write, for what was said on the command line."""
    given = {"model": model, "budget_usd": None if budget_usd is None else str(budget_usd)}
    return {name: value for name, value in given.items() if value}


def _with_model(given: dict[str, str], pipeline: "Pipeline", settings: "Settings") -> dict[str, str]:
    """Return the parameters with the name of the model, where nobody said one: another model is another run."""
    from engagement.llm.writer import chosen_model
    from engagement.pipeline.config import declared_types

    said = "model" in given or any("model" in step.parameters for step in pipeline.steps)
    if said or settings.openai_api_key is None:
        return given
    takes_one = any("model" in declared_types(step.path) for step in pipeline.steps)
    return {**given, "model": chosen_model(settings).name} if takes_one else given


def run_pipeline(
    name: str,
    settings: "Settings",
    store: "Store",
    as_of: datetime,
    given: dict[str, str],
    *,
    console: "Console",
) -> "RunResult":
    """Run a pipeline of that name and show its steps as they go, giving way to whoever else works on the machine."""
    from engagement.dates import local_day
    from engagement.llm.progress import watched
    from engagement.pipeline import config, runner

    chosen = config.read_pipeline(name)
    sources = chosen.sources
    if not (sources.learners or sources.events or sources.inboxes):
        with store.read():  # `NotFound` where there is none: a run over nothing would look like a result
            pass
    os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
    with progress(console) as bars:
        tasks = {
            step.notebook: bars.add_task(step.notebook, total=1, visible=False, note="")
            for step in chosen.steps
        }

        def tell(done: "TextsDone") -> None:
            for task in (task for task in bars.tasks if task.visible and not task.finished):
                bars.update(task.id, total=done.total, completed=done.asked, note=str(done))
            if not console.is_terminal:
                _log.info("asking a model", extra=done.as_dict())

        def watch(step: str, status: str, _seconds: float) -> None:
            shown = {
                "running": step,
                "done": step,
                "skipped": f"[dim]{step} (done before)",
                "failed": f"[red]{step} failed",
            }
            if status == "running":
                bars.reset(tasks[step], description=shown[status], visible=True)
            else:
                bars.update(
                    tasks[step], total=1, completed=1, description=shown[status], visible=True, note=""
                )

        with watched(store.path, name, tell, every_s=LOOKS_EVERY_S if console.is_terminal else LOGS_EVERY_S):
            return runner.run(
                store,
                chosen,
                as_of=as_of,
                day=local_day(as_of, settings.zone),
                given=_with_model(given, chosen, settings),
                folder=settings.reports,
                watch=watch,
            )


def show_run(result: "RunResult", console: "Console") -> None:
    """Print what a run found, or that it was done before."""
    from engagement.cli.render import show_artifacts, show_summary
    from engagement.targeting.selection import REASONS

    if result.status == "already done":
        console.print(
            f"\nThis run is already done ({result.run.run_id}); nothing was added.", highlight=False
        )
    title = f"{result.run.pipeline.capitalize()} run as of {result.run.day:%d %B %Y}"
    show_summary(console, result.counts, title=title, reasons=REASONS, report=result.report)
    left = result.artifacts
    for_mail = [("For mail", path) for path in (left.pdf, left.summary) if path]
    show_artifacts(console, [*(("Also", page.html) for page in left.pages[1:]), *for_mail])
    if left.missing:
        console.print(f"It was published {left.missing}.", style="dim", highlight=False)
    if result.look:
        console.print(f"\nPlease look: {result.look}.", style="bold yellow", highlight=False)


def show_estimate(
    name: str,
    settings: "Settings",
    store: "Store",
    as_of: datetime,
    *,
    given: dict[str, str],
    model: str,
    now: datetime,
    as_json: bool,
) -> None:
    """Print what a run would ask of a model and what that costs, by model."""
    from engagement.cli.render import show_estimate
    from engagement.dates import local_day
    from engagement.pipeline import config, dry_run

    estimate = dry_run.of_run(
        store,
        config.read_pipeline(name),
        settings,
        as_of=as_of,
        day=local_day(as_of, settings.zone),
        given=given,
        model=model,
        now=now,
    )
    if as_json:
        print_json(estimate.as_dict())
    else:
        show_estimate(screen(), estimate)


def show_rows(title: str, columns: Sequence[str], rows: Sequence[dict[str, Any]], as_json: bool) -> None:
    """Print rows as JSON or as a table."""
    if as_json:
        print_json(rows)
    else:
        table(title, columns, rows)


def show_nudges(rows: Sequence[dict[str, Any]], limit: int, as_json: bool) -> None:
    """Print nudges as JSON, or the first `limit` of them as a table."""
    if as_json:
        print_json(rows)
        return
    from engagement.vocabulary import TYPE_WORDS

    shown = [
        {**row, "type": TYPE_WORDS[row["type"]], "by": "template" if row["gpt_fallback"] else "model"}
        for row in rows[:limit]
    ]
    counted = Counter(row["status"] for row in rows)
    title = ", ".join(f"{count:,} {status}" for status, count in counted.items()) or "none"
    first = f"; the first {limit:,}" if len(rows) > limit else ""
    table(
        f"Nudges: {title}{first}",
        ("id", "learner_id", "risk_label", "type", "channel", "by", "content"),
        shown,
    )


def show_draft(made: dict[str, Any], text: str, as_json: bool) -> None:
    """Print one draft that was asked for."""
    if as_json:
        print_json(made)
        return
    from engagement.cli.render import show_draft

    show_draft(screen(), made, text)


def print_json(value: object) -> None:
    """Print JSON; a character that could act in a terminal is written as its escape, which reads back the same."""
    from engagement.text import ACTS_IN_A_LINE

    text = json.dumps(value, ensure_ascii=False, indent=2, default=_as_text)
    print(ACTS_IN_A_LINE.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def _as_text(value: Any) -> str:
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)


def table(title: str, columns: Sequence[str], rows: Sequence[dict[str, Any]], *, longest: int = 60) -> None:
    """Print records as a table; see `render.show_table`."""
    from engagement.cli.render import show_table

    show_table(screen(), title, columns, rows, longest=longest)


def screen(*, stderr: bool = False) -> "Console":
    """Return the terminal, or whatever stands in for it."""
    from rich.console import Console

    return Console(stderr=stderr)


def progress(console: "Console") -> "Progress":
    """Return bars that show which step is running."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[note]}"),
    )
    return Progress(*columns, console=console, disable=not console.is_terminal)  # the log tells the others
