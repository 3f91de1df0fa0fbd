"""The table of learners that a coordinator works from, searched and in pages; and the short list of the command line.

It shows who has a published score, worst first unless another order is asked for. A search also finds those who
have none (any more): who is new, or has left. With a million learners a page is quick because little is looked at:
the numbers of the learners on it are found first, from narrow columns; names, contacts, drafts and changes are
read for those few only. Which programs a viewer sees is decided by the learner's own entry, in the same query.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from numbers import Integral
from operator import itemgetter
from typing import Annotated, Any, Final, Literal

import narwhals as nw
from pydantic import BaseModel, Field, StringConstraints

from engagement import runs
from engagement.errors import InvalidInput
from engagement.policy import RiskPolicy, shown_score
from engagement.risk import explanations
from engagement.store import Cursor, Relation, Store, query, records, search
from engagement.text import workbook
from engagement.views import calls
from engagement.views import named as by_name
from engagement.vocabulary import LABELS, SCORED_LABELS, TERMS

PAGE_SIZE: Final = 25
MOST_CALLS: Final = 1_000
MOST_EXPORTED: Final = 20_000  # rows of a workbook; one of more takes longer than anybody waits for
FILE_COLUMNS: Final = (
    *("id", "name", "program", "risk_label", "risk_score", "change", "reason", "completed_percent"),
    *("avg_quiz_score", "consecutive_missed_sessions", "last_login", "last_contact_at", "draft"),
    *("approved", "opted_out", "active", "phone"),
)
_SHOWN: Final = tuple(column for column in FILE_COLUMNS if column != "reason")

# What is sorted by: an expression whose null comes last, whichever way.
_KEYS: Final = {
    "risk_score": "scores.risk_score",
    "name": "strip_accents(lower(learners.name))",
    "program": "strip_accents(lower(learners.program))",
    "risk_label": "case scores.risk_label when 'high' then 3 when 'medium' then 2 when 'low' then 1 end",
    "reason": f"list_position({list(TERMS)}, scores.driver)",
    "completed_percent": "scores.completed_percent",
    "avg_quiz_score": "scores.avg_quiz_score",
    "consecutive_missed_sessions": "scores.consecutive_missed_sessions",
    "last_login": "scores.last_login",
    "last_contact_at": "contacts.last_contact_at",
}
SORTS: Final = tuple(_KEYS)
_OF_THE_LEARNER: Final = ("name", "program")  # sorts by what stands with the learner, not with the score


class Filter(BaseModel, extra="forbid", strict=True, frozen=True):
    """Which learners a viewer asks to see, and in what order; a `ValidationError` says what makes no sense.

    `capacity`: only so many persons, the worst who may be called now; what narrows the table further comes first.
    """

    search: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""
    labels: list[Literal[LABELS]] = Field(default_factory=list, max_length=len(LABELS))  # type: ignore[valid-type]
    program: Annotated[str, StringConstraints(max_length=500)] | None = None
    contacted: Literal["any", "no"] = "any"
    capacity: Annotated[int, Field(ge=1, le=MOST_CALLS)] | None = None
    sort: Literal[SORTS] = "risk_score"  # type: ignore[valid-type]
    descending: bool = True


class Wanted(Filter):
    """One page of them."""

    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1


def page(store: Store, wanted: Wanted, *, programs: Sequence[str] | None, now: datetime) -> dict[str, Any]:
    """Return `total`, `page`, `page_size` and the `rows` of that page, none beyond the end.

    A row's `reason` is None where there is no score, and has no `term` where nothing points to a risk; `thresholds` are
    those of its policy.

    Parameters
    ----------
    programs
        Those the viewer may see; None for all.
    now
        Until when contacts count.
    """
    with store.read() as db:
        total, found = _found(
            db, wanted, programs, now, limit=PAGE_SIZE, offset=PAGE_SIZE * (wanted.page - 1)
        )
        in_use = runs.policy_in_use(db)
        rows = [_coded(row, in_use) for row in _rows(db, found, now)]
    return {"total": total, "page": wanted.page, "page_size": PAGE_SIZE, "rows": rows}


def every(
    store: Store, wanted: Filter, *, programs: Sequence[str] | None, now: datetime
) -> list[dict[str, Any]]:
    """Return the rows of all pages, with `reason` in words; `InvalidInput` where they are too many for a file."""
    with store.read() as db:
        total, found = _found(db, wanted, programs, now, limit=MOST_EXPORTED, offset=0)
        if total > MOST_EXPORTED:
            raise InvalidInput(
                f"{total:,} learners; a file holds at most {MOST_EXPORTED:,}: narrow the table down"
            )
        in_use = runs.policy_in_use(db)
        return [_worded(row, in_use) for row in _rows(db, found, now)]


def as_workbook(store: Store, wanted: Filter, *, programs: Sequence[str] | None, now: datetime) -> bytes:
    """Return `every` row as a workbook, for a person."""
    return workbook(FILE_COLUMNS, every(store, wanted, programs=programs, now=now))


def programs(store: Store, *, programs: Sequence[str] | None) -> list[str]:
    """Return the programs there are, of those the viewer may see, in order."""
    with store.read() as db:
        rows = db.execute("select distinct program from learners order by program").fetchall()
    return [program for (program,) in rows if programs is None or program in programs]


def allowed(programs: Sequence[str] | None, program: str | None) -> list[str] | None:
    """Return the programs to look in, None for all; a program that is not the viewer's is as if it were not there."""
    if program is None:
        return None if programs is None else list(programs)
    return [program] if programs is None or program in programs else []


