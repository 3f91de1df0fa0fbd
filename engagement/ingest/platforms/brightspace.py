"""D2L Brightspace: grades, the attendance register, and the engagement dashboard.

Its tables end in a column of nothing but `#`, and write ids with a `#` before them, so that Excel keeps them text.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from engagement.ingest.platforms.exports import (
    ON_PLATFORM,
    Asked,
    Kind,
    Look,
    Part,
    Table,
    logins,
    mean_percent,
    numbers,
    of_several_courses,
    on_platform,
    share,
    table,
    whole_name,
)
from engagement.ingest.platforms.sessions import events_of, missed_in_a_row
from engagement.ingest.platforms.times import as_utc, day_in, noon
from engagement.ingest.source.readers import Derived

_NAME: Final = "brightspace"
_END: Final = "End-of-Line Indicator"
_MARK: Final = "#"
_FIRST: Final = ("First Name", "Prénom", "Vorname", "Nombre", "Nome", "Voornaam", "Förnamn")
_LAST: Final = (
    "Last Name",
    "Nom",
    "Nom de famille",
    "Nachname",
    "Apellidos",
    "Apellido",
    "Achternaam",
    "Efternamn",
)
_USER: Final = (
    "Username",
    "User Name",
    "Nom d'utilisateur",
    "Benutzername",
    "Nombre de usuario",
    "Gebruikersnaam",
)
_NUMBER: Final = ("OrgDefinedId", "Org Defined ID")
_EMAIL: Final = ("Email", "E-Mail", "Courriel", "Correo electrónico", "E-mail")
_WHO: Final = (*_FIRST, *_LAST, *_USER, *_NUMBER, *_EMAIL, _END)
_POINTS: Final = re.compile(r"(.+?) Points(?: Grade)?(?: <.*>)?")
_NUMERIC: Final = re.compile(r"(.+?)(?: Points)?(?: Grade)? <Numeric\b.*>")
_SYMBOL: Final = re.compile(r"(.+?) (?:Grade Symbol|Scheme Symbol)(?: <.*>)?")
_MOST: Final = re.compile(r"<.*\bMaxPoints:([\d.,]+)")
_WEIGHTED: Final = re.compile(r".* Weighted Grade\b.*")
_COURSE_IN_NAME: Final = re.compile(r"(.+?)[ _]?GradesExport.*")

_SHARE: Final = re.compile(
    r"% ?\w+|\w+ ?%|.*\b(attendance|anwesenheit|présence|asistencia|presenza|frequência)\b.*%?"
)
# Letters of schemes, and what they mean; a letter of nobody's is neither.
_ATTENDED: Final = ("p", "present", "l", "late", "r", "t", "tardy", "anwesend", "présent", "presente")
_MISSED: Final = ("a", "absent", "u", "unexcused", "f", "abwesend", "ausente", "assente")
_NEITHER: Final = ("-", "–", "x", "e", "ex", "excused", "entschuldigt", "excusé", "justificado")

_SYSTEM: Final = ("Last Accessed System",)
_ACTIVITY: Final = (
    "Average Grade",
    "Average Time in Content (mins)",
    "Threads",
    "Reads",
    "Replies",
    "Courses",
)


def _ends_with_marks(look: Look) -> bool:
    """Return whether it is a table whose rows end in `#`."""
    if look.has_columns(_END):
        return True
    rows = [line for line in look.lines[1:] if len(line) > 2]
    return bool(rows) and all(line[-1] == _MARK for line in rows)


def _is_attendance(look: Look) -> bool:
    return _ends_with_marks(look) and any(
        _SHARE.fullmatch(name) and "%" in name for line in look.lines[:2] for name in line
    )


def _is_grades(look: Look) -> bool:
    named = any("<numeric " in name for line in look.lines for name in line)
    return named or (_ends_with_marks(look) and not _is_attendance(look))


def _is_engagement(look: Look) -> bool:
    cards = sum(look.has_columns("User ID", name) for name in (*_SYSTEM, *_ACTIVITY))
    return cards > 1 or (cards == 1 and look.has_columns("User ID", "User Name", "Last Name"))


def _bare(ids: pd.Series) -> pd.Series:
    bare = ids.str.removeprefix(_MARK).str.strip()
    return bare.mask(bare.eq(""))


def _grades(files: Sequence[Path], asked: Asked) -> list[Part]:
    return of_several_courses([_one_grades(file, asked) for file in files], asked)


def _one_grades(file: Path, asked: Asked) -> Part:
    sheet = table(file, asked, _WHO)
    user, number = _bare(sheet.texts(*_USER)), _bare(sheet.texts(*_NUMBER))
    work: dict[str, list[str]] = {}
    scored: dict[str, str] = {}
    for at, name in enumerate(sheet.header):
        if _WEIGHTED.fullmatch(name):
            continue
        symbol = _SYMBOL.fullmatch(name)
        points = None if symbol else _POINTS.fullmatch(name) or _NUMERIC.fullmatch(name)
        if item := symbol or points:
            work.setdefault(item[1], []).append(f"c{at}")
            if points and (most := _MOST.search(name)):
                scored[f"c{at}"] = most[1].rstrip(".,")
    done = pd.DataFrame(
        {item: sheet.rows[columns].notna().any(axis=1) for item, columns in work.items()}, sheet.rows.index
    )
    course = _COURSE_IN_NAME.fullmatch(file.stem)
    program = asked.program or (course[1] if course else "")
    learners = pd.DataFrame(
        {
            "id": user.fillna(number) if sheet.place(*_USER) is None else user,
            "person_id": number,
            "name": whole_name(sheet.texts(*_FIRST), sheet.texts(*_LAST)),
            "email": sheet.texts(*_EMAIL),
            "active": "true",
            ON_PLATFORM: on_platform(_NAME, user),
        }
    )
    if program:
        learners["program"] = program
    learners["completed_percent_course"] = share(done, done.notna())
    notes = list(sheet.notes)
    if scored:
        above = pd.DataFrame({column: [most] for column, most in scored.items()}, dtype="string")
        read = numbers(pd.concat([above, sheet.rows[list(scored)]]), sheet)
        learners["avg_quiz_score"] = mean_percent(read.iloc[1:], read.iloc[0].where(read.iloc[0] > 0))
    else:
        notes.append(
            "its header does not say how many points there are, so there is no mean score; export for Excel with all "
            "grade values"
        )
    derived = Derived(sheet.name, learners, sheet.rows.index.tolist(), refused=sheet.refused, notes=notes)
    return Part("learners", derived, by_person=True)


def _registers(files: Sequence[Path], asked: Asked) -> list[Part]:
    return [part for file in files for part in _one_register(file, asked)]


def _one_register(file: Path, asked: Asked) -> list[Part]:
    sheet = table(file, asked, _WHO)
    days = {at: day_in(sheet.header[at]) for at in _sessions(sheet)}
    times = {at: noon(day, asked.zone) if day else None for at, day in days.items()}
    order = [at for at, then in times.items() if then is None or then <= asked.as_of]
    if None not in times.values():
        order.sort(key=lambda at: times[at] or asked.as_of)
    letters = sheet.rows[[f"c{at}" for at in order]].apply(lambda column: column.str.casefold())
    missed = letters.isin(_MISSED).astype("boolean").where(letters.isin((*_MISSED, *_ATTENDED)))
    odd = pd.unique(letters.where(~letters.isin((*_MISSED, *_ATTENDED, *_NEITHER))).to_numpy().ravel())
    unknown = sorted(str(letter) for letter in odd if isinstance(letter, str))
    user = _bare(sheet.texts(*_USER))
    learners = pd.DataFrame(
        {
            "id": user,
            "name": whole_name(sheet.texts(*_FIRST), sheet.texts(*_LAST)),
            "consecutive_missed_sessions": missed_in_a_row(missed),
            ON_PLATFORM: on_platform(_NAME, user),
        }
    )
    if asked.program:
        learners["program"] = asked.program
    notes = list(sheet.notes)
    if unknown:
        told = ", ".join(unknown)[:60]
        notes.append(f"{len(unknown)} marks are neither there nor missed, as far as is known: {told}")
    if dateless := [at for at in order if times[at] is None]:
        notes.append(f"{len(dateless)} sessions carry no date in their names: no events are made of them")
    lines = sheet.rows.index.tolist()
    derived = Derived(sheet.name, learners, lines, refused=sheet.refused, notes=notes)
    parts = [Part("learners", derived, by_person=True)]
    dated = {f"c{at}": then for at in order if (then := times[at])}
    names = {name: json.dumps({"session": sheet.header[int(name[1:])]}, ensure_ascii=False) for name in dated}
    about = pd.DataFrame(names, index=sheet.rows.index)
    events = events_of(missed[list(dated)].rename(columns=dated), learners["id"], about.rename(columns=dated))
    if len(events):
        parts.append(Part("events", Derived(sheet.name, events, events.index.tolist()), by_person=True))
    return parts


def _sessions(sheet: Table) -> list[int]:
    """Return which columns are sessions: those that are nobody's names, totals or shares."""
    who = {sheet.place(*names) for names in (_FIRST, _LAST, _USER, _NUMBER, _EMAIL, (_END,))}
    marks = {
        str(letter).casefold()
        for letter in pd.unique(sheet.rows.to_numpy().ravel())
        if isinstance(letter, str)
    }
    return [
        at
        for at, name in enumerate(sheet.header)
        if at not in who
        and at != len(sheet.header) - 1
        and "%" not in name
        and not (
            name.casefold() in (*_ATTENDED, *_MISSED, *_NEITHER)
            or (name.casefold() in marks and len(name) < 3)
        )
    ]


