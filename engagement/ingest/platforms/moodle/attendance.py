"""The export of Moodle's attendance plug-in: a column for each session, a mark with its points for each learner.

Its letters are translated, and every institution has its own; a mark without points is missed, save the excused one.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from engagement.files.encoding import start_of_text
from engagement.ingest.platforms.exports import Asked, Kind, Look, Part
from engagement.ingest.platforms.moodle import words
from engagement.ingest.platforms.moodle.people import NAME, part, people, sheet_of
from engagement.ingest.platforms.sessions import events_of, missed_in_a_row, with_earlier
from engagement.ingest.platforms.times import as_utc
from engagement.ingest.source.readers import Derived

_SESSION: Final = re.compile(r"(\d{1,2} \S+ \d{4} \d{1,2}[.:h]\d\d ?([ap]m)?)(?:\s.*)?", re.IGNORECASE)
_MARK: Final = r"-?(.+?) \(([\d.,]+)/([\d.,]+)\)"
_EXCUSED: Final = ("e", "en", "exc")  # as it is set up at first, in English, German and French
_PERSON: Final = "student id"


def _is_attendance(look: Look) -> bool:
    return any(_sessions(line) and len(line) > len(_sessions(line)) + 2 for line in look.lines)


def _sessions(header: Sequence[str]) -> list[int]:
    return [at for at, text in enumerate(header) if _SESSION.fullmatch(text)]


def _attendance(files: Sequence[Path], asked: Asked) -> list[Part]:
    return [part for file in files for part in _one_export(file, asked)]


def _one_export(file: Path, asked: Asked) -> list[Part]:
    sheet = sheet_of(file, asked, *words.USERNAME, _PERSON)
    number = sheet.rows[f"c{at}"] if (at := sheet.place(_PERSON)) is not None else None
    rows = people(sheet, asked, on_platform=number)
    rows["id"] = rows["id"].fillna(sheet.texts(*words.USERNAME))
    if not asked.program:
        rows["program"] = _course(file, asked) or pd.NA
    places = _sessions(sheet.header)
    begun = as_utc(pd.Series([_began(sheet.header[at]) for at in places]), asked.zone)
    missed = pd.DataFrame(index=rows.index)
    for at, time in zip(places, begun, strict=True):
        if pd.notna(time) and time <= asked.as_of:
            mark = _missed(sheet.rows[f"c{at}"])
            missed[time] = mark.fillna(missed[time]) if time in missed else mark  # two groups at one time
    missed = missed[sorted(missed.columns)]
    rows["consecutive_missed_sessions"] = missed_in_a_row(with_earlier(missed, rows["id"], asked))
    about = pd.DataFrame(json.dumps({}), missed.index, missed.columns)
    events = events_of(missed, rows["id"], about)
    learners = part(sheet, rows, not_everybody="")
    if events.empty:
        return [learners]
    return [
        learners,
        Part("events", Derived(sheet.name, events, lines=events.index.tolist()), by_person=True),
    ]


def _began(text: str) -> str:
    match = _SESSION.fullmatch(text)
    return re.sub(r"(\d)[.h](\d\d)", r"\1:\2", match[1]) if match else ""


def _missed(marks: pd.Series) -> pd.Series:
    """Return whether a session was missed; missing where it was not taken, or is not held against somebody."""
    parts = marks.str.extract(f"^{_MARK}$")
    points = pd.to_numeric(parts[1].str.replace(",", "."), errors="coerce")
    is_excused = parts[0].str.casefold().isin(_EXCUSED)
    return points.eq(0).astype("boolean").mask(points.isna() | is_excused)


def _course(file: Path, asked: Asked) -> str:
    """Return the course that the first line names, behind the word for it."""
    first, _, _ = start_of_text(file, asked.encoding).partition("\n")
    fields = first.split("\t")
    return fields[1].strip() if len(fields) > 1 and not _sessions(fields) else ""


KINDS: Final = (
    Kind(
        NAME,
        "a Moodle attendance export",
        _is_attendance,
        _attendance,
        gives="sessions missed in a row, who was in which session",
        cannot="no logins, completion or scores",
    ),
)
