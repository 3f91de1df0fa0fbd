"""Zoom and Teams: who was in a meeting, for how long.

They say who was there. Who was not is told by a roster: a list in the same command, or the learners who are known. One
session is a meeting, and all meetings of a course count in their order, with those that were loaded before.
"""

import csv
import io
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from engagement.errors import InvalidInput
from engagement.files.encoding import plain_text
from engagement.ingest.platforms.exports import Asked, Kind, Look, Part, called, table, turned_round
from engagement.ingest.platforms.sessions import events_of, missed_in_a_row, with_earlier
from engagement.ingest.platforms.times import as_utc, day_in, noon
from engagement.ingest.source.readers import Derived
from engagement.ingest.values.left_out import MOST_LINES, LeftOut

LEAST_MINUTES: Final = 10  # of a meeting in which somebody was there, and not only looked in
_DELIMITERS: Final = "\t,;|"
_LINES: Final = 50  # in which the header of the participants may stand
# How columns are called in the languages that are met; a new one needs a word here.
_NAME: Final = re.compile(
    r"(full |display |user |vollständiger |volledige |fullständigt |fulde |fullt )?(name|naam|namn|navn|nimi|imię|имя)"
    r"( \(.*\))?|nom( complet)?( \(.*\))?|nombre( completo)?( \(.*\))?|nome( completo)?( \(.*\))?"
)
_DURATION: Final = re.compile(
    r".*(duration|dauer|durée|duración|durata|duração|duur|varaktighet|varighed|varighet|kesto|czas trwania|"
    r"длительность|продолжительность).*"
)
_EMAIL: Final = re.compile(r".*(e-?mail|courriel|correo|posta).*")
_JOIN: Final = re.compile(r".*(join|beitr|entrée|arrivée|unión|entrada|accesso|deeln|anslut|tilslut).*")
_LEAVE: Final = re.compile(r".*(leave|verlass|départ|sortie|salida|saída|uscita|vertrek|lämn|forla).*")
_ACTION: Final = ("full name", "user action", "timestamp")  # of the first lists of Teams
_JOINED: Final = "joined"
_SECTION: Final = re.compile(r"\d\. \S.*")
_UNIT: Final = re.compile(r"(\d+) ?([^\W\d_]+)")
_CLOCK: Final = re.compile(r"(\d+):(\d\d)(?::(\d\d))?")
_WITH_BRACKETS: Final = re.compile(r"(.*?) ?\((.*)\)")
_OTHER_LETTERS: Final = str.maketrans("đłøıæœ", "dloiao")
_ID: Final = ("id", "student id", "user id", "learner id", "sourcedid", "username")
_ROSTER_NAME: Final = ("name", "full name", "student name")
_ROSTER_EMAIL: Final = ("email", "e-mail", "email address", "mail")


@dataclass(frozen=True, eq=False)
class _Meeting:
    """One file: when it began, and who was there for how many minutes, by line."""

    name: str
    began: datetime
    people: pd.DataFrame  # `name`, `email`, `minutes`


@dataclass(eq=False)
class _Roster:
    """Who may have been there: by address, and by a name that only one of them has."""

    rows: pd.DataFrame  # `id`, `name`, `email`
    loaded: pd.DataFrame  # what is loaded of each
    lines: Sequence[int] | None  # of each, where a list has them
    by_email: Mapping[str, str] = field(init=False)
    by_name: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.by_email = _only(self.rows["email"].str.casefold(), self.rows["id"])
        self.by_name = _only(
            turned_round(self.rows["name"]).map(_folded, na_action="ignore"), self.rows["id"]
        )

    def of_name(self, name: str) -> str | None:
        """Return whose a shown name is; what stands in brackets may be the real one, or say that it is a guest."""
        within = _WITH_BRACKETS.fullmatch(name)
        for each in [within[2], within[1]] if within else [name]:
            family, comma, given = each.partition(",")
            if found := self.by_name.get(_folded(f"{given} {family}" if comma else each)):
                return found
        return None


