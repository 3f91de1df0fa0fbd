"""Nudges and quizzes as a coordinator reads them: the queue in pages, one learner's, one by its id.

Only what runs have published or a person asked for, and only of learners in the viewer's programs: what lies outside
is not there. A row says whether it may still go out (`refused`), and who touched it last.

First the ids, then the rows: of a million learners only those of a page are looked at.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from engagement import runs
from engagement.content.names import fill, first_name
from engagement.errors import InvalidInput, NotFound
from engagement.policy import RiskPolicy
from engagement.store import Cursor, Store, query, records, search
from engagement.vocabulary import CHANNELS, LABELS, NUDGE_TYPES, STATUSES

Kind = Literal["nudge", "quiz"]
WRITTEN_BY: Final[Mapping[str, bool | None]] = {"any": None, "template": True, "model": False}
PAGE_SIZE: Final = 25

TABLES: Final[Mapping[str, str]] = {"nudge": "nudges", "quiz": "quizzes"}
# Of a row that is written to. What a run is about to put in its place has the same id, and is not seen yet.
PUBLISHED: Final = (
    "(run_id is null or run_id in (select runs.run_id from runs where runs.published_at is not null))"
)

_SHOWN: Final = {"nudge": "outreach/shown_nudges", "quiz": "outreach/shown_quizzes"}
_FROM: Final = {
    "nudge": "published_nudges as drafts",
    # A quiz has no score of its own: the learner's of today.
    "quiz": "published_quizzes as drafts left join risk_scores on drafts.learner_id = risk_scores.learner_id",
}


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which drafts are asked for; None and "" mean all."""

    status: str | None = None
    program: str | None = None
    risk: str | None = None
    of_type: str | None = None  # of nudges, as their channel
    channel: str | None = None
    written_by: str = "any"
    search: str = ""

    def __post_init__(self) -> None:
        allowed = {"status": STATUSES, "risk": LABELS, "of_type": NUDGE_TYPES, "channel": CHANNELS}
        for name, values in allowed.items():
            if (said := getattr(self, name)) is not None and said not in values:
                shown = said[:40] if isinstance(said, str) else said
                raise InvalidInput(f"{name.removeprefix('of_')} {shown!r}: allowed are {', '.join(values)}")
        if self.written_by not in WRITTEN_BY:
            raise InvalidInput(f"written_by {self.written_by!r}: allowed are {', '.join(WRITTEN_BY)}")

    def where(self, programs: Sequence[str] | None) -> tuple[str, dict[str, object]]:
        """Return the condition on `drafts`, with its parameters; learners are looked at only where it asks for them."""
        asked: dict[str, tuple[str, object]] = {
            "status": ("drafts.status = $status", self.status),
            "risk": ("risk_label = $risk", self.risk),
            "of_type": ("drafts.type = $of_type", self.of_type),
            "channel": ("drafts.channel = $channel", self.channel),
            "by_template": ("drafts.gpt_fallback = $by_template", WRITTEN_BY[self.written_by]),
        }
        of_learners: dict[str, tuple[str, object]] = {
            "programs": ("list_contains($programs::text[], program)", programs),
            "program": ("program = $program", self.program),
        }
        words, of_search = search.conditions(self.search, "searched")
        within = [condition for condition, value in of_learners.values() if value is not None] + words
        conditions = [condition for condition, value in asked.values() if value is not None]
        if within:
            conditions.append(f"drafts.learner_id in (select id from learners where {' and '.join(within)})")  # noqa: S608
        values = {name: value for name, (_, value) in (asked | of_learners).items() if value is not None}
        values |= of_search
        return " and ".join(conditions) or "true", values


