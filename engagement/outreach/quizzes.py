"""Quizzes: a few questions for a learner whose quiz results are low, as a draft that a person approves.

One per learner, campaign and ISO week: practice every night would be a punishment.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Final

import pandas as pd

from engagement import audit
from engagement.content import templates
from engagement.content.generation import Generation
from engagement.dates import iso_week
from engagement.errors import InvalidInput
from engagement.llm import completions, prompts
from engagement.llm.completions import TextJob
from engagement.llm.writer import TEMPLATES, Writer, writer_for
from engagement.outreach import editing, queue
from engagement.outreach.nudges import MANUAL, variant_key
from engagement.runs import Run
from engagement.settings import read_settings
from engagement.store import TEXT_ROWS_PER_BLOCK, Cursor, Store, first_row, query, registered
from engagement.targeting import decisions, selection

_OF_THE_LEARNER: Final = ("learner_id", "person_id", "program", "locale", "risk_score")
# A quiz that a person asked for, in the shape of those a run has chosen.
_ONE_TO_DRAFT: Final = """
    create or replace temp table quizzes_to_draft as
    select $id as id, $learner_id as learner_id, $person_id as person_id, $topic::text as topic, $program as program,
        $locale as locale, $option_order::integer as option_order, $risk_score::double as risk_score,
        null::text as cache_key, $why_not as reason, 1 as place
"""


WANTED: Final = TextJob(
    kind="quiz",
    table="quizzes_to_draft",
    inputs="outreach/quiz_prompt_inputs",
    data=prompts.quiz_data,
    task=lambda _channel, locale: prompts.quiz_task(templates.quiz_language(locale)),
)


async def generate_quiz(context: Mapping[str, object], *, titles: Collection[str] = ()) -> dict[str, object]:
    """Return `{"content", "prompt_version", "gptFallback"}` for one learner within eight seconds.

    A model writes where the settings have a key for one; whatever goes wrong there gives a template.

    Parameters
    ----------
    context
        `topic` (none: a quiz about how to study); `locale` (en otherwise); `seed_key`, which keeps the order of
        the options the same for the same learner, campaign and week, or the `option_order` drawn with it. For a
        model also `avg_quiz_score` (it gets the range) and `llm_opt_out`.
    titles
        The topics that a person has confirmed; a quiz on another one is a template.
    """
    writer = writer_for(read_settings())
    topic = context.get("topic")
    withheld = (
        "opted_out"
        if context.get("llm_opt_out")
        else "unconfirmed_topic"
        if topic and topic not in titles
        else ""
    )
    if writer.is_nobody or withheld:
        return generate(context, reason=writer.why_not or withheld).as_contract()
    task = WANTED.task("", str(context.get("locale") or ""))
    prompt = prompts.one(
        task,
        WANTED.data,
        context,
        variant=_order(context) % templates.VARIANTS + 1,
        titles=titles,
        prefix=writer.key_prefix(task),
    )
    answer = await writer.write_soon(prompt)
    if answer.reason:
        return generate(context, reason=answer.reason).as_contract()
    return Generation(
        content=answer.content or [], prompt_version=answer.prompt_version, gpt_fallback=False
    ).as_contract()


def generate(context: Mapping[str, object], *, reason: str = "no_model") -> Generation:
    """Return the template for one context (see `generate_quiz`) with its reason."""
    topic = context.get("topic")
    return templates.quiz(
        topic=str(topic) if topic else None,
        locale=str(context.get("locale") or templates.DEFAULT_LOCALE),
        order=_order(context),
        reason=reason,
    )


def _order(context: Mapping[str, object]) -> int:
    order = context.get("option_order")
    return (
        order
        if isinstance(order, int)
        else templates.drawn(str(context.get("seed_key") or ""), templates.ORDERS)
    )


def draft(store: Store, run: Run, writer: Writer = TEMPLATES) -> int:
    """Draft a quiz for each learner whom the run chose for one and return how many are new.

    Every quiz is written once, however many learners it is for. Where the model gives none, a template says why.
    """
    with store.staging():
        with store.read() as db:
            choose(db, run, why_not=writer.why_not, rewrites=not writer.is_nobody)
            _write_texts(db)
            (count,) = first_row(db, "select count(*) from temp.quizzes_to_draft")
        completions.complete(store, WANTED, writer, as_of=run.as_of, run_id=run.run_id)
        for first in range(1, count + 1, TEXT_ROWS_PER_BLOCK):
            with store.write() as db:
                named = {
                    "run_id": run.run_id,
                    "as_of": run.as_of,
                    "created_at": run.started_at,
                    "actor": None,
                }
                named |= {"rewrites": not writer.is_nobody}
                _insert(db, {**_once(run), **named}, first_place=first)
    return int(count)


def choose(db: Cursor, run: Run, *, why_not: str, rewrites: bool) -> None:
    """Fill the temporary table `quizzes_to_draft`: each learner who needs practice and has none yet.

    Where it `rewrites`, a template of an earlier attempt that nobody has touched counts as none.
    """
    named = {
        "run_id": run.run_id,
        "why_not": why_not,
        "rewrites": rewrites,
        "week": iso_week(run.day),
        "orders": templates.ORDERS,
    }
    db.execute(query("outreach/quizzes_to_draft"), {**named, **_once(run)})


def _once(run: Run) -> dict[str, str]:
    """Return what there is one of, for each person."""
    return {"campaign": run.pipeline, "period": iso_week(run.day)}


def ask(
    store: Store,
    learner_id: str,
    *,
    topic: str | None,
    actor: str,
    now: datetime,
    day: date,
    writer: Writer = TEMPLATES,
    programs: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Draft one quiz as `write` does; return it as other programs rely on it."""
    made = write(
        store,
        learner_id,
        topic=topic,
        actor=actor,
        now=now,
        day=day,
        writer=writer,
        programs=programs,
    )
    return {
        "id": made["id"],
        "content": made["questions"],
        "prompt_version": made["prompt_version"],
        "gptFallback": made["gpt_fallback"],
        "subject": None,
        "status": made["status"],
        "reason": made["reason"],
        "warnings": [],
    }


