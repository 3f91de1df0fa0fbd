"""Nudges: one text for each learner who should hear from somebody, as a draft that a person approves.

A run drafts them in bulk; a coordinator asks for one by hand. Both write a nudge the same way, `generate`. Texts
are stored with `{first_name}` in place: the name is filled in where a person reads the text.
"""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Final

import pandas as pd

from engagement import answers, contacts, fallbacks, prompts, writing
from engagement.answers import Wanted
from engagement.errors import InvalidInput
from engagement.generation import Generation
from engagement.instants import iso_week
from engagement.runs import Run
from engagement.schema import CHANNELS
from engagement.selection import DEFAULT_SELECTION, REASONS
from engagement.settings import read_settings
from engagement.store import TEXT_ROWS_PER_BLOCK, Cursor, Store, first_row, query, records, registered
from engagement.writing import TEMPLATES, Writer

MANUAL: Final = "manual"  # the campaign of what a person asks for by hand

_OF_THE_LEARNER: Final = (
    "learner_id",
    "person_id",
    "type",
    "risk_score",
    "risk_label",
    "program",
    "locale",
)
_OF_A_TEXT: Final = ("type", "channel", "locale", "variant")
# A nudge that a person asked for, in the shape of those a run has chosen.
_ONE_TO_DRAFT: Final = """
    create or replace temp table nudges_to_draft as
    select $id as id, $learner_id as learner_id, $person_id as person_id, $type as type, $channel as channel,
        $risk_score::double as risk_score, $risk_label::text as risk_label, $program as program, $locale as locale,
        $variant::integer as variant, null::text as cache_key, $why_not as reason, 1 as place
"""
_MADE: Final = """
    select nudges.subject, nudges.content, nudges.gpt_prompt_version, nudges.gpt_fallback, nudges.reason, learners.name
    from nudges
    inner join learners on nudges.learner_id = learners.id
    where nudges.id = $id
"""