def queue(
    store: Store,
    kind: Kind,
    *,
    programs: Sequence[str] | None,
    status: str = "draft",
    program: str | None = None,
    written_by: str = "any",
    search: str = "",
    page: int = 1,
) -> dict[str, Any]:
    """Return one page of the queue, worst first, with how many there are in each status.

    Parameters
    ----------
    programs
        The viewer's; None for all.
    search
        Part of the learner's name, id or e-mail address, in any case.
    """
    wanted = Filter(status=status, program=program, written_by=written_by, search=search)
    if page < 1:
        raise InvalidInput(f"page {page}: allowed is a whole number, 1 or more")
    with store.read() as db:
        condition, named = replace(wanted, status=None).where(programs)
        counted = db.execute(
            f"select drafts.status, count(*) from {_from(kind)} where {condition} group by drafts.status",  # noqa: S608
            named,
        ).fetchall()
        rows = worst_first(db, kind, wanted, programs, f"limit {PAGE_SIZE} offset {(page - 1) * PAGE_SIZE}")
    counts = dict.fromkeys(STATUSES, 0) | dict(counted)
    return {"total": counts[status], "page": page, "page_size": PAGE_SIZE, "counts": counts, "rows": rows}


def of_learner(db: Cursor, kind: Kind, learner_id: str) -> list[dict[str, Any]]:
    """Return the learner's own, newest first. Whether the viewer may see the learner is the caller's to check."""
    return _selected(
        db,
        kind,
        "drafts.learner_id = $learner_id order by drafts.created_at desc, drafts.id",
        {"learner_id": learner_id},
    )


def one(db: Cursor, kind: Kind, draft_id: str, *, programs: Sequence[str] | None) -> dict[str, Any]:
    """Return one nudge or quiz; `NotFound` where there is none of that id in the programs."""
    found = those(db, kind, [draft_id], programs=programs)
    if not found:
        raise NotFound(f"no {kind} {draft_id[:12]!r}")
    return found[0]


def worst_first(
    db: Cursor, kind: Kind, wanted: Filter, programs: Sequence[str] | None, limit: str = ""
) -> list[dict[str, Any]]:
    """Return rows of the queue, worst first: all, or as many as `limit` says."""
    condition, named = wanted.where(programs)
    order = "order by risk_score desc nulls last, drafts.id"
    return _selected(db, kind, f"{condition} {order} {limit}", named)


def those(
    db: Cursor, kind: Kind, ids: Sequence[str], *, programs: Sequence[str] | None
) -> list[dict[str, Any]]:
    """Return the nudges or quizzes of those ids, as many as there are in the programs."""
    return [row for row in _read(db, kind, ids) if programs is None or row["program"] in programs]


def author(row: Mapping[str, Any]) -> str:
    """Return who wrote the text first: one of `WRITTEN_BY`."""
    return "template" if row["gpt_fallback"] else "model"


def _from(kind: str) -> str:
    if kind not in _FROM:
        raise InvalidInput(f"kind {kind!r}: allowed are {', '.join(_FROM)}")
    return _FROM[kind]


def _selected(db: Cursor, kind: Kind, condition: str, named: Mapping[str, object]) -> list[dict[str, Any]]:
    ids = db.execute(f"select drafts.id from {_from(kind)} where {condition}", dict(named)).fetchall()  # noqa: S608
    return _read(db, kind, [draft_id for (draft_id,) in ids])


def _read(db: Cursor, kind: Kind, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows of those ids in that order, without those that are not there."""
    show = _nudge if kind == "nudge" else _quiz
    _from(kind)
    if not ids:
        return []
    in_use = runs.policy_in_use(db)
    rows = records(db, query(_SHOWN[kind]), {"ids": list(ids)})
    found = {row["id"]: show(_with_thresholds(row, in_use)) for row in rows}
    return [found[draft_id] for draft_id in ids if draft_id in found]


def _with_thresholds(row: dict[str, Any], in_use: RiskPolicy) -> dict[str, Any]:
    """Return the row with those of the score beside it; where no run has made that, those in use."""
    kept = row.pop("policy")
    return {**row, "thresholds": (runs.policy_of(kept) if kept else in_use).thresholds}


def _nudge(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "email": None if row["refused"] else row["email"],
        "phone": None if row["refused"] else row["phone"],
        "first_name": first_name(row["name"]),
        "subject_filled": fill(row["subject"], row["name"]) if row["subject"] else None,
        "content_filled": fill(row["content"], row["name"]),
    }


def _quiz(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "questions": json.loads(row["questions"])}
