"""A few invented learners, and nights that score them: what tests of the store's readers begin with.

Whoever is not described otherwise is at high risk, 0.825, mostly for being behind.
"""

# ruff: noqa: DTZ001 (an instant is a naive datetime in UTC here)

from datetime import datetime, timedelta

import pandas as pd

from engagement import runs
from engagement.ingest import learners
from engagement.ingest.source.source_format import IN_PERCENT, SourceFormat
from engagement.outreach import nudges, quizzes
from engagement.pipeline import publication
from engagement.policy import DEFAULT_POLICY, DEFAULT_SELECTION
from engagement.risk import scores
from engagement.store import Store
from engagement.targeting import decisions
from tests.support.once import once

AS_OF = datetime(2026, 3, 1, 23, 59, 59)  # a Sunday
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
END_OF_NIGHT = timedelta(hours=21, minutes=44, seconds=59)  # from 02:15 to the end of the day

MEDIUM = {"completed_percent": 40, "avg_quiz_score": 65, "consecutive_missed_sessions": 3}
LOW = {"completed_percent": 95, "avg_quiz_score": 90, "consecutive_missed_sessions": 0}
UNKNOWN = {"completed_percent": None, "avg_quiz_score": None}


def learner(learner_id="a", **different):
    """Return one row of an export."""
    row = {
        "id": learner_id,
        "person_id": None,
        "name": f"{learner_id.capitalize()} Example",
        "email": f"{learner_id}@example.invalid",
        "phone": "+1-202-555-0100",
        "program": "Data",
        "last_login": AS_OF - 20 * DAY,
        "completed_percent": 5,
        "avg_quiz_score": 30,
        "consecutive_missed_sessions": 5,
        "enrolled_at": AS_OF - 60 * DAY,
        "locale": "en",
        "topic": None,
        "preferred_channel": None,
        "whatsapp_opt_in": False,
        "contact_opt_out": False,
        "active": True,
    }
    return row | different


MIXED = (
    learner("a", completed_percent=0),
    learner("b", avg_quiz_score=0, completed_percent=50, consecutive_missed_sessions=7),
    learner("c", program="Welding", **MEDIUM),
    learner("d", program="Welding", **LOW),
    learner("e", **UNKNOWN),
    learner("f", active=False),
)


@once
def load(store, *rows, at=AS_OF - 30 * DAY):
    """Load rows as they were known at `at`, once all logins of theirs were."""
    logins = [row["last_login"] for row in rows if isinstance(row.get("last_login"), datetime)]
    return learners.load(
        store,
        pd.DataFrame(rows),
        observed_at=at,
        loaded_at=max([at, *(one - DAY for one in logins)]),
        source_format=SourceFormat(percent_scale=IN_PERCENT),
    )


@once
def begin(store, as_of=AS_OF, *, pipeline="nightly", policy=DEFAULT_POLICY, now=None):
    """Begin a run (at `as_of`, where no other moment is told) and score everybody, unpublished."""
    with store.write() as db:
        run = runs.begin(
            db,
            pipeline,
            key=f"{pipeline} {as_of.isoformat()}",
            as_of=as_of,
            day=as_of.date(),
            parameters={},
            fingerprint="",
            now=now or as_of,
            policy=policy,
        )
    scores.score(store, run)
    return run


@once
def decided(store, as_of=AS_OF, *, pipeline="nightly", policy=DEFAULT_POLICY, now=None, plan=None):
    """Begin a run, score everybody, and decide whom to contact, unpublished."""
    run = begin(store, as_of, pipeline=pipeline, policy=policy, now=now)
    decisions.decide(store, run, policy=DEFAULT_SELECTION, plan=plan)
    return run


@once
def night(store, as_of=AS_OF, *, pipeline="nightly", policy=DEFAULT_POLICY, now=None, plan=None):
    """Do a whole night: score, decide, draft, publish."""
    run = decided(store, as_of, pipeline=pipeline, policy=policy, now=now, plan=plan)
    nudges.draft(store, run)
    quizzes.draft(store, run)
    publication.publish(store, run, now=now or as_of)
    return run


def at_night(store, day, **different):
    """Do the night of that day (0: that of `AS_OF`) as it is scheduled: at 02:15 for the end of the day."""
    return night(store, AS_OF + day * DAY, now=AS_OF + day * DAY - END_OF_NIGHT, **different)


class Overtaken(Store):
    """A store on which somebody else does something just before the first write."""

    def __init__(self, path, first):
        super().__init__(path)
        self.waiting = [first]

    def write(self):
        while self.waiting:
            self.waiting.pop()()
        return super().write()


def rows(store, sql, **named):
    """Return the rows of a query."""
    with store.read() as db:
        return db.execute(sql, named).fetchall()
