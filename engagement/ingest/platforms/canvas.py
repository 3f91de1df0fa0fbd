"""Canvas: the gradebook that every teacher can export.

Its scores are those of what was graded ("Current"); "Final" takes what nobody has graded yet for nothing.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from engagement.ingest.platforms.exports import (
    Asked,
    Kind,
    Look,
    Part,
    left_out,
    numbers,
    table,
    turned_round,
)
from engagement.ingest.source.readers import Derived

NAME: Final = "canvas"
_HEADER: Final = ("ID", "SIS Login ID", "Section")
_ITEM: Final = re.compile(r".+ \(\d+\)")  # an assignment, with its number
_NOT_MINE: Final = ("EX", "N/A")  # excused, or not assigned to this learner
_CURRENT: Final = re.compile(r"Current Score( \(.*\))?")
_COURSE_IN_NAME: Final = re.compile(r"_Grades-(.+)$")
_TEST_STUDENT: Final = r"(?i)student,? test|test ?student"


def _is_gradebook(look: Look) -> bool:
    return look.has_columns(*_HEADER)


def _gradebook(files: Sequence[Path], asked: Asked) -> list[Part]:
    return [_one_gradebook(file, asked) for file in files]


def _one_gradebook(file: Path, asked: Asked) -> Part:
    sheet = table(file, asked, _HEADER)
    name = sheet.texts("Student").str.replace(r'^="(.*)"$', r"\1", regex=True)  # as Canvas guards a formula
    worth = sheet.rows[sheet.rows["c0"].str.casefold().eq("points possible").fillna(False)]
    of_learners = sheet.texts("ID").notna()
    test = of_learners & name.str.fullmatch(_TEST_STUDENT).fillna(False)
    rows = sheet.rows[of_learners & ~test]
    items = [f"c{at}" for at, text in enumerate(sheet.header) if _ITEM.fullmatch(text)]
    points = numbers(worth[items].head(1), sheet)
    counted = [item for item in items if not points.empty and points[item].iloc[0] > 0]
    mine = ~rows[counted].isin(_NOT_MINE)
    done = (rows[counted].notna() & mine).sum(axis=1)
    current = next((at for at, text in enumerate(sheet.header) if _CURRENT.fullmatch(text)), None)
    login = sheet.texts("SIS Login ID")
    course = _COURSE_IN_NAME.search(file.stem)
    learners = pd.DataFrame(
        {
            "id": sheet.texts("ID"),
            "person_id": sheet.texts("SIS User ID"),
            "name": turned_round(name).fillna(sheet.texts("FirstName") + " " + sheet.texts("LastName")),
            "email": login.where(login.str.contains("@", regex=False).fillna(False)),
            "program": asked.program or (course[1] if course else pd.NA),
            "active": "true",
        }
    ).loc[rows.index]
    learners["completed_percent_course"] = (
        100 * done / mine.sum(axis=1).where(lambda count: count > 0)
    ).round(6)
    if current is not None:
        learners["avg_quiz_score"] = numbers(rows[[f"c{current}"]], sheet).iloc[:, 0].clip(upper=100)
    derived = Derived(
        file.name,
        learners,
        lines=rows.index.tolist(),
        left_out=left_out(sheet.rows, a_row_above_the_learners=~of_learners, a_test_student=test),
        refused=sheet.refused,
        notes=sheet.notes,
    )
    return Part("learners", derived)


KINDS: Final = (
    Kind(
        NAME,
        "a Canvas gradebook",
        _is_gradebook,
        _gradebook,
        gives="done of the course (what was graded), mean score",
        cannot="no logins, due dates or sessions: a gradebook has none",
    ),
)