def write(
    store: Store,
    learner_id: str,
    *,
    topic: str | None,
    actor: str,
    now: datetime,
    day: date,
    writer: Writer = TEMPLATES,
    programs: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Draft one quiz that a person asked for and return it as `queue.one` does; on the learner's topic without one.

    Raises `NotFound`, and `InvalidInput` where the learner opted out or is inactive.
    """
    period = now.isoformat()
    quiz_id = sha256("|".join((learner_id, MANUAL, "quiz", period)).encode()).hexdigest()
    with store.staging():
        with store.read() as db:
            learner = decisions.look_at(db, learner_id, now=now, day=day, programs=programs)
            _refuse(learner)
            order = templates.drawn(variant_key(learner_id, MANUAL, day), templates.ORDERS)
            _want(db, learner, writer, id=quiz_id, topic=topic, order=order)
        completions.complete_one(store, WANTED, writer, as_of=learner["known_at"])
        with store.write() as db:
            _refuse(decisions.consents(db, learner_id))  # who opted out meanwhile
            named = {"run_id": None, "campaign": MANUAL, "period": period, "as_of": now, "created_at": now}
            _insert(db, {**named, "rewrites": False, "actor": actor}, first_place=1)
            audit.record(
                db,
                learner_id,
                "quiz_drafted",
                timestamp=now,
                actor=actor,
                source="review",
                metadata={"quiz_id": quiz_id, "version": 1},
            )
            return queue.one(db, "quiz", quiz_id, programs=None)


def rewrite(
    store: Store,
    quiz_id: str,
    *,
    version: int,
    actor: str,
    now: datetime,
    day: date,
    writer: Writer = TEMPLATES,
    programs: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Have a draft written anew, about what is known by now, and return it; see `nudges.rewrite`."""
    with store.staging():
        with store.read() as db:
            draft = editing.draft_as_seen(db, "quiz", quiz_id, version=version, programs=programs)
            learner = decisions.look_at(db, draft["learner_id"], now=now, day=day)
            _refuse(learner)
            key = f"{variant_key(draft['learner_id'], MANUAL, day)}|{version}"
            order = templates.drawn(key, templates.ORDERS)
            _want(db, learner, writer, id=quiz_id, topic=draft["topic"], order=order)
        completions.complete_one(store, WANTED, writer, as_of=learner["known_at"])
        with store.write() as db:
            editing.draft_as_seen(db, "quiz", quiz_id, version=version, programs=programs)
            _refuse(decisions.consents(db, draft["learner_id"]))
            db.execute(query("outreach/rewrite_quizzes"), {"actor": actor, "now": now})
            return editing.edited(db, "quiz", draft, "quiz_rewritten", actor=actor, now=now)


def _want(
    db: Cursor, learner: Mapping[str, Any], writer: Writer, *, id: str, topic: str | None, order: int
) -> None:
    """Fill `quizzes_to_draft` with one quiz for the learner, on their own topic without one, and its template."""
    chosen = {name: learner[name] for name in _OF_THE_LEARNER} | {"why_not": writer.why_not}
    chosen |= {"id": id, "topic": topic or learner["topic"]}
    db.execute(_ONE_TO_DRAFT, {**chosen, "option_order": order})
    _write_texts(db)


def _refuse(learner: Mapping[str, Any]) -> None:
    code = selection.refusal_by_hand(learner, "quiz")
    if code:
        why = "the enrolment is no longer active" if code == "inactive" else "asked not to be contacted"
        raise InvalidInput(f"learner {learner['learner_id']!r}: {why}")


def publish(db: Cursor, run: Run) -> None:
    """Let the run's quizzes take the place of the templates they rewrite, within the transaction that publishes it.

    Where somebody has touched the template meanwhile, it stays, and the rewritten one goes.
    """
    db.execute(query("outreach/drop_overtaken_quizzes"), {"run_id": run.run_id})
    db.execute(query("outreach/drop_rewritten_quizzes"), {"run_id": run.run_id})


def discard(db: Cursor, run_id: str) -> None:
    """Forget the drafts of a run that was never published."""
    db.execute("delete from quizzes where run_id = $run_id", {"run_id": run_id})


def _write_texts(db: Cursor) -> None:
    """Fill the temporary table `texts` with each template that `quizzes_to_draft` may need.

    Which quiz an asked topic and locale lead to is the table `templates`: many topics may share the one about how to
    study.
    """
    asked = db.execute("select distinct topic, locale from temp.quizzes_to_draft").fetchall()
    first = [generate({"topic": topic, "locale": locale, "option_order": 0}) for topic, locale in asked]
    found = pd.DataFrame(asked, columns=["asked_topic", "locale"], dtype="str").assign(
        fallback_id=[str(text.fallback_id) for text in first]
    )
    with registered(db, "found", found):
        db.execute("create or replace temp table templates as select * from found")
    kinds = db.execute(query("outreach/quiz_texts_to_write")).fetchall()
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
            "fallback_id": [text.fallback_id for text in texts],
        }
    )
    with registered(db, "shuffled", frame):
        db.execute(
            "create or replace temp table texts as select * replace (questions::json as questions) from shuffled"
        )


def _insert(db: Cursor, named: Mapping[str, object], *, first_place: int) -> None:
    last_place = first_place + TEXT_ROWS_PER_BLOCK - 1
    db.execute(
        query("outreach/insert_quizzes"), {**named, "first_place": first_place, "last_place": last_place}
    )
