"""`engagement sync`: learners by a platform's web services, with a token that the environment has."""

from typing import Annotated

import typer

from engagement.cli.loading import load
from engagement.cli.terminal import console
from engagement.cli.terminal.console import Json

app = typer.Typer(help="Learners by a platform's web services, with a token.", no_args_is_help=True)


@app.callback()
def _every_platform() -> None:
    """Each platform is a command of its own."""


@app.command()
def moodle(
    url: Annotated[str, typer.Option(help="Of its front page, such as https://moodle.example.invalid.")],
    course: Annotated[list[str], typer.Option(help="Its number or short name; may be given several times.")],
    program: Annotated[
        str, typer.Option(help="Of the learners; the short name of each course if left out.")
    ] = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="Take as left who is not there any more, even where they are many.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Load courses of a Moodle: who is in them, last access, what was due and done, quiz scores.

    The token stands in ENGAGEMENT_MOODLE_TOKEN. A sync that was cut goes on where it was.
    """
    from engagement.ingest.platforms.moodle import sync

    settings, store, now = console.start_anew()
    token = settings.of_moodle()
    load.tell(sync.load(store, url, token, course, program=program, yes=yes, now=now), as_json=as_json)
