"""`engagement demo`, `sample`, `score` and `run`: invent a cohort, score everybody, run a pipeline."""

import logging
import os
from contextlib import nullcontext
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from engagement import dates
from engagement.cli.terminal import console
from engagement.cli.terminal.console import AsOf, Json, Model, Program

if TYPE_CHECKING:
    from rich.console import Console

    from engagement.llm.progress import Progress as TextsDone
    from engagement.pipeline.config import Pipeline
    from engagement.pipeline.runner import RunResult
    from engagement.settings import Settings
    from engagement.store import Store

_log = logging.getLogger(__name__)

NICENESS: Final = 10  # of a run; at most 19
FINISHED_BUT_LOOK: Final = 3  # the exit code
_NO_MODEL: Final = "none"
_LOOKS_EVERY_S: Final = 0.5  # at how far a batch of texts is, where a person watches
_LOGS_EVERY_S: Final = 15.0  # and where a log does

Budget = Annotated[
    float | None,
    typer.Option("--budget-usd", min=0.0, help="Ask the model for at most so much; then templates."),
]


def demo(
    learners: Annotated[int, typer.Option(help="Size of the invented cohort.")] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed invents the same learners.")] = 1,
    model: Model = _NO_MODEL,
    budget_usd: Budget = None,
) -> None:
    """Invent a cohort and run the nightly pipeline on it; no model is asked unless one is named."""
    from engagement.demo import history
    from engagement.store import open_store

    settings, _, now = console.start_anew()
    store = open_store(settings.demo_store)
    screen = console.screen()
    as_of = history.cohort_day(store)
    if as_of is None:
        as_of = console.instant("", settings, now)
        with console.progress(screen) as progress:
            task = progress.add_task(
                f"Inventing {learners:,} learners and eight weeks of their past", total=8, note=""
            )
            history.make(
                store,
                size=learners,
                seed=seed,
                as_of=as_of,
                now=now,
                zone=settings.zone,
                watch=lambda week: progress.update(task, completed=week),
            )
    result = _run_pipeline(
        "nightly", settings, store, as_of, _for_the_model(model, budget_usd), screen=screen
    )
    _show_run(result, screen)
    screen.print("\nNext:")
    for command, what in (
        ("engagement learners --risk high", "who is at high risk, and why"),
        ("engagement queue list", "the drafts, to approve or reject"),
        ("engagement dashboard", "the coordinators' page"),
        ("engagement explore", "JupyterLab with a notebook"),
    ):
        screen.print(f"  .venv/bin/{command:<33} [dim]{what}[/dim]", highlight=False)


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


