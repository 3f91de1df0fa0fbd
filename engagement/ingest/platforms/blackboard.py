r"""Blackboard Learn: what a grade centre downloads, as a text of tabs called .xls, or the table of Ultra.

A column of marks says in its own name what it is: `Quiz 1 [Total Pts: 10 Score] |880010`. What is computed of others
has a word before its points: "up to 130".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from engagement.files.headers import plain_name
from engagement.ingest.platforms.exports import (
    ON_PLATFORM,
    Asked,
    Kind,
    Look,
    Part,
    Table,
    is_active,
    left_out,
    logins,
    mean_percent,
    numbers,
    of_several_courses,
    on_platform,
    share,
    table,
    whole_name,
)
from engagement.ingest.platforms.times import as_utc
from engagement.ingest.source.readers import Derived

# What the first columns are called, in the languages they come in; their order is always this one.
_NAMES: Final = {
    "last": (
        "Last Name",
        "Nachname",
        "Nom",
        "Nom de famille",
        "Apellidos",
        "Apellido",
        "Cognome",
        "Achternaam",
    ),
    "first": ("First Name", "Vorname", "Prénom", "Nombre", "Nome", "Voornaam", "Förnamn", "Fornavn"),
    "user": (
        "Username",
        "Benutzername",
        "Nom d'utilisateur",
        "Nombre de usuario",
        "Nome utente",
        "Gebruikersnaam",
    ),
    "number": ("Student ID", "Studenten-ID", "Matrikelnummer", "ID étudiant", "ID de alumno", "ID studente"),
    "access": (
        "Last Access",
        "Letzter Zugriff",
        "Dernier accès",
        "Último acceso",
        "Ultimo accesso",
        "Laatste toegang",
    ),
    "available": ("Availability", "Verfügbarkeit", "Disponibilité", "Disponibilidad", "Disponibilità"),
}
_MARKS: Final = re.compile(
    r"(?P<title>.*)\[[^\[\]:]*:(?P<computed>\D*?)(?P<points>\d[\d.,]*) ?(?P<kind>[^\[\]]*)\] ?\|\d+"
)
_TOTAL: Final = re.compile(
    r"(?i)(weighted |running |external )?(total|grade)|overall grade|(gewichtete )?gesamt(note|summe)?|"
    r"total (pondéré|ponderado)|nota final|calificación final|totale( ponderato)?"
)
_SCORE: Final = re.compile(
    r"(?i)score|points?|punkte|punktzahl|ergebnis|puntuación|puntaje|calificación|note|punteggio|pontuação|poäng|cijfer"
)
_LETTER: Final = re.compile(r"(?i)letter|buchstabe(nnote)?|lettre|letra|lettera|bokstav|letterbeoordeling")
_NOT_HANDED_IN: Final = (
    "in progress",
    "in bearbeitung",
    "en cours",
    "en curso",
    "in corso",
    "em andamento",
    "pågår",
)
_EXCUSED: Final = ("exempt", "exempted", "befreit", "exento", "exempté", "esente", "isento", "vrijgesteld")
_PREVIEW: Final = r"(?i).*_previewuser(_\d+)?"
_COURSE_IN_NAME: Final = re.compile(r"gc_(.+?)(_(fullgc|ultra|full|gradebook))?(_\d{4}-\d\d-\d\d.*)?")


@dataclass(frozen=True)
class _Marks:
    """A column of marks."""

    column: str
    points: str
    is_score: bool


def _is_grade_centre(look: Look) -> bool:
    return any(any(_MARKS.fullmatch(name) for name in line) for line in look.lines)


def _downloads(files: Sequence[Path], asked: Asked) -> list[Part]:
    return of_several_courses([_one_download(file, asked) for file in files], asked)


def _one_download(file: Path, asked: Asked) -> Part:
    sheet = table(file, asked, [name for names in _NAMES.values() for name in names])
    user = _column(sheet, "user")
    preview = user.str.fullmatch(_PREVIEW).fillna(False)
    rows = sheet.rows[~preview]
    marks = _marks(sheet)
    cells = rows[[each.column for each in marks]].apply(lambda column: column.str.casefold())
    mine = ~cells.isin(_EXCUSED)
    done = cells.notna() & mine & ~cells.isin(_NOT_HANDED_IN)
    course = _COURSE_IN_NAME.fullmatch(file.stem)
    program = asked.program or (course[1] if course else "")
    learners = pd.DataFrame(
        {
            "id": user,
            "person_id": _column(sheet, "number"),
            "name": whole_name(_column(sheet, "first"), _column(sheet, "last")),
            "email": sheet.texts("Email", "E-Mail", "E-mail", "Email Address"),
            "last_login": logins(as_utc(_column(sheet, "access"), asked.zone), asked),
            "active": is_active(_column(sheet, "available")),
        }
    )[~preview]
    if program:
        learners["program"] = program
    learners[ON_PLATFORM] = on_platform("blackboard", learners["id"])
    learners["completed_percent_course"] = share(done, mine)
    learners["avg_quiz_score"] = _mean(rows, [each for each in marks if each.is_score], sheet)
    derived = Derived(
        sheet.name,
        learners,
        lines=rows.index.tolist(),
        left_out=left_out(sheet.rows, a_preview_user=preview),
        refused=sheet.refused,
        notes=sheet.notes,
    )
    return Part("learners", derived, by_person=True)


def _mean(rows: pd.DataFrame, marks: Sequence[_Marks], sheet: Table) -> pd.Series:
    points = pd.DataFrame({each.column: [each.points] for each in marks}, dtype="string")
    read = numbers(pd.concat([points, rows[points.columns]]), sheet)
    return mean_percent(read.iloc[1:], read.iloc[0])


def _marks(sheet: Table) -> list[_Marks]:
    """Return the columns of marks that somebody gives, of more than no points."""
    found = []
    for at, name in enumerate(sheet.header):
        match = _MARKS.fullmatch(name)
        if not match or match["computed"].strip() or not re.search(r"[1-9]", match["points"]):
            continue
        if _TOTAL.fullmatch(match["title"].strip()):
            continue
        if _SCORE.fullmatch(match["kind"].strip()):
            found.append(_Marks(f"c{at}", match["points"], is_score=True))
        elif _LETTER.fullmatch(match["kind"].strip()):
            found.append(_Marks(f"c{at}", match["points"], is_score=False))
    return found


def _column(sheet: Table, what: str) -> pd.Series:
    """Return a column by its name in any language; by its place where none of the first has a known name."""
    plain = {plain_name(name) for names in _NAMES.values() for name in names}
    if any(plain_name(name) in plain for name in sheet.header):
        return sheet.texts(*_NAMES[what])
    return sheet.rows[f"c{list(_NAMES).index(what)}"]


KINDS: Final = (
    Kind(
        "blackboard",
        "a Blackboard grade centre",
        _is_grade_centre,
        _downloads,
        gives="done of the course, mean score, last access (by the zone of `--timezone`), who is available",
        cannot="no due dates or sessions, and seldom an e-mail address",
    ),
)