def _only(keys: pd.Series, ids: pd.Series) -> dict[str, str]:
    known = keys.notna() & keys.ne("") & ~keys.duplicated(keep=False)
    return dict(zip(keys[known], ids[known], strict=True))


def _folded(name: str) -> str:
    """Return a name without what differs between two ways to write it.

    >>> _folded("Lê  Văn Đức") == _folded("le van duc")
    True
    """
    plain = unicodedata.normalize("NFKD", name.casefold().translate(_OTHER_LETTERS))
    return " ".join("".join(sign for sign in plain if not unicodedata.combining(sign)).split())


def _is_header(fields: Sequence[str]) -> bool:
    if set(_ACTION) <= set(fields):
        return True
    return all(any(pattern.fullmatch(text) for text in fields) for pattern in (_NAME, _DURATION)) and any(
        pattern.fullmatch(text) for pattern in (_EMAIL, _JOIN) for text in fields
    )


def _is_meeting(look: Look) -> bool:
    return any(_is_header(line) for line in look.lines)


def _is_roster(look: Look) -> bool:
    return any(
        look.has_columns(one, *other) for one in _ID for other in (_ROSTER_NAME[:1], _ROSTER_EMAIL[:1])
    )


def _meetings(files: Sequence[Path], asked: Asked) -> list[Part]:
    read = {file: _records(file, asked) for file in files}
    of_meetings = {file: found for file, found in read.items() if found[0]}
    meetings = [_meeting(file, header, rows, asked) for file, (header, rows) in of_meetings.items()]
    meetings = sorted((each for each in meetings if each.began <= asked.as_of), key=lambda each: each.began)
    lists = [file for file in files if file not in of_meetings]
    if not of_meetings:
        raise InvalidInput(
            f"{lists[0].name}: a list of learners without a meeting; name the meetings' files beside it"
        )
    if not meetings:
        raise InvalidInput("none of the meetings was before the day that the load is for")
    roster = _roster(lists, asked)
    left_out: LeftOut = {}
    minutes, by_name = _minutes(meetings, roster, left_out)
    missed = (minutes < LEAST_MINUTES).astype("boolean")
    learners = roster.loaded.assign(
        consecutive_missed_sessions=missed_in_a_row(with_earlier(missed, roster.rows["id"], asked))
    )
    notes = [
        f"{LEAST_MINUTES} minutes of a meeting, all stays in it together, count as there, and fewer as missed: "
        f"{len(minutes.columns):,} sessions, {len(learners):,} learners on the roster"
    ]
    if by_name:
        notes.append(f"{by_name:,} rows were matched by name alone, which is a guess")
    name = called([each.name for each in meetings])
    about = minutes.round(2).map(lambda count: json.dumps({"minutes": count}))
    events = events_of(missed, roster.rows["id"], about)
    return [
        Part("learners", Derived(name, learners, roster.lines, left_out=left_out, notes=notes)),
        Part("events", Derived(name, events)),
    ]


def _minutes(meetings: Sequence[_Meeting], roster: _Roster, left_out: LeftOut) -> tuple[pd.DataFrame, int]:
    """Return how long each learner was in each session, by when it began, and how many rows a name alone matched.

    Who is not on the roster is put into `left_out`. Two files of one time are of one session: the longer stay counts.
    """
    sessions: dict[datetime, pd.Series] = {}
    by_name = 0
    for meeting in meetings:
        people = meeting.people
        who = people["email"].map(roster.by_email)
        named = people["name"].fillna("").map(roster.of_name)
        by_name += int((who.isna() & named.notna()).sum())
        who = who.astype(object).fillna(named)
        stayed = people["minutes"].groupby(who).sum()
        minutes = roster.rows["id"].map(stayed).fillna(0.0).astype("float64")
        before = sessions.get(meeting.began)
        sessions[meeting.began] = minutes if before is None else before.combine(minutes, max)
        if (unknown := who.isna()).any():
            lines = people.index[unknown].tolist()
            left_out[f"not on the roster, in {meeting.name}"] = {
                "rows": len(lines),
                "lines": lines[:MOST_LINES],
            }
    return pd.DataFrame(sessions, index=roster.rows.index), by_name


