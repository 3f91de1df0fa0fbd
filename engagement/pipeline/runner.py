"""Running a pipeline: its notebooks in order, each in a kernel of its own, and all or nothing in the end.

One process runs every notebook through papermill's API: five command lines would import everything five times,
and so would five kernels, which is why they come from a template (`kernels`).
Whether a step succeeded is decided here and written to the store, because the metadata papermill leaves in a
notebook is wrong after a time-out or a killed kernel. Which run it is, and what of it is done, is found by `attempt`.
"""

import json
import logging
import os
import re
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from engagement import errors, private, runs
from engagement.dates import utc_now
from engagement.errors import EngagementError, InvalidInput, NotFound, RunFailed
from engagement.jupyter import kernels, startup
from engagement.pipeline import artifacts, publication, stopping
from engagement.pipeline.artifacts import Artifacts
from engagement.pipeline.attempt import (
    Attempt,
    found_or_begun,
    record_failure,
    record_start,
    record_success,
)
from engagement.pipeline.config import LOAD, Pipeline, Step, parameters_of
from engagement.pipeline.incoming import inbox, sources
from engagement.pipeline.stopping import Stop
from engagement.runs import Run
from engagement.settings import PROJECT, folder_for_sockets, read_settings
from engagement.store import Store
from engagement.store.locks import sole_runner

_log = logging.getLogger(__name__)

Watcher = Callable[[str, str, float], None]  # step, status (running, done, skipped, failed), seconds

KERNEL_START_S: Final = 60
_LOOKS_EVERY_S: Final = 0.1  # whether the run was asked to end
_ENDS_WITHIN_S: Final = 15.0  # a step whose kernel was killed
_ANSI: Final = re.compile(r"\x1b\[[0-9;]*m")
# What was passed in is as wrong the second time; `_execute` begins with the error's name.
_OF_INPUT: Final = tuple(f"{kind.__name__}: " for kind in (InvalidInput, NotFound))
_BY_THE_SYSTEM: Final = re.compile(r"\[Errno (\d+)\] ")
_FRAMES: Final = ("File ", "Cell In")  # lines of source; what else stands in a traceback are messages


@dataclass(frozen=True)
class RunResult:
    """How a run ended: `published`, or `already done` where its key was published before."""

    run: Run
    status: str
    folder: Path
    artifacts: Artifacts
    steps: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, Any] = field(default_factory=dict)
    look: str = ""  # why a person should look at it although it is done

    @property
    def report(self) -> Path | None:
        """The first page."""
        return self.artifacts.pages[0].html if self.artifacts.pages else None

    def as_dict(self) -> dict[str, Any]:
        """Return the documented JSON form."""
        return {
            "run_id": self.run.run_id,
            "status": self.status,
            "steps": self.steps,
            **self.artifacts.as_dict(),
            "counts": self.counts,
            "look": self.look,
        }


def run(
    store: Store,
    pipeline: Pipeline,
    *,
    as_of: datetime,
    day: date,
    given: Mapping[str, str],
    folder: Path,
    started_at: datetime,
    watch: Watcher = lambda *_: None,
    again: bool = False,
) -> RunResult:
    """Run the pipeline for one instant and publish it; the same run again does nothing.

    Parameters
    ----------
    as_of, day
        The instant (naive UTC) and the institution's day it stands for.
    given
        Parameters as texts; see `config.parameters_of`.
    folder
        The reports folder; the run's own is `<folder>/<pipeline>/<run id>/`.
    started_at
        When it starts (naive UTC). What is in an inbox is known from then on: a run whose `as_of`
        lies before takes nothing from it.
    again
        Run it although it is done: a new attempt, which supersedes the one before.

    Raises
    ------
    InvalidInput
        A parameter is unknown or of another type: nothing has run.
    StoreBusy
        Another process runs a pipeline on this store.
    RunFailed
        A step failed for good, or the run was asked to end; the same command goes on from there.
    """
    parameters = parameters_of(pipeline, given)
    with stopping.listening() as stop, sole_runner(store.path):
        stop.check()
        attempt = found_or_begun(
            store,
            pipeline,
            as_of=as_of,
            day=day,
            parameters=parameters,
            folder=folder,
            now=started_at,
            again=again,
        )
        if attempt.run.is_published:
            return _already_done(store, pipeline, attempt)
        try:
            record_start(attempt, now=utc_now())
            inbox.check_news(store, attempt.run, pipeline.sources, attempt.files, now=started_at)
            # Two steps ask a model where there is one, and its library takes a second to import.
            asks = ("openai",) if read_settings().openai_api_key else ()
            with kernels.template((*kernels.PRELOADED, *asks)) as kernel:
                steps = _run_steps(store, pipeline, attempt, watch=watch, kernel=kernel, stop=stop)
            left, said = artifacts.made(store, pipeline, attempt.run, attempt.home)
            stop.check(attempt.run.run_id)
            counts = publication.publish(store, attempt.run, now=utc_now(), answer=said)
        except (EngagementError, OSError) as error:
            raise record_failure(store, attempt, error, now=utc_now()) from None
        record_success(attempt, counts, left, now=utc_now())
        look = "; ".join(
            filter(
                None,
                [
                    *publication.unlike_loads(store, attempt.run),
                    publication.too_many_templates(counts, pipeline.max_fallback_rate),
                ],
            )
        )
        return RunResult(attempt.run, "published", attempt.home, left, steps, counts, look)


