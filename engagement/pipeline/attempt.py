"""One attempt at a run: found again or begun, what it gives to its notebooks, and how it ended.

A run is found by its key, which is everything that decides its result (`runs`): it is done already, or goes on at the
step that failed. What another key has left half done in the pipeline is forgotten.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from engagement import private, runs
from engagement.errors import FULL, EngagementError, RunFailed, of_the_system
from engagement.pipeline import program, publication, run_index
from engagement.pipeline.artifacts import Artifacts
from engagement.pipeline.config import LOAD, Pipeline, Value
from engagement.pipeline.incoming import inbox
from engagement.pipeline.incoming.inbox import File, Offer
from engagement.pipeline.incoming.source_config import PLAN
from engagement.runs import Run
from engagement.settings import read_settings
from engagement.store import Cursor, Store


@dataclass(frozen=True)
class Attempt:
    """A run with its folder `home`; while it is not published, also which steps it has done and the files it loads."""

    run: Run
    home: Path
    parameters: Mapping[str, Mapping[str, Value]]
    done: Sequence[str] = ()
    files: Sequence[File] = ()

    def notebook(self, step: str) -> Path:
        """Return where the step's notebook lies once it is executed."""
        return self.home / f"{step}.ipynb"

    def has_done(self, step: str) -> bool:
        """Return whether the step is done and its notebook there, so that it is left as it is."""
        return step in self.done and self.notebook(step).is_file()

    def given_to(self, step: str) -> dict[str, Value]:
        """Return the parameters of the step's notebook."""
        given = {
            **self.parameters[step],
            "as_of": self.run.as_of.isoformat(),
            "run_id": self.run.run_id,
        }
        if step == LOAD:
            given |= {
                "learner_files": [file.name for file in self.files if file.kind == "learners"],
                "event_files": [file.name for file in self.files if file.kind == "events"],
            }
        return given


def found_or_begun(
    store: Store,
    pipeline: Pipeline,
    *,
    as_of: datetime,
    day: date,
    parameters: Mapping[str, Mapping[str, Value]],
    folder: Path,
    now: datetime,
    again: bool,
) -> Attempt:
    """Return the run of this key: published, to be taken up where it stopped, or new. `again`: new in any case.

    One that was made by other notebooks, templates or prompts is done again. Raises `NotFound` where there is no store
    and nothing to make one of.
    """
    there = inbox.found(store, pipeline.sources, read_settings().zone.key)
    if there or pipeline.sources.moodle if as_of >= now else inbox.named(there):
        store.make()
    made_by = program.of(pipeline)
    with store.write() as db:
        offers = inbox.offers(db, pipeline.name, there, as_of=as_of, now=now)
        run, key, offer = _chosen(db, pipeline, offers, as_of=as_of, parameters=parameters)
        if run and (again or not _stands(db, run, made_by)):
            run = None
        if run and run.is_published:
            return Attempt(run, _home(folder, run), parameters)
        for run_id in runs.unpublished(db, pipeline.name):
            if run is None or run_id != run.run_id:
                publication.discard(store, run_id, now=now)
        if run is None:
            run = runs.begin(
                db,
                pipeline.name,
                key=key,
                as_of=as_of,
                day=day,
                parameters=parameters,
                fingerprint=offer.fingerprint,
                policy=pipeline.policy,
                now=now,
            )
        runs.keep_parameters(db, run.run_id, {**runs.parameters(db, run.run_id), program.PROGRAM: made_by})
        runs.mark(db, run.run_id, "running", now=now)
        files = inbox.keep_plan(db, run, pipeline.sources, offer)
        return Attempt(run, _home(folder, run), parameters, runs.steps_done(db, run.run_id), files)


def _stands(db: Cursor, run: Run, made_by: Mapping[str, Any]) -> bool:
    """Return whether what the run has done would be done alike by what is there now."""
    kept = runs.parameters(db, run.run_id).get(program.PROGRAM, {})
    if run.is_published:
        return program.is_same(kept, made_by)
    return program.can_go_on(kept, made_by, runs.steps_done(db, run.run_id))


def _chosen(
    db: Cursor,
    pipeline: Pipeline,
    offers: Iterable[Offer],
    *,
    as_of: datetime,
    parameters: Mapping[str, Mapping[str, Value]],
) -> tuple[Run | None, str, Offer]:
    """Return the first known run that an offer makes; without one none, and the key of the last offer."""
    rules = {PLAN: pipeline.sources.rules} if pipeline.sources.rules else {}
    for offer in offers:
        key = runs.run_key(
            pipeline.name, as_of, {**parameters, **rules}, offer.fingerprint, pipeline.policy.policy_hash
        )
        if run := runs.find(db, pipeline.name, key):
            break
    return run, key, offer


def _home(folder: Path, run: Run) -> Path:
    return folder / run.pipeline / run.run_id


def record_start(attempt: Attempt, *, now: datetime) -> None:
    """Make the folder of the attempt, with a record that says it runs."""
    private.follow_no_link(attempt.home.parent, attempt.home)
    private.make_folder(attempt.home)
    private.close_to_others(attempt.home.parent)  # earlier versions left it open, and the runs in it
    run_index.write_record(attempt.home, attempt.run, "running", now=now)


def record_failure(
    store: Store, attempt: Attempt, error: EngagementError | OSError, *, now: datetime
) -> EngagementError:
    """Record why the attempt failed, and return the error that tells it.

    Where nothing can be written, the error alone has to say it.
    """
    plain = error if isinstance(error, EngagementError) else _cannot_write(attempt, error)
    with suppress(EngagementError), store.write() as db:
        runs.mark(db, attempt.run.run_id, "failed", now=now, error=str(plain))
    with suppress(EngagementError, OSError):
        run_index.write_record(attempt.home, attempt.run, "failed", now=now)
        run_index.write_index(attempt.home.parents[1])
    plain.run_id = attempt.run.run_id
    return plain


def record_success(attempt: Attempt, counts: Mapping[str, Any], left: Artifacts, *, now: datetime) -> None:
    """Record that the run is published, where that is not yet written beside its notebooks."""
    home, run = attempt.home, attempt.run
    try:
        if run_index.recorded_status(home) != "published":
            run_index.write_record(home, run, "published", now=now, counts=counts, artifacts=left)
        run_index.write_index(home.parents[1])
    except OSError as error:
        raise _cannot_write(attempt, error) from None


def _cannot_write(attempt: Attempt, error: OSError) -> RunFailed:
    of_a_file = error.filename is not None or error.errno in FULL
    return RunFailed(
        f"{attempt.run.run_id}: {'its folder cannot be written' if of_a_file else 'it cannot go on'}: "
        f"{of_the_system(error, attempt.home)}; the same command goes on from here"
    )
