"""The methods of the page: everything it may ask, by name, with checked arguments, for one viewer.

An allow-list of methods. Each says what it takes, whether it changes anything and whether it is slow; what it does
is another module's. The viewer's programs go along with every one of them: ids that a browser sends are never
believed. What comes back is codes and numbers; the words are the page's.
"""

import math
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from importlib import metadata
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from engagement.audit import Actor
from engagement.content.names import NAME_LENGTH, PLACEHOLDER
from engagement.content.nudge_text import LENGTHS
from engagement.content.quiz import first_broken_rule
from engagement.dashboard import access, requests, tickets
from engagement.dashboard.access import NotAllowed, Source, Viewer
from engagement.dates import end_of_day, local_day, unix_s
from engagement.errors import (
    Changed,
    DiskFull,
    EngagementError,
    InvalidInput,
    NotFound,
    StoreBusy,
    StoreUnusable,
    refused,
)
from engagement.llm.writer import writer_for
from engagement.outreach import editing, export, nudges, queue, quizzes, review
from engagement.pipeline import rescoring
from engagement.settings import DEFAULT_MODEL, Settings
from engagement.store import Store
from engagement.targeting import contact_log
from engagement.text import WORKBOOK, iso_utc
from engagement.views import coverage, overview, profiles, roster

Tell = Callable[[dict[str, Any]], None]


class Refused(Exception):
    """What a page is told in place of an answer."""

    def __init__(self, code: str, detail: str | None = None) -> None:
        super().__init__(code)
        self.code, self.detail = code, detail

    def as_dict(self) -> dict[str, Any]:
        """Return the message."""
        return {"code": self.code, "detail": self.detail, "error_id": None}


@dataclass(frozen=True)
class Method:
    """One thing a page may ask."""

    takes: type[BaseModel]
    answer: Callable[["Backend", Viewer, Any, Tell], Any]
    changes: bool = False
    slow: bool = False


class Backend:
    """What one viewer may ask of one store."""

    def __init__(
        self, store: Store, settings: Settings, *, secret: str, kernel_id: str, clock: Callable[[], datetime]
    ) -> None:
        self.store = store
        self.settings = settings
        self.clock = clock
        self._secret = secret
        self._kernel_id = kernel_id
        self._who: tuple[str, Source] | None = None

    @staticmethod
    def is_slow(method: str) -> bool:
        """Whether others should not have to wait behind it."""
        return method in METHODS and METHODS[method].slow

    def answer(self, name: str, given: object, *, tell: Tell = lambda _: None) -> Any:
        """Return the answer as plain data; `Refused` says why there is none.

        Anything else that is raised is a defect, and the page is told no more than that there was one.
        """
        method = METHODS.get(name)
        if method is None:
            raise Refused("unknown_method")
        try:
            asked = method.takes.model_validate(given)
        except ValidationError as error:
            where, rule = first_broken_rule(error)
            known = [str(part) for part in where if isinstance(part, int) or part in _NAMES]
            raise Refused("invalid", f"{'.'.join(known) or 'arguments'}: {rule}") from None
        try:
            viewer = self._viewer(asked)
            if method.changes and not viewer.may_act:
                raise NotAllowed("a viewer changes nothing")
            return _plain(method.answer(self, viewer, asked, tell))
        except EngagementError as error:
            raise self._refusal(error) from error
        except OSError as error:
            raise self._refusal(refused(error, self.store.path.parent)) from error

    def today(self) -> date:
        """Return the day it is where the institution is."""
        return local_day(self.clock(), self.settings.zone)

    def _viewer(self, asked: BaseModel) -> Viewer:
        if isinstance(asked, requests.Hello):
            self._who = tickets.read_ticket(
                self._secret, asked.ticket, kernel_id=self._kernel_id, now_s=unix_s(self.clock())
            )
        if self._who is None:
            raise Refused("no_viewer")
        return access.viewer(*self._who, self.settings.users)

    def _refusal(self, error: EngagementError) -> Refused:
        said = str(error).replace(str(self.store.path), self.store.path.name)
        if isinstance(error, NotFound):
            return Refused("not_found") if self.store.path.exists() else Refused("no_store")
        if isinstance(error, DiskFull):  # in which folder is for whoever runs the page
            return Refused("full")
        codes: tuple[tuple[type[EngagementError], str], ...] = (
            (NotAllowed, "not_allowed"),
            (Changed, "changed"),
            (StoreBusy, "busy"),
            (StoreUnusable, "damaged"),
            (InvalidInput, "invalid"),
        )
        for kind, code in codes:
            if isinstance(error, kind):
                return Refused(code, said)
        raise error