def _already_done(store: Store, pipeline: Pipeline, attempt: Attempt) -> RunResult:
    with store.read() as db:
        counts = runs.counts(db, attempt.run.run_id)
    left = artifacts.there(pipeline, attempt.home)
    if attempt.home.is_dir():  # its last attempt may have ended between publishing and saying so
        record_success(attempt, counts, left, now=utc_now())
    return RunResult(attempt.run, "already done", attempt.home, left, [], counts)


def _run_steps(
    store: Store, pipeline: Pipeline, attempt: Attempt, *, watch: Watcher, kernel: type[Any], stop: Stop
) -> list[dict[str, Any]]:
    made = []
    for position, step in enumerate(pipeline.steps, start=1):
        stop.check(attempt.run.run_id)
        if attempt.has_done(step.notebook):
            watch(step.notebook, "skipped", 0.0)
            made.append({"step": step.notebook, "status": "skipped", "tries": 0, "seconds": 0.0})
        else:
            made.append(_run_step(store, step, position, attempt, watch=watch, kernel=kernel, stop=stop))
        if step.notebook == LOAD:
            sources.check_age(store, attempt.run, pipeline.sources)
    return made


def _run_step(
    store: Store,
    step: Step,
    position: int,
    attempt: Attempt,
    *,
    watch: Watcher,
    kernel: type[Any],
    stop: Stop,
) -> dict[str, Any]:
    """Execute one notebook, again after a failure as often as its pipeline says, unless the input is at fault."""
    run_id, started = attempt.run.run_id, time.monotonic()

    def mark(status: str, tries: int, **ended: Any) -> None:
        with store.write() as db:
            runs.mark_step(db, run_id, step.notebook, position, status, tries=tries, now=utc_now(), **ended)

    for tries in range(1, step.retries + 2):
        watch(step.notebook, "running", time.monotonic() - started)
        mark("running", tries)
        error = _executed(step, attempt, kernel, stop)
        if error:
            stop.check(run_id)
        seconds = round(time.monotonic() - started, 2)
        status = "failed" if error else "done"
        mark(status, tries, seconds=seconds, error=error)
        _log.info("step %s", status, extra={"run_id": run_id, "step": step.notebook, "tries": tries})
        watch(step.notebook, status, seconds)
        if not error:
            return {"step": step.notebook, "status": "done", "tries": tries, "seconds": seconds}
        if error.startswith(_OF_INPUT):
            break
    raise RunFailed(
        f"{run_id}: {step.notebook} failed{f' after {tries} tries' if tries > 1 else ''}: {error}; "
        f"see {attempt.home.name}/{step.notebook}.ipynb"
    )


def _executed(step: Step, attempt: Attempt, kernel: type[Any], stop: Stop) -> str:
    """Return what `_execute` does, in a thread of its own: in this one papermill would take the signals for itself.

    Its kernel is killed where the run is asked to end.
    """
    from jupyter_core.utils import ensure_event_loop  # with papermill, a second

    begun: list[Any] = []
    said = ["RunStopped"]

    def work() -> None:
        try:
            said[0] = _execute(step, attempt, kernels.kept(kernel, begun))
        finally:
            ensure_event_loop().close()  # papermill's own of this thread, which nobody else closes

    worker = threading.Thread(target=work, name=step.notebook, daemon=True)
    worker.start()
    deadline = float("inf")
    while worker.is_alive() and time.monotonic() < deadline:
        if stop.asked:
            deadline = min(deadline, time.monotonic() + _ENDS_WITHIN_S)
            _kill(begun)
        worker.join(_LOOKS_EVERY_S)
    return said[0] + _of_its_end(said[0], begun)


