"""`engagement dashboard`, `explore` and `doctor`: the coordinators' page, the analysts' notebooks, and is all well."""

from typing import Annotated

import typer

from engagement.cli.terminal import console
from engagement.cli.terminal.console import Json
from engagement.errors import InvalidInput


def dashboard(
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Where to listen; the next free one.")] = 8866,
    host: Annotated[
        str, typer.Option(help="This machine only, unless another address is said.")
    ] = "127.0.0.1",
    token: Annotated[
        str,
        typer.Option(help="Whoever has it may open the page; better said by ENGAGEMENT_DASHBOARD_TOKEN."),
    ] = "",
    base_url: Annotated[str, typer.Option(help="Where a proxy shows the page, such as /engagement/.")] = "/",
    viewers: Annotated[int, typer.Option(min=1, max=200, help="How many may have it open at a time.")] = 10,
) -> None:
    """Serve the coordinators' page."""
    from engagement.settings import read_settings

    settings = read_settings()
    if not token and settings.dashboard_token is not None:
        token = settings.dashboard_token.get_secret_value()
    from engagement.dashboard import server

    console.say_if_invented(settings)
    server.serve(server.Options(host, port, token, base_url, viewers), settings)


def explore(port: Annotated[int, typer.Option(help="On 127.0.0.1.")] = 8888) -> None:
    """Open JupyterLab on copies of the store and of the notebooks (`notebooks/explore`), at a tour of ten minutes.

    The copy of the store holds all that is known of the learners. It is for you alone and goes when JupyterLab ends.
    """
    from engagement.jupyter import lab

    _, store, _ = console.start()
    raise typer.Exit(lab.explore(store, port=port))


def doctor(
    ask_model: Annotated[
        bool,
        typer.Option(
            "--ask-model", help="Ask the model one small question, about nobody; it may cost money."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Check the store, templates and settings. Secrets are never shown."""
    from engagement.dates import utc_now
    from engagement.operations import health
    from engagement.settings import read_settings

    try:
        settings = read_settings()
        console.say_if_invented(settings)
        found = health.examine(settings, now=utc_now())
        if ask_model:
            found.append(health.ask_model(settings))
    except InvalidInput as error:
        found = [health.Check("settings", False, str(error))]
    ok = all(check.ok for check in found)
    if as_json:
        console.print_json({"ok": ok, "checks": [check._asdict() for check in found]})
    else:
        console.table(
            "Checks",
            ("ok", "name", "detail"),
            [{**c._asdict(), "ok": "ok" if c.ok else "FAILED"} for c in found],
            longest=400,
        )
    raise typer.Exit(0 if ok else 1)
