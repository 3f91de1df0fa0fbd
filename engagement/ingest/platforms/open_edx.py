"""Open edX: the reports that an instructor downloads, of grades, of profiles and of answers, read together.

A grade report says "Not Attempted" of a subsection, save where an assignment type has only one: that column holds 0.0
before anybody took it, so it is left out. Averages take what was not attempted for nothing, and are not looked at.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pandas as pd

from engagement.errors import InvalidInput
from engagement.ingest.platforms.exports import (
    UNKNOWN_LOGIN,
    Asked,
    Kind,
    Look,
    Part,
    Table,
    called,
    logins,
    mean_percent,
    numbers,
    of_several_courses,
    share,
    table,
)
from engagement.ingest.platforms.times import as_utc
from engagement.ingest.source.readers import Derived

_ID: Final = ("Student ID", "id", "User ID")
_GRADES: Final = ("Username", "Email", "Grade")
_OF_GRADES: Final = ("Enrollment Status", "Enrollment Track", "Certificate Eligible", "Cohort Name")
_PROFILES: Final = ("username", "name", "email")
_OF_A_PROFILE: Final = (
    *("year_of_birth", "level_of_education", "mailing_address", "goals", "enrollment_mode", "date_joined"),
    *("external_user_key", "enrollment_date"),
)
_ANSWERS: Final = ("username", "block_key", "state")
_ERRORS: Final = ("Username", "Error")
_PROBLEM: Final = re.compile(r".* \((earned|possible)\)", re.IGNORECASE)
_SUBSECTION: Final = re.compile(r".+: ?.+")
_AVERAGE: Final = re.compile(r".* \(avg\)", re.IGNORECASE)
_GROUPS: Final = re.compile(r"experiment group \(.*", re.IGNORECASE)
_NOT_ATTEMPTED: Final = "not attempted"
_NOT_THERE: Final = ("not available", "n/a", "none", "")
_NOTHING: Final = ("None", "nan", "null")
_IN_NAME: Final = re.compile(
    r"(.+?)_(problem_grade_report|grade_report|student_profile_info|student_state|problem_responses)(_.*)?",
    re.IGNORECASE,
)
_IN_BLOCK: Final = re.compile(r"block-v1:([^+]+\+[^+]+\+[^+]+)\+.*")
_COURSE: Final = re.compile(r"([^_]+)_([^_]+)_([^_]+)")


@dataclass(eq=False)
class _Course:
    """The reports of one course."""

    grades: list[Table] = field(default_factory=list)
    profiles: list[Table] = field(default_factory=list)
    answers: list[Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return called([sheet.name for sheet in (*self.grades, *self.profiles, *self.answers)])


def _is_problem_report(names: Sequence[str]) -> bool:
    return any(_PROBLEM.fullmatch(name) for name in names)


def _is_report(look: Look) -> bool:
    return (
        look.has_columns(*_ANSWERS)
        or any(look.has_columns(each, *_GRADES, mark) for each in _ID for mark in _OF_GRADES)
        or (look.has_columns(*_PROFILES) and sum(look.has_columns(name) for name in _OF_A_PROFILE) > 1)
        or (look.has_columns(_ID[0], *_ERRORS))
    )


def _reports(files: Sequence[Path], asked: Asked) -> list[Part]:
    courses: dict[str, _Course] = {}
    for file in files:
        sheet = table(
            file, asked, (*_ID, *_GRADES, *_PROFILES, *_OF_A_PROFILE, *_ANSWERS, *_ERRORS), keeps_raw=False
        )
        named = _IN_NAME.fullmatch(file.stem)
        course = courses.setdefault(named[1] if named else "", _Course())
        if sheet.place("block_key") is not None:
            course.answers.append(sheet)
        elif sheet.place("Error") is not None:
            course.notes.append(
                f"{len(sheet.rows):,} learners could not be graded by the platform, by {sheet.name}"
            )
        elif _is_problem_report(sheet.header):
            course.notes.append(
                f"{sheet.name} says of problems what the grade report says of subsections: not needed"
            )
        elif sheet.place("Grade") is not None:
            course.grades.append(sheet)
        else:
            course.profiles.append(sheet)
    if "" in courses and len(courses) == 2:  # a file that somebody renamed is of the course that there is
        courses = {next(filter(None, courses)): _together(courses)}
    parts = [part for prefix, course in courses.items() for part in _parts(prefix, course, asked)]
    if not parts:
        notes = "; ".join(note for course in courses.values() for note in course.notes)
        raise InvalidInput(
            f"{notes}: load the grade report or the profiles with it"
            if notes
            else "no answers were given yet"
        )
    return of_several_courses(parts, asked)


def _together(courses: Mapping[str, _Course]) -> _Course:
    every = list(courses.values())
    return _Course(
        *([one for each in every for one in getattr(each, name)] for name in _Course.__annotations__)
    )


def _parts(prefix: str, course: _Course, asked: Asked) -> list[Part]:
    parts = []
    program = asked.program or _program(prefix, course)
    if course.grades or course.profiles:
        parts.append(_learners(program, course, asked))
    found = [each for sheet in course.answers if len(each := _events(sheet, asked))]
    if found:
        lines = [line for each in found for line in each.index.tolist()]
        notes = [] if parts else course.notes
        parts.append(Part("events", Derived(course.answers[0].name, pd.concat(found), lines, notes=notes)))
    return parts


def _program(prefix: str, course: _Course) -> str:
    """Return the key of a course: as its blocks have it, else of the three parts of the names of its reports."""
    for sheet in course.answers:
        for block in sheet.texts("block_key").dropna():
            if match := _IN_BLOCK.fullmatch(block):
                return f"course-v1:{match[1]}"
    parts = _COURSE.fullmatch(prefix)
    return f"course-v1:{parts[1]}+{parts[2]}+{parts[3]}" if parts else prefix


def _learners(program: str, course: _Course, asked: Asked) -> Part:
    graded = [_graded(sheet) for sheet in course.grades]
    profiled = [_profiled(sheet, asked) for sheet in course.profiles]
    known = pd.concat([*graded, *profiled])
    known["line"] = known.index
    has_name = known["id"].notna()
    # of each learner the first that each report says: grades, then profiles
    merged = known[has_name].groupby("id", sort=False).first().reset_index()
    learners = pd.concat([merged, known[~has_name]]).set_index("line")
    if course.profiles:
        learners["last_login"] = learners["last_login"].mask(
            ~learners["id"].isin(_ids(profiled)), UNKNOWN_LOGIN
        )
        learners["last_login"] = learners["last_login"].replace("", pd.NA)
    if program:
        learners["program"] = program
    sheets = (*course.grades, *course.profiles)
    notes = [*(note for sheet in sheets for note in sheet.notes), *course.notes]
    single = {name for sheet in course.grades for name in _single(sheet)}
    if single:
        notes.append(
            f"{len(single)} assignment types have one subsection, of which nobody can tell who took it: left out"
        )
    refused = pd.concat([sheet.refused for sheet in sheets])
    return Part(
        "learners", Derived(course.name, learners, learners.index.tolist(), refused=refused, notes=notes)
    )


def _ids(frames: Sequence[pd.DataFrame]) -> pd.Series:
    ids: pd.Series = pd.concat([frame["id"] for frame in frames])
    return ids


def _graded(sheet: Table) -> pd.DataFrame:
    rows = sheet.rows[_subsections(sheet)].apply(lambda column: column.str.casefold().fillna(""))
    mine = ~rows.isin(_NOT_THERE)
    state = sheet.texts("Enrollment Status").str.casefold()
    scores = numbers(rows, None)
    return pd.DataFrame(
        {
            "id": sheet.texts("Username"),
            "person_id": sheet.texts(*_ID),
            "email": sheet.texts("Email"),
            "active": state.map({"enrolled": "true", "unenrolled": "false"}).astype("string"),
            "completed_percent_course": share(mine & rows.ne(_NOT_ATTEMPTED), mine),
            "avg_quiz_score": mean_percent(scores, pd.Series(1.0, scores.columns)),
        }
    )


def _subsections(sheet: Table) -> list[str]:
    return [
        f"c{at}"
        for at, name in enumerate(sheet.header)
        if _SUBSECTION.fullmatch(name) and not _AVERAGE.fullmatch(name) and not _GROUPS.fullmatch(name)
    ]


def _single(sheet: Table) -> list[str]:
    """Return the types that have one subsection: columns of fractions behind the grade that carry no title."""
    first = sheet.place("Grade")
    last = next(
        (at for at in (sheet.place(name) for name in ("Cohort Name", "Enrollment Track")) if at), None
    )
    return [
        name
        for name in sheet.header[(first or 0) + 1 : last]
        if not _SUBSECTION.fullmatch(name) and not _AVERAGE.fullmatch(name) and not _GROUPS.fullmatch(name)
    ]


def _profiled(sheet: Table, asked: Asked) -> pd.DataFrame:
    def said(*names: str) -> pd.Series:
        texts = sheet.texts(*names)
        return texts.mask(texts.isin(_NOTHING))

    enrolled = as_utc(said("enrollment_date"), asked.zone)
    return pd.DataFrame(
        {
            "id": sheet.texts("username"),
            "person_id": said(*_ID),
            "name": said("name"),
            "email": said("email"),
            "enrolled_at": enrolled.dt.strftime("%Y-%m-%d %H:%M:%S").astype("string"),
            "last_login": logins(as_utc(said("last_login"), asked.zone), asked),
        }
    )


def _events(sheet: Table, asked: Asked) -> pd.DataFrame:
    """Return a quiz that was completed for each answer whose state says when; what was answered is not looked at."""
    states = sheet.texts("state").map(_state, na_action="ignore")
    at = as_utc(states.map(lambda state: state.get("last_submission_time"), na_action="ignore"), asked.zone)
    there = at.le(asked.as_of).fillna(False) & sheet.texts("username").notna()
    title = sheet.texts("title")
    return pd.DataFrame(
        {
            "learner_id": sheet.texts("username")[there],
            "type": "quiz_completed",
            "timestamp": at[there].dt.strftime("%Y-%m-%dT%H:%M:%S.%f"),
            "metadata": [
                json.dumps(_about(states[line], title[line]), ensure_ascii=False)
                for line in sheet.rows.index[there]
            ],
        }
    )


def _state(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _about(state: Mapping[str, Any], title: object) -> dict[str, Any]:
    score = state.get("score")
    earned, possible = (
        score.get(name) if isinstance(score, dict) else None for name in ("raw_earned", "raw_possible")
    )
    about: dict[str, Any] = {}
    if isinstance(earned, int | float) and isinstance(possible, int | float) and possible > 0:
        about["score"] = round(100 * earned / possible, 4)
    if isinstance(title, str):
        about["title"] = title
    return about


KINDS: Final = (
    Kind(
        "open_edx",
        "reports of an Open edX instructor",
        _is_report,
        _reports,
        gives="done of the course, mean score, last login of the site, who is enrolled; answers as quizzes completed",
        cannot="no due dates or sessions",
    ),
)
