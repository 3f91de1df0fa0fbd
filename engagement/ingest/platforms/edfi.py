"""Ed-Fi's unified model of learning platforms: what its extractors write of Canvas, Schoology and Google Classroom.

A folder for each table, in it a file for each extraction, named by its time: the newest counts, and of attendance and
of activities all of them, an event once.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from engagement.errors import InvalidInput
from engagement.ingest.platforms.bundles import Bundle, by_id
from engagement.ingest.platforms.exports import (
    UNKNOWN_LOGIN,
    Asked,
    Kind,
    Look,
    Part,
    left_out,
    logins,
    looked_up,
    numbers,
)
from engagement.ingest.platforms.sessions import missed_in_a_row
from engagement.ingest.platforms.times import as_utc
from engagement.ingest.source.readers import Derived

_ID: Final = "SourceSystemIdentifier"
_USER: Final = "LMSUserSourceSystemIdentifier"
_SECTION: Final = "LMSSectionSourceSystemIdentifier"
_TABLES: Final[Mapping[str, Sequence[str]]] = {
    "users": (_ID, "UserRole", "SISUserIdentifier", "Name", "EmailAddress"),
    "sections": (_ID, "Title", "SectionDescription"),
    "section-associations": (_ID, "EnrollmentStatus", _USER, _SECTION),
    "assignments": (_ID, "DueDateTime", "MaxPoints", _SECTION),
    "submissions": (
        *(
            _ID,
            "SubmissionStatus",
            "SubmissionDateTime",
            "EarnedPoints",
            "AssignmentSourceSystemIdentifier",
            _USER,
        ),
    ),
    "attendance-events": (_ID, "EventDate", "AttendanceStatus", _SECTION, _USER),
    "system-activities": (_ID, "ActivityDateTime", "ActivityType", _USER),
}
_ALL_FILES: Final = ("attendance-events", "system-activities")
_OWN_FOLDERS: Final = ("section-associations", "attendance-events", "system-activities")
_EXTRACTION: Final = re.compile(r"\d{4}(-\d\d){5}\.csv(\.gz)?")
_NOT_DONE: Final = ("missing", "created", "new", "upcoming")
_ATTENDED: Final = ("present", "tardy")
_MISSED: Final = ("unexcused",)
_SIGN_IN: Final = "sign-in"


def _table_of(file: str) -> str | None:
    """Return which table a file is an extraction of, by the folders it lies in."""
    *folders, name = file.split("/")
    if not _EXTRACTION.fullmatch(name):
        return None
    return next((table for table in _TABLES if table in folders), None)


def _is_extract(look: Look) -> bool:
    found = {_table_of(f"{look.path.name}/{member}") for member in look.members or ()}
    return not found.isdisjoint(_OWN_FOLDERS) or {"users", "sections"} <= found


def _extracts(paths: Sequence[Path], asked: Asked) -> list[Part]:
    return [part for path in paths for part in _one_extract(Bundle(path, asked), asked)]


def _one_extract(bundle: Bundle, asked: Asked) -> list[Part]:
    tables = _tables(bundle)
    enrolled = tables["section-associations"]
    signed_in = _signed_in(tables["system-activities"], asked)
    taken = _taken(tables["attendance-events"], asked)
    parts = []
    name = bundle.path.name
    if len(enrolled):
        parts.append(_learners(name, tables, signed_in, taken, asked))
        ids = enrolled[[_ID, _USER, _SECTION]].rename(columns={_ID: "learner_id"})
    elif len(signed_in):
        newest = signed_in.groupby("user")["at"].max()
        learners = pd.DataFrame({"id": newest.index, "last_login": logins(newest, asked).to_numpy()})
        if asked.program:
            learners["program"] = asked.program
        parts.append(Part("learners", Derived(name, learners)))
        ids = None
    else:
        ids = None
    if len(events := _events(signed_in, taken, ids)):
        parts.append(Part("events", Derived(name, events)))
    if not parts:
        raise InvalidInput(
            f"{name}: neither section-associations nor activities nor attendance-events are in it"
        )
    return parts


def _learners(
    name: str,
    tables: Mapping[str, pd.DataFrame],
    signed_in: pd.DataFrame,
    taken: pd.DataFrame,
    asked: Asked,
) -> Part:
    enrolled = tables["section-associations"]
    users, sections = by_id(tables["users"], _ID), by_id(tables["sections"], _ID)
    role = looked_up(enrolled[_USER], users["UserRole"]).str.casefold()
    other = role.notna() & role.ne("student").fillna(False)
    mine = enrolled[~other]
    user = mine[_USER]
    there = _there(tables, asked)
    last = pd.concat([signed_in[["user", "at"]], there[["user", "at"]]])
    newest = signed_in.groupby("user")["at"].max()
    newest = newest.combine_first(last.groupby("user")["at"].max())
    program = looked_up(mine[_SECTION], sections["SectionDescription"].fillna(sections["Title"]))
    learners = pd.DataFrame(
        {
            "id": mine[_ID],
            "person_id": looked_up(user, users["SISUserIdentifier"]).fillna(user),
            "name": looked_up(user, users["Name"]),
            "email": looked_up(user, users["EmailAddress"]),
            "program": program.fillna(asked.program or pd.NA),
            "last_login": logins(looked_up(user, newest), asked).fillna(UNKNOWN_LOGIN),
            "active": mine["EnrollmentStatus"]
            .str.casefold()
            .eq("active")
            .map({True: "true", False: "false"}),
        }
    ).join(_work(mine, tables["assignments"], there, asked))
    if len(taken):
        learners["consecutive_missed_sessions"] = _missed(mine, taken)
    derived = Derived(
        name, learners, mine.index.tolist(), left_out=left_out(enrolled, **{"no learner, by the role": other})
    )
    return Part("learners", derived)


def _there(tables: Mapping[str, pd.DataFrame], asked: Asked) -> pd.DataFrame:
    """Return the submissions that were there by then: `user`, `assignment`, when, whether done, and the points."""
    found = tables["submissions"].drop_duplicates([_USER, "AssignmentSourceSystemIdentifier"], keep="last")
    rows = pd.DataFrame(
        {
            "user": found[_USER],
            "assignment": found["AssignmentSourceSystemIdentifier"],
            "at": as_utc(found["SubmissionDateTime"], asked.zone),
            "is_done": ~found["SubmissionStatus"].str.casefold().isin(_NOT_DONE),
            "points": numbers(found[["EarnedPoints"]], None)["EarnedPoints"],
        }
    )
    return rows[rows["at"].le(asked.as_of).fillna(False)]


def _work(
    enrolled: pd.DataFrame, assignments: pd.DataFrame, there: pd.DataFrame, asked: Asked
) -> pd.DataFrame:
    """Return what of each enrolment's work is done, of what was due and of all, and the mean score; by line."""
    asked_for = pd.DataFrame(
        {
            "assignment": assignments[_ID],
            _SECTION: assignments[_SECTION],
            "is_due": as_utc(assignments["DueDateTime"], asked.zone).le(asked.as_of).fillna(False),
            "most": numbers(assignments[["MaxPoints"]], None)["MaxPoints"],
        }
    ).drop_duplicates("assignment", keep="last")
    work = (
        enrolled[[_USER, _SECTION]]
        .rename_axis("line")
        .reset_index()
        .merge(asked_for, on=_SECTION)
        .merge(there, how="left", left_on=[_USER, "assignment"], right_on=["user", "assignment"])
    )
    done = work["is_done"].astype("boolean").fillna(False)
    of_100 = 100.0 * done.astype("float64")
    percent = (100 * work["points"] / work["most"].where(lambda most: most > 0)).clip(0, 100).where(done)
    found = pd.DataFrame(
        {
            "line": work["line"],
            "completed_percent_due": of_100.where(work["is_due"].astype(bool)),
            "completed_percent_course": of_100,
            "avg_quiz_score": percent.astype("float64"),
        }
    )
    return found.groupby("line").mean().round(6)