def by_risk(
    store: Store,
    *,
    risk_label: str | None = None,
    program: str | None = None,
    text: str = "",
    limit: int = 20,
) -> list[dict[str, Any]]:
    """Return learners with a published score, worst first, as people read them; all, or whom a search for `text` finds.

    Each has `shown_score` in hundredths, `top_reason`, `reasons` and `what_would_help`.
    """
    with store.read() as db:
        ids = _searched(db, text) if text.strip() else None
        found = learners_by_risk(db, risk_label=risk_label, program=program, limit=limit, ids=ids)
        return [_explained(dict(zip(found.columns, row, strict=True))) for row in found.fetchall()]


def _searched(db: Cursor, text: str) -> list[str]:
    words, named = search.conditions(text, "searched")
    sql = f"select id from learners where {' and '.join(words)}"  # noqa: S608 (ours)
    return [learner_id for (learner_id,) in db.execute(sql, named).fetchall()]


def to_call(
    store: Store, *, program: str | None = None, limit: int = 20, now: datetime
) -> list[dict[str, Any]]:
    """Return whom to call first, as `by_risk` has them, each with the `phone` of the person: the page's list."""
    if limit > MOST_CALLS:
        raise InvalidInput(f"limit {limit:,}: a list of calls has at most {MOST_CALLS:,}")
    wanted = Filter(program=program, capacity=limit)
    with store.read() as db:
        by_name.program(db, program)
        _, found = _found(db, wanted, None, now, limit=limit, offset=0)
        phones = {row["id"]: row["phone"] for row in _rows(db, found, now)}
        listed = learners_by_risk(db, risk_label=None, program=program, limit=None, ids=list(phones))
        rows = [_explained(dict(zip(listed.columns, row, strict=True))) for row in listed.fetchall()]
    by_id = {row["id"]: row for row in rows}
    return [by_id[learner_id] | {"phone": phone} for learner_id, phone in phones.items()]


def learners_by_risk(
    db: Cursor,
    *,
    risk_label: str | None,
    program: str | None,
    limit: int | None,
    ids: Sequence[str] | None = None,
) -> Relation:
    """Return learners with a published score, worst first: inputs, contributions, score, label, chance and policy."""
    if risk_label is not None and risk_label not in LABELS:
        raise InvalidInput(f"risk {str(risk_label)[:40]!r}: allowed are {', '.join(LABELS)}")
    if limit is not None and not (isinstance(limit, Integral) and limit >= 0):
        raise InvalidInput(f"limit {str(limit)[:40]!r}: a whole number, 0 or more, is needed")
    named = {"risk": risk_label, "program": by_name.program(db, program), "limit": limit, "ids": ids}
    return db.sql(query("views/learners_by_risk"), params=named)


