"""Nudges: one text for each learner who should hear from somebody, as a draft that a person approves.

A run drafts them in bulk; a coordinator asks for one by hand. Both write a nudge the same way, `generate`. Texts
are stored with `{first_name}` in place: the name is filled in where a person reads the text.
"""

from collections.abc import Collection, Mapping
from datetime import date
from operator import itemgetter
from typing import Any, Final

from engagement.audit import Actor
from engagement.content import templates
from engagement.content.generation import Generation
from engagement.errors import InvalidInput
from engagement.llm import prompts
from engagement.llm.completions import TextJob
from engagement.llm.writer import TEMPLATES, Writer
from engagement.outreach import drafting
from engagement.runs import Run
from engagement.store import Cursor, Store, first_row, query, registered, typed
from engagement.vocabulary import CHANNELS, NUDGE_TYPES

_OF_A_TEXT: Final = ("type", "channel", "locale", "variant")
_TEMPLATE: Final = {
    **{"type": "str", "channel": "str", "locale": "str", "variant": "int64"},
    **dict.fromkeys(["subject", "content", "prompt_version", "fallback_id"], "str"),
}

WANTED: Final = TextJob(
    kind="nudge",
    table="to_draft",
    inputs="outreach/prompt_inputs",
    data=prompts.nudge_data,
    task=lambda channel, locale: prompts.nudge_task(
        channel, templates.nearest(locale, templates.load_nudges()).locale
    ),
)


async def generate_nudge(context: Mapping[str, object], *, titles: Collection[str] = ()) -> dict[str, object]:
    """Return `{"content", "prompt_version", "gptFallback"}` for one learner within eight seconds.

    A model writes where the settings have a key for one; whatever goes wrong there gives a template. The text keeps
    `{first_name}` in place. For many learners use `draft`.

    Parameters
    ----------
    context
        `type` and `channel`; `locale` (en otherwise); `variant_key`, which keeps the same words for the same
        learner, campaign and week, or the `variant` that was drawn with it. For a model also `completed_percent`,
        `avg_quiz_score`, `consecutive_missed_sessions`, `days_inactive` (it gets ranges of them, if any),
        `never_logged_in`, `program`, `topic` and `llm_opt_out`. Nothing else of it is looked at.
    titles
        The programs and topics that a person has confirmed; others go to the model as a neutral word.
    """
    _check(context)
    return await drafting.generated(
        WANTED,
        generate,
        context,
        channel=str(context["channel"]),
        variant=_variant(context),
        titles=titles,
        withheld="opted_out" if context.get("llm_opt_out") else "",
    )


def generate(context: Mapping[str, object], *, reason: str = "no_model") -> Generation:
    """Return the template for one context (see `generate_nudge`) with its subject and its reason."""
    _check(context)
    return templates.nudge(
        type=str(context["type"]),
        channel=str(context["channel"]),
        locale=str(context.get("locale") or templates.DEFAULT_LOCALE),
        variant=_variant(context),
        reason=reason,
    )


def _check(context: Mapping[str, object]) -> None:
    if missing := [name for name in ("type", "channel") if not context.get(name)]:
        raise InvalidInput(f"context: {', '.join(missing)} missing")
    for name, allowed in (("type", NUDGE_TYPES), ("channel", CHANNELS)):
        if context[name] not in allowed:
            raise InvalidInput(f"context: {name}: unknown, allowed are {', '.join(allowed)}")


def _variant(context: Mapping[str, object]) -> int:
    variant = context.get("variant")
    if isinstance(variant, int):
        return variant
    return templates.drawn(str(context.get("variant_key") or ""), templates.VARIANTS) + 1


def draft(store: Store, run: Run, writer: Writer = TEMPLATES) -> int:
    """Draft a nudge for each learner the run contacts and return how many are new.

    A nudge is one per person, campaign, channel and period: drafting again adds only what is missing. Every text
    is written once, however many learners it is for. Where the model gives none, a template says why.
    """
    return drafting.draft(store, NUDGES, run, writer)


def ask(
    store: Store, learner_id: str, *, channel: str, by: Actor, writer: Writer = TEMPLATES
) -> dict[str, Any]:
    """Draft one nudge as `write` does; return it as other programs rely on it, with `warnings` in words."""
    made = write(store, learner_id, channel=channel, by=by, writer=writer)
    return drafting.as_contract(made, content="content_filled")


def write(
    store: Store, learner_id: str, *, channel: str, by: Actor, writer: Writer = TEMPLATES
) -> dict[str, Any]:
    """Draft one nudge that a person asked for, of the type that fits, and return it as `queue.one` does.

    With `warnings`: the usual limits that it goes past, as codes. Raises as `drafting.write` does.
    """
    if channel not in CHANNELS:
        raise InvalidInput(f"channel {channel!r}: allowed are {', '.join(CHANNELS)}")
    made, limits = drafting.write(store, NUDGES, learner_id, {"channel": channel}, by=by, writer=writer)
    return {**made, "warnings": limits}


def rewrite(
    store: Store, nudge_id: str, *, version: int, by: Actor, writer: Writer = TEMPLATES
) -> dict[str, Any]:
    """Have a draft written anew, by the next of its templates where no model writes; see `drafting.rewrite`."""
    return drafting.rewrite(store, NUDGES, nudge_id, version=version, by=by, writer=writer)


def _next_variant(db: Cursor, nudge: Mapping[str, Any], _key: str) -> int:
    """Return the draw of the variant that follows the one of the nudge."""
    (variant,) = first_row(
        db,
        "select coalesce(any_value(variant), 0) from published_nudges where id = $id",
        {"id": nudge["id"]},
    )
    return int(variant) % templates.VARIANTS


def _write_templates(db: Cursor) -> None:
    """Fill `texts` with each template that `to_draft` may need, and `with_template`: none that was rejected for one."""
    asked = db.execute("select distinct type, channel, locale from temp.to_draft").fetchall()
    kinds = [(*kind, variant) for kind in asked for variant in range(1, templates.VARIANTS + 1)]
    texts = [generate(dict(zip(_OF_A_TEXT, kind, strict=True))) for kind in kinds]
    frame = typed(
        [
            (*kind, text.subject, text.content, text.prompt_version, text.fallback_id)
            for kind, text in zip(kinds, texts, strict=True)
        ],
        **_TEMPLATE,
    )
    with registered(db, "templates", frame):
        db.execute("create or replace temp table texts as select * from templates")
    db.execute(query("outreach/pass_over_rejected_nudges"), {"variants": templates.VARIANTS})
    db.execute(query("outreach/nudge_templates"))


NUDGES: Final = drafting.DraftKind(
    job=WANTED,
    one_per="person_id",
    period=date.isoformat,
    choices=templates.VARIANTS,
    write_templates=_write_templates,
    chosen=("channel", "type", "locale", "risk_score", "risk_label"),
    text={"variant": "variant", "subject": "subject", "draft_content": "content", "content": "content"},
    stays=lambda nudge: {"type": nudge["type"], "channel": nudge["channel"]},
    draws_again=_next_variant,
    limits=itemgetter("past"),
)