def _signed_in(activities: pd.DataFrame, asked: Asked) -> pd.DataFrame:
    rows = activities[activities["ActivityType"].str.casefold().eq(_SIGN_IN).fillna(False)]
    found = pd.DataFrame({"user": rows[_USER], "at": as_utc(rows["ActivityDateTime"], asked.zone)})
    return found[found["at"].le(asked.as_of).fillna(False) & found["user"].notna()]


def _taken(attendance: pd.DataFrame, asked: Asked) -> pd.DataFrame:
    """Return who attended and who missed by then: who was excused did neither."""
    status = attendance["AttendanceStatus"].str.casefold()
    found = pd.DataFrame(
        {
            "user": attendance[_USER],
            _SECTION: attendance[_SECTION],
            "at": as_utc(attendance["EventDate"], asked.zone),
            "missed": status.isin(_MISSED),
        }
    )
    counts = status.isin((*_MISSED, *_ATTENDED)) & found["user"].notna()
    return found[counts & found["at"].le(asked.as_of).fillna(False)]


def _missed(enrolled: pd.DataFrame, taken: pd.DataFrame) -> pd.Series:
    wide = taken.pivot_table(index=["user", _SECTION], columns="at", values="missed", aggfunc="min")
    of_each = wide.reindex(pd.MultiIndex.from_frame(enrolled[[_USER, _SECTION]])).set_axis(enrolled.index)
    return missed_in_a_row(of_each.astype("boolean"))