def _greet(backend: Backend, viewer: Viewer, _asked: requests.Hello, _tell: Tell) -> dict[str, Any]:
    has_key = backend.settings.openai_api_key is not None
    return {
        "viewer": {"name": viewer.name, "role": viewer.role, "all_programs": viewer.programs is None},
        "programs": roster.programs(backend.store, programs=viewer.programs),
        "model": {
            "name": (backend.settings.model or DEFAULT_MODEL) if has_key else None,
            "why_not": None if has_key else "no_key",
        },
        "timezone": backend.settings.timezone,
        "limits": {**LENGTHS, "name": NAME_LENGTH},
        "placeholder": PLACEHOLDER,
        "page_size": roster.PAGE_SIZE,
        "version": metadata.version("engagement"),
    }


def _ping(backend: Backend, viewer: Viewer, _asked: requests.Arguments, _tell: Tell) -> Any:
    return overview.newest(backend.store, programs=viewer.programs)


def _overview(backend: Backend, viewer: Viewer, asked: requests.Overview, _tell: Tell) -> Any:
    return overview.overview(
        backend.store, programs=viewer.programs, program=asked.program, now=backend.clock()
    )


def _coverage(backend: Backend, viewer: Viewer, asked: requests.Overview, _tell: Tell) -> dict[str, Any]:
    as_of = end_of_day(backend.today(), backend.settings.zone)
    programs = roster.allowed(viewer.programs, asked.program)
    rows = coverage.coverage(backend.store, programs=programs, as_of=as_of, now=backend.clock())
    # Files hold rows of all programs.
    loads = coverage.loads_with_rows_apart(backend.store, as_of=as_of) if viewer.programs is None else []
    return {"gaps": coverage.missing(rows), "loads": loads}


def _learners(backend: Backend, viewer: Viewer, asked: roster.Wanted, _tell: Tell) -> Any:
    return roster.page(backend.store, asked, programs=viewer.programs, now=backend.clock())


def _export_learners(backend: Backend, viewer: Viewer, asked: roster.Filter, _tell: Tell) -> dict[str, Any]:
    content = roster.as_workbook(backend.store, asked, programs=viewer.programs, now=backend.clock())
    return {"filename": f"learners-{backend.today()}.xlsx", "mime": WORKBOOK, "bytes": content}


def _learner(backend: Backend, viewer: Viewer, asked: requests.Learner, _tell: Tell) -> Any:
    found = profiles.profile(
        backend.store, asked.id, programs=viewer.programs, now=backend.clock(), day=backend.today()
    )
    # What people know by its day has that of the institution, wherever the viewer is.
    day = partial(local_day, zone=backend.settings.zone)
    enrolled, chance = found["enrolled_at"], found["probability"]
    return found | {
        "enrolled_on": enrolled and day(enrolled),
        "probability": chance and {**chance, "kept_on": day(chance["kept_at"])},
    }


def _entry(
    write: Callable[..., Any], backend: Backend, viewer: Viewer, asked: requests.Remark, _tell: Tell
) -> Any:
    return {"event": write(backend.store, asked.learner_id, asked.text, by=_actor(backend, viewer))}


def _by(backend: Backend, viewer: Viewer, tell: Tell) -> dict[str, Any]:
    """Return what writing a text takes."""
    tell({"stage": "asking"})
    return {"by": _actor(backend, viewer), "writer": writer_for(backend.settings)}


def _write_nudge(backend: Backend, viewer: Viewer, asked: requests.WriteNudge, tell: Tell) -> Any:
    return nudges.write(backend.store, asked.learner_id, channel=asked.channel, **_by(backend, viewer, tell))


def _write_quiz(backend: Backend, viewer: Viewer, asked: requests.WriteQuiz, tell: Tell) -> Any:
    return quizzes.write(
        backend.store, asked.learner_id, topic=asked.topic or None, **_by(backend, viewer, tell)
    )


def _rewrite(
    rewrite: Callable[..., Any], backend: Backend, viewer: Viewer, asked: requests.Draft, tell: Tell
) -> Any:
    return rewrite(backend.store, asked.id, version=asked.version, **_by(backend, viewer, tell))


def _check_nudge(_backend: Backend, _viewer: Viewer, asked: requests.Text, _tell: Tell) -> dict[str, Any]:
    return {"problems": editing.problems(asked.channel, asked.subject, asked.content)}


