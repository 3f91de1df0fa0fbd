"""The review queue: what may happen to a nudge or a quiz, and who did it.

Every change of status goes through one table of transitions, many at once; each is an event with its actor. Nothing is
queued or sent that a person has not approved, because no transition leads there from a draft.

A command moves all or none (`move`), but for drafts that may not be approved now. A page shows what was true a while
ago: what somebody else has changed since is left as it is and told (`move_seen`).
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from engagement.audit import Actor
from engagement.content.names import fill
from engagement.errors import InvalidInput, NotFound
from engagement.outreach import queue
from engagement.policy import DRAFT_HOURS
from engagement.store import TEXT_ROWS_PER_BLOCK, Cursor, Store, first_row, query, records
from engagement.targeting import limits
from engagement.text import plain_text

TRANSITIONS: Final = {
    "draft": ("approved", "rejected", "expired"),
    "approved": ("queued", "draft", "expired"),  # back to draft: undo
    "rejected": ("draft",),  # undo
    "queued": ("sent", "failed", "draft"),  # undo until exported
    "sent": ("delivered", "failed"),
}
BY_HAND: Final = ("approved", "rejected", "draft")  # where a person may move what a page shows
QUIZ_DAYS: Final = 7  # one is drafted a week
# What else a move leaves in the row. A quiz is handed on by a person: when, nobody records.
_STAMPS: Final = {
    "nudge": """,
        approved_at = case $status when 'approved' then $now when 'draft' then null else approved_at end,
        overruled_at = case $status when 'draft' then null else overruled_at end,
        sent_at = case $status when 'sent' then $now else sent_at end""",
    "quiz": "",
}

NOTHING_PAST: Final[Mapping[str, Sequence[str]]] = {}

THOSE: Final = "id in (select unnest($ids::text[]))"


def listed(
    store: Store,
    kind: queue.Kind = "nudge",
    *,
    status: str | None = "draft",
    program: str | None = None,
    risk: str | None = None,
    of_type: str | None = None,
    channel: str | None = None,
) -> list[dict[str, Any]]:
    """Return nudges or quizzes of published runs and those asked for by hand, worst first, with the name filled in."""
    wanted = queue.Filter(status=status, program=program, risk=risk, of_type=of_type, channel=channel)
    if kind == "quiz" and (of_type or channel):
        raise InvalidInput("type, channel: are of nudges; a quiz has none")
    with store.read() as db:
        return (
            _listed(db, *wanted.where(None)) if kind == "nudge" else queue.worst_first(db, kind, wanted, None)
        )


def whole(store: Store, ids: Sequence[str]) -> list[tuple[queue.Kind, dict[str, Any]]]:
    """Return nudges and quizzes of those ids as a coordinator reads them; an id may be shortened while it is unique."""
    with store.read() as db:
        nudges, quizzes = _full_ids(db, ids)
        return [
            *(("nudge", row) for row in queue.those(db, "nudge", nudges, programs=None)),
            *(("quiz", row) for row in queue.those(db, "quiz", quizzes, programs=None)),
        ]


def approve(
    store: Store, ids: Sequence[str], *, by: Actor, known: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Approve drafts: from here on they may leave the house. Return them as `move` does.

    Those that go past a limit are left as they are, but for the limits that are `known` (of `limits.LIMITS`): whoever
    was told goes past them, which is recorded.
    """
    return move(store, ids, "approved", by=by, known=known)


def reject(store: Store, ids: Sequence[str], *, by: Actor, reason: str) -> list[dict[str, Any]]:
    """Reject drafts, with the reason, which is kept; what a model wrote there is offered to nobody again."""
    if not reason.strip():
        raise InvalidInput("reason: a rejection needs one")
    return move(store, ids, "rejected", by=by, reason=reason)


