"""Nudges: one text for each learner who should hear from somebody, as a draft that a person approves.

A run drafts them in bulk; a coordinator asks for one by hand. Both write a nudge the same way, `generate`. Texts
are stored with `{first_name}` in place: the name is filled in where a person reads the text.
"""

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
from engagement.runs import Run
from engagement.settings import read_settings
from engagement.store import TEXT_ROWS_PER_BLOCK, Cursor, Store, first_row, query, registered
from engagement.targeting import decisions, selection
from engagement.targeting.selection import REASONS
from engagement.vocabulary import CHANNELS, NUDGE_TYPES

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
_REFUSED: Final = {
    "inactive": "the enrolment is no longer active",
    "opted_out": "asked not to be contacted",
    "no_opt_in": "WhatsApp needs an opt-in and a phone number",
    "no_address": "has no e-mail address",
}
_OF_A_TEXT: Final = ("type", "channel", "locale", "variant")
# A nudge that a person asked for, in the shape of those a run has chosen.
_ONE_TO_DRAFT: Final = """
    create or replace temp table nudges_to_draft as
    select $id as id, $learner_id as learner_id, $person_id as person_id, $type as type, $channel as channel,
        $risk_score::double as risk_score, $risk_label::text as risk_label, $program as program, $locale as locale,
        $variant::integer as variant, null::text as cache_key, $why_not as reason, 1 as place
"""


