"""A process of its own for the tests of runs: it runs the nightly pipeline, or dies or starves on the way.

    run_worker.py run       FILE AS_OF STEPS            like `engagement run nightly`, with FILE as its source,
                                                        or as its inbox where it is a pattern
    run_worker.py die       FILE AS_OF STEPS BEFORE     kills itself where it would call `publish` or `write_index`
    run_worker.py starve    FILE AS_OF STEPS BYTES      no file it or its kernels write may grow beyond BYTES

STEPS is how many of the pipeline's steps there are; with less than all of them there is no report. The store and
the reports are those of the environment. Prints what `engagement run --json` prints.
"""

import json
import os
import resource
import signal
import sys

from engagement.dates import local_day, parse_as_of, utc_now
from engagement.errors import EngagementError
from engagement.jupyter import startup
from engagement.pipeline import config, publication, run_index, runner
from engagement.pipeline.config import Sources
from engagement.settings import read_settings
from engagement.store import Store

startup.skip_iri_grammar()
import papermill  # noqa: E402, F401  a run imports it late; here it is there before a process is forked


def kill_self(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)


def forked(env, said, arguments):
    """Do what `main` does, in a process forked with all that a run imports: what it says goes into a file."""
    os.environ.update(env)
    for end in (1, 2):
        os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND), end)
    main(*arguments)


def main(action, file, as_of, step_count, detail):
    if detail == "publish":
        publication.publish = kill_self
    if detail == "write_index":
        run_index.write_index = kill_self
    if action == "starve":
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(detail), int(detail)))
    try:
        result = run_nightly(file, as_of, int(step_count))
    except EngagementError as error:
        print(f"engagement: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    print(json.dumps(result.as_dict(), default=str))


def run_nightly(file, as_of, step_count):
    """Run so many steps of the nightly pipeline on the store of the environment, in this process."""
    settings = read_settings()
    instant = parse_as_of(as_of, settings.zone)
    sources = Sources(inbox=[file]) if "*" in file else Sources(learners=[file])
    nightly = config.read_pipeline("nightly").model_copy(update={"sources": sources})
    if step_count < len(nightly.steps):
        first = nightly.steps[:step_count]
        nightly = nightly.model_copy(update={"steps": first, "report": None})
    return runner.run(
        Store(settings.store),
        nightly,
        as_of=instant,
        day=local_day(instant, settings.zone),
        given={},
        folder=settings.reports,
        started_at=utc_now(),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
