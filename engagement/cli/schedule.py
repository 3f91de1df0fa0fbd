"""`engagement schedule`: let a pipeline run by itself."""

import os
from typing import Annotated

import typer

from engagement.cli.terminal import console
from engagement.cli.terminal.console import Json
from engagement.errors import InvalidInput

app = typer.Typer(
    no_args_is_help=True,
    help="Let a pipeline run by itself, with cron or systemd's timers: install, list, remove.",
)

Pipeline = Annotated[str, typer.Argument(metavar="PIPELINE", help="Such as nightly.")]


@app.command()
def install(
    pipeline: Pipeline,
    manager: Annotated[
        str | None,
        typer.Option(
            "--with", metavar="cron|systemd", help="systemd where `systemctl --user` answers, otherwise cron."
        ),
    ] = None,
    at: Annotated[
        str,
        typer.Option(
            metavar="CRON", help="When, such as '15 2 * * *'; left out: `schedule` of the pipeline's file."
        ),
    ] = "",
) -> None:
    """Run a pipeline by itself from now on; installed again, it has the new time.

    cron goes by this machine's time zone and leaves out what falls into a time when it is off; a systemd timer goes by
    ENGAGEMENT_TIMEZONE and makes up for it. A scheduled run knows what .env says, not what is set in this shell.

    A run that fails tells you by ENGAGEMENT_NOTIFY_COMMAND or ENGAGEMENT_NOTIFY_WEBHOOK. One that never started, or was
    killed, cannot: `engagement doctor` says how old the last one is.
    """
    from engagement.operations import cron, schedules
    from engagement.pipeline import config
    from engagement.settings import Settings, read_settings

    settings = read_settings()
    chosen = config.read_pipeline(pipeline)
    if not (when := at or chosen.schedule):
        raise InvalidInput(f"{pipeline}.toml: has no schedule; --at says when, such as --at '15 2 * * *'")
    made = schedules.install(
        chosen.name,
        cron.read(when),
        reports=settings.reports,
        zone=settings.timezone,
        manager=manager,
    )
    by_cron = made.manager == schedules.CRON
    zone = "this machine's time zone" if by_cron else settings.timezone
    _say(f"{made.pipeline} runs by {made.manager} at {made.at} ({zone}).")
    _say(f"What it prints: {made.output}")
    if not by_cron:
        _say("Timers of a user stop when nobody is logged in as that user, unless: loginctl enable-linger")
    known = (str(field.validation_alias) for field in Settings.model_fields.values())
    if here := [name for name in known if os.environ.get(name)]:
        _say(f"A scheduled run does not see what is set in this shell; let .env say it: {', '.join(here)}")


@app.command("list")
def listed(as_json: Json = False) -> None:
    """List the pipelines of this project that run by themselves."""
    from engagement.operations import schedules
    from engagement.settings import read_settings

    found = [schedule._asdict() for schedule in schedules.listed(reports=read_settings().reports)]
    if as_json:
        console.print_json(found)
    elif found:
        console.table("Schedules", ("pipeline", "manager", "at", "output"), found, longest=300)
    else:
        _say("No pipeline runs by itself; engagement schedule install nightly changes that.")


@app.command()
def remove(pipeline: Pipeline) -> None:
    """Run a pipeline by itself no longer; what it made stays."""
    from engagement.operations import schedules
    from engagement.settings import read_settings

    for gone in schedules.remove(pipeline, reports=read_settings().reports):
        _say(f"{gone.pipeline} no longer runs by {gone.manager} at {gone.at}.")


def _say(line: str) -> None:
    """Print a line as it is: a path in it is there to be copied."""
    console.screen().print(line, markup=False, highlight=False, soft_wrap=True)
