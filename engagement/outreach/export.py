"""What leaves the house: approved nudges for whatever sends them, the queue as a file, a quiz for a learning platform.

Nothing leaves to be sent that a person has not approved, and nothing to who may not be written to any more, or not now:
it is held back, and told (`held_back`). A name is filled in here, at the latest: who sends a text gets it as the
learner will read it.

Sent means gone: nudges are written, down to the disk or into the hands of who reads the pipe, before they are marked as
sent. A program that is killed between the two has them exported again: better twice in a file than never. They leave
under the id of a batch, by which a file that was lost can be had again.
"""

import errno
import fcntl
import hashlib
import io
import json
import os
import select
import stat
import struct
import termios
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TextIO

from engagement import private
from engagement.audit import Actor
from engagement.content import qti, quiz_export
from engagement.errors import Changed, EngagementError, InvalidInput, NotFound, of_the_system
from engagement.outreach import queue, review
from engagement.store import Cursor, Store, query, records
from engagement.store.locks import sole_exporter
from engagement.targeting import limits
from engagement.text import WORKBOOK, iso_utc, one_line, workbook, write_values

# Whom it may leave the house to: who may not be written to that way any more hears nothing.
_MAY_GO: Final = """
    id in (
        select nudges.id
        from published_nudges as nudges
        inner join contact_refusals as refusals on nudges.learner_id = refusals.learner_id
        where refused_by_channel(nudges.channel, refusals.in_app, refusals.whatsapp, refusals.email) is null
    )
"""
_SIGNED: Final = ("written_by", "edited", "approved_by", "approved_at")
_APPROVED: Final = ("approved", "queued", "sent", "delivered", "failed")
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
    *_SIGNED,
)
_NUDGE_COLUMNS: Final = (
    *("id", "learner_id", "name", "email", "phone", "program", "channel", "type", "status", "refused"),
    *("risk_score", "risk_label", "subject", "content", *_SIGNED, "reason", "created_at"),
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
    *(*_SIGNED, "reason", "created_at", "changed_by", "changed_at"),
)
_FILES: Final[Mapping[str, tuple[str, str, Callable[[str, Sequence[Mapping[str, Any]]], str], str]]] = {
    "moodle_xml": ("xml", "application/xml", quiz_export.moodle_xml, "<!-- {} -->\n"),
    "gift": ("gift.txt", "text/plain", quiz_export.gift, "// {}\n\n"),
}
_LONGEST_REMARK: Final = 300


Rows = Sequence[Mapping[str, Any]]
_LISTENS_EVERY_MS: Final = 20  # whether who reads a pipe has taken what is in it
_MOVES: Final = {"approved": 2, "queued": 1}  # until it is sent
_NAMED_BATCHES: Final = 5  # where somebody asks for one that there is not


@dataclass(frozen=True)
class Batch:
    """Nudges that left together: `rows` as they were written, of `size` that were marked then."""

    id: str
    rows: list[dict[str, Any]]
    size: int


def approved(store: Store, *, now: datetime) -> list[dict[str, Any]]:
    """Return the approved nudges, ready to be sent by another system, and leave them as they are.

    Those that are `held_back` stay behind.
    """
    with store.read() as db:
        return _signed(db, "nudge", review.those(db, _sendable(db, now)))


def held_back(store: Store, *, now: datetime) -> dict[str, list[str]]:
    """Return why approved nudges may not leave now, by id, as codes of `limits.WORDS`."""
    with store.read() as db:
        return limits.held_back(db, _approved(db), now=now)


def hand_over(store: Store, *, by: Actor) -> list[dict[str, Any]]:
    """Return what `approved` does to a caller who sends it, and record that it was sent."""
    return send(store, by=by, write=lambda _: None).rows


def send(store: Store, *, by: Actor, write: Callable[[Rows], None]) -> Batch:
    """Let `write` have what `approved` returns, and record that it was sent once `write` is through.

    Where it cannot write, nothing is marked and the next export gives the same nudges again. Raises `StoreBusy` where
    another export is being written, and `Changed` where nudges were taken back while this one was.
    """
    with sole_exporter(store.path):
        with store.write() as db:
            review.expire_approvals(db, now=by.now)
        with store.read() as db:
            ready = _signed(db, "nudge", review.those(db, _sendable(db, by.now)))
        ids = [row["id"] for row in ready]
        batch = _batch_id(ids, by)
        rows = [
            {**row, "status": "sent", "version": row["version"] + _MOVES[row["status"]], "batch": batch}
            for row in ready
        ]
        try:
            write(rows)
        except OSError as error:
            raise EngagementError(
                f"{len(ids):,} nudges could not be written: {of_the_system(error)}; none is marked as sent, and the "
                "next export gives them again"
            ) from None
        with store.write() as db:
            left = {"ids": ids}
            approved_ones = f"status = 'approved' and {review.THOSE}"
            review.move_where(db, "nudge", approved_ones, left, "queued", by=by)
            queued_ones = f"status = 'queued' and {review.THOSE}"
            marked = review.move_where(db, "nudge", queued_ones, left, "sent", by=by, batch=batch)
    if marked < len(ids):
        raise Changed(
            f"batch {batch}: {len(ids) - marked:,} of {len(ids):,} nudges were taken back while they were written and "
            f"are not marked as sent; `engagement queue export --again {batch}` writes the others alone"
        )
    return Batch(batch, rows, marked)


