"""Moodle's grades: the export of the gradebook, and the results of one quiz.

Only percentages, and the maxima in the header of a quiz's results, say how much a grade is. The gradebook has what a
teacher set by hand; a quiz's results do not.
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
    Table,
    left_out,
    matching,
    mean_percent,
    share,
)
from engagement.ingest.platforms.moodle import words
from engagement.ingest.platforms.moodle.people import NAME, cells, done_is_known, part, people, sheet_of
from engagement.ingest.platforms.times import as_utc
from engagement.ingest.values.left_out import LeftOut

_ITEM: Final = re.compile(r"(.+) \(([^()]+)\)")  # its name, and how the grade is written
_PERCENT: Final = r"-?\d+([.,]\d+)? ?%"
_EPOCH: Final = r"1\d{9}"
_NONE: Final = "-"
_QUIZ: Final = re.compile(words.QUIZZES + r" ?: ?.*")
_QUIZ_WITHOUT_COLON: Final = re.compile(words.QUIZZES + r" .*")  # as it is in French
_GRADE: Final = re.compile(r"([^/]+)/(\d+(?:[.,]\d+)?)")
_SUM_AHEAD: Final = 1  # column of the name in which a sum says what it is
_TIMES_OF_AN_ATTEMPT: Final = 2


def _is_grades(look: Look) -> bool:
    header = look.lines[0] if look.lines else []
    return (
        _names_people(header)
        and len([text for text in header if _ITEM.fullmatch(text)]) > 0
        and not _ITEM.fullmatch(header[-1])  # when it was downloaded
        and not _graded_at(header)
    )


def _names_people(header: Sequence[str]) -> bool:
    """Return whether the first columns are the two parts of a name."""
    first, last = ({name.casefold() for name in names} for names in (words.FIRST, words.LAST))
    return bool(first.intersection(header[:2]) and last.intersection(header[:2]))


def _grades(files: Sequence[Path], asked: Asked) -> list[Part]:
    return [_one_export(file, asked) for file in files]


def _one_export(file: Path, asked: Asked) -> Part:
    sheet = sheet_of(file, asked)
    rows = people(sheet, asked)
    items = [at for at, text in enumerate(sheet.header) if _ITEM.fullmatch(text)]
    items = [at for at in items if not _is_total(at, items, sheet)]
    texts = cells(sheet, items)
    notes = []
    percents = [at for at in items if texts[f"c{at}"].str.fullmatch(_PERCENT).fillna(False).any()]
    quizzes = _quizzes(sheet, percents)
    if quizzes:
        scores = _numbers(cells(sheet, quizzes))
        rows["avg_quiz_score"] = mean_percent(scores, pd.Series(100.0, scores.columns))
    elif _quizzes(sheet, items):
        notes.append(
            "how much its grades are of what can be reached it does not say: "
            "tick Percentage beside Real as you export them"
        )
    if not done_is_known(asked):
        graded = cells(sheet, _one_of_each(items, sheet))
        rows["completed_percent_course"] = share(matching(graded, "[^-].*|-.+"), pd.notna(graded) | True)
    suspended = next((at for at, text in enumerate(sheet.header) if words.SUSPENDED.fullmatch(text)), None)
    if suspended is not None:
        says = sheet.rows[f"c{suspended}"].fillna("").str.casefold()
        rows["active"] = (~says.isin({*words.YES, "1"})).map({True: "true", False: "false"})
    return part(sheet, rows, notes)


def _is_total(at: int, items: Sequence[int], sheet: Table) -> bool:
    """Return whether a column is of the whole course: it stands last, in as many ways of writing as the others."""
    last = sheet.header[items[-1]].rpartition(" (")[0]
    return sheet.header[at].rpartition(" (")[0] == last


def _one_of_each(items: Sequence[int], sheet: Table) -> list[int]:
    """Return the first column of each item: two items may have one name, but not two ways of writing the same one."""
    seen: list[str] = []
    first: dict[tuple[str, int], int] = {}
    for at in items:
        text = sheet.header[at]
        first.setdefault((text.rpartition(" (")[0], seen.count(text)), at)
        seen.append(text)
    return list(first.values())


def _quizzes(sheet: Table, items: Sequence[int]) -> list[int]:
    """Return which items are quizzes, by the word before the colon, or before the space where none has one."""
    for pattern in (_QUIZ, _QUIZ_WITHOUT_COLON):
        if found := [at for at in items if pattern.fullmatch(sheet.header[at])]:
            return found
    return []


def _numbers(texts: pd.DataFrame) -> pd.DataFrame:
    every = pd.Series(texts.to_numpy().ravel(), dtype="string")
    plain = every.str.replace("[%\\s\u00a0\u202f]", "", regex=True)
    whole = plain.where(~plain.str.contains(r",.*\.", regex=True).fillna(False), plain.str.replace(",", ""))
    numbers = pd.to_numeric(whole.str.replace(",", "."), errors="coerce").astype("Float64")
    return pd.DataFrame(numbers.to_numpy().reshape(texts.shape), texts.index, texts.columns)


def _graded_at(header: Sequence[str]) -> int | None:
    """Return where the grade of a whole quiz stands: the first name that ends in a maximum."""
    return next((at for at, text in enumerate(header) if _GRADE.fullmatch(text)), None)


def _is_quiz(look: Look) -> bool:
    header = look.lines[0] if look.lines else []
    return _names_people(header) and _graded_at(header) is not None


def _quiz(files: Sequence[Path], asked: Asked) -> list[Part]:
    """Return the mean over all the quizzes that are given of the best attempt at each."""
    sheets = [sheet_of(file, asked, keeps_raw=False) for file in files]  # answers may stand in it
    found = [_best_attempts(sheet, asked) for sheet in sheets]
    if len(found) == 1:
        return [part(sheets[0], found[0][0], left_out=found[0][1], not_everybody=_NOT_EVERYBODY)]
    every = pd.concat([rows.assign(who=_who(rows)) for rows, _ in found])
    mean = every.groupby("who", sort=False)["avg_quiz_score"].mean().round(6)
    rows = every.drop_duplicates("who", keep="last").set_index("who")
    rows = rows.assign(avg_quiz_score=mean).reset_index(drop=True)
    sheet = Table(
        ", ".join(file.name for file in files),
        (),
        rows,
        pd.concat([sheet.refused for sheet in sheets]),
        False,
        tuple(dict.fromkeys(note for sheet in sheets for note in sheet.notes)),
    )
    sums: LeftOut = {what: {"rows": len(found), "lines": []} for _, told in found for what in told}
    return [part(sheet, rows.set_index(rows.index + 1), left_out=sums, not_everybody=_NOT_EVERYBODY)]


_NOT_EVERYBODY: Final = "results of a quiz list who attempted it, not everybody"


def _who(rows: pd.DataFrame) -> pd.Series:
    """Return by what a person is told in one download and the next of the same course."""
    email: pd.Series = rows["email"] if "email" in rows else rows["id"]
    return email.str.casefold().fillna(rows["id"]).fillna(rows["name"])


def _best_attempts(sheet: Table, asked: Asked) -> tuple[pd.DataFrame, LeftOut]:
    rows = people(sheet, asked)
    at = _graded_at(sheet.header) or 0
    match = _GRADE.fullmatch(sheet.header[at])
    most = float(match[2].replace(",", ".")) if match else 0.0
    is_sum = cells(sheet, [0, 1]).notna().sum(axis=1).eq(_SUM_AHEAD) & rows["id"].isna()
    state = next((place for place in range(2, at) if _is_state(sheet, place)), None)
    times = [place for place in range(2 if state is None else state + 1, at) if _is_time(sheet, place)]
    rows["avg_quiz_score"] = mean_percent(
        _numbers(cells(sheet, [at])), pd.Series(most or pd.NA, [f"c{at}"], dtype="Float64")
    )
    if len(times) >= _TIMES_OF_AN_ATTEMPT:  # handed in later than asked is not there yet
        handed_in = as_utc(sheet.rows[f"c{times[1]}"], asked.zone)
        rows["avg_quiz_score"] = rows["avg_quiz_score"].mask(handed_in.gt(asked.as_of).fillna(False))
    told = left_out(sheet.rows, a_sum=is_sum)
    rows = rows[~is_sum]
    best = rows["avg_quiz_score"].astype("Float64").groupby(_who(rows), sort=False).transform("max")
    return rows.assign(avg_quiz_score=best)[~_who(rows).duplicated()], told


def _is_state(sheet: Table, place: int) -> bool:
    return sheet.header[place] in {*words.STATUS, "State"}


def _is_time(sheet: Table, place: int) -> bool:
    texts = sheet.rows[f"c{place}"]
    return bool(texts.str.fullmatch(r".*\d{1,2}.*\d{1,2}[:.h]\d\d.*").fillna(False).any())


KINDS: Final = (
    Kind(
        NAME,
        "Moodle quiz results",
        _is_quiz,
        _quiz,
        gives="mean score of the best attempts; several files are averaged",
        cannot="no logins, completion or sessions",
    ),
    Kind(
        NAME,
        "a Moodle grade export",
        _is_grades,
        _grades,
        gives="mean quiz score where it has percentages; what was graded, where no completion is known",
        cannot="no logins, due dates or sessions",
    ),
)