WANTED: Final = Wanted(
    kind="nudge",
    table="nudges_to_draft",
    inputs="nudge_prompt_inputs",
    data=prompts.nudge_data,
    task=lambda channel, locale: prompts.nudge_task(channel, fallbacks.nudge_language(locale)),
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
    writer = writing.writer(read_settings())
    if writer.is_nobody or context.get("llm_opt_out"):
        return generate(context, reason=writer.why_not or "opted_out").as_contract()
    task = WANTED.task(str(context["channel"]), str(context.get("locale") or ""))
    prompt = prompts.one(
        task,
        WANTED.data,
        context,
        variant=_variant(context),
        titles=titles,
        prefix=writer.key_prefix(task),
    )
    answer = await writer.write_soon(prompt)
    if answer.reason:
        return generate(context, reason=answer.reason).as_contract()
    return Generation(
        content=answer.content or "", prompt_version=answer.prompt_version, gpt_fallback=False
    ).as_contract()


def generate(context: Mapping[str, object], *, reason: str = "no_model") -> Generation:
    """Return the template for one context (see `generate_nudge`) with its subject and its reason."""
    _check(context)
    return fallbacks.nudge(
        type=str(context["type"]),
        channel=str(context["channel"]),
        locale=str(context.get("locale") or fallbacks.DEFAULT_LOCALE),
        variant=_variant(context),
        reason=reason,
    )


def _check(context: Mapping[str, object]) -> None:
    missing = [name for name in ("type", "channel") if not context.get(name)]
    if missing:
        raise InvalidInput(f"context: {', '.join(missing)} missing")
    for name, allowed in (("type", fallbacks.NUDGE_TYPES), ("channel", CHANNELS)):
        if context[name] not in allowed:
            raise InvalidInput(f"context: {name}: unknown, allowed are {', '.join(allowed)}")


def _variant(context: Mapping[str, object]) -> int:
    variant = context.get("variant")
    if isinstance(variant, int):
        return variant
    return fallbacks.drawn(str(context.get("variant_key") or ""), fallbacks.VARIANTS) + 1


def variant_key(learner_id: str, campaign: str, day: date) -> str:
    """Return what keeps a learner's words the same for one campaign and ISO week."""
    return f"{learner_id}|{campaign}|{iso_week(day)}"


def draft(store: Store, run: Run, writer: Writer = TEMPLATES) -> int:
    """Draft a nudge for each learner the run contacts and return how many are new.

    A nudge is one per person, campaign, channel and period: drafting again adds only what is missing. Every text
    is written once, however many learners it is for. Where the model gives none, a template says why.
    """
    with store.staging():
        with store.read() as db:
            choose(db, run, why_not=writer.why_not, rewrites=not writer.is_nobody)
            _write_texts(db)
            (count,) = first_row(db, "select count(*) from temp.nudges_to_draft")
        answers.settle(store, WANTED, writer, as_of=run.as_of, run_id=run.run_id)
        for first in range(1, count + 1, TEXT_ROWS_PER_BLOCK):
            with store.write() as db:
                named = {"run_id": run.run_id, "as_of": run.as_of, "created_at": run.started_at}
                named |= {"rewrites": not writer.is_nobody}
                _insert(db, {**_once(run), **named}, first_place=first)
    return int(count)


def choose(db: Cursor, run: Run, *, why_not: str, rewrites: bool) -> None:
    """Fill the temporary table `nudges_to_draft`: each learner whom the run contacts and who has none yet.

    Where it `rewrites`, a template of an earlier attempt that nobody has touched counts as none.
    """
    named = {
        "run_id": run.run_id,
        "why_not": why_not,
        "rewrites": rewrites,
        "week": iso_week(run.day),
        "variants": fallbacks.VARIANTS,
    }
    db.execute(query("nudges_to_draft"), {**named, **_once(run)})


def _once(run: Run) -> dict[str, str]:
    """Return what there is one of, for each person and channel."""
    return {"campaign": run.pipeline, "period": run.day.isoformat()}


def ask(
    store: Store,
    learner_id: str,
    *,
    channel: str,
    now: datetime,
    day: date,
    writer: Writer = TEMPLATES,
) -> dict[str, Any]:
    """Draft one nudge that a person asked for and return it, with `warnings` about the usual limits.

    Raises `NotFound`, and `InvalidInput` where the learner opted out, is inactive, or cannot be reached that way.
    """
    if channel not in CHANNELS:
        raise InvalidInput(f"channel {channel!r}: allowed are {', '.join(CHANNELS)}")
    period = now.isoformat()
    with store.staging():
        with store.read() as db:
            learner = contacts.look_at(db, learner_id, now=now, day=day)
            _refuse(learner, channel)
            nudge_id = sha256("|".join((learner["person_id"], MANUAL, channel, period)).encode()).hexdigest()
            drawn = fallbacks.drawn(variant_key(learner_id, MANUAL, day), fallbacks.VARIANTS)
            chosen = {name: learner[name] for name in _OF_THE_LEARNER} | {"why_not": writer.why_not}
            db.execute(_ONE_TO_DRAFT, {**chosen, "id": nudge_id, "channel": channel, "variant": drawn + 1})
            _write_texts(db)
        answers.settle_one(store, WANTED, writer, as_of=learner["known_at"])
        with store.write() as db:
            _refuse(contacts.look_at(db, learner_id, now=now, day=day), channel)  # who opted out meanwhile
            named = {"run_id": None, "campaign": MANUAL, "period": period, "as_of": now, "created_at": now}
            _insert(db, {**named, "rewrites": False}, first_place=1)
            (made,) = records(db, _MADE, {"id": nudge_id})
    return {
        "id": nudge_id,
        "content": fallbacks.fill(made["content"], made["name"]),
        "prompt_version": made["gpt_prompt_version"],
        "gptFallback": made["gpt_fallback"],
        "subject": fallbacks.fill(made["subject"], made["name"]) if made["subject"] else None,
        "status": "draft",
        "reason": made["reason"],
        "warnings": _warnings(learner),
    }


def publish(db: Cursor, run: Run) -> None:
    """Let the run's nudges take the place of the templates they rewrite, within the transaction that publishes it.

    Where somebody has touched the template meanwhile, it stays, and the rewritten one goes.
    """
    db.execute(query("drop_overtaken_nudges"), {"run_id": run.run_id})
    db.execute(query("drop_rewritten_nudges"), {"run_id": run.run_id})


def discard(db: Cursor, run_id: str) -> None:
    """Forget the drafts of a run that was never published."""
    db.execute("delete from nudges where run_id = $run_id", {"run_id": run_id})


def _write_texts(db: Cursor) -> None:
    """Fill the temporary table `texts` with each template that `nudges_to_draft` may need."""
    kinds = db.execute("select distinct type, channel, locale, variant from temp.nudges_to_draft").fetchall()
    texts = [generate(dict(zip(_OF_A_TEXT, kind, strict=True))) for kind in kinds]
    frame = pd.DataFrame(kinds, columns=list(_OF_A_TEXT)).assign(
        subject=pd.Series([text.subject for text in texts], dtype="str"),
        content=[str(text.content) for text in texts],
        prompt_version=[text.prompt_version for text in texts],
        fallback_id=pd.Series([text.fallback_id for text in texts], dtype="str"),
    )
    with registered(db, "templates", frame):
        db.execute("create or replace temp table texts as select * from templates")


def _insert(db: Cursor, named: Mapping[str, object], *, first_place: int) -> None:
    last_place = first_place + TEXT_ROWS_PER_BLOCK - 1
    db.execute(query("insert_nudges"), {**named, "first_place": first_place, "last_place": last_place})


def _refuse(learner: Mapping[str, Any], channel: str) -> None:
    who = f"learner {learner['learner_id']!r}"
    if not learner["active"]:
        raise InvalidInput(f"{who}: the enrolment is no longer active")
    if learner["contact_opt_out"]:
        raise InvalidInput(f"{who}: asked not to be contacted")
    if channel == "whatsapp" and not (learner["whatsapp_opt_in"] and learner["has_phone"]):
        raise InvalidInput(f"{who}: WhatsApp needs an opt-in and a phone number")
    if channel == "email" and not learner["has_email"]:
        raise InvalidInput(f"{who}: has no e-mail address")


def _warnings(learner: Mapping[str, Any]) -> list[str]:
    """Return the limits of a nightly run that this nudge goes past; a person may, knowing it."""
    hours, contacts_lately = learner["hours_since_contact"], learner["contacts_in_7_days"]
    past = {
        "recently_contacted": hours is not None and hours < DEFAULT_SELECTION.recent_hours,
        "cap_reached": contacts_lately >= DEFAULT_SELECTION.cap_contacts,
        "open_draft": learner["open_drafts"] > 0,
    }
    return [REASONS[reason] for reason, is_past in past.items() if is_past]