def move(
    store: Store,
    ids: Sequence[str],
    status: str,
    *,
    by: Actor,
    reason: str = "",
    known: Collection[str] = (),
) -> list[dict[str, Any]]:
    """Move nudges and quizzes to `status` and return them. An id may be shortened while it is unique.

    All of them or none; but a draft that may not be approved (`limits.held_back`) is left as it is, and its row says
    `why`, in codes. Raises `NotFound` for an unknown id, `InvalidInput` where one of them may not go there, or where
    none may be approved.
    """
    with store.write() as db:
        nudges, quizzes = _full_ids(db, ids)
        held, past = _judged(db, nudges, by.now, known) if status == "approved" else limits.NOTHING_JUDGED
        held = {**held, **(_refused(db, quizzes) if status == "approved" else {})}
        if held and len(held) == len(nudges) + len(quizzes):
            of_both = "drafts" if quizzes else "nudges"
            raise InvalidInput(
                f"{len(held):,} of {len(held):,} {of_both}, first {min(held)[:12]!r}, are left as they are. "
                f"{limits.in_words(held)} Who knows of a limit may go past it (`--past-limits`)"
            )
        left = [nudge_id for nudge_id in nudges if nudge_id not in held]
        move_those(db, "nudge", left, status, by=by, reason=reason, past=past)
        left = [quiz_id for quiz_id in quizzes if quiz_id not in held]
        move_those(db, "quiz", left, status, by=by, reason=reason)
        rows = [*those(db, nudges), *queue.those(db, "quiz", quizzes, programs=None)]
        return [{**row, "why": held[row["id"]]} if row["id"] in held else row for row in rows]


def _judged(db: Cursor, ids: Sequence[str], now: datetime, known: Collection[str]) -> limits.Verdict:
    """Return which drafts of those ids may not be approved, and why; of what is no draft the transitions decide."""
    drafts = f"select id from published_nudges where status = 'draft' and {THOSE}"  # noqa: S608 (ours)
    found = [nudge_id for (nudge_id,) in db.execute(drafts, {"ids": list(ids)}).fetchall()] if ids else []
    return limits.judge(db, found, now=now, known=known)


def _refused(db: Cursor, ids: Sequence[str]) -> dict[str, list[str]]:
    """Return which draft quizzes of those ids are for who may not be written to, and why."""
    there = queue.those(db, "quiz", ids, programs=None)
    return {row["id"]: [row["refused"]] for row in there if row["refused"] and row["status"] == "draft"}


def move_seen(
    store: Store,
    kind: queue.Kind,
    seen: Mapping[str, int],
    to: str,
    *,
    by: Actor,
    reason: str = "",
    known: Collection[str] = (),
) -> dict[str, list[dict[str, Any]]]:
    """Move what is still as the viewer saw it, in one transaction, and tell what is not.

    Parameters
    ----------
    seen
        The version the viewer saw, by full id.
    to
        `approved`, `rejected` (with a reason) or `draft`, which takes either back.
    known
        The limits that the viewer was told of, and goes past; see `approve`.

    Returns
    -------
    `moved`, with id, version and status, and `conflicts`: what was left as it is, by whom it was changed (`actor`,
    `at`; null where only a run has) and its status, null where it is not there. With `why`, nobody was faster: the
    learner may not be written to any more, or not now; with one of
    `limits.LIMITS`, it goes once that is `known`.
    """
    if to not in BY_HAND:
        raise InvalidInput(f"to {to!r}: allowed are {', '.join(BY_HAND)}")
    reason = plain_text("reason", reason)
    if to == "rejected" and not reason:
        raise InvalidInput("reason: a rejection needs one")
    with store.write() as db:
        there = {row["id"]: row for row in queue.those(db, kind, list(seen), programs=by.programs)}
        held, past = limits.NOTHING_JUDGED
        if to == "approved":
            if kind == "nudge":
                as_seen = [row["id"] for row in there.values() if row["version"] == seen[row["id"]]]
                held, past = _judged(db, as_seen, by.now, known)
            held = {row["id"]: [row["refused"]] for row in there.values() if row["refused"]} | held
        conflicts = [
            conflict
            for draft_id, version in seen.items()
            if (conflict := _conflict(draft_id, there.get(draft_id), version, to, held.get(draft_id, [])))
        ]
        left = {conflict["id"] for conflict in conflicts}
        ready = [draft_id for draft_id in seen if draft_id not in left]
        move_those(db, kind, ready, to, by=by, reason=reason, past=past)
    moved = [{"id": draft_id, "version": seen[draft_id] + 1, "status": to} for draft_id in ready]
    return {"moved": moved, "conflicts": conflicts}


