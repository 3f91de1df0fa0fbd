"""What the commands have in common: how they begin, and how they show what came out.

The clock and the settings are read here, once; everything below is handed an instant.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from engagement.errors import InvalidInput

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from engagement.pipeline import RunResult
    from engagement.settings import Settings
    from engagement.store import Store


def start() -> tuple["Settings", "Store", datetime]:
    from engagement.settings import read_settings
    from engagement.store import open_store

    settings = read_settings()
    return settings, open_store(settings.store), now()


def now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def instant(text: str, settings: "Settings", now: datetime) -> datetime:
    from engagement.instants import end_of_day, local_day, parse_as_of

    return parse_as_of(text, settings.zone) if text else end_of_day(local_day(now, settings.zone), settings.zone)


def actor() -> str:
    import getpass

    return getpass.getuser()


def name_and_value(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise InvalidInput(f"-p {text[:40]!r}: name=value is needed")
    return name, value


def refuse_model(model: str) -> None:
    if model != "none":
        raise InvalidInput(f"model {model[:40]!r}: this version writes from templates; allowed is none")


def run_pipeline(
    name: str, settings: "Settings", store: "Store", as_of: datetime, given: dict[str, str], console: "Console"
) -> "RunResult":
    from engagement import pipeline, steps
    from engagement.instants import local_day

    chosen = steps.read_pipeline(name)
    with progress(console) as bars:
        tasks = {step.notebook: bars.add_task(step.notebook, total=1, visible=False) for step in chosen.steps}

        def watch(step: str, status: str, _seconds: float) -> None:
            shown = {"running": step, "done": step, "skipped": f"[dim]{step} (done before)", "failed": f"[red]{step} failed"}
            if status == "running":
                bars.reset(tasks[step], description=shown[status], visible=True)
            else:
                bars.update(tasks[step], completed=1, description=shown[status], visible=True)

        return pipeline.run(
            store,
            chosen,
            as_of=as_of,
            day=local_day(as_of, settings.zone),
            given=given,
            folder=settings.reports,
            watch=watch,
        )


def show_run(result: "RunResult", console: "Console") -> None:
    from engagement.selection import REASONS
    from engagement.terminal import show_summary

    if result.status == "already done":
        console.print(f"\nThis run is already done ({result.run.run_id}); nothing was added.", highlight=False)
    title = f"{result.run.pipeline.capitalize()} run as of {result.run.day:%d %B %Y}"
    show_summary(console, result.counts, title=title, reasons=REASONS, report=result.report)


def show_nudges(rows: Sequence[dict[str, Any]], limit: int, as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    columns = ("id", "learner_id", "program", "risk_label", "type", "channel", "status", "content")
    table(f"{len(rows):,} nudges", columns, rows[:limit])


def show_draft(made: dict[str, Any], text: str, as_json: bool) -> None:
    if as_json:
        print_json(made)
        return
    from engagement.terminal import show_draft

    show_draft(screen(), made, text)


def print_json(value: object) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2, default=_as_text))


def _as_text(value: Any) -> str:
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)


def table(title: str, columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    from engagement.terminal import show_table

    show_table(screen(), title, columns, rows)


def screen(*, stderr: bool = False) -> "Console":
    from rich.console import Console

    return Console(stderr=stderr)


def progress(console: "Console") -> "Progress":
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=20), TimeElapsedColumn())
    return Progress(*columns, console=console)


