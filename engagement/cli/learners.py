"""`engagement learners`, `learner`, `nudge` and `quiz`: who is worst off, one learner whole, a text for one by hand."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Annotated, Any

import typer

from engagement.cli.terminal import console
from engagement.cli.terminal.console import Json, Model, Program
from engagement.dates import local_day
from engagement.errors import InvalidInput
from engagement.text import plain_id

LearnerId = Annotated[str, typer.Argument(metavar="ID", help="The learner's id.", parser=plain_id)]


def learners(
    risk: Annotated[str | None, typer.Option(help="high, medium, low or unknown.")] = None,
    program: Program = None,
    search: Annotated[
        str, typer.Option(metavar="TEXT", help="Of whose name, id or address all these words are a part.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    to_call: Annotated[
        bool, typer.Option("--to-call", help="Only whom to call first, with their phone.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List learners, worst first, with the main reason; or whom to call first, as the page and the report do."""
    from engagement.views import roster

    if to_call and (risk is not None or search):
        raise InvalidInput(
            "--to-call: a list of calls has every label and name; leave out --risk and --search"
        )
    _, store, now = console.start()
    columns = ("id", "name", "program", "shown_score", "risk_label", "top_reason")
    if to_call:
        rows = roster.to_call(store, program=program, limit=limit, now=now)
        console.show_rows("Call first", (*columns, "phone"), rows, as_json)
    else:
        rows = roster.by_risk(store, risk_label=risk, program=program, text=search, limit=limit)
        console.show_rows("Worst first", columns, rows, as_json)


def learner(learner_id: LearnerId, as_json: Json = False) -> None:
    """Show one learner: score, reasons, what would help, past."""
    from engagement.cli.terminal.render import show_profile
    from engagement.views import profiles

    settings, store, now = console.start()
    profile = profiles.in_words(
        profiles.profile(store, learner_id, now=now, day=local_day(now, settings.zone))
    )
    if as_json:
        console.print_json(profile)
    else:
        show_profile(console.screen(), profile)


def nudge(
    learner_id: LearnerId,
    channel: Annotated[str, typer.Option(help="in_app, whatsapp or email.")],
    model: Model = "",
    as_json: Json = False,
) -> None:
    """Draft one nudge by hand. Nothing is sent before a person approves it."""
    from engagement.outreach import nudges

    made = _drafted(nudges.ask, learner_id, model, channel=channel)
    _show_draft(made, str(made["content"]), as_json)


def quiz(
    learner_id: LearnerId,
    topic: Annotated[str | None, typer.Option(help="The learner's own topic if left out.")] = None,
    model: Model = "",
    as_json: Json = False,
) -> None:
    """Draft one quiz by hand."""
    from engagement.outreach import quizzes

    made = _drafted(quizzes.ask, learner_id, model, topic=topic)
    text = "\n\n".join(
        question["stem"]
        + "".join(
            f"\n  {letter}  {option['text']}"
            for letter, option in zip("abcd", question["options"], strict=True)
        )
        for question in made["content"]
    )
    _show_draft(made, text, as_json)


def _drafted(
    ask: Callable[..., dict[str, Any]], learner_id: str, model: str, **wanted: str | None
) -> dict[str, Any]:
    """Return the draft that was asked for; a person in a terminal is shown that the model is asked."""
    from engagement.llm.writer import writer_for

    settings, store, now = console.start()
    writer = writer_for(settings, model=model)
    screen = console.screen(stderr=True)
    with ExitStack() as waiting:
        if screen.is_terminal and not writer.is_nobody:
            waiting.enter_context(screen.status(f"Asking {writer.model.name}; at most eight seconds"))
        return ask(store, learner_id, by=console.acting(settings, now), writer=writer, **wanted)


def _show_draft(made: dict[str, Any], text: str, as_json: bool) -> None:
    """Print one draft that was asked for."""
    from engagement.cli.terminal.render import show_draft

    if as_json:
        console.print_json(made)
    else:
        show_draft(console.screen(), made, text)
