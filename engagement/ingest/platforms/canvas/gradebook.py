"""The gradebook that every teacher can export.

Its scores are those of what was graded ("Current"); "Final" takes what nobody has graded yet for nothing. What a column
is stands above the learners: an assignment has its points there, and a total or a column of notes has none.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
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
    left_out,
    matching,
    mean_percent,
    numbers,
    of_several_courses,
    on_platform,
    share,
    table,
    turned_round,
    whole_name,
)
from engagement.ingest.source.readers import Derived

_HEADER: Final = ("ID", "SIS Login ID", "Section")
_ITEM: Final = re.compile(r".+ \(\d+\)")  # an assignment, with its number
_TOTAL: Final = re.compile(
    r"(.* )?((Unposted )?(Current|Final)|Override) (Points|Score|Grade|Status)( \(.*\))?", re.IGNORECASE
)
_CURRENT: Final = re.compile(r"Current Score( \(.*\))?", re.IGNORECASE)
_NOT_MINE: Final = ("EX", "N/A")  # excused, or not assigned to this learner
_COURSE_IN_NAME: Final = re.compile(r"_Grades[-_](.+?)( ?\(\d+\))?$")
_NUMBER: Final = r"-?[\d.,\s]*\d"
_TEST_STUDENT: Final = (
    r"(?i)student,? test|test[- ]?student(in)?|test[- ]?(elev|eleve|user)|estudiante,? (de )?prueba|"
    r"(étudiant|élève),? (de )?test|étudiant de test|test ?(schüler|teilnehmer)|(schüler|teilnehmer),? test|"
    r"studente,? (di )?(prova|test)|(aluno|estudante),? (de )?teste|testcursist|student,? testowy"
)
_MADE_LOGIN: Final = r"(?=.*\d)[0-9a-f]{8,}"  # that nobody chose: the test student's


@dataclass(frozen=True, eq=False)
class _Sheet:
    """One gradebook: its table, which rows are learners, and what course it is of."""

    table: Table
    of_learners: pd.Series
    test: pd.Series
    program: str

    @property
    def learners(self) -> pd.DataFrame:
        return self.table.rows[self.of_learners & ~self.test]


def _is_gradebook(look: Look) -> bool:
    return look.has_columns(*_HEADER)


def _gradebooks(files: Sequence[Path], asked: Asked) -> list[Part]:
    return of_several_courses([_part(_sheet(file, asked), asked) for file in files], asked)


def _sheet(file: Path, asked: Asked) -> _Sheet:
    sheet = table(file, asked, _HEADER)
    of_learners = sheet.texts("ID").notna()
    course = _COURSE_IN_NAME.search(file.stem)
    program = asked.program or (course[1] if course else "")
    return _Sheet(sheet, of_learners, of_learners & _is_test_student(sheet, of_learners), program)


def _is_test_student(sheet: Table, of_learners: pd.Series) -> pd.Series:
    """Return which rows are the test student's: by the name, or the last one, whom nobody enrolled."""
    by_name = _names(sheet, turn=False).str.fullmatch(_TEST_STUDENT).fillna(False)
    made = sheet.texts("SIS Login ID").str.fullmatch(_MADE_LOGIN).fillna(False)
    unlisted = sheet.texts("SIS User ID").isna() & (sheet.place("SIS User ID") is not None)
    last = pd.Series(sheet.rows.index == sheet.rows.index[of_learners].max(), sheet.rows.index)
    return by_name | (made & unlisted & last)


def _names(sheet: Table, *, turn: bool = True) -> pd.Series:
    whole = _unguarded(sheet.texts("Student"))
    first, last = (_unguarded(sheet.texts(name)) for name in ("FirstName", "LastName"))
    return (turned_round(whole) if turn else whole).fillna(whole_name(first, last))


def _unguarded(texts: pd.Series) -> pd.Series:
    return texts.str.replace(r'^="(.*)"$', r"\1", regex=True)  # as Canvas guards a formula


def _items(sheet: _Sheet) -> tuple[list[str], pd.Series]:
    """Return the columns of assignments that count, and the points of each; missing where nothing says them."""
    rows, header = sheet.table.rows, sheet.table.header
    named = [
        f"c{at}" for at, text in enumerate(header) if _ITEM.fullmatch(text) and not _TOTAL.fullmatch(text)
    ]
    above = rows[~sheet.of_learners]
    said = matching(above[named], _NUMBER).any(axis=1)
    worth = above[said].head(1)
    if worth.empty:  # nothing but its place tells an item from a column of somebody's own
        behind = sheet.table.place("Section") or 0
        items = [name for name in named if int(name[1:]) > behind]
        return items, pd.Series(pd.NA, items, "Float64")
    points = numbers(pd.concat([worth, rows])[named], sheet.table).iloc[0]
    return [name for name in named if pd.notna(points[name]) and points[name] > 0], points


def _part(sheet: _Sheet, asked: Asked) -> Part:
    whole, rows = sheet.table, sheet.learners
    items, points = _items(sheet)
    mine = ~rows[items].isin(_NOT_MINE)
    user = whole.texts("ID")
    login = whole.texts("SIS Login ID")
    learners = pd.DataFrame(
        {
            "id": user,
            "person_id": whole.texts("SIS User ID"),
            "name": _names(whole),
            "email": login.where(login.str.contains("@", regex=False).fillna(False)),
            "active": "true",
            ON_PLATFORM: on_platform("canvas", user),
        }
    ).loc[rows.index]
    if sheet.program:
        learners["program"] = sheet.program
    learners["completed_percent_course"] = share(rows[items].notna() & mine, mine)
    notes = list(whole.notes)
    current = next((f"c{at}" for at, text in enumerate(whole.header) if _CURRENT.fullmatch(text)), None)
    if current is not None:
        read = numbers(rows[[*items, current]], whole)
        learners["avg_quiz_score"] = read[current].clip(lower=0, upper=100)
    elif points[items].notna().all() and items:
        learners["avg_quiz_score"] = mean_percent(numbers(rows[items], whole), points[items])
        notes.append("there is no Current Score, so the mean score is the mean of what was graded")
    else:
        notes.append("there is neither a Current Score nor Points Possible, so no mean score can be told")
    derived = Derived(
        whole.name,
        learners,
        lines=rows.index.tolist(),
        left_out=left_out(whole.rows, a_row_above_the_learners=~sheet.of_learners, a_test_student=sheet.test),
        refused=whole.refused,
        notes=notes,
    )
    return Part("learners", derived, by_person=True, own_ids=True)


KINDS: Final = (
    Kind(
        "canvas",
        "a Canvas gradebook",
        _is_gradebook,
        _gradebooks,
        gives="done of the course (what was graded), mean score",
        cannot="no logins, due dates or sessions",
    ),
)
