"""Which inputs there are: by program since when each is known, for whom it is not, what is missing and how to get it.

For whoever works with the learners, on the coordinators' page, in the nightly report and in
a terminal, where few are counted. What is published holds nothing of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from engagement.dates import day_in_words
from engagement.ingest.event_types import TYPES
from engagement.store import Store, query, records
from engagement.vocabulary import QUIET_DAYS

INPUTS: Final[Mapping[str, str]] = {
    "last_login": "Last login",
    "done": "Work done",
    "avg_quiz_score": "Quiz average",
    "consecutive_missed_sessions": "Missed sessions",
    "email": "E-mail address",
    "events": "Events",
}
_MANY: Final = 0.5  # of the learners: of more, an input that is not known is no matter of single ones
# What is said of each gap, and how it is closed; where nobody has an input, of each.
ABSENT: Final[Mapping[str, str]] = {
    "last_login": "no logins: load an export with the last access, or a log (engagement events --derive)",
    "done": "nothing of what is done: completion tracking is off, or the export leaves it out",
    "avg_quiz_score": "no scores: load the gradebook, or a log with quiz results",
    "consecutive_missed_sessions": "no sessions: load the register of attendance, where there is one",
    "email": "nobody has an address: load a list of participants that has them",
    "events": "no events: load a log or an export that has them, to measure what helps",
}
GAPS: Final[Mapping[str, str]] = {
    "old_logins": "no logins since {day}: is the export still coming?",
    "old_events": "no events since {day}: is the export still coming?",
    "no_due_dates": "no due dates: what is done is of the whole course; activities with dates say what was due",
    "mostly_unknown": "not known for most: does the export have everybody?",
}


def coverage(
    store: Store, *, programs: Sequence[str] | None, as_of: datetime, now: datetime
) -> list[dict[str, Any]]:
    """Return a row for each program and input, programs with most learners first.

    `program`, `input` and its `name`, the active `learners`, of how many it is `unknown` (`unknown_percent`), `since`
    when it is known, its `newest` value or observation, which `gap` it has, and what is `missing` in words; both None
    where nothing is.

    Parameters
    ----------
    programs
        Only these; None for all.
    as_of
        What came later is not known.
    now
        A fact of a date lies at its end, which may still be to come.
    """
    with store.read() as db:
        found = records(db, query("views/coverage"), {"programs": programs, "as_of": as_of, "now": now})
    return [row for program in found for row in _rows(program, min(as_of, now))]


def _rows(program: Mapping[str, Any], at: datetime) -> Iterator[dict[str, Any]]:
    learners = program["learners"]
    for name, words in INPUTS.items():
        unknown = learners - program[f"{name}_known"]
        newest = program[f"{name}_newest"]
        gap = _gap(name, program, unknown / learners, at)
        said = ABSENT[name] if gap == "absent" else GAPS.get(gap or "", "")
        yield {
            "program": program["program"],
            "input": name,
            "name": words,
            "learners": learners,
            "unknown": unknown,
            "unknown_percent": round(100 * unknown / learners, 1),
            "since": program[f"{name}_since"],
            "newest": newest,
            "gap": gap,
            "missing": said.format(day=newest and day_in_words(newest)) or None,
        }


def _gap(name: str, program: Mapping[str, Any], unknown: float, at: datetime) -> str | None:
    """Return what is missing of an input, as a key of `GAPS` or `absent`; None where nothing is."""
    if unknown == 1:
        return "absent"
    newest = program[f"{name}_newest"]
    if name in ("last_login", "events") and newest is not None and at - newest > timedelta(days=QUIET_DAYS):
        return "old_logins" if name == "last_login" else "old_events"
    if name == "done" and not program["due_known"] and program["course_known"]:
        return "no_due_dates"
    if unknown > _MANY and name != "events":
        return "mostly_unknown"
    return None


def missing(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of `coverage` of which something is missing."""
    return [dict(row) for row in rows if row["missing"]]


def loads_with_rows_apart(store: Store, *, as_of: datetime) -> list[dict[str, Any]]:
    """Return which of the newest loads had rows refused or left out: `load_id`, `source`, `quarantined`, `left_out`."""
    with store.read() as db:
        found = records(db, query("views/run_loads"), {"as_of": as_of})
    names = ("load_id", "source", "quarantined", "left_out")
    return [{name: row[name] for name in names} for row in found if row["quarantined"] or row["left_out"]]


def events_by_type(store: Store) -> list[dict[str, Any]]:
    """Return for each type how many events and learners there are, the first, the newest, and the facts it feeds."""
    feeds = {known.name: list(known.feeds) for known in TYPES}
    with store.read() as db:
        return [
            {**row, "feeds": feeds.get(row["type"], [])} for row in records(db, query("views/event_counts"))
        ]
