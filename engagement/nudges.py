"""Nudges: one text for each learner who should hear from somebody, as a draft that a person approves.

A run drafts them in bulk; a coordinator asks for one by hand. Both write a nudge the same way, `generate`. Texts
are stored with `{first_name}` in place: the name is filled in where a person reads the text.
"""

from collections.abc import Mapping
from datetime import date, datetime
from hashlib import sha256
from typing import Any, Final

import pandas as pd

from engagement import contacts, fallbacks
from engagement.errors import InvalidInput
from engagement.generation import Generation
from engagement.instants import iso_week
from engagement.runs import Run
from engagement.schema import CHANNELS
from engagement.selection import DEFAULT_SELECTION, REASONS
from engagement.store import TEXT_ROWS_PER_BLOCK, Cursor, Store, first_row, query, registered

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
        $variant::integer as variant, 1 as place
"""


async def generate_nudge(context: Mapping[str, object]) -> dict[str, object]:
    """Return `{"content", "prompt_version", "gptFallback"}` for one learner; never fails for want of a model.

    Parameters
    ----------
    context
        `type` and `channel`; `locale` (en otherwise); `variant_key`, which keeps the same words for the same
        learner, campaign and week, or the `variant` that was drawn with it.
    """
    return generate(context).as_contract()


def generate(context: Mapping[str, object], *, reason: str = "no_model") -> Generation:
    """Return the nudge for one context (see `generate_nudge`) with its subject and its reason."""
    missing = [name for name in ("type", "channel") if not context.get(name)]
    if missing:
        raise InvalidInput(f"context: {', '.join(missing)} missing")
    variant = context.get("variant")
    return fallbacks.nudge(
        type=str(context["type"]),
        channel=str(context["channel"]),
        locale=str(context.get("locale") or fallbacks.DEFAULT_LOCALE),
        variant_key=str(context.get("variant_key") or ""),
        variant=variant if isinstance(variant, int) else None,
        reason=reason,
    )


def variant_key(learner_id: str, campaign: str, day: date) -> str:
    """Return what keeps a learner's words the same for one campaign and ISO week."""
    return f"{learner_id}|{campaign}|{iso_week(day)}"


def draft(store: Store, run: Run) -> int:
    """Draft a nudge for each learner the run contacts and return how many are new.

    A nudge is one per person, campaign, channel and period: drafting again adds only what is missing. Every text
    is written once, however many learners it is for.
    """
    chosen = {"run_id": run.run_id, "campaign": run.pipeline, "period": run.day.isoformat()}
    with store.staging():
        with store.read() as db:
            named = {**chosen, "week": iso_week(run.day), "variants": fallbacks.VARIANTS}
            db.execute(query("nudges_to_draft"), named)
            _write_texts(db)
            (count,) = first_row(db, "select count(*) from temp.nudges_to_draft")
        for first in range(1, count + 1, TEXT_ROWS_PER_BLOCK):
            with store.write() as db:
                _insert(db, {**chosen, "as_of": run.as_of, "created_at": run.started_at}, first_place=first)
    return int(count)


def ask(store: Store, learner_id: str, *, channel: str, now: datetime, day: date) -> dict[str, Any]:
    """Draft one nudge that a person asked for and return it, with `warnings` about the usual limits.

    Raises `NotFound`, and `InvalidInput` where the learner opted out, is inactive, or cannot be reached that way.
    """
    if channel not in CHANNELS:
        raise InvalidInput(f"channel {channel!r}: allowed are {', '.join(CHANNELS)}")
    with store.write() as db:
        learner = contacts.look_at(db, learner_id, now=now, day=day)
        _refuse(learner, channel)
        period = now.isoformat()
        nudge_id = sha256("|".join((learner["person_id"], MANUAL, channel, period)).encode()).hexdigest()
        drawn = fallbacks.drawn(variant_key(learner_id, MANUAL, day), fallbacks.VARIANTS)
        chosen = {name: learner[name] for name in _OF_THE_LEARNER}
        db.execute(_ONE_TO_DRAFT, {**chosen, "id": nudge_id, "channel": channel, "variant": drawn + 1})
        (text,) = _write_texts(db)
        named = {"run_id": None, "campaign": MANUAL, "period": period, "as_of": now, "created_at": now}
        _insert(db, named, first_place=1)
        name = first_row(db, "select name from learners where id = $id", {"id": learner_id})[0]
    return {
        "id": nudge_id,
        "content": fallbacks.fill(str(text.content), name),
        "prompt_version": text.prompt_version,
        "gptFallback": text.gpt_fallback,
        "subject": fallbacks.fill(text.subject, name) if text.subject else None,
        "status": "draft",
        "reason": text.reason,
        "warnings": _warnings(learner),
    }


def discard(db: Cursor, run_id: str) -> None:
    """Forget the drafts of a run that was never published."""
    db.execute("delete from nudges where run_id = $run_id", {"run_id": run_id})


def _write_texts(db: Cursor) -> list[Generation]:
    """Write each text that `nudges_to_draft` needs into the temporary table `texts`, and return them."""
    kinds = db.execute("select distinct type, channel, locale, variant from temp.nudges_to_draft").fetchall()
    texts = [generate(dict(zip(_OF_A_TEXT, kind, strict=True))) for kind in kinds]
    frame = pd.DataFrame(kinds, columns=list(_OF_A_TEXT)).assign(
        subject=pd.Series([text.subject for text in texts], dtype="str"),
        content=[str(text.content) for text in texts],
        prompt_version=[text.prompt_version for text in texts],
        gpt_fallback=[text.gpt_fallback for text in texts],
        reason=pd.Series([text.reason for text in texts], dtype="str"),
        fallback_id=pd.Series([text.fallback_id for text in texts], dtype="str"),
    )
    with registered(db, "written", frame):
        db.execute("create or replace temp table texts as select * from written")
    return texts


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