def _conflict(
    draft_id: str, row: Mapping[str, Any] | None, version: int, to: str, held: Sequence[str]
) -> dict[str, Any] | None:
    """Return why the row does not go where the viewer wants it to; None where it goes."""
    if row is None:
        told = ("status", "version", "actor", "at", "name", "learner_id", "why")
        return {"id": draft_id, **dict.fromkeys(told)}
    is_as_seen = row["version"] == version and to in TRANSITIONS.get(row["status"], ())
    why = held[0] if is_as_seen and held else None
    if is_as_seen and not why:
        return None
    return {
        "id": draft_id,
        "status": row["status"],
        "version": row["version"],
        "actor": row["changed_by"],
        "at": row["changed_at"],
        "name": row["name"],
        "learner_id": row["learner_id"],
        "why": why,
    }


def expire(db: Cursor, as_of: datetime, *, now: datetime) -> int:
    """Let published drafts of 72 hours before `as_of` and older expire; return how many."""
    old = {"as_of": as_of, "hours": DRAFT_HOURS}
    condition = "status = 'draft' and as_of <= $as_of - to_hours($hours)"
    return move_where(db, "nudge", condition, old, "expired", by=_nobody(now))


def expire_approvals(db: Cursor, *, now: datetime) -> int:
    """Let approvals expire that are a week old, or whose learner is no longer at risk; return how many."""
    approved = db.execute("select id from published_nudges where status = 'approved'").fetchall()
    held = limits.held_back(db, [nudge_id for (nudge_id,) in approved], now=now)
    expired = 0
    for code in ("approved_long_ago", "no_longer_at_risk"):
        over = [nudge_id for nudge_id, (first, *_) in held.items() if first == code]
        expired += move_those(db, "nudge", over, "expired", by=_nobody(now), reason=code)
    return expired


def expire_quizzes(store: Store, as_of: datetime, *, now: datetime) -> int:
    """Let published quizzes that nobody has decided about within a week before `as_of` expire; return how many.

    There may be many, so nobody has to wait for all of them at once.
    """
    old = {"as_of": as_of, "days": QUIZ_DAYS, "most": TEXT_ROWS_PER_BLOCK}
    condition = "status = 'draft' and as_of <= $as_of - to_days($days) order by id limit $most"
    expired = 0
    while True:
        with store.write() as db:
            count = move_where(db, "quiz", condition, old, "expired", by=_nobody(now))
        expired += count
        if count < TEXT_ROWS_PER_BLOCK:
            return expired


def _nobody(now: datetime) -> Actor:
    """Return who acts where time has passed and nobody did."""
    return Actor(name="system", now=now, day=now.date(), programs=None)


def move_those(
    db: Cursor,
    kind: queue.Kind,
    ids: Sequence[str],
    status: str,
    *,
    by: Actor,
    reason: str = "",
    batch: str = "",
    past: Mapping[str, Sequence[str]] = NOTHING_PAST,
) -> int:
    """Move the visible ones of the ids as `move_where` does."""
    if not ids:
        return 0
    named = {"ids": list(ids)}
    return move_where(db, kind, THOSE, named, status, by=by, reason=reason, batch=batch, past=past)