def _events(signed_in: pd.DataFrame, taken: pd.DataFrame, ids: pd.DataFrame | None) -> pd.DataFrame:
    """Return logins and sessions, of the enrolments of each user; of the user where there are none."""
    sessions = taken.assign(type=taken["missed"].map({True: "session_missed", False: "session_attended"}))
    if ids is None:
        found = pd.concat([signed_in.assign(type="login"), sessions]).assign(
            learner_id=lambda rows: rows["user"]
        )
    else:
        found = pd.concat(
            [
                signed_in.assign(type="login").merge(ids, left_on="user", right_on=_USER),
                sessions.merge(ids, left_on=["user", _SECTION], right_on=[_USER, _SECTION]),
            ]
        )
    return pd.DataFrame(
        {
            "learner_id": found["learner_id"],
            "type": found["type"],
            "timestamp": found["at"].dt.strftime("%Y-%m-%dT%H:%M:%S"),
            "metadata": json.dumps({}),
        }
    )


def _tables(bundle: Bundle) -> dict[str, pd.DataFrame]:
    """Return each table: the newest extraction of each folder, of events each once; none of what there is not."""
    newest: dict[tuple[str, str], str] = {}
    for file in sorted(bundle.files):
        if table := _table_of(f"{bundle.path.name}/{file}"):
            folder = file if table in _ALL_FILES else file.rpartition("/")[0]
            newest[table, folder] = file
    found: dict[str, list[pd.DataFrame]] = {name: [] for name in _TABLES}
    for (name, _), file in newest.items():
        if bundle.has_rows(file):
            sheet = bundle.table_of(file, _TABLES[name])
            found[name].append(pd.DataFrame({column: sheet.texts(column) for column in _TABLES[name]}))
    return {
        name: pd.concat(parts).drop_duplicates(_ID, keep="last")
        if parts
        else pd.DataFrame(columns=list(_TABLES[name]), dtype="string")
        for name, parts in found.items()
    }


KINDS: Final = (
    Kind(
        "edfi",
        "an extract in Ed-Fi's model of learning platforms",
        _is_extract,
        _extracts,
        gives="done of what was due and of the course, mean score, sign-ins or newest submission, sessions missed",
        cannot="no phone numbers",
    ),
)
