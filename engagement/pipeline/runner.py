"""Running a pipeline: its notebooks in order, each in a kernel of its own, and all or nothing in the end.

One process runs every notebook through papermill's API: five command lines would import everything five times,
and so would five kernels, which is why they come from a template (`kernels`).
Whether a step succeeded is decided here and written to the store, because the metadata papermill leaves in a
notebook is wrong after a time-out or a killed kernel. What a run does is decided by its key (`runs`): the same key
is done already, or goes on at the step that failed.
"""

import json
import logging
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from engagement import runs
from engagement.dates import utc_now
from engagement.errors import EngagementError, RunFailed
from engagement.jupyter import kernels, startup
from engagement.pipeline import artifacts, inbox, publication, run_index, sources
from engagement.pipeline.artifacts import Artifacts
from engagement.pipeline.config import LOAD, Pipeline, Step, Value, parameters_of
from engagement.pipeline.inbox import File
from engagement.runs import Run
from engagement.settings import PROJECT
from engagement.store import Store
from engagement.store.locks import sole_runner

_log = logging.getLogger(__name__)

Watcher = Callable[[str, str, float], None]  # step, status (running, done, skipped, failed), seconds

KERNEL_START_S: Final = 60
_ANSI: Final = re.compile(r"\x1b\[[0-9;]*m")
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

    Raises
    ------
    InvalidInput
        A parameter is unknown or of another type: nothing has run.
    StoreBusy
        Another process runs a pipeline on this store.
    RunFailed
        A step failed for good; the same command goes on from there.
    """
    parameters = parameters_of(pipeline, given)
    with sole_runner(store.path):
        current, done, files = _begin(
            store, pipeline, as_of=as_of, day=day, parameters=parameters, now=started_at
        )
        home = folder / pipeline.name / current.run_id
        if current.is_published:
            return _already_done(store, pipeline, current, home)
        try:
            home.mkdir(parents=True, exist_ok=True)
            run_index.write_record(home, current, "running", now=utc_now())
            inbox.check_news(store, current, pipeline.sources, files, now=started_at)
            with kernels.template() as kernel:
                made = _run_steps(
                    store,
                    pipeline,
                    current,
                    parameters,
                    done=done,
                    files=files,
                    home=home,
                    watch=watch,
                    kernel=kernel,
                )
            left, said = artifacts.made(store, pipeline, current, home)
            counts = publication.publish(store, current, now=utc_now(), answer=said)
        except (EngagementError, OSError) as error:
            plain = error if isinstance(error, EngagementError) else _cannot_write(current, error)
            _write_down_failure(store, current, plain, home)
            plain.run_id = current.run_id
            raise plain from None
        _write_down_success(current, home, counts, left)
        look = publication.too_many_templates(counts, pipeline.max_fallback_rate)
        return RunResult(current, "published", home, left, made, counts, look)


def _begin(
    store: Store,
    pipeline: Pipeline,
    *,
    as_of: datetime,
    day: date,
    parameters: Mapping[str, Mapping[str, Value]],
    now: datetime,
) -> tuple[Run, list[str], list[File]]:
    """Return the run of this key, new or to be taken up again, the steps it has done, and the files it loads."""
    rules = {sources.PLAN: pipeline.sources.rules} if pipeline.sources.rules else {}
    decided = {**parameters, **rules}
    there = inbox.found(pipeline.sources)
    if pipeline.sources.inboxes and not (there if as_of >= now else inbox.named(there)):
        with store.read():  # `NotFound` where there is none: a run over nothing would look like a result
            pass
    with store.write() as db:
        for files in inbox.offers(db, pipeline.name, there, as_of=as_of, now=now):
            coming = inbox.to_load(db, files)
            fingerprint = inbox.fingerprint(db, coming, as_of=as_of)
            key = runs.run_key(pipeline.name, as_of, decided, fingerprint, pipeline.policy.policy_hash)
            found = runs.find(db, pipeline.name, key)
            if found:
                break
        if found and found.is_published:
            return found, [], []
        for run_id in runs.unpublished(db, pipeline.name):
            if found is None or run_id != found.run_id:
                publication.discard(store, run_id, now=utc_now())
        done = []
        if found:
            runs.mark(db, found.run_id, "running", now=utc_now())
            done = runs.steps_done(db, found.run_id)
        else:
            found = runs.begin(
                db,
                pipeline.name,
                key=key,
                as_of=as_of,
                day=day,
                parameters=parameters,
                fingerprint=fingerprint,
                policy=pipeline.policy,
                now=now,
            )
        return found, done, inbox.keep_plan(db, found, pipeline.sources, coming, there=there)


def _already_done(store: Store, pipeline: Pipeline, current: Run, home: Path) -> RunResult:
    with store.read() as db:
        counts = runs.counts(db, current.run_id)
    left = artifacts.there(pipeline, home)
    if home.is_dir():  # its last attempt may have ended between publishing and saying so
        _write_down_success(current, home, counts, left)
    return RunResult(current, "already done", home, left, [], counts)


def _write_down_failure(store: Store, current: Run, error: EngagementError, home: Path) -> None:
    """Record why the run failed; where nothing can be written, the error alone has to say it."""
    with suppress(EngagementError), store.write() as db:
        runs.mark(db, current.run_id, "failed", now=utc_now(), error=str(error))
    with suppress(EngagementError, OSError):
        run_index.write_record(home, current, "failed", now=utc_now())
        run_index.write_index(home.parents[1])


def _write_down_success(current: Run, home: Path, counts: Mapping[str, Any], left: Artifacts) -> None:
    try:
        if run_index.recorded_status(home) != "published":
            run_index.write_record(home, current, "published", now=utc_now(), counts=counts, artifacts=left)
        run_index.write_index(home.parents[1])
    except OSError as error:
        raise _cannot_write(current, error) from None


def _cannot_write(current: Run, error: OSError) -> RunFailed:
    return RunFailed(
        f"{current.run_id}: its folder cannot be written: {error.strerror}; the same command goes on from here"
    )


def _run_steps(
    store: Store,
    pipeline: Pipeline,
    current: Run,
    parameters: Mapping[str, Mapping[str, Value]],
    *,
    done: list[str],
    files: list[File],
    home: Path,
    watch: Watcher,
    kernel: type[Any],
) -> list[dict[str, Any]]:
    given: dict[str, dict[str, Value]] = {
        LOAD: {
            f"{kind}_files": [file.name for file in files if file.kind == f"{kind}s"]
            for kind in ("learner", "event")
        }
    }
    made = []
    for position, step in enumerate(pipeline.steps, start=1):
        if step.notebook in done and (home / f"{step.notebook}.ipynb").is_file():
            watch(step.notebook, "skipped", 0.0)
            made.append({"step": step.notebook, "status": "skipped", "tries": 0, "seconds": 0.0})
        else:
            named: dict[str, Value] = {
                **parameters[step.notebook],
                "as_of": current.as_of.isoformat(),
                "run_id": current.run_id,
                **given.get(step.notebook, {}),
            }
            made.append(
                _run_step(store, step, position, current, named=named, home=home, watch=watch, kernel=kernel)
            )
        if step.notebook == LOAD:
            sources.check_age(store, current, pipeline.sources)
    return made


def _run_step(
    store: Store,
    step: Step,
    position: int,
    current: Run,
    *,
    named: Mapping[str, Value],
    home: Path,
    watch: Watcher,
    kernel: type[Any],
) -> dict[str, Any]:
    """Execute one notebook, again after a failure as often as its pipeline says."""
    started = time.monotonic()
    for tries in range(1, step.retries + 2):
        watch(step.notebook, "running", time.monotonic() - started)
        with store.write() as db:
            runs.mark_step(db, current.run_id, step.notebook, position, "running", tries=tries, now=utc_now())
        error = _execute(step, named, home, kernel)
        seconds = round(time.monotonic() - started, 2)
        status = "failed" if error else "done"
        with store.write() as db:
            runs.mark_step(
                db,
                current.run_id,
                step.notebook,
                position,
                status,
                tries=tries,
                now=utc_now(),
                seconds=seconds,
                error=error,
            )
        _log.info("step %s", status, extra={"run_id": current.run_id, "step": step.notebook, "tries": tries})
        watch(step.notebook, status, seconds)
        if not error:
            return {"step": step.notebook, "status": "done", "tries": tries, "seconds": seconds}
    raise RunFailed(
        f"{current.run_id}: {step.notebook} failed after {tries} tries: {error}; see {home.name}/{step.notebook}.ipynb"
    )


def _execute(step: Step, named: Mapping[str, Value], home: Path, kernel: type[Any]) -> str:
    """Execute the notebook; return "" or, in one line without anybody's data, why it failed."""
    startup.skip_iri_grammar()
    import papermill  # a second; the command line answers without it
    from traitlets.config import Config

    sockets = Path(tempfile.mkdtemp(prefix="eg"))  # short: a socket's path has 107 characters at most
    config = Config({"KernelManager": {"transport": "ipc", "ip": str(sockets / "k")}})
    try:
        papermill.execute_notebook(
            step.path,
            home / f"{step.notebook}.ipynb",
            parameters=dict(named),
            kernel_name="python3",
            language="python",
            progress_bar=False,
            start_timeout=KERNEL_START_S,
            execution_timeout=step.timeout_s,
            cwd=PROJECT,
            config=config,
            kernel_manager_class=kernel,
        )
    except papermill.PapermillExecutionError as error:
        # An error of ours names no learner; what another library says might.
        ours = error.ename in {kind.__name__ for kind in _kinds(EngagementError)}
        said = f"{error.ename}: {error.evalue}" if ours else str(error.ename)
        _quote_nobody(home / f"{step.notebook}.ipynb", said)
        return said
    except OSError as error:
        return f"{type(error).__name__}: {error.strerror}"
    except Exception as error:
        # A notebook may fail in any way: time-out, killed kernel, no kernel, a file that is no notebook.
        return type(error).__name__
    finally:
        shutil.rmtree(sockets, ignore_errors=True)
    return ""


def _quote_nobody(notebook: Path, said: str) -> None:
    """Leave of an error in an executed notebook where it happened and what may be said of it."""
    content = json.loads(notebook.read_text(encoding="utf-8"))
    for output in (output for cell in content["cells"] for output in cell.get("outputs", [])):
        if output["output_type"] == "error":
            frames = [entry for entry in output["traceback"] if _ANSI.sub("", entry).startswith(_FRAMES)]
            output |= {"evalue": said.partition(": ")[2], "traceback": [*frames, said]}
    notebook.write_text(json.dumps(content, indent=1), encoding="utf-8")


def _kinds(kind: type[EngagementError]) -> list[type[EngagementError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in _kinds(child))]