def _records(file: Path, asked: Asked) -> tuple[list[str], dict[int, list[str]]]:
    """Return the header of the participants, empty where there is none, and every record of a file by its line."""
    with plain_text(file, asked.encoding) as plain:
        text = plain.path.read_text(encoding="utf-8-sig")
    found: dict[str, tuple[list[str], dict[int, list[str]]]] = {}
    for delimiter in _DELIMITERS:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        records: dict[int, list[str]] = {}
        try:
            for record in reader:
                records[reader.line_num] = [cell.strip() for cell in record]
        except csv.Error:
            continue
        first = [record for line, record in records.items() if line <= _LINES]
        header = next(
            (each for each in first if _is_header([" ".join(cell.casefold().split()) for cell in each])), []
        )
        found[delimiter] = header, records
    return max(found.values(), key=lambda each: len(each[0]), default=([], {}))


def _meeting(file: Path, header: list[str], records: dict[int, list[str]], asked: Asked) -> _Meeting:
    lines = list(records)
    top = next(line for line in lines if records[line] == header)
    rows = {}
    for line in lines[lines.index(top) + 1 :]:
        cells = records[line]
        if not any(cells) or (_SECTION.fullmatch(cells[0]) and not any(cells[1:])):
            break
        rows[line] = (cells + [""] * len(header))[: len(header)]
    if not rows:
        raise InvalidInput(f"{file.name}: nobody is listed below its header")
    names = [" ".join(text.casefold().split()) for text in header]
    frame = pd.DataFrame.from_dict(rows, orient="index", columns=range(len(header)), dtype="string")
    day = day_in(file.stem)
    above = pd.Series([cell for line in lines if line < top for cell in records[line]], dtype="string")
    times = _times(names, frame, above, asked, day)
    began = times["above"].dropna().min()
    if pd.isna(began):
        began = times["joined"].dropna().min()
    if pd.isna(began):
        if day is None:
            raise InvalidInput(
                f"{file.name}: says nowhere on which day the meeting was; put it into the name, as 2026-11-03"
            )
        began = noon(day, asked.zone)
    people = pd.DataFrame(
        {
            "name": frame[_place(names, _NAME)],
            "email": _emails(names, frame),
            "minutes": _durations(names, frame, times),
        }
    )
    return _Meeting(file.name, pd.Timestamp(began).to_pydatetime(), people)


def _place(names: Sequence[str], pattern: re.Pattern[str]) -> int:
    return next(at for at, name in enumerate(names) if pattern.fullmatch(name))


def _times(
    names: Sequence[str], frame: pd.DataFrame, above: pd.Series, asked: Asked, day: object
) -> dict[str, pd.Series]:
    """Return the times of a file, all read in one way: those above its people, and when each came and went."""
    columns = {
        "joined": next(
            (at for at, name in enumerate(names) if _JOIN.fullmatch(name) or name == "timestamp"), None
        ),
        "left": next((at for at, name in enumerate(names) if _LEAVE.fullmatch(name)), None),
    }
    nothing = pd.Series(pd.NA, frame.index, "string")
    parts = {"above": above, **{key: nothing if at is None else frame[at] for key, at in columns.items()}}
    # a number, or how long something was, is no time
    dated = {
        key: part.where(part.str.contains(r"\d{1,4}[./-]\d|\d{4}", regex=True)) for key, part in parts.items()
    }
    read = as_utc(pd.concat(dated, ignore_index=True), asked.zone, day=day_in(str(day)) if day else None)
    found, start = {}, 0
    for key, part in parts.items():
        found[key] = read.iloc[start : start + len(part)].set_axis(part.index)
        start += len(part)
    return found


def _emails(names: Sequence[str], frame: pd.DataFrame) -> pd.Series:
    with_address = [at for at in range(len(names)) if frame[at].str.contains("@", regex=False).any()]
    named = [at for at, name in enumerate(names) if _EMAIL.fullmatch(name)]
    at = next(iter([*named, *(at for at in with_address if not _NAME.fullmatch(names[at]))]), None)
    return pd.Series("", frame.index, "string") if at is None else frame[at].str.casefold()


