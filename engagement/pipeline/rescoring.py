"""Scores that a person asks for now: everybody's or those of some programs, and what changed by them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from engagement import runs
from engagement.dates import local_day
from engagement.pipeline import config
from engagement.pipeline.incoming import inputs
from engagement.policy import RiskPolicy
from engagement.risk import scores
from engagement.runs import NIGHTLY
from engagement.store import Store, query, records
from engagement.store.locks import sole_runner
from engagement.vocabulary import SCORED_LABELS

PIPELINE: Final = "score"  # of scores that a person asked for
WORSE_SHOWN: Final = 25


def recalculate(
    store: Store, *, as_of: datetime, zone: ZoneInfo, programs: Sequence[str] | None, now: datetime
) -> dict[str, Any]:
    """Score everybody (or some programs) at `as_of` by the numbers of the nightly run, publish, and say what changed.

    Returns
    -------
    `published_at` and the `thresholds`; `before` and `after`: learners by label. `worse` and `better`: how many moved
    which way. `worst`: up to 25 of those who are worse off now, as `id`, `name`, `program`, `from`, `to`, `risk_score`.
    Raises `StoreBusy` where a run works on the store.
    """
    policy = config.read_pipeline(NIGHTLY).policy
    ranks = {"better_first": list(reversed(SCORED_LABELS))}
    with sole_runner(store.path), store.staging():
        with store.read() as db:
            chosen = {"programs": programs}
            db.execute(query("pipeline/labels_before"), {**chosen, **ranks})
            before = scores.current_labels(db, programs)
        publish_scores(
            store,
            as_of=as_of,
            zone=zone,
            programs=programs,
            now=now,
            policy=policy,
        )
        with store.read() as db:
            after = scores.current_labels(db, programs)
            (counts,) = records(db, query("pipeline/label_moves_counted"), ranks)
            worst = records(db, query("pipeline/label_moves"), {**ranks, "shown": WORSE_SHOWN})
            db.execute("drop table temp.labels_before")
    told = {"published_at": now, "thresholds": policy.thresholds}
    return {**told, "before": before, "after": after, **counts, "worst": worst}


def publish_scores(
    store: Store,
    *,
    as_of: datetime,
    zone: ZoneInfo,
    programs: Sequence[str] | None,
    now: datetime,
    policy: RiskPolicy,
) -> dict[str, int]:
    """Score everybody (or those of some programs) at `as_of` and publish it at once; return learners by label."""
    with store.staging():
        with store.read() as db:
            fingerprint = inputs.fingerprint(db, as_of)
            scores.compute(db, as_of=as_of, policy=policy, programs=programs)
        parameters = {"programs": None if programs is None else sorted(programs)}
        with store.write() as db:
            run = runs.begin(
                db,
                PIPELINE,
                key=runs.run_key(PIPELINE, as_of, parameters, fingerprint, policy.policy_hash),
                as_of=as_of,
                day=local_day(as_of, zone),
                parameters=parameters,
                fingerprint=fingerprint,
                now=now,
                policy=policy,
            )
            labels = scores.keep(db, run)
            scores.publish(db, run)
            runs.mark(db, run.run_id, "published", now=now, counts={"labels": labels})
    return labels