def _dashboards(files: Sequence[Path], asked: Asked) -> list[Part]:
    return [_one_dashboard(file, asked) for file in files]


def _one_dashboard(file: Path, asked: Asked) -> Part:
    sheet = table(file, asked, ["User ID", *_WHO, *_SYSTEM, *_ACTIVITY])
    number = sheet.texts("User ID")
    learners = pd.DataFrame(
        {
            "id": number,
            "name": whole_name(sheet.texts(*_FIRST), sheet.texts(*_LAST)),
            ON_PLATFORM: on_platform(_NAME, _bare(sheet.texts(*_USER)).fillna(number)),
        }
    )
    if sheet.place(*_SYSTEM) is not None:
        learners["last_login"] = logins(as_utc(sheet.texts(*_SYSTEM), asked.zone), asked)
    if (at := sheet.place("Average Grade")) is not None:
        learners["avg_quiz_score"] = numbers(sheet.rows[[f"c{at}"]], sheet)[f"c{at}"].clip(0, 100)
    if asked.program:
        learners["program"] = asked.program
    derived = Derived(
        sheet.name, learners, sheet.rows.index.tolist(), refused=sheet.refused, notes=sheet.notes
    )
    return Part("learners", derived, by_person=True, own_ids=True)


KINDS: Final = (
    Kind(
        _NAME,
        "a Brightspace attendance register",
        _is_attendance,
        _registers,
        gives="sessions missed in a row, and attended and missed as events where a session's name has its date",
        cannot="no program, grades, logins or states",
    ),
    Kind(
        _NAME,
        "a Brightspace grades export",
        _is_grades,
        _grades,
        gives="done of the course (what was graded), mean score",
        cannot="no logins, due dates or sessions",
    ),
    Kind(
        _NAME,
        "a Brightspace engagement dashboard",
        _is_engagement,
        _dashboards,
        gives="last access, mean grade of all courses that were chosen",
        cannot="no program, done work or sessions",
    ),
)