def _edit_nudge(backend: Backend, viewer: Viewer, asked: requests.EditNudge, _tell: Tell) -> Any:
    return editing.edit_nudge(
        backend.store,
        asked.id,
        version=asked.version,
        subject=asked.subject,
        content=asked.content,
        by=_actor(backend, viewer),
    )


def _edit_quiz(backend: Backend, viewer: Viewer, asked: requests.EditQuiz, _tell: Tell) -> Any:
    return editing.edit_quiz(
        backend.store, asked.id, version=asked.version, questions=asked.questions, by=_actor(backend, viewer)
    )


def _move(backend: Backend, viewer: Viewer, asked: requests.Move, _tell: Tell) -> Any:
    items = {item.id: item.version for item in asked.items}
    return review.move_seen(
        backend.store,
        asked.kind,
        items,
        asked.to,
        reason=asked.reason,
        known=asked.known,
        by=_actor(backend, viewer),
    )


def _queue(backend: Backend, viewer: Viewer, asked: requests.Queue, _tell: Tell) -> Any:
    return queue.queue(backend.store, programs=viewer.programs, **asked.model_dump())


def _export_queue(backend: Backend, viewer: Viewer, asked: requests.ExportQueue, _tell: Tell) -> Any:
    return export.queue_file(backend.store, programs=viewer.programs, **asked.model_dump())


def _quiz_file(backend: Backend, viewer: Viewer, asked: requests.QuizFile, _tell: Tell) -> Any:
    return export.quiz_file(backend.store, asked.id, format=asked.format, programs=viewer.programs)


def _recalculate(backend: Backend, viewer: Viewer, asked: requests.Overview, tell: Tell) -> Any:
    programs = viewer.programs if asked.program is None else (asked.program,)
    if viewer.programs is not None and not set(programs or ()) <= set(viewer.programs):
        raise NotFound("no such program")
    tell({"stage": "scoring"})
    return rescoring.recalculate(
        backend.store,
        as_of=end_of_day(backend.today(), backend.settings.zone),
        zone=backend.settings.zone,
        programs=programs,
        now=backend.clock(),
    )


def _actor(backend: Backend, viewer: Viewer) -> Actor:
    now = backend.clock()
    day = local_day(now, backend.settings.zone)
    return Actor(name=viewer.name, now=now, day=day, programs=viewer.programs)


METHODS: Final[Mapping[str, Method]] = {
    "hello": Method(requests.Hello, _greet),
    "ping": Method(requests.Arguments, _ping),
    "overview": Method(requests.Overview, _overview),
    "coverage": Method(requests.Overview, _coverage, slow=True),
    "learners": Method(roster.Wanted, _learners),
    "export_learners": Method(roster.Filter, _export_learners, slow=True),
    "learner": Method(requests.Learner, _learner),
    "phoned": Method(requests.Remark, partial(_entry, contact_log.phoned), changes=True),
    "note": Method(requests.Remark, partial(_entry, contact_log.note), changes=True),
    "write_nudge": Method(requests.WriteNudge, _write_nudge, changes=True, slow=True),
    "write_quiz": Method(requests.WriteQuiz, _write_quiz, changes=True, slow=True),
    "rewrite_nudge": Method(requests.Draft, partial(_rewrite, nudges.rewrite), changes=True, slow=True),
    "rewrite_quiz": Method(requests.Draft, partial(_rewrite, quizzes.rewrite), changes=True, slow=True),
    "check_nudge": Method(requests.Text, _check_nudge, changes=True),
    "edit_nudge": Method(requests.EditNudge, _edit_nudge, changes=True),
    "edit_quiz": Method(requests.EditQuiz, _edit_quiz, changes=True),
    "move": Method(requests.Move, _move, changes=True),
    "queue": Method(requests.Queue, _queue),
    "export_queue": Method(requests.ExportQueue, _export_queue, slow=True),
    "quiz_file": Method(requests.QuizFile, _quiz_file),
    "recalculate": Method(requests.Overview, _recalculate, changes=True, slow=True),
}
_NAMES: Final = frozenset(name for method in METHODS.values() for name in method.takes.model_fields)


def _plain(value: Any) -> Any:
    """Return the value as JSON has it: instants as text in UTC, what is no number as null, bytes in base 64."""
    match value:
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case datetime():
            return iso_utc(value)
        case date():
            return value.isoformat()
        case bytes():
            return b64encode(value).decode()
        case float():
            return value if math.isfinite(value) else None
        case Sequence() if not isinstance(value, str):
            return [_plain(item) for item in value]
    return value