def again(store: Store, batch: str) -> Batch:
    """Return the nudges that were sent in the batch, to be written again; `NotFound` where there is none of that id.

    Those whose learner may not be written to any more, or of which is known what became of them, stay behind.
    """
    with store.read() as db:
        left = db.execute(query("outreach/nudges_of_batch"), {"batch": batch}).fetchall()
        if not left:
            newest = db.execute(query("outreach/newest_batches"), {"most": _NAMED_BATCHES}).fetchall()
            there = ", ".join(name for (name,) in newest)
            raise NotFound(
                f"no batch {batch[:40]!r}; {f'the newest are {there}' if there else 'there is none yet'}"
            )
        still_sent = f"status = 'sent' and {review.THOSE} and {_MAY_GO}"
        ids = _ids(db, still_sent, {"ids": [nudge_id for (nudge_id,) in left]})
        rows = _signed(db, "nudge", review.those(db, ids))
    return Batch(batch, [{**row, "batch": batch} for row in rows], len(left))


def _signed(db: Cursor, kind: queue.Kind, rows: Rows) -> list[dict[str, Any]]:
    """Return the rows with who wrote the text, who approved it and when: what leaves says so."""
    ids = [row["id"] for row in rows if row["status"] in _APPROVED]
    found = {row["id"]: row for row in records(db, query("outreach/approvals"), {"kind": kind, "ids": ids})}
    nobody = {"approved_by": None, "approved_at": None}
    return [{**row, "written_by": queue.author(row), **nobody, **found.get(row["id"], {})} for row in rows]


def _sendable(db: Cursor, now: datetime) -> list[str]:
    ids = _approved(db)
    held = limits.held_back(db, ids, now=now)
    return [nudge_id for nudge_id in ids if nudge_id not in held]


def _approved(db: Cursor) -> list[str]:
    return _ids(db, "status in ('approved', 'queued')", {})


def _ids(db: Cursor, condition: str, named: Mapping[str, object]) -> list[str]:
    ids = db.execute(f"select id from published_nudges where {condition}", dict(named)).fetchall()  # noqa: S608 (ours)
    return [nudge_id for (nudge_id,) in ids]


def _batch_id(ids: Sequence[str], by: Actor) -> str:
    parts = json.dumps([by.now.isoformat(), *ids])
    return f"{by.day}-{hashlib.sha256(parts.encode()).hexdigest()[:8]}"


def write_csv(rows: Rows, file: TextIO) -> None:
    """Write nudges as CSV for a program that sends them: every value as it is."""
    write_values(_HANDED_OVER, rows, file)


def write_file(rows: Rows, path: Path, *, as_json: Callable[[Rows], str]) -> None:
    """Write nudges to a file that was not there, whole and down to the disk, or not at all; its owner alone reads it.

    By its ending it is CSV or JSON for a program, or a workbook for a person. `InvalidInput` for another ending, or
    where there is a file: it may hold what nobody has sent yet.
    """
    if path.suffix not in (".csv", ".json", ".xlsx"):
        raise InvalidInput(f"{path.name}: allowed are names that end in .csv, .json or .xlsx")
    _refuse_known(path)
    if path.suffix == ".xlsx":
        content = workbook(_HANDED_OVER, rows)
    elif path.suffix == ".json":
        content = as_json(rows).encode()
    else:
        text = io.StringIO(newline="")
        write_csv(rows, text)
        content = text.getvalue().encode()
    private.write_whole(path, content)


def _refuse_known(path: Path) -> None:
    if path.exists():
        raise InvalidInput(
            f"{path.name}: is there already, and may hold what was not sent yet; name another file"
        )


