"""The command line. Reads the clock and the settings once, calls the package, prints for people or as JSON.

Heavy modules are imported inside the commands: `--help` answers at once.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from engagement.cli import console, load, schedule, simulate, titles
from engagement.errors import EngagementError, InvalidInput
from engagement.operations import notifications

FINISHED_BUT_LOOK = 3
NO_MODEL = "none"

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Find the learners who are drifting away, say why, and draft a nudge or a quiz for each.",
)
queue = typer.Typer(no_args_is_help=True, help="Review drafts: list, approve, reject, export.")
app.add_typer(queue, name="queue")
app.add_typer(titles.app, name="titles")
app.add_typer(schedule.app, name="schedule")

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
AsOf = Annotated[
    str, typer.Option("--as-of", help="A date (its end) or an ISO date and time; today if left out.")
]
Program = Annotated[str | None, typer.Option(help="Only this program.")]
Model = Annotated[
    str, typer.Option(help="A model's name; left out: what the settings say. `none`: templates.")
]
Budget = Annotated[
    float | None,
    typer.Option("--budget-usd", min=0.0, help="Ask the model for at most so much; then templates."),
]
LearnerId = Annotated[str, typer.Argument(metavar="ID", help="The learner's id.")]
NudgeIds = Annotated[list[str], typer.Argument(metavar="ID...", help="Nudges, by id or its beginning.")]


@app.command()
def demo(
    learners: Annotated[int, typer.Option(help="Size of the invented cohort.")] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed invents the same learners.")] = 1,
    model: Model = NO_MODEL,
    budget_usd: Budget = None,
) -> None:
    """Invent a cohort and run the nightly pipeline on it; no model is asked unless one is named."""
    from engagement.demo import history

    settings, store, now = console.start_anew()
    screen = console.screen()
    as_of = history.cohort_day(store)
    if as_of is None:
        as_of = console.instant("", settings, now)
        with console.progress(screen) as progress:
            what = f"Inventing {learners:,} learners and eight weeks of their past"
            task = progress.add_task(what, total=8, note="")
            history.make(
                store,
                size=learners,
                seed=seed,
                as_of=as_of,
                zone=settings.zone,
                watch=lambda week: progress.update(task, completed=week),
            )
    given = console.for_the_model(model, budget_usd)
    result = console.run_pipeline("nightly", settings, store, as_of, given, console=screen)
    console.show_run(result, screen)
    screen.print("\nNext:")
    for command, what in (
        ("engagement learners --risk high", "who is at high risk, and why"),
        ("engagement queue list", "the drafts that wait for approval"),
        ("engagement dashboard", "the coordinators' page"),
        ("engagement explore", "JupyterLab with a notebook"),
    ):
        screen.print(f"  .venv/bin/{command:<33} [dim]{what}[/dim]", highlight=False)


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(help="Where the CSV files go.")] = Path("data"),
    learners: Annotated[int, typer.Option(help="How many.")] = 200,
    seed: Annotated[int, typer.Option(help="The same seed invents the same learners.")] = 1,
    as_of: AsOf = "",
) -> None:
    """Write an invented cohort as CSV files."""
    from engagement.demo.sample import cohort, write_csv

    settings, _, now = console.start_anew()
    invented = cohort(learners, seed=seed, as_of=console.instant(as_of, settings, now))
    for path in write_csv(invented, folder):
        print(path)


app.command()(load.load)
app.command()(simulate.simulate)


@app.command()
def score(as_of: AsOf = "", program: Program = None, as_json: Json = False) -> None:
    """Score everybody again now, by the numbers of the nightly run, and publish the scores."""
    from engagement.pipeline import rescoring

    settings, store, now = console.start()
    found = rescoring.recalculate(
        store,
        as_of=console.instant(as_of, settings, now),
        zone=settings.zone,
        programs=None if program is None else [program],
        now=now,
    )
    before, after = found["before"], found["after"]
    if as_json:
        console.print_json({"before": before, "after": after})
        return
    console.table(
        "Learners by risk",
        ("risk_label", "before", "after"),
        [{"risk_label": label, "before": before[label], "after": after[label]} for label in after],
    )


@app.command()
def run(
    name: Annotated[str, typer.Argument(help="A pipeline, such as nightly.")],
    as_of: AsOf = "",
    parameter: Annotated[
        list[str] | None, typer.Option("-p", metavar="NAME=VALUE", help="For the notebooks.")
    ] = None,
    model: Model = "",
    budget_usd: Budget = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Say what the model would be asked and what that costs; ask nothing."),
    ] = False,
    with_names: Annotated[bool, typer.Option("--with-names", help="Name learners in the report.")] = False,
    as_json: Json = False,
) -> None:
    """Run a pipeline of notebooks. All of it is published, or nothing.

    Exit code 3: it is published, but more texts are templates than the pipeline allows.
    """
    settings, store, now = console.start_anew()
    with notifications.of_failure(settings, name, wanted=not dry_run):
        instant = console.instant(as_of, settings, now)
        given = dict(console.name_and_value(text, option="-p") for text in parameter or [])
        if dry_run:
            console.show_estimate(
                name, settings, store, instant, given=given, model=model, now=now, as_json=as_json
            )
            return
        given |= console.for_the_model(model, budget_usd)
        if with_names:
            given["with_names"] = "true"
        screen = console.screen(stderr=as_json)
        result = console.run_pipeline(name, settings, store, instant, given, console=screen)
    if as_json:
        console.print_json(result.as_dict())
    else:
        console.show_run(result, screen)
    if result.look:
        notifications.send(settings, notifications.to_look_at(result, exit_code=FINISHED_BUT_LOOK))
        raise typer.Exit(FINISHED_BUT_LOOK)


@app.command()
def learners(
    risk: Annotated[str | None, typer.Option(help="high, medium, low or unknown.")] = None,
    program: Program = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    as_json: Json = False,
) -> None:
    """List learners, worst first, with the main reason."""
    from engagement.views import roster
    from engagement.vocabulary import LABELS

    if risk is not None and risk not in LABELS:
        raise InvalidInput(f"risk {risk!r}: allowed are {', '.join(LABELS)}")
    _, store, _ = console.start()
    rows = roster.by_risk(store, risk_label=risk, program=program, limit=limit)
    if as_json:
        console.print_json(rows)
        return
    console.table("Worst first", ("id", "name", "program", "risk_score", "risk_label", "top_reason"), rows)


@app.command()
def learner(learner_id: LearnerId, as_json: Json = False) -> None:
    """Show one learner: score, reasons, remedies, past."""
    from engagement.cli.render import show_profile
    from engagement.dates import local_day
    from engagement.views import profiles

    settings, store, now = console.start()
    day = local_day(now, settings.zone)
    profile = profiles.in_words(profiles.profile(store, learner_id, now=now, day=day))
    if as_json:
        console.print_json(profile)
    else:
        show_profile(console.screen(), profile)


@app.command()
def nudge(
    learner_id: LearnerId,
    channel: Annotated[str, typer.Option(help="in_app, whatsapp or email.")],
    model: Model = "",
    as_json: Json = False,
) -> None:
    """Draft one nudge by hand. It waits in the queue for approval."""
    from engagement.dates import local_day
    from engagement.llm.writer import writer_for
    from engagement.outreach import nudges

    settings, store, now = console.start()
    day, writer = local_day(now, settings.zone), writer_for(settings, model=model)
    with console.waiting_for(writer):
        made = nudges.ask(
            store, learner_id, channel=channel, actor=console.actor(), now=now, day=day, writer=writer
        )
    console.show_draft(made, str(made["content"]), as_json)


@app.command()
def quiz(
    learner_id: LearnerId,
    topic: Annotated[str | None, typer.Option(help="The learner's own topic if left out.")] = None,
    model: Model = "",
    as_json: Json = False,
) -> None:
    """Draft one quiz by hand."""
    from engagement.dates import local_day
    from engagement.llm.writer import writer_for
    from engagement.outreach import quizzes

    settings, store, now = console.start()
    day, writer = local_day(now, settings.zone), writer_for(settings, model=model)
    with console.waiting_for(writer):
        made = quizzes.ask(
            store, learner_id, topic=topic, actor=console.actor(), now=now, day=day, writer=writer
        )
    text = "\n\n".join(
        question["stem"]
        + "".join(
            f"\n  {letter}  {option['text']}"
            for letter, option in zip("abcd", question["options"], strict=True)
        )
        for question in made["content"]
    )
    console.show_draft(made, text, as_json)


@queue.command("list")
def queue_list(
    status: Annotated[str, typer.Option(help="draft, approved, sent, …")] = "draft",
    program: Program = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many in the table.")] = 20,
    as_json: Json = False,
) -> None:
    """List nudges, worst first."""
    from engagement.outreach import review

    _, store, _ = console.start()
    rows = review.listed(store, status=status, program=program)
    console.show_nudges(rows, limit, as_json)


@queue.command("approve")
def queue_approve(ids: NudgeIds, as_json: Json = False) -> None:
    """Approve drafts."""
    from engagement.outreach import review

    _, store, now = console.start()
    console.show_nudges(review.approve(store, ids, actor=console.actor(), now=now), len(ids), as_json)


@queue.command("reject")
def queue_reject(
    ids: NudgeIds, reason: Annotated[str, typer.Option(help="Why; it is kept.")], as_json: Json = False
) -> None:
    """Reject drafts, with a reason."""
    from engagement.outreach import review

    _, store, now = console.start()
    console.show_nudges(
        review.reject(store, ids, actor=console.actor(), now=now, reason=reason), len(ids), as_json
    )


@queue.command("export")
def queue_export(
    mark_sent: Annotated[bool, typer.Option("--mark-sent", help="Record that they were sent.")] = False,
    as_json: Json = False,
) -> None:
    """Print the approved nudges as CSV (or JSON) for whatever sends them."""
    from engagement.outreach import review

    _, store, now = console.start()
    rows = review.export(store, actor=console.actor(), now=now, mark_sent=mark_sent)
    if as_json:
        console.print_json(rows)
    else:
        review.write_csv(rows, sys.stdout)


@app.command()
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

    server.serve(server.Options(host, port, token, base_url, viewers), settings)


@app.command()
def explore(port: Annotated[int, typer.Option(help="On 127.0.0.1.")] = 8888) -> None:
    """Open JupyterLab on copies of the store and of the notebooks (`notebooks/explore`), at the one for a cohort.

    The copy of the store holds all that is known of the learners. It is for you alone and goes when JupyterLab ends.
    """
    from engagement.jupyter import lab

    _, store, _ = console.start()
    raise typer.Exit(lab.explore(store, port=port))


@app.command()
def doctor(as_json: Json = False) -> None:
    """Check the store, templates and settings. Secrets are never shown."""
    from engagement.operations import health
    from engagement.settings import read_settings

    try:
        found = health.examine(read_settings(), now=console.now())
    except InvalidInput as error:
        found = [health.Check("settings", False, str(error))]
    ok = all(check.ok for check in found)
    if as_json:
        console.print_json({"ok": ok, "checks": [check.as_dict() for check in found]})
    else:
        console.table(
            "Checks",
            ("ok", "name", "detail"),
            [{**c.as_dict(), "ok": "ok" if c.ok else "FAILED"} for c in found],
            longest=400,
        )
    raise typer.Exit(0 if ok else 1)


def main() -> None:
    """Run the command line; an error of ours is one line on standard error and its exit code."""
    from engagement.cli.logs import set_up

    set_up()
    try:
        app()
    except EngagementError as error:
        _say(str(error))
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of a pipe has gone; nothing is wrong
        sys.exit(0)
    except MemoryError:
        _say(
            "more memory is needed than there is; ENGAGEMENT_MEMORY (in MB) leaves the store's engine less of it"
        )
        sys.exit(EngagementError.exit_code)
    except OSError as error:  # a folder that may not be written, a full disk
        _say(f"{error.filename or 'the system'}: {error.strerror}")
        sys.exit(EngagementError.exit_code)


def _say(message: str) -> None:
    """Print one line to standard error; what a file or an id was called does not act in the terminal."""
    from engagement.cli.render import plain

    print(f"engagement: {plain(message, 2_000).plain}", file=sys.stderr)


if __name__ == "__main__":
    main()
