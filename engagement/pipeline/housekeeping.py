"""Housekeeping: as a run is published, what only served to look something up goes, by the bounds of `policy`.

Each of them grows with every night, though nothing changes: without a bound a store is as large as it is old. What was
done and what was disclosed is a record and stays; so does what a person wrote.
"""

from datetime import datetime, timedelta

from engagement import runs
from engagement.ingest.loads import loading
from engagement.llm import completions
from engagement.outreach import drafting
from engagement.outreach.nudges import NUDGES
from engagement.outreach.quizzes import QUIZZES
from engagement.policy import ANSWER_DAYS, REFUSED_DAYS, SCRATCH_DAYS, USELESS_ANSWER_DAYS
from engagement.risk import scores
from engagement.store import Cursor
from engagement.targeting import decisions, experiments


def tidy(db: Cursor, *, now: datetime) -> None:
    """Forget what is older than its bound."""
    loading.forget_refused(db, before=now - timedelta(days=REFUSED_DAYS))
    completions.forget(
        db,
        before=now - timedelta(days=ANSWER_DAYS),
        useless_before=now - timedelta(days=USELESS_ANSWER_DAYS),
    )
    for run_id in runs.old_scratch(db, before=now - timedelta(days=SCRATCH_DAYS)):
        forget_rows(db, run_id)
        runs.forget(db, run_id)


def forget_rows(db: Cursor, run_id: str) -> None:
    """Forget what an unpublished run has scored, decided, assigned and drafted."""
    for module in (scores, decisions, experiments):
        module.discard(db, run_id)
    for kind in (NUDGES, QUIZZES):
        drafting.discard(db, kind, run_id)
