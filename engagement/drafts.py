"""Nudges and quizzes as a coordinator reads them: the queue in pages, one learner's, one by its id, as a file.

Only what runs have published or a person asked for, and only of learners in the viewer's programs: what lies outside
is not there. A row says whether it may still go out (`refused`), and who touched it last, from the events.
"""

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from engagement import quiz_formats, spreadsheets
from engagement.errors import InvalidInput, NotFound
from engagement.fallbacks import fill, first_name
from engagement.selection import refusal_by_hand
from engagement.store import Cursor, Store, query, records

Kind = Literal["nudge", "quiz"]
KINDS: Final = ("nudge", "quiz")
STATUSES: Final = ("draft", "approved", "rejected", "expired", "queued", "sent", "delivered", "failed")
WRITTEN_BY: Final[Mapping[str, bool | None]] = {"any": None, "template": True, "model": False}
PAGE_SIZE: Final = 25

_WORST_FIRST: Final = "order by risk_score desc nulls last, id"
_NEWEST_FIRST: Final = "order by created_at desc, id"
_SHOWN: Final = {"nudge": "shown_nudges", "quiz": "shown_quizzes"}
# Asked of the learner's entry to say whether something may go out; nobody reads them.
_ABOUT_THE_LEARNER: Final = (
    "active",
    "contact_opt_out",
    "whatsapp_opt_in",
    "has_email",
    "has_phone",
    "variant",
)
_NUDGE_COLUMNS: Final = (
    *("id", "learner_id", "name", "email", "phone", "program", "channel", "type", "status", "refused"),
    *("risk_score", "risk_label", "subject", "content", "written_by", "reason", "edited", "created_at"),
    *("changed_by", "changed_at"),
)
_QUIZ_COLUMNS: Final = (
    *("id", "learner_id", "name", "program", "topic", "status", "refused", "risk_score", "risk_label"),
    *(
        "question",
        "stem",
        "option_a",
        "option_b",
        "option_c",
        "option_d",
        "right",
        "explanation",
        "difficulty",
    ),
    *("written_by", "reason", "edited", "created_at", "changed_by", "changed_at"),
)
_FILES: Final[Mapping[str, tuple[str, str, Callable[[str, Sequence[Mapping[str, Any]]], str]]]] = {
    "moodle_xml": ("xml", "application/xml", quiz_formats.moodle_xml),
    "gift": ("gift.txt", "text/plain", quiz_formats.gift),
}


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which drafts are asked for; None and "" mean all."""

    status: str | None = None
    program: str | None = None
    written_by: str = "any"
    search: str = ""

    def __post_init__(self) -> None:
        if self.status is not None and self.status not in STATUSES:
            raise InvalidInput(f"status {self.status!r}: allowed are {', '.join(STATUSES)}")
        if self.written_by not in WRITTEN_BY:
            raise InvalidInput(f"written_by {self.written_by!r}: allowed are {', '.join(WRITTEN_BY)}")


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
        of_any_status = _parameters(Filter(program=program, written_by=written_by, search=search), programs)
        counted = db.execute(
            f"select status, count(*) from ({query(_shown(kind))}) group by status",  # noqa: S608 (our own query)
            of_any_status,
        ).fetchall()
        limit = f"{_WORST_FIRST} limit {PAGE_SIZE} offset {(page - 1) * PAGE_SIZE}"
        rows = _read(db, kind, _parameters(wanted, programs), limit)
    counts = dict.fromkeys(STATUSES, 0) | dict(counted)
    return {"total": counts[status], "page": page, "page_size": PAGE_SIZE, "counts": counts, "rows": rows}


def nudges_of(db: Cursor, learner_id: str) -> list[dict[str, Any]]:
    """Return the learner's nudges, newest first. Whether the viewer may see the learner is the caller's to check."""
    return _read(db, "nudge", _parameters(Filter(), None, learner_id=learner_id), _NEWEST_FIRST)


def quizzes_of(db: Cursor, learner_id: str) -> list[dict[str, Any]]:
    """Return the learner's quizzes, newest first. Whether the viewer may see the learner is the caller's to check."""
    return _read(db, "quiz", _parameters(Filter(), None, learner_id=learner_id), _NEWEST_FIRST)


def one(db: Cursor, kind: Kind, draft_id: str, *, programs: Sequence[str] | None) -> dict[str, Any]:
    """Return one nudge or quiz; `NotFound` where there is none of that id in the programs."""
    found = those(db, kind, [draft_id], programs=programs)
    if not found:
        raise NotFound(f"no {kind} {draft_id[:12]!r}")
    return found[0]


def those(
    db: Cursor, kind: Kind, ids: Sequence[str], *, programs: Sequence[str] | None
) -> list[dict[str, Any]]:
    """Return the nudges or quizzes of those ids, as many as there are in the programs, worst first."""
    return _read(db, kind, _parameters(Filter(), programs, ids=ids), _WORST_FIRST)


def export(
    store: Store,
    kind: Kind,
    *,
    programs: Sequence[str] | None,
    format: str,
    status: str | None = "draft",
    program: str | None = None,
    written_by: str = "any",
    search: str = "",
) -> dict[str, str]:
    """Return what the queue shows, all pages of it, as a file: `filename`, `mime` and `text`.

    A nudge has its name filled in, and an address unless the learner may not be written to any more. In CSV a quiz
    has a row for each question.
    """
    if format not in ("csv", "json"):
        raise InvalidInput(f"format {format!r}: allowed are csv, json")
    wanted = Filter(status=status, program=program, written_by=written_by, search=search)
    with store.read() as db:
        rows = _read(db, kind, _parameters(wanted, programs), _WORST_FIRST)
    name = f"{'nudges' if kind == 'nudge' else 'quizzes'}-{status or 'all'}"
    if format == "json":
        text = json.dumps(rows, ensure_ascii=False, indent=2, default=_as_text)
        return {"filename": f"{name}.json", "mime": "application/json", "text": text}
    file = io.StringIO(newline="")
    if kind == "nudge":
        spreadsheets.write_csv(_NUDGE_COLUMNS, map(_nudge_line, rows), file)
    else:
        spreadsheets.write_csv(_QUIZ_COLUMNS, (line for row in rows for line in _quiz_lines(row)), file)
    return {"filename": f"{name}.csv", "mime": "text/csv", "text": file.getvalue()}


def quiz_file(store: Store, quiz_id: str, *, format: str, programs: Sequence[str] | None) -> dict[str, str]:
    """Return a quiz as a file for a learning platform: `moodle_xml` or `gift`; `NotFound`."""
    if format not in _FILES:
        raise InvalidInput(f"format {format!r}: allowed are {', '.join(_FILES)}")
    with store.read() as db:
        quiz = one(db, "quiz", quiz_id, programs=programs)
    ending, mime, write = _FILES[format]
    text = write(quiz["topic"] or "How to study", quiz["questions"])
    return {"filename": f"quiz-{quiz['id'][:12]}.{ending}", "mime": mime, "text": text}


def touched(db: Cursor, kind: Kind, rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return who touched those rows last and when, by id; nothing of what only a run has written."""
    if not rows:
        return {}
    named = {"ids": [row["id"] for row in rows], "learner_ids": [row["learner_id"] for row in rows]}
    return {row["id"]: row for row in records(db, query("touched_drafts"), {**named, "kind": kind})}