def _durations(names: Sequence[str], frame: pd.DataFrame, times: Mapping[str, pd.Series]) -> pd.Series:
    """Return how many minutes each row is of; from coming to going where it does not say."""
    at = next((at for at, name in enumerate(names) if _DURATION.fullmatch(name)), None)
    if at is not None:
        said = frame[at].map(_minutes_of).astype("float64")
    elif set(_ACTION) <= set(names):
        said = _by_actions(
            frame[names.index("full name")], frame[names.index("user action")], times["joined"]
        )
    else:
        said = pd.Series(np.nan, frame.index)
    between = (times["left"] - times["joined"]).dt.total_seconds() / 60
    return said.fillna(between).fillna(0).clip(lower=0)


def _by_actions(people: pd.Series, actions: pd.Series, times: pd.Series) -> pd.Series:
    """Return the minutes from each row that says who came to the next that says that they went; to the last of all."""
    came = actions.str.casefold().str.startswith(_JOINED).fillna(False)
    until = times.groupby(people).shift(-1).fillna(times.max())
    minutes: pd.Series = ((until - times).dt.total_seconds() / 60).where(came)
    return minutes


def _minutes_of(text: str) -> float:
    """Return how many minutes a duration is, in words of many languages.

    >>> [float(_minutes_of(text)) for text in ("1h 26m 30s", "1 Std. 5 Min.", "88", "01:30:00")]
    [86.5, 65.0, 88.0, 90.0]
    """
    if clock := _CLOCK.fullmatch(text):
        hours, minutes, seconds = (int(each or 0) for each in clock.groups())
        return hours * 60 + minutes + seconds / 60
    if found := _UNIT.findall(text):
        return sum(int(count) * _unit(unit.casefold()) for count, unit in found)
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return float("nan")


def _unit(word: str) -> float:
    if word.startswith(("h", "st", "u", "t", "g", "ч", "o")):
        return 60
    return 1 / 60 if word.startswith(("s", "с")) else 1


def _roster(lists: Sequence[Path], asked: Asked) -> _Roster:
    if lists:
        return _listed(lists, asked)
    known = asked.roster()
    if asked.program:
        known = known[known["program"].eq(asked.program)]
    if known.empty:
        whose = f" of {asked.program}" if asked.program else ""
        raise InvalidInput(
            f"no learners{whose} are known, so that nobody can be told absent: name a list of them in the same command"
        )
    if known["program"].nunique() > 1:
        raise InvalidInput(
            f"the known learners are in {known['program'].nunique()} programs: `--set program=NAME` says of which the "
            "meetings are"
        )
    rows = known[["id", "name", "email"]].astype("string").reset_index(drop=True)
    return _Roster(rows, rows[["id"]], None)


def _listed(lists: Sequence[Path], asked: Asked) -> _Roster:
    """Return the roster that lists in the same command are."""
    sheets = [table(file, asked, (*_ID, *_ROSTER_NAME, *_ROSTER_EMAIL, "program")) for file in lists]
    said = pd.concat(
        pd.DataFrame(
            {
                "id": sheet.texts(*_ID),
                "name": sheet.texts(*_ROSTER_NAME),
                "email": sheet.texts(*_ROSTER_EMAIL),
                "program": sheet.texts("program").fillna(asked.program or pd.NA),
            }
        )
        for sheet in sheets
    )
    said = said[said["id"].notna() & ~said["id"].duplicated()]
    if asked.program:
        said = said[said["program"].eq(asked.program)]
    if said.empty:
        raise InvalidInput(
            f"{lists[0].name}: lists no learners of whom it could be told that they were absent"
        )
    rows = said.reset_index(drop=True)
    return _Roster(rows[["id", "name", "email"]], rows.dropna(axis=1, how="all"), said.index.tolist())


KINDS: Final = (
    Kind(
        "zoom_teams",
        "a list of who was in a meeting, of Zoom or Teams",
        _is_meeting,
        _meetings,
        gives="by a roster, sessions missed in a row; attended and missed as events, with the minutes",
        cannot="no programs, grades or logins",
        besides=_is_roster,
    ),
)