def _explained(row: dict[str, Any]) -> dict[str, Any]:
    policy = runs.policy_of(row.pop("policy"))
    del row["policy_hash"]
    reasons = explanations.reasons(row, policy=policy)
    return {
        **row,
        "shown_score": None if row["risk_score"] is None else _shown(row["risk_score"], policy),
        "top_reason": reasons[0],
        "reasons": reasons,
        "what_would_help": [asdict(lever) for lever in explanations.what_would_help(row, policy=policy)],
    }


def _shown(score: float, policy: RiskPolicy) -> float:
    return shown_score(score, policy.thresholds.values())


def _found(
    db: Cursor,
    wanted: Filter,
    programs: Sequence[str] | None,
    now: datetime,
    *,
    limit: int,
    offset: int,
) -> tuple[int, list[tuple[int, int]]]:
    """Return how many learners are wanted, and of those on the page, in order, their own and their person's number."""
    named: dict[str, object] = {"limit": limit, "offset": offset}
    if wanted.capacity is not None or wanted.contacted == "no" or wanted.sort == "last_contact_at":
        since = None if wanted.sort == "last_contact_at" else now - calls.RECENT
        db.execute(query("views/roster_contacts"), {"now": now, "since": since})
    if wanted.capacity is not None:
        named["callable"] = _to_call(db, wanted, programs, wanted.capacity, now)
    sql, narrowing = _candidates(db, wanted, programs, now)
    rows = db.execute(
        f"""
        with found as materialized ({sql}),
        shown as (select * from found {_order(wanted)} limit $limit offset $offset)
        select (select count(*) from found), number, learners.person_number
        from shown
        inner join learners using (number)
        {_order(wanted)}
        """,  # noqa: S608 (our own fragments; values are bound)
        named | narrowing,
    ).fetchall()
    if rows:
        return int(rows[0][0]), [(number, person_number) for _, number, person_number in rows]
    del named["limit"], named["offset"]  # none on this page: only their number is asked
    ((total,),) = db.execute(f"select count(*) from ({sql})", named | narrowing).fetchall()  # noqa: S608
    return int(total), []


def _order(wanted: Filter) -> str:
    if wanted.capacity is not None and (wanted.sort, wanted.descending) == ("risk_score", True):
        return "order by list_position($callable::integer[], number)"  # as the list of calls has them
    return f"order by key {'desc' if wanted.descending else 'asc'} nulls last, risk_score desc nulls last, number"


def _candidates(
    db: Cursor, wanted: Filter, programs: Sequence[str] | None, now: datetime
) -> tuple[str, dict[str, object]]:
    """Return the query of the learners that are wanted, as `number`, `key` and `risk_score`, and what it binds.

    It joins no more than it needs: without a filter or a sort by what stands with the learner, the scores are enough.
    """
    looked_in = allowed(programs, wanted.program)
    conditions, named = search.conditions(wanted.search, "learners.searched")
    if looked_in is not None:
        conditions.append("list_contains($programs::text[], learners.program)")
        named["programs"] = looked_in
    joins_learners = bool(conditions) or wanted.sort in _OF_THE_LEARNER
    number = "learners.number" if joins_learners else "scores.learner_number"
    scores = f"{_with_main_reason(db) if wanted.sort == 'reason' else 'risk_scores'} as scores"
    tables = scores
    if joins_learners:
        also_unscored = wanted.search and not wanted.labels and wanted.capacity is None
        join = "left join" if also_unscored else "inner join"
        tables = f"learners {join} {scores} on learners.number = scores.learner_number"
    if wanted.sort == "last_contact_at":
        tables += f" left join temp.contacts on {number} = contacts.number"
    if wanted.labels:
        conditions.append("list_contains($labels::text[], scores.risk_label)")
        named["labels"] = wanted.labels
    if wanted.contacted == "no":
        recent = "select recent.number from temp.contacts as recent where recent.last_contact_at > $recently"
        conditions.append(f"{number} not in ({recent})")
        named["recently"] = now - calls.RECENT
    if wanted.capacity is not None:
        conditions.append(f"{number} in (select unnest($callable::integer[]))")
    where = f"where {' and '.join(conditions)}" if conditions else ""
    key = _KEYS[wanted.sort]
    return f"select {number} as number, {key} as key, scores.risk_score from {tables} {where}", named  # noqa: S608


