"""What leaves the house: approved nudges for whatever sends them, the queue as a file, a quiz for a learning platform.

Nothing leaves to be sent that a person has not approved, and nothing to who opted out, or left, since. A name is filled
in here, at the latest: who sends a text gets it as the learner will read it.
"""

import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TextIO

from engagement.audit import Actor
from engagement.content import quiz_export
from engagement.errors import InvalidInput
from engagement.outreach import queue, review
from engagement.store import Cursor, Store
from engagement.text import iso_utc, write_spreadsheet

# What may leave the house now: who opted out, or left, since the approval hears nothing more.
_SENDABLE: Final = """
    status in ('approved', 'queued')
    and learner_id in (
        select id
        from learners
        where
            active
            and (published_nudges.channel <> 'whatsapp' or whatsapp_opt_in)
            and person_id not in (select person_id from learners where contact_opt_out)
    )
"""
_HANDED_OVER: Final = (
    "id",
    "learner_id",
    "channel",
    "name",
    "email",
    "phone",
    "subject",
    "content",
    "status",
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
    "moodle_xml": ("xml", "application/xml", quiz_export.moodle_xml),
    "gift": ("gift.txt", "text/plain", quiz_export.gift),
}


def approved(store: Store) -> list[dict[str, Any]]:
    """Return the approved nudges, ready to be sent by another system, and leave them as they are.

    Those to people who have opted out since, or left, stay behind.
    """
    with store.read() as db:
        return review.those(db, _sendable(db))


def hand_over(store: Store, *, by: Actor) -> list[dict[str, Any]]:
    """Return what `approved` does, and record that they were sent."""
    with store.write() as db:
        ids = _sendable(db)
        approved_ones = f"status = 'approved' and {review.THOSE}"
        review.move_where(db, "nudge", approved_ones, {"ids": ids}, "queued", by=by)
        review.move_where(db, "nudge", review.THOSE, {"ids": ids}, "sent", by=by)
        return review.those(db, ids)


def _sendable(db: Cursor) -> list[str]:
    ids = db.execute(f"select id from published_nudges where {_SENDABLE}").fetchall()  # noqa: S608 (ours)
    return [nudge_id for (nudge_id,) in ids]


def write_csv(rows: Sequence[Mapping[str, Any]], file: TextIO) -> None:
    """Write nudges as CSV that a spreadsheet opens without running anything in it."""
    write_spreadsheet(_HANDED_OVER, rows, file)


def queue_file(
    store: Store,
    kind: queue.Kind,
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
    wanted = queue.Filter(status=status, program=program, written_by=written_by, search=search)
    with store.read() as db:
        rows = queue.worst_first(db, kind, wanted, programs)
    name = f"{queue.TABLES[kind]}-{status or 'all'}"
    if format == "json":
        text = json.dumps(rows, ensure_ascii=False, indent=2, default=iso_utc)
        return {"filename": f"{name}.json", "mime": "application/json", "text": text}
    file = io.StringIO(newline="")
    if kind == "nudge":
        write_spreadsheet(_NUDGE_COLUMNS, map(_nudge_line, rows), file)
    else:
        write_spreadsheet(_QUIZ_COLUMNS, (line for row in rows for line in _quiz_lines(row)), file)
    return {"filename": f"{name}.csv", "mime": "text/csv", "text": file.getvalue()}


def quiz_file(store: Store, quiz_id: str, *, format: str, programs: Sequence[str] | None) -> dict[str, str]:
    """Return a quiz as a file for a learning platform: `moodle_xml` or `gift`; `NotFound`."""
    if format not in _FILES:
        raise InvalidInput(f"format {format!r}: allowed are {', '.join(_FILES)}")
    with store.read() as db:
        quiz = queue.one(db, "quiz", quiz_id, programs=programs)
    ending, mime, write = _FILES[format]
    text = write(quiz["topic"] or "How to study", quiz["questions"])
    return {"filename": f"quiz-{quiz['id'][:12]}.{ending}", "mime": mime, "text": text}


def _nudge_line(nudge: Mapping[str, Any]) -> dict[str, Any]:
    texts = {"subject": nudge["subject_filled"], "content": nudge["content_filled"]}
    return {**nudge, **texts, "written_by": "template" if nudge["gpt_fallback"] else "model"}


def _quiz_lines(quiz: Mapping[str, Any]) -> list[dict[str, Any]]:
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
            "written_by": "template" if quiz["gpt_fallback"] else "model",
        }
        for number, question in enumerate(quiz["questions"], start=1)
    ]