def arrived(file: int) -> None:
    """Return once what was written is on the disk, or in the hands of who reads the pipe.

    `OSError` where it cannot be. A terminal has what it shows.
    """
    if not stat.S_ISFIFO(os.fstat(file).st_mode):
        if stat.S_ISREG(os.fstat(file).st_mode):
            os.fsync(file)
        return
    reader = select.poll()
    reader.register(file, 0)  # an error is always told: nobody reads any more
    while struct.unpack("i", fcntl.ioctl(file, termios.FIONREAD, bytes(4)))[0]:
        if reader.poll(_LISTENS_EVERY_MS):
            raise BrokenPipeError(errno.EPIPE, "who was to read them has gone")


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
) -> dict[str, Any]:
    """Return what the queue shows, all pages of it, as a file: `filename`, `mime`, and `text` or `bytes`.

    JSON is for a program, a workbook (xlsx) for a person. A nudge has its name filled in, and an address unless the
    learner may not be written to any more. In a workbook a quiz has a row for each question.
    """
    if format not in ("xlsx", "json"):
        raise InvalidInput(f"format {format!r}: allowed are xlsx, json")
    wanted = queue.Filter(status=status, program=program, written_by=written_by, search=search)
    with store.read() as db:
        rows = _signed(db, kind, queue.worst_first(db, kind, wanted, programs))
    name = f"{queue.TABLES[kind]}-{status or 'all'}"
    if format == "json":
        text = json.dumps(rows, ensure_ascii=False, indent=2, default=iso_utc)
        return {"filename": f"{name}.json", "mime": "application/json", "text": text}
    if kind == "nudge":
        content = workbook(_NUDGE_COLUMNS, map(_nudge_line, rows))
    else:
        content = workbook(_QUIZ_COLUMNS, (line for row in rows for line in _quiz_lines(row)))
    return {"filename": f"{name}.xlsx", "mime": WORKBOOK, "bytes": content}


def quiz_file(store: Store, quiz_id: str, *, format: str, programs: Sequence[str] | None) -> dict[str, Any]:
    """Return a quiz as a file for a learning platform: `moodle_xml`, `gift` or `qti`, a zip; `NotFound`."""
    if format not in _FILES and format != "qti":
        raise InvalidInput(f"format {format!r}: allowed are {', '.join(_FILES)}, qti")
    with store.read() as db:
        (quiz,) = _signed(db, "quiz", [queue.one(db, "quiz", quiz_id, programs=programs)])
    if format == "qti":
        name = f"quiz-{quiz['id'][:12]}.qti.zip"
        return {"filename": name, "mime": "application/zip", "bytes": _package([quiz])}
    ending, mime, write, remark = _FILES[format]
    text = write(_title(quiz), quiz["questions"])
    declared, line, rest = text.partition("\n") if text.startswith("<?xml") else ("", "", text)
    text = f"{declared}{line}{remark.format(_signature(quiz))}{rest}"
    return {"filename": f"quiz-{quiz['id'][:12]}.{ending}", "mime": mime, "text": text}


def write_quizzes(store: Store, to: Path) -> int:
    """Write the approved quizzes into a new file, as one package of QTI; return how many."""
    if to.suffix.lower() != ".zip":
        raise InvalidInput(f"{to.name[:80]}: quizzes are written as a package, a .zip")
    _refuse_known(to)
    with store.read() as db:
        found = queue.worst_first(db, "quiz", queue.Filter(status="approved"), None)
        quizzes = _signed(db, "quiz", found)
    if not quizzes:
        raise NotFound("no quiz is approved")
    private.write_whole(to, _package(quizzes))
    return len(quizzes)


def _package(quizzes: Sequence[Mapping[str, Any]]) -> bytes:
    told = [(_title(quiz), quiz["questions"]) for quiz in quizzes]
    return qti.package(told, [_signature(quiz) for quiz in quizzes])


def _title(quiz: Mapping[str, Any]) -> str:
    return str(quiz["topic"] or "How to study")


def _signature(quiz: Mapping[str, Any]) -> str:
    """Return who wrote a quiz and who approved it when, as a line that ends no remark of either format."""
    approval = (
        f"approved by {quiz['approved_by']}, {iso_utc(quiz['approved_at'])}"
        if quiz["approved_at"]
        else "not approved"
    )
    said = f"written by {quiz['written_by']}{', edited' if quiz['edited'] else ''}; {approval}"
    return one_line(said, _LONGEST_REMARK).replace("--", "- -").replace("--", "- -")


def _nudge_line(nudge: Mapping[str, Any]) -> dict[str, Any]:
    return {**nudge, "subject": nudge["subject_filled"], "content": nudge["content_filled"]}


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
        }
        for number, question in enumerate(quiz["questions"], start=1)
    ]
