"""The command line: its commands, and how each of them ends where something is wrong.

What a command needs is imported when it runs: `--help` answers at once.
"""

import sys

import typer

from engagement.cli import learners, queue, run, schedule, serve, simulate, titles
from engagement.cli.loading import coverage, events, load, quarantine, sources, sync
from engagement.cli.terminal import console
from engagement.errors import LESS_MEMORY, NO_MEMORY, EngagementError, of_the_system

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Find the learners who are drifting away, say why, and draft a nudge or a quiz for each.",
)
for command in (
    *(
        run.demo,
        run.sample,
        load.load,
        load.oulad,
        quarantine.quarantine,
        events.events,
        coverage.coverage,
        simulate.simulate,
        run.score,
        run.run,
    ),
    *(learners.learners, learners.learner, learners.nudge, learners.quiz),
    *(serve.dashboard, serve.explore, serve.doctor),
):
    app.command()(command)
app.add_typer(queue.app, name="queue")
app.add_typer(sources.app, name="sources")
app.add_typer(sync.app, name="sync")
app.add_typer(titles.app, name="titles")
app.add_typer(schedule.app, name="schedule")


def main() -> None:
    """Run the command line; an error of ours is one line on standard error and its exit code."""
    console.set_up_home()
    console.set_up_output()
    console.set_up_logs()
    try:
        try:
            app(load.as_said_now(sys.argv[1:]))
        except SystemExit:
            sys.stdout.flush()  # here, where it can be told that it cannot be
            raise
    except EngagementError as error:
        _say(str(error))
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of a pipe has gone; nothing is wrong
        sys.exit(0)
    except MemoryError:
        # And nothing else, for which something would have to be imported.
        print(f"engagement: {NO_MEMORY}; {LESS_MEMORY}", file=sys.stderr)
        sys.exit(EngagementError.exit_code)
    except OSError as error:  # a folder that may not be written, a full disk
        console.drop_output()
        _say(of_the_system(error))
        sys.exit(EngagementError.exit_code)


def _say(message: str) -> None:
    """Print one line to standard error; what a file or an id was called does not act in the terminal."""
    from engagement.cli.terminal.render import plain

    print(f"engagement: {plain(message, 2_000).plain}", file=sys.stderr)
