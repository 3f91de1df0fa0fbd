"""Moodle's reports of completion: of each activity, with its date, and of the criteria of the course.

The dates stand in the header, behind each activity. What is hidden or for one group looks like the rest there, so that
it counts as due for everybody. Two activities may have one name: columns go by their place.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from engagement.ingest.platforms.exports import Asked, Kind, Look, Part, Table, matching, share
from engagement.ingest.platforms.moodle import words
from engagement.ingest.platforms.moodle.people import NAME, cells, done_is_known, part, people, sheet_of
from engagement.ingest.platforms.times import as_utc

_A_DATE: Final = re.compile(r"(?=.*\d{4})(?=.*\d{1,2}[:.h]\d\d).*\d.*")


def _is_progress(look: Look) -> bool:
    return any(_first_activity(line) is not None for line in look.lines[:1])


def _first_activity(header: Sequence[str]) -> int | None:
    """Return where the first activity stands in the header of a report of activities; None where it is another one.

    Its first name is empty, those of who somebody is follow, and from there on each second one is a date or empty.
    """
    known = {name.casefold() for name in (*words.NUMBER, *words.EMAIL, *words.USERNAME)}
    if not header or header[0]:
        return None
    at = next((at for at, text in enumerate(header) if at and text.casefold() not in known), len(header))
    dates = header[at + 1 :: 2]
    if at == 1 or not dates or not all(header[at::2]):
        return None
    return at if any(dates) and all(not text or _A_DATE.fullmatch(text) for text in dates) else None


def _progress(files: Sequence[Path], asked: Asked) -> list[Part]:
    return [_one_progress(file, asked) for file in files]


def _one_progress(file: Path, asked: Asked) -> Part:
    sheet = sheet_of(file, asked)
    start = _first_activity(sheet.header) or 1
    if start + 1 >= len(sheet.header):
        start = len(sheet.header)
    activities = list(range(start, len(sheet.header), 2))
    states = cells(sheet, activities)
    texts = pd.Series([sheet.header[at + 1] if at + 1 < len(sheet.header) else "" for at in activities])
    due = as_utc(texts, asked.zone)
    by_now = due.le(asked.as_of).to_numpy(dtype=bool)
    done = _done(sheet, activities, states, asked)
    of = matching(states, r".*")
    rows = people(sheet, asked, whole=sheet.rows["c0"])
    rows["completed_percent_course"] = share(done, of)
    rows["completed_percent_due"] = share(done.loc[:, by_now], of.loc[:, by_now]) if by_now.any() else pd.NA
    undated = int(due.isna().sum())
    told = f"{by_now.sum()} of {len(activities)} activities were due"
    if undated:
        told += f"; without a date: {undated}"
    notes = [f"{told}; what is hidden or for one group counts for everybody: the file does not tell it"]
    return part(sheet, rows, notes)


def _done(sheet: Table, activities: Sequence[int], states: pd.DataFrame, asked: Asked) -> pd.DataFrame:
    """Return what was done by then: by the state, as what was undone has a time as well."""
    at = [place + 1 for place in activities]
    here = cells(sheet, [place for place in at if place < len(sheet.header)])
    melted = pd.Series(here.to_numpy().ravel(), dtype="string")
    times = as_utc(melted, asked.zone).to_numpy().reshape(here.shape)
    done = matching(states, words.DONE + ".*")
    later = np.zeros(done.shape, dtype=bool)  # the last activity may have lost its times
    later[:, : times.shape[1]] = times > np.datetime64(asked.as_of)
    return done & ~later


def _is_completion(look: Look) -> bool:
    header = look.lines[0] if look.lines else []
    names = {name.casefold() for name in words.WHOLE}
    return header[:1] == ["id"] and len(header) > 3 and header[1] in names and bool(_criteria(header))


def _criteria(header: Sequence[str]) -> list[int]:
    """Return where criteria stand: each is followed by its name with the words for its date behind it."""
    pairs = [
        at for at in range(2, len(header) - 1) if header[at] and header[at + 1].startswith(f"{header[at]} - ")
    ]
    return pairs


def _completion(files: Sequence[Path], asked: Asked) -> list[Part]:
    return [_one_completion(file, asked) for file in files]


def _one_completion(file: Path, asked: Asked) -> Part:
    sheet = sheet_of(file, asked, "ID", *words.WHOLE)
    rows = people(sheet, asked, whole=sheet.rows["c1"], on_platform=sheet.rows["c0"])
    if not done_is_known(asked):
        states = cells(sheet, _criteria(sheet.header))
        rows["completed_percent_course"] = share(matching(states, words.DONE + ".*"), matching(states, r".*"))
    return part(sheet, rows, [])


KINDS: Final = (
    Kind(
        NAME,
        "a Moodle activity completion report",
        _is_progress,
        _progress,
        gives="done of what was due as of any day, done of the course",
        cannot="no logins, scores or sessions",
    ),
    Kind(
        NAME,
        "a Moodle course completion report",
        _is_completion,
        _completion,
        gives="Moodle's own number of each person, by which a log tells who did something; done of the criteria",
        cannot="no logins, due dates, scores or sessions",
    ),
)