def _of_its_end(said: str, managers: Sequence[Any]) -> str:
    """Return what is added where a kernel ended by itself, or memory ran out; the system kills without a word."""
    ended = [manager.ended for manager in managers if manager.ended]
    if -signal.SIGKILL in ended:
        return f": its kernel was killed (SIGKILL), most likely because memory ran out; {errors.LESS_MEMORY}"
    if said == "MemoryError":
        return f": {errors.NO_MEMORY}; {errors.LESS_MEMORY}"
    if not said or not ended or ":" in said:
        return ""
    how = f"exit code {ended[-1]}" if ended[-1] > 0 else signal.Signals(-ended[-1]).name
    return f": its kernel ended by itself ({how}); standard error says why"


def _kill(managers: Sequence[Any]) -> None:
    for manager in managers:
        with suppress(OSError, AttributeError, TypeError):  # it has not begun yet, or has ended
            os.kill(manager.provisioner.pid, signal.SIGKILL)


def _execute(step: Step, attempt: Attempt, kernel: type[Any]) -> str:
    """Execute the notebook; return "" or, in one line without anybody's data, why it failed."""
    startup.skip_iri_grammar()
    import papermill  # a second; the command line answers without it
    from traitlets.config import Config

    logging.getLogger("papermill").addFilter(_is_not_said_by_us)
    notebook, given = attempt.notebook(step.notebook), attempt.given_to(step.notebook)
    private.remove(notebook)  # papermill would write through a link
    try:
        sockets = Path(tempfile.mkdtemp(prefix="eg", dir=folder_for_sockets("egabcdefgh/k-5")))
    except OSError as error:
        return f"{type(error).__name__}: {errors.of_the_system(error)}"
    try:
        papermill.execute_notebook(
            step.path,
            notebook,
            parameters=given,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            start_timeout=KERNEL_START_S,
            execution_timeout=step.timeout_s,
            cwd=PROJECT,
            config=Config({"KernelManager": {"transport": "ipc", "ip": str(sockets / "k")}}),
            kernel_manager_class=kernel,
        )
    except papermill.PapermillExecutionError as error:
        said = _may_be_said(error.ename, error.evalue)
        _quote_nobody(notebook, said)
        return said
    except Exception as error:
        # A notebook may fail in any way: time-out, killed kernel, no kernel, a file that is no notebook.
        refused = next(
            (cause for cause in _causes(error) if isinstance(cause, OSError) and cause.errno), None
        )
        said = f": {errors.of_the_system(refused, attempt.home)}" if refused else ""
        return f"{type(error).__name__}{said}"
    finally:
        shutil.rmtree(sockets, ignore_errors=True)
    return ""


def _is_not_said_by_us(record: logging.LogRecord) -> bool:
    """Return whether a line of papermill's is to be written: that a kernel died is told with what it died of."""
    return not record.getMessage().startswith("Kernel died")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it came of: a kernel that cannot be started is told of by what tried to."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _may_be_said(kind: str, said: str) -> str:
    """Return what is told of an error in a notebook: one of ours names no learner, what a library says might."""
    if hasattr(errors, kind):
        return f"{kind}: {said}"
    if number := _BY_THE_SYSTEM.match(said):  # and then of which file
        return f"{kind}: {errors.of_the_system(OSError(int(number[1]), os.strerror(int(number[1]))))}"
    return kind


def _quote_nobody(notebook: Path, said: str) -> None:
    """Leave of an error in an executed notebook where it happened and what may be said of it."""
    content = json.loads(notebook.read_text(encoding="utf-8"))
    for output in (output for cell in content["cells"] for output in cell.get("outputs", [])):
        if output["output_type"] == "error":
            frames = [entry for entry in output["traceback"] if _ANSI.sub("", entry).startswith(_FRAMES)]
            output |= {"evalue": said.partition(": ")[2], "traceback": [*frames, said]}
    private.write_whole(notebook, json.dumps(content, indent=1).encode())
