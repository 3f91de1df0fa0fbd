"""What the dashboard shows in these tests: about 150 invented learners in three programs, and two nights.

The first night drafted by template, some of it was approved and some rejected; the second had a model, which declined
to write about missed sessions. Facts that came since have not been scored yet. People whom a test is about have ids
that say why; the others are a crowd.
"""

from datetime import UTC, datetime, time, timedelta
from json import dumps
from types import SimpleNamespace

import pandas as pd

from engagement.demo import sample
from engagement.ingest import events
from engagement.llm import titles
from engagement.outreach import nudges, quizzes, review
from engagement.pipeline import publication
from engagement.policy import DEFAULT_SELECTION
from engagement.targeting import contact_log, decisions
from tests.support.acting import acting
from tests.support.asking import asking
from tests.support.cohort import DAY, HOUR, LOW, UNKNOWN, begin, learner, load
from tests.support.model_server import ModelServer

PROGRAMS = ("Data", "Design", "Welding")
CROWD = 130
LATECOMERS = 30  # of the crowd: the second night is their first
COORDINATOR = "maya.example"
WRITTEN_TO = [
    f"{given} Example" for given in ("Ada", "Bo", "Cleo", "Dana", "Eli", "Finn", "Gia", "Hugo", "Ivo")
]  # of write1 to write9


def now():
    """Return this moment as the store has it: naive, UTC."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


def nights(at):
    """Return the ends of the last two days."""
    midnight = datetime.combine(at.date(), time())
    return midnight - DAY - timedelta(seconds=1), midnight - timedelta(seconds=1)


def build(store):
    """Fill the store and return the people that tests speak of, each with the row of the export."""
    at = now()
    first, second = nights(at)
    people = _people(at)
    crowd = [_one_of_many(number, at) for number in range(CROWD)]
    early, late = crowd[LATECOMERS:], crowd[:LATECOMERS]
    load(store, *vars(people).values(), *early, at=first - HOUR)
    _confirm_titles(store, first - HOUR)
    events.load(store, _events(at), observed_at=first - HOUR, loaded_at=first - HOUR)
    _night(store, first)
    _decide(store, first + 8 * HOUR)
    load(store, *late, *(_worse(row) for row in early[:12]), at=second - HOUR)
    with (
        ModelServer(lambda _, request: "refusal" if "missed_session" in request.data else None) as server,
        asking(server) as writer,
    ):
        _night(store, second, writer)
    contact_log.phoned(store, "phoned", "Asked for more time", by=acting(at - DAY, name=COORDINATOR))
    load(store, *(_worse(row) for row in early[12:20]), at=at)
    return people


def _people(at):
    # At low risk, so that no run drafts anything for them.
    writable = {
        **LOW,
        "program": "Data",
        "topic": "statistics",
        "whatsapp_opt_in": True,
        "last_login": at - DAY,
        "enrolled_at": at - 60 * DAY,
        "timezone": "Europe/Berlin",
        "cohort": "2026-autumn",
    }
    known = {"enrolled_at": at - 60 * DAY, "last_login": at - 21 * DAY}
    rows = {
        **{f"write{number}": {**writable, "name": name} for number, name in enumerate(WRITTEN_TO, start=1)},
        "phoned": {**writable, "program": "Design"},
        "optedout": {**known, "contact_opt_out": True},
        "inactive": {**known, "active": False},
        "unknown": {**known, **UNKNOWN},
        "newcomer": {**known, **LOW, "completed_percent": 100, "last_login": None},
        "noaddress": {**writable, "email": None, "phone": None, "whatsapp_opt_in": False},
        "private": {**writable, "llm_opt_out": True},
        "nameless": {**known, "name": None},
        "worst": {**known, "completed_percent": 0, "avg_quiz_score": 10, "consecutive_missed_sessions": 7},
    }
    return SimpleNamespace(**{name: learner(name, **row) for name, row in rows.items()})


def _one_of_many(number, at):
    given = sample.GIVEN_NAMES[number % len(sample.GIVEN_NAMES)]
    family = sample.FAMILY_NAMES["en"][number % 6]
    return learner(
        f"c-{number:03d}",
        name=f"{given} {family}",
        program=PROGRAMS[number % 3],
        completed_percent=number * 37 % 100,
        avg_quiz_score=30 + number * 53 % 65,
        consecutive_missed_sessions=number * 7 % 6,
        last_login=at - (1 + number * 11 % 28) * DAY,
        enrolled_at=at - 60 * DAY,
        preferred_channel=("email", "in_app", None)[number % 3],
        cohort="2026-autumn",
    )


def _worse(row):
    return row | {"completed_percent": row["completed_percent"] / 4, "consecutive_missed_sessions": 7}


def _events(at):
    happened = [
        ("login", {}),
        ("quiz_completed", {"score": 71}),
        ("session_missed", {"sessions": 2}),
        ("badge_earned", {"colour": "green"}),
    ]
    return pd.DataFrame(
        {
            "learner_id": name,
            "type": kind,
            "timestamp": at - 10 * DAY + hours * HOUR,
            "metadata": dumps(metadata),
        }
        for name in ("write1", "worst")
        for hours, (kind, metadata) in enumerate(happened)
    )


def _confirm_titles(store, at):
    for kind in titles.KINDS:
        texts = [row["text"] for row in titles.listed(store) if row["kind"] == kind]
        titles.confirm(store, texts, kind=kind, actor=COORDINATOR, now=at)


def _night(store, as_of, *writer):
    run = begin(store, as_of)
    decisions.decide(store, run, policy=DEFAULT_SELECTION)
    nudges.draft(store, run, *writer)
    quizzes.draft(store, run, *writer)
    publication.publish(store, run, now=as_of)


def _decide(store, at):
    drafts = [row["id"] for row in review.listed(store) if row["learner_id"].startswith("c-")]
    review.approve(store, drafts[:12], by=acting(at, name=COORDINATOR))
    review.reject(store, drafts[12:18], by=acting(at, name=COORDINATOR), reason="I spoke to them yesterday")
