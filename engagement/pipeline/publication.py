"""Publishing a run: the one transaction after which readers see it, whole.

Before it, everything a run wrote carries its id and nobody looks at it; a run that stops half-way leaves nothing
to be seen, and one that will not go on is forgotten.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from engagement import runs
from engagement.content.generation import WANTED_TEMPLATES
from engagement.outreach import drafting, review
from engagement.outreach.nudges import NUDGES
from engagement.outreach.quizzes import QUIZZES
from engagement.pipeline import housekeeping
from engagement.risk import scores
from engagement.runs import Run
from engagement.store import Cursor, Store, first_row, query
from engagement.targeting import decisions
from engagement.views import run_tables
from engagement.vocabulary import LABELS


def publish(store: Store, run: Run, *, now: datetime, answer: str = "") -> dict[str, Any]:
    """Make the run's scores, decisions and drafts visible, and return what it counted, with its report's `answer`."""
    with store.write() as db:
        reasons = {row["reason"] for row in run_tables.drafts_by_author(db, run)}
        # Where no model was asked no template was written anew, and everybody waits for less.
        rewrites = not reasons <= {"no_model", "no_key"}
        if rewrites or runs.supersedes(db, run.run_id):
            for kind in (NUDGES, QUIZZES):
                drafting.publish(db, kind, run, rewrites=rewrites)
        counted = summary(db, run) | {"answer": answer}
        counted["expired"] = review.expire(db, run.decides_at, now=now)
        decisions.publish(db, run)
        scores.publish(db, run)
        review.expire_approvals(db, now=now)  # by the new scores
        runs.mark(db, run.run_id, "published", now=now, counts=counted)
    review.expire_quizzes(store, run.decides_at, now=now)
    with store.write() as db:  # what nobody waits for
        housekeeping.tidy(db, now=now)
    return counted


def discard(store: Store, run_id: str, *, now: datetime) -> None:
    """Forget what a run wrote that will not go on."""
    with store.write() as db:
        housekeeping.forget_rows(db, run_id)
        runs.mark(db, run_id, "discarded", now=now)


def summary(db: Cursor, run: Run) -> dict[str, Any]:
    """Return what an unpublished run has done so far: labels, drafts, and why the others were left alone."""
    labels = scores.labels(db, run)
    before = runs.previous(db, run)
    earlier: Any = runs.counts(db, before.run_id).get("labels", {}) if before else {}
    drafts = run_tables.drafts_by_author(db, run)
    templates = [row for row in drafts if row["reason"]]
    use = run_tables.asked_of_model(db, run)
    newer = runs.newer_day(db, run)
    left_out = db.execute(
        """
        select reason, count(*) from contact_decisions
        where run_id = $run_id and reason is not null
        group by reason
        order by count(*) desc, reason
        """,
        {"run_id": run.run_id},
    ).fetchall()
    # Rows that were refused and that no other night has counted; an earlier attempt at this one is none.
    of_this_night = {"pipeline": run.history_of, "day": run.day, "as_of": run.as_of}
    (refused,) = first_row(db, query("pipeline/count_refused"), of_this_night)
    # What comes after the newest load there is now is for a later night to count.
    (last_load,) = first_row(db, "select coalesce(max(load_id), '') from loads")
    return {
        "labels": labels,
        "labels_before": {label: int(earlier[label]) for label in LABELS if label in earlier} or None,
        "previous_run": before.run_id if before else None,
        "learners": sum(labels.values()),
        "nudges": sum(row["nudges"] for row in drafts),
        "nudges_by_template": sum(row["nudges"] for row in templates),
        "quizzes": sum(row["quizzes"] for row in drafts),
        "quizzes_by_template": sum(row["quizzes"] for row in templates),
        "templates": {row["reason"]: row["nudges"] + row["quizzes"] for row in templates},
        "model": use if use["model"] else None,
        "newer_day": newer and newer.isoformat(),
        "quarantined": refused,
        "last_load": last_load,
        "left_out": dict(left_out),
    }


def unlike_loads(store: Store, run: Run) -> list[str]:
    """Return a sentence for each load of the run that falls short of those before it."""
    with store.read() as db:
        found = db.execute(
            "select source, unlike from loads where loaded_at = $at and unlike is not null order by load_id",
            {"at": run.started_at},
        ).fetchall()
    return [f"{source} is unlike the loads before it: {', '.join(why)}" for source, why in found]


def too_many_templates(counts: Mapping[str, Any], limit: float | None) -> str:
    """Return a sentence where templates stand in for the model more often than the pipeline allows, else nothing."""
    if limit is None:
        return ""
    unwanted = sum(count for reason, count in counts["templates"].items() if reason not in WANTED_TEMPLATES)
    drafts = counts["nudges"] + counts["quizzes"]
    if not drafts or unwanted / drafts <= limit:
        return ""
    return (
        f"{unwanted:,} of {drafts:,} texts are templates that stand in for the model "
        f"({100 * unwanted / drafts:.0f} %); "
        f"max_fallback_rate is {100 * limit:.0f} %"
    )
