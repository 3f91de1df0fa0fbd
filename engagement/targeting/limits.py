"""Limits at the door: what holds a nudge back as it is approved, and again as it leaves.

A run keeps to them as it chooses; days may pass until somebody approves, and more until the nudge leaves. Whoever
approves may go past a limit, knowing it; to who may not be written to (`refusals`) nobody may write.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from engagement.policy import APPROVAL_DAYS, RANK_DIGITS, SelectionPolicy
from engagement.store import Cursor, query, records
from engagement.targeting import decisions, selection
from engagement.targeting.selection import REASONS
from engagement.vocabulary import AT_RISK

# What somebody may go past who knows it, and what nobody may.
LIMITS: Final = ("recently_contacted", "cap_reached", "held_out")
WORDS: Final[Mapping[str, str]] = {
    **{code: REASONS[code] for code in ("inactive", "opted_out", "no_address", *LIMITS)},
    "no_opt_in": "WhatsApp needs an opt-in of the learner.",
    "approved_long_ago": f"It was approved more than {APPROVAL_DAYS} days ago.",
    "no_longer_at_risk": "The learner is no longer at risk.",
}


class Verdict(NamedTuple):
    """Which nudges may not go, and which limits those that may go past, as codes of `WORDS` by id."""

    held: dict[str, list[str]]
    past: dict[str, list[str]]


NOTHING_JUDGED: Final = Verdict({}, {})


def judge(db: Cursor, ids: Sequence[str], *, now: datetime, known: Collection[str] = ()) -> Verdict:
    """Return why those drafts or approved nudges of the ids may not go now that may not.

    Of two to one person one may go: of drafts the one at higher risk, of approved ones the one that was approved first.

    Parameters
    ----------
    known
        The limits that whoever approves was told of, and goes past: with them alone a draft goes.
    """
    if not ids:
        return NOTHING_JUDGED
    held, past, going = {}, {}, set()
    found = records(db, query("targeting/limits_of_nudges"), _named(ids, now))
    policy = decisions.policy_in_use(db)
    for row in found:
        codes = _codes(row, policy)
        waits_in_turn = row["approved_at"] is None or row["overruled_at"] is None
        if not codes and waits_in_turn and row["person_number"] in going:
            codes = ["recently_contacted"]
        if unknown := [code for code in codes if code not in known or code not in LIMITS]:
            held[row["id"]] = unknown
            continue
        going.add(row["person_number"])
        if codes:
            past[row["id"]] = codes
    return Verdict(held, past)


def held_back(db: Cursor, ids: Sequence[str], *, now: datetime) -> dict[str, list[str]]:
    """Return why those of the ids may not go now that may not, for who goes past no limit."""
    return judge(db, ids, now=now).held


def in_words(held: Mapping[str, Sequence[str]]) -> str:
    """Return how many are held back for which reason, the most frequent first."""
    counted: dict[str, int] = {}
    for first, *_ in held.values():
        counted[first] = counted.get(first, 0) + 1
    order = sorted(counted, key=lambda code: (-counted[code], code))
    return " ".join(f"{counted[code]:,}: {WORDS[code]}" for code in order)


def _named(ids: Sequence[str], now: datetime) -> dict[str, object]:
    return {
        "ids": list(ids),
        "now": now,
        "approval_days": APPROVAL_DAYS,
        "at_risk": list(AT_RISK),
        "rank_digits": RANK_DIGITS,
    }


def _codes(row: Mapping[str, Any], policy: SelectionPolicy) -> list[str]:
    over = {"approved_long_ago": row["is_old"], "no_longer_at_risk": row["is_safe"]}
    first = [code for code, applies in over.items() if applies] or [row["refused"]]
    return first if first != [None] else selection.limits_passed(row, policy)
