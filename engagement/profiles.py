"""One learner, whole: who they are, why they are scored so, what would help, and what happened."""

import json
from typing import Any

from engagement import cohorts, risk
from engagement.errors import NotFound
from engagement.fallbacks import fill
from engagement.store import Cursor, Store, records

_RECENT = 50  # events; the newest say most


def profile(store: Store, learner_id: str) -> dict[str, Any]:
    """Return the learner with score, contributions, what would help, history, events, nudges and quizzes.

    Raises `NotFound`.
    """
    named = {"id": learner_id}
    with store.read() as db:
        who = records(db, "select * from learners where id = $id", named)
        if not who:
            raise NotFound(f"no learner {learner_id!r}")
        scored = cohorts.by_risk(store, learner_id=learner_id, limit=1)
        score = scored[0] if scored else {}
        return {
            **who[0],
            "risk_score": score.get("risk_score"),
            "risk_label": score.get("risk_label"),
            "top_reason": score.get("top_reason"),
            "reasons": score.get("reasons", []),
            "facts": {name: score.get(name) for name in (*risk.INPUTS.values(), "last_login")},
            "contributions": {term: score.get(term) for term in risk.TERMS},
            "what_would_help": score.get("what_would_help", []),
            "history": records(
                db,
                """
                select risk_history.as_of, risk_history.risk_score, risk_history.risk_label
                from risk_history
                inner join runs on risk_history.run_id = runs.run_id
                where risk_history.learner_id = $id
                order by risk_history.as_of, runs.published_at, runs.run_id
                """,
                named,
            ),
            "events": records(
                db,
                "select timestamp, type, actor, metadata from events where learner_id = $id "
                "order by timestamp desc, id limit $recent",
                {**named, "recent": _RECENT},
            ),
            "nudges": _nudges(db, learner_id, who[0]["name"]),
            "quizzes": _quizzes(db, learner_id),
        }


def _nudges(db: Cursor, learner_id: str, name: str | None) -> list[dict[str, Any]]:
    nudges = records(
        db,
        "select id, created_at, channel, type, status, subject, content, gpt_fallback, reason from published_nudges "
        "where learner_id = $id order by created_at desc, id",
        {"id": learner_id},
    )
    return [
        {
            **nudge,
            "content": fill(nudge["content"], name),
            "subject": fill(nudge["subject"], name) if nudge["subject"] else None,
        }
        for nudge in nudges
    ]


def _quizzes(db: Cursor, learner_id: str) -> list[dict[str, Any]]:
    quizzes = records(
        db,
        "select id, created_at, topic, status, questions, gpt_fallback, reason from published_quizzes "
        "where learner_id = $id order by created_at desc, id",
        {"id": learner_id},
    )
    return [{**quiz, "questions": json.loads(quiz["questions"])} for quiz in quizzes]