def _shown(kind: str) -> str:
    if kind not in _SHOWN:
        raise InvalidInput(f"kind {kind!r}: allowed are {', '.join(KINDS)}")
    return _SHOWN[kind]


def _parameters(
    wanted: Filter,
    programs: Sequence[str] | None,
    *,
    ids: Sequence[str] | None = None,
    learner_id: str | None = None,
) -> dict[str, object]:
    return {
        "ids": None if ids is None else list(ids),
        "learner_id": learner_id,
        "programs": None if programs is None else list(programs),
        "program": wanted.program,
        "status": wanted.status,
        "by_template": WRITTEN_BY[wanted.written_by],
        "search": wanted.search or None,
    }


def _read(db: Cursor, kind: Kind, parameters: Mapping[str, object], order: str) -> list[dict[str, Any]]:
    rows = records(db, f"{query(_shown(kind))}\n{order}", parameters)
    changes = touched(db, kind, rows)
    show = _nudge if kind == "nudge" else _quiz
    return [show(row, changes.get(row["id"], {})) for row in rows]


def _nudge(row: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    refused = refusal_by_hand(row, row["channel"])
    return {
        **{name: value for name, value in row.items() if name not in _ABOUT_THE_LEARNER},
        "email": None if refused else row["email"],
        "phone": None if refused else row["phone"],
        "first_name": first_name(row["name"]),
        "subject_filled": fill(row["subject"], row["name"]) if row["subject"] else None,
        "content_filled": fill(row["content"], row["name"]),
        "edited": row["edited"] or change.get("text_by") == "nudge_edited",
        "changed_by": change.get("changed_by"),
        "changed_at": change.get("changed_at"),
        "refused": refused,
    }


def _quiz(row: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: value for name, value in row.items() if name not in _ABOUT_THE_LEARNER},
        "questions": json.loads(row["questions"]),
        "edited": change.get("text_by") == "quiz_edited",
        "changed_by": change.get("changed_by"),
        "changed_at": change.get("changed_at"),
        "refused": refusal_by_hand(
            {**row, "whatsapp_opt_in": None, "has_email": None, "has_phone": None}, "quiz"
        ),
    }


def _nudge_line(nudge: Mapping[str, Any]) -> dict[str, Any]:
    texts = {"subject": nudge["subject_filled"], "content": nudge["content_filled"]}
    return {**nudge, **texts, "written_by": "template" if nudge["gpt_fallback"] else "model"}


def _quiz_lines(quiz: Mapping[str, Any]) -> list[dict[str, Any]]:
    written_by = "template" if quiz["gpt_fallback"] else "model"
    return [
        {
            **quiz,
            **{
                f"option_{letter}": option["text"]
                for letter, option in zip("abcd", question["options"], strict=True)
            },
            "question": number,
            "stem": question["stem"],
            "right": "abcd"[question["answer_index"]],
            "explanation": question["explanation"],
            "difficulty": question["difficulty"],
            "written_by": written_by,
        }
        for number, question in enumerate(quiz["questions"], start=1)
    ]


def _as_text(value: datetime) -> str:
    return value.replace(tzinfo=UTC).isoformat().replace("+00:00", "Z")
