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
from engagement.store import TEXT_ROWS_PER_BLOCK, Cursor, Store, first_row, query, registered

_OF_THE_LEARNER: Final = ("learner_id", "person_id", "program", "locale")
# A quiz that a person asked for, in the shape of those a run has chosen.
_ONE_TO_DRAFT: Final = """
    create or replace temp table quizzes_to_draft as
    select $id as id, $learner_id as learner_id, $person_id as person_id, $topic::text as topic, $program as program,
        $locale as locale, $option_order::integer as option_order, 1 as place
"""


async def generate_quiz(context: Mapping[str, object]) -> dict[str, object]:
    """Return `{"content", "prompt_version", "gptFallback"}` for one learner; never fails for want of a model.

    Parameters
    ----------
    context
        `topic` (none: a quiz about how to study); `locale` (en otherwise); `seed_key`, which keeps the order of
        the options the same for the same learner, campaign and week, or the `option_order` drawn with it.
    """
    return generate(context).as_contract()


def generate(context: Mapping[str, object], *, reason: str = "no_model") -> Generation:
    """Return the quiz for one context (see `generate_quiz`) with its reason."""
    topic, order = context.get("topic"), context.get("option_order")
    return fallbacks.quiz(
        topic=str(topic) if topic else None,
        locale=str(context.get("locale") or fallbacks.DEFAULT_LOCALE),
        seed_key=str(context.get("seed_key") or ""),
        order=order if isinstance(order, int) else None,
        reason=reason,
    )


def draft(store: Store, run: Run) -> int:
    """Draft a quiz for each learner whom the run chose for one and return how many are new.

    Every quiz is written once, however many learners it is for.
    """
    chosen = {"run_id": run.run_id, "campaign": run.pipeline, "period": iso_week(run.day)}
    with store.staging():
        with store.read() as db:
            named = {**chosen, "week": iso_week(run.day), "orders": fallbacks.ORDERS}
            db.execute(query("quizzes_to_draft"), named)
            _write_texts(db)
            (count,) = first_row(db, "select count(*) from temp.quizzes_to_draft")
        for first in range(1, count + 1, TEXT_ROWS_PER_BLOCK):
            with store.write() as db:
                _insert(db, {**chosen, "as_of": run.as_of, "created_at": run.started_at}, first_place=first)
    return int(count)


def ask(store: Store, learner_id: str, *, topic: str | None, now: datetime, day: date) -> dict[str, Any]:
    """Draft one quiz that a person asked for and return it; on the learner's topic where none is given.

    Raises `NotFound`, and `InvalidInput` where the learner opted out or is inactive.
    """
    with store.write() as db:
        learner = contacts.look_at(db, learner_id, now=now, day=day)
        if not learner["active"] or learner["contact_opt_out"]:
            why = "asked not to be contacted" if learner["active"] else "the enrolment is no longer active"
            raise InvalidInput(f"learner {learner_id!r}: {why}")
        period = now.isoformat()
        quiz_id = sha256("|".join((learner_id, MANUAL, "quiz", period)).encode()).hexdigest()
        chosen = {name: learner[name] for name in _OF_THE_LEARNER}
        chosen |= {"id": quiz_id, "topic": topic or learner["topic"]}
        order = fallbacks.drawn(variant_key(learner_id, MANUAL, day), fallbacks.ORDERS)
        db.execute(_ONE_TO_DRAFT, {**chosen, "option_order": order})
        (quiz,) = _write_texts(db)
        named = {"run_id": None, "campaign": MANUAL, "period": period, "as_of": now, "created_at": now}
        _insert(db, named, first_place=1)
    return {
        "id": quiz_id,
        "content": quiz.content,
        "prompt_version": quiz.prompt_version,
        "gptFallback": quiz.gpt_fallback,
        "subject": None,
        "status": "draft",
        "reason": quiz.reason,
        "warnings": [],
    }


def discard(db: Cursor, run_id: str) -> None:
    """Forget the drafts of a run that was never published."""
    db.execute("delete from quizzes where run_id = $run_id", {"run_id": run_id})


def _write_texts(db: Cursor) -> list[Generation]:
    """Write each quiz that `quizzes_to_draft` needs into the temporary table `texts`, and return them.

    Which quiz an asked topic and locale lead to is the table `answers`: many topics may share the one about how to
    study.
    """
    asked = db.execute("select distinct topic, locale from temp.quizzes_to_draft").fetchall()
    first = [generate({"topic": topic, "locale": locale, "option_order": 0}) for topic, locale in asked]
    answers = pd.DataFrame(asked, columns=["asked_topic", "locale"], dtype="str").assign(
        fallback_id=[str(text.fallback_id) for text in first]
    )
    with registered(db, "found", answers):
        db.execute("create or replace temp table answers as select * from found")
    kinds = db.execute(query("quiz_texts_to_write")).fetchall()
    texts = [
        generate({"topic": topic, "locale": locale, "option_order": order}) for topic, locale, order in kinds
    ]
    frame = pd.DataFrame(
        {
            "option_order": [order for *_, order in kinds],
            "topic": pd.Series([text.topic for text in texts], dtype="str"),
            "questions": [json.dumps(text.content, ensure_ascii=False) for text in texts],
            "language": [str(text.fallback_id).rpartition(".")[2] for text in texts],
            "prompt_version": [text.prompt_version for text in texts],
            "gpt_fallback": [text.gpt_fallback for text in texts],
            "reason": pd.Series([text.reason for text in texts], dtype="str"),
            "fallback_id": [text.fallback_id for text in texts],
        }
    )
    with registered(db, "written", frame):
        db.execute(
            "create or replace temp table texts as select * replace (questions::json as questions) from written"
        )
    return texts


def _insert(db: Cursor, named: Mapping[str, object], *, first_place: int) -> None:
    last_place = first_place + TEXT_ROWS_PER_BLOCK - 1
    db.execute(query("insert_quizzes"), {**named, "first_place": first_place, "last_place": last_place})
