"""Runs: who has done what for which day, so that nothing is done twice and half a run is never seen.

The key of a run is everything that decides its result. The same key again is the same run: done, or taken up
where it stopped. New data for the same day is a new attempt that supersedes the last one.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, Final, cast

from engagement.dates import day_in_words
from engagement.errors import NotFound
from engagement.policy import DEFAULT_POLICY, RiskPolicy
from engagement.store import Cursor, Store, first_row

NIGHTLY: Final = "nightly"
SCRATCH: Final = (
    "scratch"  # the run of a notebook opened by hand: it sees its own rows and is never published
)


@dataclass(frozen=True)
class Run:
    """One attempt. `day` is the day of `as_of` where the institution is."""

    run_id: str
    pipeline: str
    as_of: datetime
    day: date
    attempt: int
    status: str
    policy: RiskPolicy
    started_at: datetime

    @property
    def policy_hash(self) -> str:
        """The digest of the policy, as it stands beside each score."""
        return self.policy.policy_hash

    @property
    def decides_at(self) -> datetime:
        """When limits, open drafts and who waits by chance are looked at: a night is for an instant that is to come."""
        return min(self.as_of, self.started_at)

    @property
    def history_of(self) -> str:
        """The pipeline whose earlier runs this one is compared with."""
        return NIGHTLY if self.pipeline == SCRATCH else self.pipeline

    @property
    def is_published(self) -> bool:
        """Whether readers see the run."""
        return self.status == "published"


_COLUMNS: Final = "run_id, pipeline, as_of, day, attempt, status, policy, started_at"


def run_key(
    pipeline: str, as_of: datetime, parameters: Mapping[str, object], fingerprint: str, policy_hash: str
) -> str:
    """Return the digest of everything that decides what the run does."""
    parts = [pipeline, as_of.isoformat(), dict(parameters), fingerprint, policy_hash]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def find(db: Cursor, pipeline: str, key: str) -> Run | None:
    """Return the run of that key that is published, or that can be taken up again; None otherwise.

    One that another key superseded for the same instant is not what readers see: it is not done.
    """
    rows = db.execute(
        f"""
        select {_COLUMNS} from runs
        where pipeline = $pipeline and key = $key and status <> 'discarded'
            and not exists (
                select 1 from runs as later
                where later.pipeline = runs.pipeline and later.as_of = runs.as_of
                    and later.published_at > runs.published_at
            )
        order by started_at desc limit 1
        """,  # noqa: S608 (our own columns)
        {"pipeline": pipeline, "key": key},
    ).fetchall()
    return _run(rows[0]) if rows else None


def get(store: Store, run_id: str) -> Run:
    """Return the run; `NotFound` where there is none."""
    with store.read() as db:
        rows = db.execute(
            f"select {_COLUMNS} from runs where run_id = $run_id",  # noqa: S608 (our own columns)
            {"run_id": run_id},
        ).fetchall()
    if not rows:
        raise NotFound(f"no run {run_id!r}")
    return _run(rows[0])


def _run(row: Sequence[Any]) -> Run:
    run_id, pipeline, as_of, day, attempt, status, policy, started_at = row
    return Run(run_id, pipeline, as_of, day, attempt, status, policy_of(policy), started_at)


@cache
def policy_of(kept: str) -> RiskPolicy:
    """Return the policy of a run as the column `policy` keeps it."""
    return RiskPolicy(**json.loads(kept))


def policy_in_use(db: Cursor, programs: Sequence[str] | None = None) -> RiskPolicy:
    """Return the policy of the newest published scores (of these programs); before there are any, the documented one.

    A run that scores nobody, such as a weekly one, leaves it as it is.
    """
    of_programs = """
        inner join learners on risk_scores.learner_number = learners.number
        where list_contains($programs::text[], learners.program)
    """
    newest = db.execute(
        f"""
        select policy from runs
        where published_at is not null
            and run_id in (select risk_scores.run_id from risk_scores {of_programs if programs is not None else ""})
        order by as_of desc, published_at desc
        limit 1
        """,  # noqa: S608 (our own fragment)
        {"programs": list(programs)} if programs is not None else {},
    ).fetchall()
    return policy_of(newest[0][0]) if newest else DEFAULT_POLICY


def policies_of_scores(db: Cursor) -> list[RiskPolicy]:
    """Return the policies of all published scores: several where only some programs were scored since."""
    kept = db.execute(
        "select distinct policy from runs where run_id in (select risk_scores.run_id from risk_scores)"
    ).fetchall()
    return [policy_of(policy) for (policy,) in kept] or [DEFAULT_POLICY]


def begin(
    db: Cursor,
    pipeline: str,
    *,
    key: str,
    as_of: datetime,
    day: date,
    parameters: Mapping[str, object],
    fingerprint: str,
    now: datetime,
    policy: RiskPolicy,
) -> Run:
    """Write down that a new attempt begins; it supersedes the last published one for the same day."""
    attempt, superseded = first_row(
        db,
        """
        select count(*) + 1, arg_max(run_id, published_at)  -- which passes over those without an instant
        from runs
        where pipeline = $pipeline and day = $day
        """,
        {"pipeline": pipeline, "day": day},
    )
    run = Run(f"{pipeline}-{day}-{attempt}", pipeline, as_of, day, attempt, "running", policy, now)
    db.execute(
        """
        insert into runs (run_id, pipeline, key, attempt, as_of, day, parameters, input_fingerprint, policy,
            status, started_at, supersedes)
        values ($run_id, $pipeline, $key, $attempt, $as_of, $day, $parameters, $fingerprint, $policy,
            'running', $now, $supersedes)
        """,
        {
            "run_id": run.run_id,
            "pipeline": pipeline,
            "key": key,
            "attempt": attempt,
            "as_of": as_of,
            "day": day,
            "parameters": json.dumps(dict(parameters), default=str),
            "fingerprint": fingerprint,
            "policy": json.dumps(asdict(policy)),
            "now": now,
            "supersedes": superseded,
        },
    )
    return run


def scratch(store: Store, *, as_of: datetime, day: date, now: datetime) -> Run:
    """Return the run in which notebooks opened by hand for that day work; nobody else sees its rows."""
    with store.write() as db:
        policy = policy_in_use(db)
        found = find(db, SCRATCH, key := f"{SCRATCH} {as_of.isoformat()} {policy.policy_hash}")
        if found:
            return found
        return begin(
            db,
            SCRATCH,
            key=key,
            as_of=as_of,
            day=day,
            parameters={},
            fingerprint="",
            now=now,
            policy=policy,
        )


def old_scratch(db: Cursor, *, before: datetime) -> list[str]:
    """Return the scratch runs that were begun before."""
    found = db.execute(
        "select run_id from runs where pipeline = $scratch and started_at <= $before",
        {"scratch": SCRATCH, "before": before},
    ).fetchall()
    return [run_id for (run_id,) in found]


def forget(db: Cursor, run_id: str) -> None:
    """Forget that a run was begun; its rows are gone before."""
    for table in ("steps", "runs"):
        db.execute(f"delete from {table} where run_id = $run_id", {"run_id": run_id})  # noqa: S608 (ours)


def supersedes(db: Cursor, run_id: str) -> bool:
    """Return whether there is a published attempt for the same day, whose place the run takes."""
    return bool(db.execute("select 1 from attempts_before($run_id) limit 1", {"run_id": run_id}).fetchall())


def unpublished(db: Cursor, pipeline: str) -> list[str]:
    """Return the attempts of the pipeline that stopped before they were published."""
    return [
        run_id
        for (run_id,) in db.execute(
            "select run_id from runs where pipeline = $pipeline and status in ('running', 'failed')",
            {"pipeline": pipeline},
        ).fetchall()
    ]


def mark(
    db: Cursor,
    run_id: str,
    status: str,
    *,
    now: datetime,
    counts: Mapping[str, object] | None = None,
    error: str = "",
) -> None:
    """Set the status of a run; `published` also makes its rows visible to readers. One that failed runs no step."""
    db.execute(
        """
        update runs set
            status = $status,
            counts = coalesce($counts, counts),
            error = nullif($error, ''),
            finished_at = case when $status <> 'running' then $now end,
            published_at = case when $status = 'published' then $now end
        where run_id = $run_id
        """,
        {
            "run_id": run_id,
            "status": status,
            "counts": json.dumps(dict(counts)) if counts is not None else None,
            "error": error,
            "now": now,
        },
    )
    if status == "failed":
        db.execute(
            """
            update steps set status = 'failed', error = nullif($error, '')
            where run_id = $run_id and status = 'running'
            """,
            {"run_id": run_id, "error": error},
        )


def mark_step(
    db: Cursor,
    run_id: str,
    step: str,
    position: int,
    status: str,
    *,
    tries: int,
    now: datetime,
    seconds: float | None = None,
    error: str = "",
) -> None:
    """Set the status of one step: running, done or failed."""
    db.execute(
        """
        insert into steps values ($run_id, $step, $position, $status, $tries, $seconds, $now, nullif($error, ''))
        on conflict do update set
            status = excluded.status, tries = excluded.tries, seconds = excluded.seconds, error = excluded.error
        """,
        {
            "run_id": run_id,
            "step": step,
            "position": position,
            "status": status,
            "tries": tries,
            "seconds": seconds,
            "now": now,
            "error": error,
        },
    )


def steps_done(db: Cursor, run_id: str) -> list[str]:
    """Return the steps of the run that are done, in order."""
    return [
        step
        for (step,) in db.execute(
            "select step from steps where run_id = $run_id and status = 'done' order by position",
            {"run_id": run_id},
        ).fetchall()
    ]


def parameters(db: Cursor, run_id: str) -> dict[str, Any]:
    """Return the parameters the run was begun with, by step; empty where there is no such run."""
    rows = db.execute("select parameters from runs where run_id = $run_id", {"run_id": run_id}).fetchall()
    return dict(json.loads(rows[0][0])) if rows else {}


def keep_parameters(db: Cursor, run_id: str, parameters: Mapping[str, object]) -> None:
    """Replace what is kept of the run's parameters; its key stays."""
    db.execute(
        "update runs set parameters = $parameters where run_id = $run_id",
        {"run_id": run_id, "parameters": json.dumps(dict(parameters), default=str)},
    )