def _with_main_reason(db: Cursor) -> str:
    """Return the published scores with their `driver`, as a query: the rule is one of `risk`, for every engine."""
    driver = explanations.main_reason_by(runs.policies_of_scores(db))
    scored: Any = nw.from_native(db.table("risk_scores"))
    return f"({scored.with_columns(driver=driver).to_native().sql_query()})"


def _to_call(
    db: Cursor, wanted: Filter, programs: Sequence[str] | None, capacity: int, now: datetime
) -> list[int]:
    """Return the numbers of those to call first, of whom the other filters leave."""
    everybody = wanted.model_copy(update={"capacity": None, "contacted": "any", "sort": "risk_score"})
    sql, named = _candidates(db, everybody, programs, now)
    return calls.first(db, sql, named, capacity=capacity, now=now)


def _rows(db: Cursor, found: Sequence[tuple[int, int]], now: datetime) -> list[dict[str, Any]]:
    """Return what a page shows of the learners of those numbers, in that order."""
    if not found:
        return []
    persons = {person for _, person in found}
    enrolments = records(db, query("views/roster_enrolments"), {"persons": list(persons)})
    shown = {row["number"]: row for row in enrolments}
    person_of = {row["id"]: row["person_number"] for row in enrolments}
    contacts = records(db, query("views/roster_last_contacts"), {"ids": list(person_of), "now": now})
    waiting = {row["learner_id"] for row in contacts if row["is_draft"]}
    approved = {person_of[row["learner_id"]] for row in contacts if row["is_approved"]}
    contacted = sorted((row for row in contacts if row["contacted_at"]), key=itemgetter("contacted_at"))
    last_contacts = {person_of[row["learner_id"]]: row["contacted_at"] for row in contacted}
    phones = {row["person_number"]: row["phone"] for row in enrolments if row["phone"] is not None}
    before = _labels_before(db, [shown[number]["id"] for number, _ in found])
    return [
        {
            **(row := shown[number]),
            "change": _change(row, before),
            "last_contact_at": last_contacts.get(person),
            "draft": row["id"] in waiting,
            "approved": person in approved,
            "phone": phones.get(person) if row["phone"] is None else row["phone"],
        }
        for number, person in found
    ]


def _labels_before(db: Cursor, ids: Sequence[str]) -> dict[str, str | None]:
    """Return the label before the newest nightly run of whom it may have changed since; None: had none."""
    before = runs.before_newest(db, runs.NIGHTLY)
    if before is None:
        return {}
    named = {"before": before.as_of, "ids": ids}
    return dict(db.execute(query("views/roster_changes"), named).fetchall())


def _change(row: Mapping[str, Any], before: Mapping[str, str | None]) -> str | None:
    """Return "worse", "better", "new" (not scored then), or None: the same, or nothing to compare."""
    if row["risk_label"] is None or row["id"] not in before:
        return None
    label_before = before[row["id"]]
    if label_before is None:
        return "new"
    label = row["risk_label"]
    if label == label_before or not {label, label_before} <= set(SCORED_LABELS):
        return None
    return "worse" if SCORED_LABELS.index(label) < SCORED_LABELS.index(label_before) else "better"


def _coded(row: Mapping[str, Any], in_use: RiskPolicy) -> dict[str, Any]:
    policy = _policy(row, in_use)
    main = explanations.coded(row, policy=policy)[:1]
    nothing = {"term": None, "value": None, "never": False, "basis": policy.basis}
    reason = None if row["risk_score"] is None else asdict(main[0]) if main else nothing
    said = {"reason": reason, "thresholds": policy.thresholds, "login_is_unknown": row["login_is_unknown"]}
    return {name: row[name] for name in _SHOWN} | said


def _worded(row: Mapping[str, Any], in_use: RiskPolicy) -> dict[str, Any]:
    reason = explanations.reason(row, policy=_policy(row, in_use))
    return {name: row[name] for name in _SHOWN} | {"reason": reason}


def _policy(row: Mapping[str, Any], in_use: RiskPolicy) -> RiskPolicy:
    """Return the policy that made a row's score, else the one in use."""
    return runs.policy_of(row["policy"]) if row["policy"] else in_use