def score(as_of: AsOf = "", program: Program = None, as_json: Json = False) -> None:
    """Score everybody again now, by the numbers of the nightly run, and publish the scores."""
    from engagement.pipeline import rescoring

    settings, store, now = console.start()
    program = console.program(store, program)
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
    else:
        console.table(
            "Learners by risk",
            ("risk_label", "before", "after"),
            [{"risk_label": label, "before": before[label], "after": after[label]} for label in after],
        )


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
    again: Annotated[
        bool, typer.Option("--again", help="Run it although it is done: what it finds supersedes that.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run a pipeline of notebooks. All of it is published, or nothing.

    Exit code 3: it is published, but look: more texts are templates than the pipeline allows, or a file is unlike those
    before it.
    """
    from engagement.operations import notifications
    from engagement.pipeline import config, stopping

    settings, own, now = console.start_anew()
    with (
        notifications.of_failure(settings, name, wanted=not dry_run),
        nullcontext() if dry_run else stopping.listening(),
    ):
        instant = console.instant(as_of, settings, now)
        store = own if config.read_pipeline(name).sources.bring_learners else console.asked(settings)
        given = dict(console.name_and_value(text, option="-p") for text in parameter or [])
        if dry_run:
            _show_estimate(name, settings, store, instant, given=given, model=model, now=now, as_json=as_json)
            return
        given |= _for_the_model(model, budget_usd)
        if with_names:
            given["with_names"] = "true"
        screen = console.screen(stderr=as_json)
        result = _run_pipeline(name, settings, store, instant, given, screen=screen, again=again)
    if result.look:  # before it is printed, which may go wrong
        notifications.send(settings, notifications.to_look_at(result, exit_code=FINISHED_BUT_LOOK))
    if as_json:
        console.print_json(result.as_dict())
    else:
        _show_run(result, screen)
    if result.look:
        raise typer.Exit(FINISHED_BUT_LOOK)


def _for_the_model(model: str, budget_usd: float | None) -> dict[str, str]:
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


def _run_pipeline(
    name: str,
    settings: "Settings",
    store: "Store",
    as_of: datetime,
    given: dict[str, str],
    *,
    screen: "Console",
    again: bool = False,
) -> "RunResult":
    """Run a pipeline of that name and show its steps as they go, giving way to whoever else works on the machine."""
    from engagement.llm.progress import watched
    from engagement.pipeline import config, runner

    chosen = config.read_pipeline(name)
    if not chosen.sources.bring_learners:
        with store.read():  # `NotFound` where there is none: a run over nothing would look like a result
            pass
    os.environ["ENGAGEMENT_STORE"] = str(
        store.path
    )  # the notebooks stay with it, whatever is loaded meanwhile
    os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
    with console.progress(screen) as bars:
        tasks = {
            step.notebook: bars.add_task(step.notebook, total=1, visible=False, note="")
            for step in chosen.steps
        }

        def tell(done: "TextsDone") -> None:
            for task in (task for task in bars.tasks if task.visible and not task.finished):
                bars.update(task.id, total=done.total, completed=done.asked, note=str(done))
            if not screen.is_terminal:
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

        with watched(store.path, name, tell, every_s=_LOOKS_EVERY_S if screen.is_terminal else _LOGS_EVERY_S):
            return runner.run(
                store,
                chosen,
                as_of=as_of,
                day=dates.local_day(as_of, settings.zone),
                given=_with_model(given, chosen, settings),
                folder=settings.reports_of(store.path),
                started_at=dates.utc_now(),
                watch=watch,
                again=again,
            )


def _show_run(result: "RunResult", screen: "Console") -> None:
    """Print what a run found, or that it was done before."""
    from engagement.cli.terminal.render import show_artifacts, show_summary
    from engagement.pipeline.config import read_pipeline
    from engagement.targeting.selection import WORDS

    if result.status == "already done":
        anew = ", which asks the Moodle anew" if read_pipeline(result.run.pipeline).sources.moodle else ""
        screen.print(
            f"\nThis run is already done ({result.run.run_id}); nothing was added. Another file or another way to read "
            "one, another policy or parameter, an edited notebook, template or prompt, or a confirmed title would make "
            f"it run; so does engagement run {result.run.pipeline} --again{anew}.",
            highlight=False,
        )
    title = f"{result.run.pipeline.capitalize()} run as of {dates.day_in_words(result.run.day)}"
    show_summary(screen, result.counts, title=title, reasons=WORDS, report=result.report)
    left = result.artifacts
    show_artifacts(
        screen,
        [
            *(("Also", page.html) for page in left.pages[1:]),
            *(("For mail", path) for path in (left.pdf, left.summary) if path),
        ],
    )
    if left.missing:
        screen.print(f"It was published {left.missing}.", style="dim", highlight=False)
    if result.look:
        screen.print(f"\nPlease look: {result.look}.", style="bold yellow", highlight=False)


def _show_estimate(
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
    from engagement.cli.terminal.render import show_estimate
    from engagement.pipeline import config, dry_run

    estimate = dry_run.of_run(
        store,
        config.read_pipeline(name),
        settings,
        as_of=as_of,
        day=dates.local_day(as_of, settings.zone),
        given=given,
        model=model,
        now=now,
    )
    if as_json:
        console.print_json(asdict(estimate))
    else:
        show_estimate(console.screen(), estimate)
