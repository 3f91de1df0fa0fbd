"""Quizzes: a few questions for a learner whose quiz results are low, as a draft that a person approves.

One per learner, campaign and ISO week: practice every night would be a punishment.
"""

import json
from collections.abc import Collection, Mapping
from typing import Any, Final

from engagement.audit import Actor
from engagement.content import templates
from engagement.content.generation import Generation
from engagement.dates import iso_week
from engagement.llm import prompts
from engagement.llm.completions import TextJob
from engagement.llm.writer import TEMPLATES, Writer
from engagement.outreach import drafting
from engagement.runs import Run
from engagement.store import Cursor, Store, query, registered, typed

_TEMPLATE: Final = {
    "draw": "int64",
    **dict.fromkeys(["topic", "questions", "language", "prompt_version", "fallback_id"], "str"),
}
_IS_A_QUIZ: Final = {"type": "quiz", "channel": "quiz"}

WANTED: Final = TextJob(
    kind="quiz",
    table="to_draft",
    inputs="outreach/prompt_inputs",
    data=prompts.quiz_data,
    task=lambda _channel, locale: prompts.quiz_task(
        templates.nearest(locale, templates.load_quizzes()).locale
    ),
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
    topic = context.get("topic")
    withheld = (
        "opted_out"
        if context.get("llm_opt_out")
        else "unconfirmed_topic"
        if topic and topic not in titles
        else ""
    )
    return await drafting.generated(
        WANTED,
        generate,
        context,
        channel="",
        variant=_order(context) % templates.VARIANTS + 1,
        titles=titles,
        withheld=withheld,
    )


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
    return drafting.draft(store, QUIZZES, run, writer)


def ask(
    store: Store, learner_id: str, *, topic: str | None, by: Actor, writer: Writer = TEMPLATES
) -> dict[str, Any]:
    """Draft one quiz as `write` does; return it as other programs rely on it."""
    return drafting.as_contract(
        write(store, learner_id, topic=topic, by=by, writer=writer), content="questions"
    )


def write(
    store: Store, learner_id: str, *, topic: str | None, by: Actor, writer: Writer = TEMPLATES
) -> dict[str, Any]:
    """Draft one quiz that a person asked for, on the learner's topic without one; see `drafting.write`."""
    made, _ = drafting.write(store, QUIZZES, learner_id, _about(topic), by=by, writer=writer)
    return made


def rewrite(
    store: Store, quiz_id: str, *, version: int, by: Actor, writer: Writer = TEMPLATES
) -> dict[str, Any]:
    """Have a draft written anew, on its topic; see `drafting.rewrite`."""
    return drafting.rewrite(store, QUIZZES, quiz_id, version=version, by=by, writer=writer)


def _about(topic: str | None) -> dict[str, str]:
    return {**_IS_A_QUIZ, "topic": topic} if topic else _IS_A_QUIZ


def _write_templates(db: Cursor) -> None:
    """Fill `texts` with each template that `to_draft` may need, and `with_template`.

    Which quiz an asked topic and locale lead to is the table `templates`: many topics may share the one about how to
    study.
    """
    asked = db.execute("select distinct topic, locale from temp.to_draft").fetchall()
    first = [generate({"topic": topic, "locale": locale, "option_order": 0}) for topic, locale in asked]
    found = typed(
        [(*kind, text.fallback_id) for kind, text in zip(asked, first, strict=True)],
        **dict.fromkeys(["asked_topic", "locale", "fallback_id"], "str"),
    )
    with registered(db, "found", found):
        db.execute("create or replace temp table templates as select * from found")
    db.execute(query("outreach/pass_over_rejected_quizzes"))
    kinds = db.execute(query("outreach/quiz_texts_to_write")).fetchall()
    texts = [
        generate({"topic": topic, "locale": locale, "option_order": order}) for topic, locale, order in kinds
    ]
    frame = typed(
        [
            (
                order,
                text.topic,
                json.dumps(text.content, ensure_ascii=False),
                str(text.fallback_id).rpartition(".")[2],
                text.prompt_version,
                text.fallback_id,
            )
            for (*_, order), text in zip(kinds, texts, strict=True)
        ],
        **_TEMPLATE,
    )
    with registered(db, "shuffled", frame):
        db.execute("create or replace temp table texts as select * from shuffled")
    db.execute(query("outreach/quiz_templates"))


QUIZZES: Final = drafting.DraftKind(
    job=WANTED,
    one_per="learner_id",
    period=iso_week,
    choices=templates.ORDERS,
    write_templates=_write_templates,
    chosen=(),
    text={"topic": "topic", "language": "language", "questions": "content"},
    stays=lambda quiz: _about(quiz["topic"]),
    draws_again=lambda _db, quiz, key: templates.drawn(f"{key}|{quiz['version']}", templates.ORDERS),
    limits=lambda _learner: [],  # they are limits of messages
)
