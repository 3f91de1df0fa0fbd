"""Editing: what a person writes into a draft, by the rules of its channel, and never over what somebody else wrote.

Only a draft is edited: what is approved is what was read. Whoever edits says which version they saw.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

from engagement import audit
from engagement.content.nudge_text import LENGTHS, problems_of_nudge
from engagement.content.quiz import read_questions
from engagement.errors import Changed, InvalidInput
from engagement.outreach import queue
from engagement.store import Cursor, Store

LONGEST_QUIZ_TEXT: Final = 2_000  # characters of a question, an option, a feedback or an explanation

_EDITED: Final = "version = version + 1, edited = true, changed_by = $actor, changed_at = $now"


def problems(channel: str, subject: str | None, content: str) -> list[dict[str, Any]]:
    """Return every rule that a person's text breaks, as `field`, `rule` (a code) and `limit`; empty where none."""
    if channel not in LENGTHS or channel == "email_subject":
        raise InvalidInput(f"channel {channel!r}: unknown")
    return [
        {"field": broken.field, "rule": broken.rule, "limit": broken.limit}
        for broken in problems_of_nudge(channel, *_tidy(subject, content))
    ]


def edit_nudge(
    store: Store,
    nudge_id: str,
    *,
    version: int,
    subject: str | None,
    content: str,
    by: audit.Actor,
) -> dict[str, Any]:
    """Put a person's words into a draft and return it; the same words again change nothing.

    Raises `NotFound`, `Changed` where it is no longer of that version, and `InvalidInput` where it is no draft or the
    text breaks a rule.
    """
    with store.write() as db:
        draft = draft_as_seen(db, "nudge", nudge_id, version=version, programs=by.programs)
        subject, content = _tidy(subject, content)
        for broken in problems_of_nudge(draft["channel"], subject, content):
            raise InvalidInput(str(broken))
        if (subject, content) == (draft["subject"], draft["content"]):
            return draft
        db.execute(
            f"""
            update nudges
            set subject = $subject, content = $content, {_EDITED}
            where id = $id and {queue.PUBLISHED}
            """,  # noqa: S608 (ours)
            {"id": nudge_id, "subject": subject, "content": content, "actor": by.name, "now": by.now},
        )
        return edited(db, "nudge", draft, "nudge_edited", by=by)


def edit_quiz(
    store: Store,
    quiz_id: str,
    *,
    version: int,
    questions: object,
    by: audit.Actor,
) -> dict[str, Any]:
    """Put a person's questions into a draft and return it: three to ten stay, in the order given.

    Raises `NotFound`, `Changed` where it is no longer of that version, and `InvalidInput` where it is no draft or the
    questions break a rule.
    """
    with store.write() as db:
        draft = draft_as_seen(db, "quiz", quiz_id, version=version, programs=by.programs)
        checked = read_questions(questions)
        for number, question in enumerate(checked, start=1):
            if max(len(question.id), *(len(text) for _, text in question.texts())) > LONGEST_QUIZ_TEXT:
                raise InvalidInput(
                    f"question {number}: a text is longer than {LONGEST_QUIZ_TEXT:,} characters"
                )
        plain = [question.as_dict() for question in checked]
        if plain == draft["questions"]:
            return draft
        db.execute(
            f"update quizzes set questions = $questions, {_EDITED} where id = $id and {queue.PUBLISHED}",  # noqa: S608 (ours)
            {
                "id": quiz_id,
                "questions": json.dumps(plain, ensure_ascii=False),
                "actor": by.name,
                "now": by.now,
            },
        )
        return edited(db, "quiz", draft, "quiz_edited", by=by)


def draft_as_seen(
    db: Cursor, kind: queue.Kind, draft_id: str, *, version: int, programs: Sequence[str] | None
) -> dict[str, Any]:
    """Return the draft that somebody wants to change, as it is now.

    Raises `NotFound`, `Changed` where it is no longer of the version they saw, and `InvalidInput` where it is no draft.
    """
    draft = queue.one(db, kind, draft_id, programs=programs)
    if draft["version"] != version:
        who = f" by {draft['changed_by']!r}" if draft["changed_by"] else ""
        raise Changed(f"{kind} {draft_id[:12]!r}: was changed meanwhile{who}; it is {draft['status']} now")
    if draft["status"] != "draft":
        raise InvalidInput(
            f"{kind} {draft_id[:12]!r}: is {draft['status']}; only a draft may be changed, take it back first"
        )
    return draft


def edited(
    db: Cursor, kind: queue.Kind, draft: dict[str, Any], event: str, *, by: audit.Actor
) -> dict[str, Any]:
    """Record that a draft has a new text, one version on, and return it as it is now. No text is in the event."""
    audit.record(
        db,
        draft["learner_id"],
        event,
        by=by,
        source="review",
        metadata={f"{kind}_id": draft["id"], "version": draft["version"] + 1},
    )
    return queue.one(db, kind, draft["id"], programs=None)


def _tidy(subject: str | None, content: str) -> tuple[str | None, str]:
    """Return both with one kind of line end and nothing around them."""
    subject = None if subject is None else subject.replace("\r\n", "\n").strip()
    return subject, content.replace("\r\n", "\n").strip()
