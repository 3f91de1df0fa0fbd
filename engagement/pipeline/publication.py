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
from engagement.risk import scores
from engagement.runs import Run
from engagement.store import Cursor, Store, first_row, query
from engagement.targeting import decisions, experiments
from engagement.views import run_tables
from engagement.vocabulary import LABELS


def publish(store: Store, run: Run, *, now: datetime, answer: str = "") -> dict[str, Any]:
    """Make the run's scores, decisions and drafts visible, and return what it counted, with its report's `answer`."""
    with store.write() as db:
        if _asked_a_model(db, run):
            for kind in (NUDGES, QUIZZES):
                drafting.publish(db, kind, run)
        counted = summary(db, run) | {"answer": answer}
        counted["expired"] = review.expire(db, run.as_of, now=now)
        decisions.publish(db, run)
        scores.publish(db, run)
        runs.mark(db, run.run_id, "published", now=now, counts=counted)
    review.expire_quizzes(store, run.as_of, now=now)
    return counted


def discard(store: Store, run_id: str, *, now: datetime) -> None:
    """Forget what a run wrote that will not go on."""
    with store.write() as db:
        for module in (scores, decisions, experiments):
            module.discard(db, run_id)
        for kind in (NUDGES, QUIZZES):
            drafting.discard(db, kind, run_id)
        runs.mark(db, run_id, "discarded", now=now)


def summary(db: Cursor, run: Run) -> dict[str, Any]:
    """Return what an unpublished run has done so far: labels, drafts, and why the others were left alone."""
    named = {"run_id": run.run_id}
    drafted = _counted(
        db, "select gpt_fallback, count(*) from nudges where run_id = $run_id group by all", named
    )
    quizzed = _counted(
        db, "select gpt_fallback, count(*) from quizzes where run_id = $run_id group by all", named
    )
    left_out = _counted(
        db,
        "select reason, count(*) from contact_decisions where run_id = $run_id and reason is not null group by all",
        named,
    )
    labels = scores.labels(db, run)
    before = runs.previous(db, run)
    earlier: Any = runs.counts(db, before.run_id).get("labels", {}) if before else {}
    return {
        "labels": labels,
        "labels_before": {label: int(earlier[label]) for label in LABELS if label in earlier} or None,
        "previous_run": before.run_id if before else None,
        "learners": sum(labels.values()),
        "nudges": sum(drafted.values()),
        "nudges_by_template": drafted.get(True, 0),
        "quizzes": sum(quizzed.values()),
        "quizzes_by_template": quizzed.get(True, 0),
        "templates": _templates(db, run),
        "model": _model_use(db, run),
        "quarantined": _refused(db, run),
        "last_load": _last_load(db),
        "left_out": dict(sorted(left_out.items(), key=lambda item: -item[1])),
    }


def _asked_a_model(db: Cursor, run: Run) -> bool:
    """Return whether the run may have written templates anew; where none was asked, everybody waits for less."""
    reasons = {row["reason"] for row in run_tables.drafts_by_author(db, run)}
    return not reasons <= {"no_model", "no_key"}


def _templates(db: Cursor, run: Run) -> dict[str, int]:
    """Return how many texts are templates, by reason."""
    found = run_tables.drafts_by_author(db, run)
    return {row["reason"]: row["nudges"] + row["quizzes"] for row in found if row["reason"]}


def _model_use(db: Cursor, run: Run) -> dict[str, Any] | None:
    """Return what the run asked of a model and what that cost; None where it asked none."""
    use = run_tables.asked_of_model(db, run)
    return use if use["model"] else None


def too_many_templates(counts: Mapping[str, Any], limit: float | None) -> str:
    """Return a sentence where templates stand in for the model more often than the pipeline allows, else nothing."""
    if limit is None:
        return ""
    unwanted = sum(count for reason, count in counts["templates"].items() if reason not in WANTED_TEMPLATES)
    drafts = counts["nudges"] + counts["quizzes"]
    if not drafts or unwanted / drafts <= limit:
        return ""
    return (
        f"{unwanted:,} of {drafts:,} texts are templates that stand in for the model ({unwanted / drafts:.0%}); "
        f"max_fallback_rate is {limit:.0%}"
    )


def _refused(db: Cursor, run: Run) -> int:
    """Return how many rows were refused that no other night has counted; an earlier attempt at this one is none."""
    named = {"pipeline": run.history_of, "day": run.day, "as_of": run.as_of}
    return int(first_row(db, query("pipeline/count_refused"), named)[0])


def _last_load(db: Cursor) -> str:
    """Return the newest load there is: what comes after it is for a later night to count."""
    return str(first_row(db, "select coalesce(max(load_id), '') from loads")[0])


def _counted(db: Cursor, sql: str, named: Mapping[str, object]) -> dict[Any, int]:
    return {row[0]: int(row[1]) for row in db.execute(sql, dict(named)).fetchall()}