def move_where(
    db: Cursor,
    kind: queue.Kind,
    condition: str,
    named: Mapping[str, object],
    status: str,
    *,
    by: Actor,
    reason: str = "",
    batch: str = "",
    past: Mapping[str, Sequence[str]] = NOTHING_PAST,
) -> int:
    """Move the visible nudges or quizzes for which our own condition holds, all or none; return how many.

    `batch` is the one that they leave in; `past` are the limits that whoever moves them goes past, by id. Raises
    `InvalidInput` where one of them may not go there.
    """
    table = queue.TABLES[kind]
    db.execute(
        f"""
        create or replace temp table moving as
        select id, learner_id, status, version, created_at, null::text[] as past
        from published_{table}
        where {condition}
        """,  # noqa: S608 (ours)
        dict(named),
    )
    if past:
        db.execute(
            """
            update temp.moving
            set past = told.codes
            from (select unnest($ids::text[]) as id, unnest($codes::text[][]) as codes) as told
            where moving.id = told.id
            """,
            {"ids": list(past), "codes": [list(codes) for codes in past.values()]},
        )
    moved, since = first_row(db, "select count(*), min(created_at) from temp.moving")
    if not moved:
        return 0
    _check_transitions(db, table, status)
    change = {"status": status, "now": by.now, "actor": by.name}
    db.execute(
        f"""
        update {table}
        set status = $status, version = version + 1, changed_by = $actor, changed_at = $now{_STAMPS[kind]}
        where id in (select moving.id from temp.moving) and {queue.PUBLISHED}
        """,  # noqa: S608 (ours)
        change,
    )
    if past:
        db.execute(
            f"""
            update nudges
            set overruled_at = $now
            where id in (select moving.id from temp.moving where moving.past is not null) and {queue.PUBLISHED}
            """,  # noqa: S608 (ours)
            {"now": by.now},
        )
    told = {**change, "kind": kind, "reason": reason or None, "batch": batch or None, "since": since}
    db.execute(query("outreach/record_moves"), told)
    return int(moved)


def _check_transitions(db: Cursor, table: str, status: str) -> None:
    """Raise `InvalidInput` where one of those that are `moving` may not go to the status."""
    for before, count, first in db.execute(
        "select status, count(*), min(id) from temp.moving group by status order by status"
    ).fetchall():
        allowed = TRANSITIONS.get(before, ())
        if status not in allowed:
            may = f"it may become {' or '.join(allowed)}" if allowed else "it stays as it is"
            why = f"it is {before} already" if status == before else may
            raise InvalidInput(
                f"{count} of the {table}, first {first[:12]!r}, cannot go from {before} to {status}: {why}"
            )


def those(db: Cursor, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return the nudges of those ids as `listed` does."""
    return _listed(db, "drafts.id in (select unnest($ids))", {"ids": list(ids)})


def _full_ids(db: Cursor, starts: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the ids of nudges and of quizzes that begin so: lists show twelve characters, and a person types fewer."""
    found = db.execute(
        """
        with drafts as (
            select id, true as is_nudge from published_nudges
            union all
            select id, false as is_nudge from published_quizzes
        )
        select asked.start, count(drafts.id), any_value(drafts.id), any_value(drafts.is_nudge)
        from (select distinct unnest($starts::text[]) as start) as asked
        left join drafts on starts_with(drafts.id, asked.start) and asked.start <> ''
        group by asked.start
        order by asked.start
        """,
        {"starts": list(starts)},
    ).fetchall()
    for start, count, *_ in found:
        if not count:
            raise NotFound(f"no nudge {start[:12]!r} in the queue, and no quiz")
        if count > 1:
            raise NotFound(f"{start[:12]!r}: more than one nudge or quiz begins so")
    nudges, quizzes = (sorted({row[2] for row in found if row[3] is kind}) for kind in (True, False))
    return nudges, quizzes


def _listed(db: Cursor, condition: str, named: Mapping[str, object]) -> list[dict[str, Any]]:
    """Return the nudges for which our own condition holds, worst first, with the name where it belongs."""
    rows = records(
        db,
        f"""
        select drafts.id, drafts.learner_id, drafts.program, drafts.channel, drafts.type, drafts.status, drafts.version,
            drafts.risk_label, drafts.risk_score, drafts.subject, drafts.content, drafts.gpt_fallback, drafts.reason,
            drafts.edited, drafts.created_at, learners.name, learners.email, learners.phone
        from published_nudges as drafts
        inner join learners on drafts.learner_id = learners.id
        where {condition}
        order by drafts.risk_score desc nulls last, drafts.id
        """,  # noqa: S608 (ours)
        named,
    )
    return [
        {
            **row,
            "content": fill(row["content"], row["name"]),
            "subject": fill(row["subject"], row["name"]) if row["subject"] else None,
        }
        for row in rows
    ]
