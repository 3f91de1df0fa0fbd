"""`engagement sync`: learners by a platform's web services, with a token that the environment has."""

from typing import TYPE_CHECKING, Annotated

import typer

from engagement.cli.loading import load
from engagement.cli.terminal import console
from engagement.cli.terminal.console import Json
from engagement.errors import InvalidInput

if TYPE_CHECKING:
    from engagement.ingest.loads.loading import LoadSummary

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
    as_json: Json = False,
) -> None:
    """Load courses of a Moodle: who is in them, last access, what was due and done, quiz scores.

    The token stands in ENGAGEMENT_MOODLE_TOKEN. A sync that was cut goes on where it was.
    """
    from engagement.ingest import learners
    from engagement.ingest.platforms import joining
    from engagement.ingest.platforms.moodle import sync, web

    settings, store, now = console.start_anew()
    if settings.moodle_token is None:
        raise InvalidInput("ENGAGEMENT_MOODLE_TOKEN: is not set; a token of Moodle's web services is needed")
    token = settings.moodle_token.get_secret_value()
    kept = store.path.with_name(f"{store.path.name}.moodle")
    people = joining.People(store, now)
    loaded: list[LoadSummary] = []
    with web.Web(url, token, kept, now=now) as asked:
        parts = [sync.course_of(asked, each, program=program, as_of=now) for each in course]
        for part in map(people.met, parts):
            summary = learners.load(
                store, part.source, observed_at=now, loaded_at=now, source_format=part.source_format
            )
            loaded.append(summary)
        asked.done()
    load.tell(loaded, as_json=as_json)
