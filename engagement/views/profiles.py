"""One learner, whole: who they are, why they are scored so, what would help, what happened, how to reach them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any, Final

from engagement import runs
from engagement.errors import NotFound
from engagement.outreach import queue
from engagement.policy import INPUTS, RiskPolicy
from engagement.risk import explanations
from engagement.store import Cursor, Store, query, records
from engagement.targeting import decisions
from engagement.vocabulary import TERMS, WAYS_TO_LEAVE

_RECENT: Final = 50  # events; the newest say most


def profile(
    store: Store,
    learner_id: str,
    *,
    now: datetime,
    day: date,
    programs: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Return the learner with score, contributions, what would help, history, events, nudges, quizzes and `contact`.

    `probability` is the chance that a kept calibration gives such a score, of what, and by which data; or None.

    Everything as codes and numbers; `in_words` says it as the command line does. `contact` tells why nobody may write
    to them in one way or another (`refusals`), and which limits one more message goes past (`warnings`), by the rules
    that decide when a person asks for a draft.

    Parameters
    ----------
    now, day
        The moment that contacts are looked at, and its day where the institution is.
    programs
        Those the viewer may see; None for all. Raises `NotFound` for a learner outside them.
    """
    with store.read() as db:
        who = records(db, query("views/learner"), {"id": learner_id})
        if not who or (programs is not None and who[0]["program"] not in programs):
            raise NotFound(f"no learner {learner_id!r}")
        kept = who[0]["policy"]
        policy = runs.policy_of(kept) if kept else runs.policy_in_use(db)
        return {
            **_entry(who[0]),
            **_score(who[0], policy),
            "probability": next(
                iter(records(db, query("views/learner_probability"), {"id": learner_id})), None
            ),
            "history": records(db, query("views/learner_history"), {"id": learner_id}),
            "events": _events(db, learner_id),
            "nudges": queue.of_learner(db, "nudge", learner_id),
            "quizzes": queue.of_learner(db, "quiz", learner_id),
            "contact": _contact(db, learner_id, now=now, day=day),
        }


def in_words(profile: Mapping[str, Any]) -> dict[str, Any]:
    """Return the profile with its reasons as sentences, and texts with the name filled in."""
    numbers = {name: profile[name] for name in ("weights", "missed_sessions_cap", "recency_days", "basis")}
    policy = RiskPolicy(**numbers, **profile["thresholds"])
    row = {**profile, **profile["contributions"], **profile["facts"]}
    reasons = [] if profile["risk_label"] is None else explanations.reasons(row, policy=policy)
    return {
        **profile,
        "top_reason": reasons[0] if reasons else None,
        "reasons": reasons,
        "probability": _chance_in_words(profile["probability"]),
        "nudges": [
            {**nudge, "content": nudge["content_filled"], "subject": nudge["subject_filled"]}
            for nudge in profile["nudges"]
        ],
    }


def _entry(row: Mapping[str, Any]) -> dict[str, Any]:
    of_the_score = {
        "policy",
        "risk_score",
        "risk_label",
        "as_of",
        "scored_on",
        "last_login",
        "login_is_unknown",
        *TERMS,
    }
    return {
        name: value for name, value in row.items() if name not in of_the_score and name not in INPUTS.values()
    }


def _score(row: Mapping[str, Any], policy: RiskPolicy) -> dict[str, Any]:
    terms = {name: term for term, name in INPUTS.items()}
    levers = [] if row["risk_label"] is None else explanations.what_would_help(row, policy=policy)
    return {
        "risk_score": row["risk_score"],
        "risk_label": row["risk_label"],
        "as_of": row["as_of"],
        "scored_on": row["scored_on"],  # its day where the institution is, wherever the viewer is
        "contributions": {term: row[term] for term in TERMS},
        "weights": dict(policy.weights),
        "thresholds": policy.thresholds,
        "missed_sessions_cap": policy.missed_sessions_cap,
        "recency_days": policy.recency_days,
        "facts": {name: row[name] for name in (*INPUTS.values(), "last_login", "login_is_unknown")},
        "basis": policy.basis,
        "reasons": [asdict(reason) for reason in explanations.coded(row, policy=policy)],
        "what_would_help": [{"term": terms[lever.input], **asdict(lever)} for lever in levers],
    }


def _chance_in_words(probability: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if probability is None:
        return None
    said = (
        f"Of 100 learners with such a score at this time of a course, {100 * probability['risk_probability']:.0f} "
        f"{WAYS_TO_LEAVE[probability['outcome']]} (fitted on {probability['cohorts']})."
    )
    return {**probability, "in_words": said}


def _events(db: Cursor, learner_id: str) -> list[dict[str, Any]]:
    named = {"id": learner_id, "recent": _RECENT}
    return [
        {**row, "metadata": json.loads(row["metadata"])}
        for row in records(db, query("views/learner_events"), named)
    ]


def _contact(db: Cursor, learner_id: str, *, now: datetime, day: date) -> dict[str, Any]:
    learner = decisions.look_at(db, learner_id, now=now, day=day)
    return {
        "refusals": decisions.refusals(db, learner_id),
        "warnings": learner["past"],
        # Limits count what is approved; what is shown as a contact has happened.
        **records(db, query("views/person_contacts"), {"id": learner_id, "now": now})[0],
        "open_drafts": learner["open_drafts"],
        "suggested_channel": learner["channel"],
        "suggested_type": learner["type"],
    }
