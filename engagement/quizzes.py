"""Quizzes: a few questions for a learner whose quiz results are low, as a draft that a person approves.

One per learner, campaign and ISO week: practice every night would be a punishment.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Final

import pandas as pd

from engagement import contacts, fallbacks
from engagement.errors import InvalidInput
from engagement.generation import Generation
from engagement.instants import iso_week
from engagement.nudges import MANUAL, variant_key
from engagement.runs import Run
from engagement.store import TEXT_ROWS_PER_BLOCK, Cursor, Store, query, registered

_INSERT: Final = """
    insert into quizzes (id, learner_id, person_id, campaign, period, program, as_of, topic, language, questions,
        gpt_prompt_version, gpt_fallback, reason, fallback_id, run_id, created_at)
    select id, learner_id, person_id, $campaign, $period, program, $as_of, topic, language, questions,
        prompt_version, gpt_fallback, reason, fallback_id, $run_id, $created_at
    from drafts
    on conflict do nothing
"""


async def generate_quiz(context: Mapping[str, object]) -> dict[str, object]:
    """Return `{"content", "prompt_version", "gptFallback"}` for one learner; never fails for want of a model.

    Parameters
    ----------
    context
        `topic` (none: a quiz about how to study); `locale` (en otherwise); `seed_key`, which keeps the order of
        the options the same for the same learner, campaign and week.
    """
    return generate(context).as_contract()


def generate(context: Mapping[str, object], *, reason: str = "no_model") -> Generation:
    """Return the quiz for one context (see `generate_quiz`) with its reason."""
    topic = context.get("topic")
    return fallbacks.quiz(
        topic=str(topic) if topic else None,
        locale=str(context.get("locale") or fallbacks.DEFAULT_LOCALE),
        seed_key=str(context.get("seed_key") or ""),
        reason=reason,
    )


def draft(store: Store, run: Run) -> int:
    """Draft a quiz for each learner whom the run chose for one and return how many are new."""
    named = {"run_id": run.run_id, "campaign": run.pipeline, "period": iso_week(run.day)}
    with store.read() as db:
        wanted = db.execute(query("quizzes_to_draft"), named).df()
    for start in range(0, len(wanted), TEXT_ROWS_PER_BLOCK):
        drafts = _written(wanted.iloc[start : start + TEXT_ROWS_PER_BLOCK], run.pipeline, run.day)
        with store.write() as db:
            _insert(db, drafts, {**named, "as_of": run.as_of, "created_at": run.started_at})
    return len(wanted)


def ask(store: Store, learner_id: str, *, topic: str | None, now: datetime, day: date) -> dict[str, Any]:
    """Draft one quiz that a person asked for and return it; on the learner's topic where none is given.

    Raises `NotFound`, and `InvalidInput` where the learner opted out or is inactive.
    """
    with store.write() as db:
        learner = contacts.look_at(db, learner_id, now=now, day=day)
        if not learner["active"] or learner["contact_opt_out"]:
            why = "asked not to be contacted" if learner["active"] else "the enrolment is no longer active"
            raise InvalidInput(f"learner {learner_id!r}: {why}")
        row = {**learner, "topic": topic or learner["topic"]}
        written = _written(pd.DataFrame([row]), MANUAL, day)
        period = now.isoformat()
        quiz_id = sha256("|".join((learner_id, MANUAL, "quiz", period)).encode()).hexdigest()
        named = {"run_id": None, "campaign": MANUAL, "period": period, "as_of": now, "created_at": now}
        _insert(db, written.assign(id=quiz_id), named)
    quiz = written.iloc[0]
    return {
        "id": quiz_id,
        "content": json.loads(quiz["questions"]),
        "prompt_version": quiz["prompt_version"],
        "gptFallback": bool(quiz["gpt_fallback"]),
        "subject": None,
        "status": "draft",
        "reason": quiz["reason"],
        "warnings": [],
    }


def discard(db: Cursor, run_id: str) -> None:
    """Forget the drafts of a run that was never published."""
    db.execute("delete from quizzes where run_id = $run_id", {"run_id": run_id})


def _written(wanted: pd.DataFrame, campaign: str, day: date) -> pd.DataFrame:
    written = [
        generate({"topic": topic, "locale": locale, "seed_key": variant_key(learner, campaign, day)})
        for topic, locale, learner in zip(
            wanted["topic"].astype(object).where(wanted["topic"].notna(), None),
            wanted["locale"],
            wanted["learner_id"],
            strict=True,
        )
    ]
    columns: dict[str, Any] = {
        "topic": pd.Series([text.topic for text in written], index=wanted.index, dtype="str"),
        "questions": [json.dumps(text.content, ensure_ascii=False) for text in written],
        "language": [str(text.fallback_id).rpartition(".")[2] for text in written],
        "prompt_version": [text.prompt_version for text in written],
        "gpt_fallback": [text.gpt_fallback for text in written],
        "reason": [text.reason for text in written],
        "fallback_id": [text.fallback_id for text in written],
    }
    return wanted.assign(**columns)


def _insert(db: Cursor, drafts: pd.DataFrame, named: Mapping[str, object]) -> None:
    with registered(db, "drafts", drafts):
        db.execute(_INSERT, dict(named))