WANTED: Final = TextJob(
    kind="nudge",
    table="nudges_to_draft",
    inputs="outreach/nudge_prompt_inputs",
    data=prompts.nudge_data,
    task=lambda channel, locale: prompts.nudge_task(channel, templates.nudge_language(locale)),
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
    writer = writer_for(read_settings())
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
    return templates.nudge(
        type=str(context["type"]),
        channel=str(context["channel"]),
        locale=str(context.get("locale") or templates.DEFAULT_LOCALE),
        variant=_variant(context),
        reason=reason,
    )


def _check(context: Mapping[str, object]) -> None:
    missing = [name for name in ("type", "channel") if not context.get(name)]
    if missing:
        raise InvalidInput(f"context: {', '.join(missing)} missing")
    for name, allowed in (("type", NUDGE_TYPES), ("channel", CHANNELS)):
        if context[name] not in allowed:
            raise InvalidInput(f"context: {name}: unknown, allowed are {', '.join(allowed)}")


def _variant(context: Mapping[str, object]) -> int:
    variant = context.get("variant")
    if isinstance(variant, int):
        return variant
    return templates.drawn(str(context.get("variant_key") or ""), templates.VARIANTS) + 1


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
    """Fill the temporary table `nudges_to_draft`: each learner whom the run contacts and who has none yet.

    Where it `rewrites`, a template of an earlier attempt that nobody has touched counts as none.
    """
    named = {
        "run_id": run.run_id,
        "why_not": why_not,
        "rewrites": rewrites,
        "week": iso_week(run.day),
        "variants": templates.VARIANTS,
    }
    db.execute(query("outreach/nudges_to_draft"), {**named, **_once(run)})


def _once(run: Run) -> dict[str, str]:
    """Return what there is one of, for each person and channel."""
    return {"campaign": run.pipeline, "period": run.day.isoformat()}


def ask(
    store: Store,
    learner_id: str,
    *,
    channel: str,
    actor: str,
    now: datetime,
    day: date,
    writer: Writer = TEMPLATES,
    programs: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Draft one nudge as `write` does; return it as other programs rely on it, with `warnings` in words."""
    made = write(
        store,
        learner_id,
        channel=channel,
        actor=actor,
        now=now,
        day=day,
        writer=writer,
        programs=programs,
    )
    return {
        "id": made["id"],
        "content": made["content_filled"],
        "prompt_version": made["prompt_version"],
        "gptFallback": made["gpt_fallback"],
        "subject": made["subject_filled"],
        "status": made["status"],
        "reason": made["reason"],
        "warnings": [REASONS[code] for code in made["warnings"]],
    }


def write(
    store: Store,
    learner_id: str,
    *,
    channel: str,
    actor: str,
    now: datetime,
    day: date,
    writer: Writer = TEMPLATES,
    programs: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Draft one nudge that a person asked for and return it as `queue.one` does.

    With `warnings`: the usual limits that it goes past, as codes. Raises `NotFound`, and `InvalidInput` where the
    learner opted out, is inactive, or cannot be reached that way.
    """
    if channel not in CHANNELS:
        raise InvalidInput(f"channel {channel!r}: allowed are {', '.join(CHANNELS)}")
    period = now.isoformat()
    with store.staging():
        with store.read() as db:
            learner = decisions.look_at(db, learner_id, now=now, day=day, programs=programs)
            _refuse(learner, channel)
            nudge_id = sha256("|".join((learner["person_id"], MANUAL, channel, period)).encode()).hexdigest()
            drawn = templates.drawn(variant_key(learner_id, MANUAL, day), templates.VARIANTS)
            _want(db, learner, writer, id=nudge_id, channel=channel, variant=drawn + 1)
        completions.complete_one(store, WANTED, writer, as_of=learner["known_at"])
        passed = {"past": limits} if (limits := selection.limits_passed(learner)) else {}
        with store.write() as db:
            _refuse(decisions.consents(db, learner_id), channel)  # who opted out meanwhile
            named = {"run_id": None, "campaign": MANUAL, "period": period, "as_of": now, "created_at": now}
            _insert(db, {**named, "rewrites": False, "actor": actor}, first_place=1)
            audit.record(
                db,
                learner_id,
                "nudge_drafted",
                timestamp=now,
                actor=actor,
                source="review",
                metadata={"nudge_id": nudge_id, "version": 1, **passed},
            )
            made = queue.one(db, "nudge", nudge_id, programs=None)
    return {**made, "warnings": limits}


def rewrite(
    store: Store,
    nudge_id: str,
    *,
    version: int,
    actor: str,
    now: datetime,
    day: date,
    writer: Writer = TEMPLATES,
    programs: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Have a draft written anew, in another style, about what is known by now; return it as `queue.one` does.

    Where the model gives none, a template stands there, and says why. Nothing is held while the model thinks: raises
    `Changed` where somebody has changed the draft before or meanwhile, and leaves it as it is. Raises `NotFound`, and
    `InvalidInput` where it is no draft or the learner may not be written to any more.
    """
    with store.staging():
        with store.read() as db:
            draft = editing.draft_as_seen(db, "nudge", nudge_id, version=version, programs=programs)
            learner = decisions.look_at(db, draft["learner_id"], now=now, day=day)
            _refuse(learner, draft["channel"])
            (variant,) = first_row(
                db,
                "select coalesce(any_value(variant), 0) from published_nudges where id = $id",
                {"id": nudge_id},
            )
            following = variant % templates.VARIANTS + 1
            # What it is about was shown in the queue, and stays.
            about = {**learner, "type": draft["type"]}
            _want(db, about, writer, id=nudge_id, channel=draft["channel"], variant=following)
        completions.complete_one(store, WANTED, writer, as_of=learner["known_at"])
        with store.write() as db:
            editing.draft_as_seen(db, "nudge", nudge_id, version=version, programs=programs)
            _refuse(decisions.consents(db, draft["learner_id"]), draft["channel"])
            db.execute(query("outreach/rewrite_nudges"), {"actor": actor, "now": now})
            return editing.edited(db, "nudge", draft, "nudge_rewritten", actor=actor, now=now)


def _want(
    db: Cursor, learner: Mapping[str, Any], writer: Writer, *, id: str, channel: str, variant: int
) -> None:
    """Fill `nudges_to_draft` with one nudge for the learner, and `texts` with its template."""
    chosen = {name: learner[name] for name in _OF_THE_LEARNER} | {"why_not": writer.why_not}
    db.execute(_ONE_TO_DRAFT, {**chosen, "id": id, "channel": channel, "variant": variant})
    _write_texts(db)


def publish(db: Cursor, run: Run) -> None:
    """Let the run's nudges take the place of the templates they rewrite, within the transaction that publishes it.

    Where somebody has touched the template meanwhile, it stays, and the rewritten one goes.
    """
    db.execute(query("outreach/drop_overtaken_nudges"), {"run_id": run.run_id})
    db.execute(query("outreach/drop_rewritten_nudges"), {"run_id": run.run_id})


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
    db.execute(
        query("outreach/insert_nudges"), {**named, "first_place": first_place, "last_place": last_place}
    )


def _refuse(learner: Mapping[str, Any], channel: str) -> None:
    code = selection.refusal_by_hand(learner, channel)
    if code:
        why = _REFUSED["no_opt_in" if (channel, code) == ("whatsapp", "no_address") else code]
        raise InvalidInput(f"learner {learner['learner_id']!r}: {why}")