def newest(db: Cursor, pipeline: str) -> str | None:
    """Return the id of the newest published run of the pipeline."""
    newest = "select arg_max(run_id, (as_of, published_at)) from runs where published_at is not null"
    (run_id,) = first_row(db, f"{newest} and pipeline = $pipeline", {"pipeline": pipeline})
    return cast("str | None", run_id)


def before_newest(db: Cursor, pipeline: str) -> Run | None:
    """Return the newest published run of the pipeline for an earlier day than that of the newest one."""
    return _published_before(db, pipeline, None)


def previous(db: Cursor, run: Run) -> Run | None:
    """Return the newest published run of the pipeline for an earlier day."""
    return _published_before(db, run.history_of, run.day)


def _published_before(db: Cursor, pipeline: str, day: date | None) -> Run | None:
    rows = db.execute(
        f"""
        select {_COLUMNS} from runs
        where pipeline = $pipeline and published_at is not null
            and day < coalesce(
                $day,
                (
                    select max(newest.day) from runs as newest
                    where newest.pipeline = $pipeline and newest.published_at is not null
                )
            )
        order by day desc, published_at desc limit 1
        """,  # noqa: S608 (our own columns)
        {"pipeline": pipeline, "day": day},
    ).fetchall()
    return _run(rows[0]) if rows else None


