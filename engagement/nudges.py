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

_INSERT: Final = """
    insert into nudges (id, learner_id, person_id, campaign, period, program, as_of, channel, type, variant, locale,
        subject, draft_content, content, gpt_prompt_version, gpt_fallback, reason, fallback_id, risk_score,
        risk_label, run_id, created_at)
    select id, learner_id, person_id, $campaign, $period, program, $as_of, channel, type, variant, locale,
        subject, content, content, prompt_version, gpt_fallback, reason, fallback_id, risk_score,
        risk_label, $run_id, $created_at
    from drafts
    on conflict do nothing
"""


async def generate_nudge(context: Mapping[str, object]) -> dict[str, object]:
    """Return `{"content", "prompt_version", "gptFallback"}` for one learner; never fails for want of a model.

    Parameters
    ----------
    context
        `type` and `channel`; `locale` (en otherwise); `variant_key`, which keeps the same words for the same
        learner, campaign and week.
    """
    return generate(context).as_contract()


def generate(context: Mapping[str, object], *, reason: str = "no_model") -> Generation:
    """Return the nudge for one context (see `generate_nudge`) with its subject and its reason."""
    missing = [name for name in ("type", "channel") if not context.get(name)]
    if missing:
        raise InvalidInput(f"context: {', '.join(missing)} missing")
    return fallbacks.nudge(
        type=str(context["type"]),
        channel=str(context["channel"]),
        locale=str(context.get("locale") or fallbacks.DEFAULT_LOCALE),
        variant_key=str(context.get("variant_key") or ""),
        reason=reason,
    )


def variant_key(learner_id: str, campaign: str, day: date) -> str:
    """Return what keeps a learner's words the same for one campaign and ISO week."""
    return f"{learner_id}|{campaign}|{iso_week(day)}"


def draft(store: Store, run: Run) -> int:
    """Draft a nudge for each learner the run contacts and return how many are new.

    A nudge is one per person, campaign, channel and period: drafting again adds only what is missing.
    """
    named = {"run_id": run.run_id, "campaign": run.pipeline, "period": run.day.isoformat()}
    with store.read() as db:
        wanted = db.execute(query("nudges_to_draft"), named).df()
    for start in range(0, len(wanted), TEXT_ROWS_PER_BLOCK):
        drafts = _written(wanted.iloc[start : start + TEXT_ROWS_PER_BLOCK], run.pipeline, run.day)
        with store.write() as db:
            _insert(db, drafts, {**named, "as_of": run.as_of, "created_at": run.started_at})
    return len(wanted)


def ask(store: Store, learner_id: str, *, channel: str, now: datetime, day: date) -> dict[str, Any]:
    """Draft one nudge that a person asked for and return it, with `warnings` about the usual limits.

    Raises `NotFound`, and `InvalidInput` where the learner opted out, is inactive, or cannot be reached that way.
    """
    if channel not in CHANNELS:
        raise InvalidInput(f"channel {channel!r}: allowed are {', '.join(CHANNELS)}")
    with store.write() as db:
        learner = contacts.look_at(db, learner_id, now=now, day=day)
        _refuse(learner, channel)
        written = _written(pd.DataFrame([{**learner, "channel": channel}]), MANUAL, day)
        period = now.isoformat()
        nudge_id = sha256("|".join((learner["person_id"], MANUAL, channel, period)).encode()).hexdigest()
        named = {"run_id": None, "campaign": MANUAL, "period": period, "as_of": now, "created_at": now}
        _insert(db, written.assign(id=nudge_id), named)
        name = first_row(db, "select name from learners where id = $id", {"id": learner_id})[0]
    row = written.iloc[0]
    return {
        "id": nudge_id,
        "content": fallbacks.fill(row["content"], name),
        "prompt_version": row["prompt_version"],
        "gptFallback": bool(row["gpt_fallback"]),
        "subject": fallbacks.fill(row["subject"], name) if row["subject"] else None,
        "status": "draft",
        "reason": row["reason"],
        "warnings": _warnings(learner),
    }


def discard(db: Cursor, run_id: str) -> None:
    """Forget the drafts of a run that was never published."""
    db.execute("delete from nudges where run_id = $run_id", {"run_id": run_id})


def _written(wanted: pd.DataFrame, campaign: str, day: date) -> pd.DataFrame:
    written = [
        generate(
            {
                "type": kind,
                "channel": channel,
                "locale": locale,
                "variant_key": variant_key(learner, campaign, day),
            }
        )
        for kind, channel, locale, learner in zip(
            wanted["type"], wanted["channel"], wanted["locale"], wanted["learner_id"], strict=True
        )
    ]
    columns: dict[str, Any] = {
        "content": [text.content for text in written],
        "subject": [text.subject for text in written],
        "prompt_version": [text.prompt_version for text in written],
        "gpt_fallback": [text.gpt_fallback for text in written],
        "reason": [text.reason for text in written],
        "fallback_id": [text.fallback_id for text in written],
        "variant": [_variant(text) for text in written],
    }
    return wanted.assign(**columns)


def _variant(text: Generation) -> int | None:
    return int(text.fallback_id.split(".")[2]) if text.fallback_id else None


def _insert(db: Cursor, drafts: pd.DataFrame, named: Mapping[str, object]) -> None:
    with registered(db, "drafts", drafts):
        db.execute(_INSERT, dict(named))


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