def looks_back(db: Cursor, run: Run) -> bool:
    """Return whether the pipeline has a published run for a later day: then this one adds nothing to the queue."""
    return newer_day(db, run) is not None


def look_back(newer_day: str) -> str:
    """Return why a run that looks back has drafted nothing, by the ISO day that is newer.

    >>> look_back("2026-11-29")
    'It looks back: the run for 29 November 2026 is published, and only the newest run drafts.'
    """
    day = day_in_words(date.fromisoformat(newer_day))
    return f"It looks back: the run for {day} is published, and only the newest run drafts."


def newer_day(db: Cursor, run: Run) -> date | None:
    """Return the newest day that the pipeline has a published run for, where that is a later one than the run's.

    Another attempt at the newest day looks back on none: it drafts what the day still lacks.
    """
    (newest,) = first_row(
        db,
        "select max(day) from runs where pipeline = $pipeline and published_at is not null and day > $day",
        {"pipeline": run.pipeline, "day": run.day},
    )
    return cast("date | None", newest)


def counts(db: Cursor, run_id: str) -> dict[str, object]:
    """Return the counts that were kept of a run; empty before it is published."""
    rows = db.execute("select counts from runs where run_id = $run_id", {"run_id": run_id}).fetchall()
    return dict(json.loads(rows[0][0])) if rows and rows[0][0] else {}
