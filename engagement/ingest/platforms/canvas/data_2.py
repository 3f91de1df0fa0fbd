"""Canvas Data 2: the tables of a whole Canvas, as the official client writes them into a folder.

A table is a snapshot and what changed since, in as many files as it likes, in CSV, TSV, lines of JSON or Parquet; which
table a file is of is told by its columns. Every learner has a submission of every assignment from the start, with a due
date of their own: so it can be said what is done of what was due.
"""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd

from engagement.errors import InvalidInput
from engagement.files.json_lines import beginning, json_lines
from engagement.ingest.platforms.bundles import Bundle, by_id
from engagement.ingest.platforms.exports import (
    ON_PLATFORM,
    Asked,
    Kind,
    Look,
    Part,
    left_out,
    logins,
    looked_up,
    numbers,
    on_platform,
)
from engagement.ingest.platforms.times import as_utc
from engagement.ingest.source.readers import Derived
from engagement.store import pattern, read_from

# The columns that are looked at, the first ones those by which a table is known.
_TABLES: Final[Mapping[str, Sequence[str]]] = {
    "enrollments": (
        *("type", "user_id", "last_activity_at"),
        *("course_id", "course_section_id", "workflow_state", "created_at", "start_at"),
    ),
    "submissions": (
        *("assignment_id", "user_id", "submitted_at"),
        *("workflow_state", "score", "cached_due_date", "excused", "late_policy_status", "graded_at"),
    ),
    "assignments": (
        *("context_id", "points_possible", "submission_types"),
        *("workflow_state", "grading_type"),
    ),
    "users": ("name", "sortable_name", "workflow_state"),
    "courses": ("name", "course_code"),
    "course_sections": ("course_id", "default_section"),
    "communication_channels": ("user_id", "path", "path_type", "workflow_state", "position"),
    "quizzes": ("context_id", "quiz_type", "due_at", "workflow_state"),
    "quiz_submissions": (
        *("quiz_id", "user_id", "finished_at"),
        *("workflow_state", "score", "kept_score", "quiz_points_possible"),
    ),
}
_KNOWN_BY: Final = {
    **{table: set(columns[:3]) for table, columns in _TABLES.items()},
    "users": {"name", "sortable_name"},
    "courses": {"name", "course_code"},
    "course_sections": {"course_id", "default_section"},
}
_NAMED: Final = (
    "submissions",
    "assignments",
    "pseudonyms",
    "communication_channels",
    "quiz_submissions",
    "quizzes",
)
_NO_WORK: Final = ("none", "not_graded", "on_paper", "")
_HANDED_IN: Final = ("submitted", "pending_review", "graded")
_NULLS: Final = ("", "\\N")
_TEXTS: Final = (".csv", ".tsv", ".txt")
_MOST_FILES: Final = 5_000
_MOST_LOOKED_AT: Final = 500
_LOOKED_AT: Final = 65_536  # bytes
_MARKS: Final = {
    "enrollments": (b"last_activity_at", b"user_id", b"type"),
    "submissions": (b"assignment_id", b"submitted_at", b"user_id"),
    "assignments": (b"submission_types", b"points_possible"),
    "quiz_submissions": (b"quiz_id", b"finished_at"),
}


def _is_data(look: Look) -> bool:
    here = {part.partition(".")[0].casefold() for member in look.members or () for part in member.split("/")}
    if "enrollments" in here:
        return not here.isdisjoint(_NAMED)
    return look.path.is_dir() and bool(look.members) and _holds_tables(look.path)


def _holds_tables(folder: Path) -> bool:
    """Return whether the files of a folder are tables of Canvas, which the client gives names that say nothing."""
    found: set[str] = set()
    for file in sorted(each for each in folder.rglob("*") if each.is_file())[:_MOST_LOOKED_AT]:
        names = _names_in(file)
        found |= {table for table, marks in _MARKS.items() if all(mark in names for mark in marks)}
    return "enrollments" in found and len(found) > 1


def _names_in(file: Path) -> bytes:
    """Return where in a file the names of its columns stand: its beginning, or the end of one in Parquet."""
    try:
        with file.open("rb") as plain:
            start = plain.read(_LOOKED_AT)
            if start.startswith(b"PAR1"):
                plain.seek(max(0, file.stat().st_size - _LOOKED_AT))
                return plain.read()
        if start.startswith(b"\x1f\x8b"):
            with gzip.open(file) as packed:
                return packed.read(_LOOKED_AT)
    except (OSError, EOFError, zlib.error):
        return b""
    return start


def _folders(paths: Sequence[Path], asked: Asked) -> list[Part]:
    return [part for path in paths for part in _one_folder(Bundle(path, asked), asked)]


def _one_folder(bundle: Bundle, asked: Asked) -> list[Part]:
    tables = _tables(bundle, asked)
    enrolments = tables["enrollments"]
    if enrolments.empty:
        raise InvalidInput(f"{bundle.path.name}: there are no enrollments in it, so nobody is told of")
    sections = by_id(tables["course_sections"], "id")["course_id"]
    enrolments["course_id"] = enrolments["course_id"].fillna(
        looked_up(enrolments["course_section_id"], sections)
    )
    users, courses = by_id(tables["users"], "id"), by_id(tables["courses"], "id")
    created = as_utc(enrolments["created_at"], asked.zone)
    starts = as_utc(enrolments["start_at"], asked.zone).fillna(created)
    of_test, of_others = (
        enrolments["type"].eq("StudentViewEnrollment").fillna(False),
        ~enrolments["type"].isin(("StudentEnrollment", "StudentViewEnrollment")),
    )
    has_user = enrolments["user_id"].isin(users.index)
    nobodys = {
        "a test student": of_test,
        "no learner, by the role": of_others,
        "no such user": ~has_user & ~of_test & ~of_others,
        "begins later": starts.gt(asked.as_of).fillna(False) & has_user & ~of_test & ~of_others,
    }
    left = pd.concat(nobodys, axis=1).any(axis=1)
    mine = enrolments[~left]
    user = mine["user_id"]
    channels = tables["communication_channels"]
    learners = pd.DataFrame(
        {
            "id": mine["id"],
            "person_id": user,
            "name": looked_up(user, users["name"]),
            "email": looked_up(user, _channel(channels, "email", ("active", "unconfirmed"))),
            "phone": looked_up(user, _channel(channels, "sms", ("active",))),
            "program": looked_up(mine["course_id"], courses["name"]).fillna(asked.program or pd.NA),
            "enrolled_at": created[~left].dt.strftime("%Y-%m-%d %H:%M:%S"),
            "last_login": logins(as_utc(mine["last_activity_at"], asked.zone), asked),
            "active": mine["workflow_state"].isin(("active", "invited")).map({True: "true", False: "false"}),
            ON_PLATFORM: on_platform("canvas", user),
        }
    )
    work = pd.concat([_of_submissions(tables, asked), _of_quizzes(tables, asked)])
    learners = learners.join(_facts(mine, work))
    told = Derived(
        bundle.path.name,
        learners,
        mine.index.tolist(),
        left_out=left_out(enrolments, **nobodys),
        notes=_notes(tables),
    )
    events = _events(mine, tables, asked)
    return [
        Part("learners", told, by_person=True, own_ids=True),
        *([Part("events", Derived(bundle.path.name, events), by_person=True)] if len(events) else []),
    ]


def _notes(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    missing = [name for name in ("users", "courses", "assignments", "submissions") if tables[name].empty]
    return [f"there are no {', '.join(missing)} in it: what they say stays unknown"] if missing else []


def _channel(channels: pd.DataFrame, kind: str, states: Sequence[str]) -> pd.Series:
    """Return the address of each user: one in the first of these states, then the one that stands first."""
    ours = channels[channels["path_type"].eq(kind).fillna(False) & channels["workflow_state"].isin(states)]
    order = ours.assign(
        state=ours["workflow_state"].map({state: at for at, state in enumerate(states)}),
        place=pd.to_numeric(ours["position"], errors="coerce"),
    ).sort_values(["state", "place"], kind="stable")
    first: pd.Series = order.drop_duplicates("user_id").set_index("user_id")["path"]
    return first


def _of_submissions(tables: Mapping[str, pd.DataFrame], asked: Asked) -> pd.DataFrame:
    """Return a row for each submission that is asked for: `user_id`, `course_id`, whether due and done, the percent."""
    assignments = tables["assignments"]
    points = numbers(assignments[["points_possible"]], None)["points_possible"]
    kinds = assignments["submission_types"].fillna("").str.split(",")
    counted = assignments.assign(points=points)[
        assignments["workflow_state"].eq("published").fillna(False)
        & assignments["grading_type"].ne("not_graded").fillna(True)
        & points.gt(0).fillna(False)
        & ~kinds.map(lambda each: set(each) <= set(_NO_WORK)).astype(bool)
    ]
    submissions = tables["submissions"]
    submissions = submissions[
        submissions["workflow_state"].ne("deleted").fillna(True)
        & submissions["excused"].ne("true").fillna(True)
    ].drop_duplicates(["user_id", "assignment_id"], keep="last")
    found = submissions.drop(columns="id").merge(
        counted[["id", "context_id", "points"]], left_on="assignment_id", right_on="id"
    )
    submitted = as_utc(found["submitted_at"], asked.zone)
    done = (
        found["workflow_state"].isin(_HANDED_IN)
        & found["late_policy_status"].ne("missing").fillna(True)
        & submitted.le(asked.as_of).fillna(False)
    )
    known = ~as_utc(found["graded_at"], asked.zone).gt(asked.as_of).fillna(False)
    score = numbers(found[["score"]], None)["score"]
    return pd.DataFrame(
        {
            "user_id": found["user_id"],
            "course_id": found["context_id"],
            "is_due": as_utc(found["cached_due_date"], asked.zone).le(asked.as_of).fillna(False),
            "done": done.astype(bool),
            "percent": (100 * score / found["points"]).clip(0, 100).where(done & known),
        }
    )


def _of_quizzes(tables: Mapping[str, pd.DataFrame], asked: Asked) -> pd.DataFrame:
    """Return the same of quizzes, where there are no submissions of a course."""
    quizzes = tables["quizzes"]
    with_work = tables["assignments"].loc[
        tables["assignments"]["id"].isin(tables["submissions"]["assignment_id"]), "context_id"
    ]
    asked_for = quizzes[
        ~quizzes["workflow_state"].isin(("deleted", "unpublished", "created"))
        & ~quizzes["context_id"].isin(with_work)
    ].drop_duplicates("id", keep="last")
    attempts = _attempts(tables, asked).drop_duplicates(["user_id", "quiz_id"], keep="last")
    people = tables["enrollments"][["user_id", "course_id"]].drop_duplicates()
    found = people.merge(asked_for, left_on="course_id", right_on="context_id").merge(
        attempts[["user_id", "quiz_id", "kept_percent"]],
        how="left",
        left_on=["user_id", "id"],
        right_on=["user_id", "quiz_id"],
    )
    return pd.DataFrame(
        {
            "user_id": found["user_id"],
            "course_id": found["course_id"],
            "is_due": as_utc(found["due_at"], asked.zone).le(asked.as_of).fillna(False),
            "done": found["quiz_id"].notna(),
            "percent": found["kept_percent"].astype("Float64"),
        }
    )


def _attempts(tables: Mapping[str, pd.DataFrame], asked: Asked) -> pd.DataFrame:
    """Return the quizzes that were finished by then, with the percent of the attempt and of the one that counts."""
    attempts = tables["quiz_submissions"]
    finished = as_utc(attempts["finished_at"], asked.zone)
    there = attempts["workflow_state"].isin(("complete", "pending_review")) & finished.le(asked.as_of).fillna(
        False
    )
    read = numbers(attempts[["score", "kept_score", "quiz_points_possible"]], None)
    points = read["quiz_points_possible"].where(lambda most: most > 0)
    percent = (100 * read["score"] / points).clip(0, 100)
    kept = (100 * read["kept_score"] / points).clip(0, 100).fillna(percent)
    return attempts.assign(finished=finished, percent=percent, kept_percent=kept)[there]


def _facts(enrolments: pd.DataFrame, work: pd.DataFrame) -> pd.DataFrame:
    """Return what of each enrolment's work is done, of what was due and of all, and the mean score; by line."""
    of_100 = 100.0 * work["done"].astype("float64")
    by_person = pd.DataFrame(
        {
            "user_id": work["user_id"],
            "course_id": work["course_id"],
            "completed_percent_due": of_100.where(work["is_due"].astype(bool)),
            "completed_percent_course": of_100,
            "avg_quiz_score": work["percent"].astype("float64"),
        }
    )
    means = by_person.groupby(["user_id", "course_id"]).mean().round(6).reset_index()
    keyed = enrolments[["user_id", "course_id"]].rename_axis("line").reset_index()
    return (
        keyed.merge(means, how="left", on=["user_id", "course_id"])
        .set_index("line")
        .drop(columns=["user_id", "course_id"])
    )


def _events(enrolments: pd.DataFrame, tables: Mapping[str, pd.DataFrame], asked: Asked) -> pd.DataFrame:
    """Return a quiz that was completed for each attempt."""
    attempts = _attempts(tables, asked).merge(
        tables["quizzes"][["id", "context_id"]], left_on="quiz_id", right_on="id", suffixes=("", "_of_quiz")
    )
    found = attempts.merge(
        enrolments[["id", "user_id", "course_id"]].drop_duplicates(["user_id", "course_id"]),
        left_on=["user_id", "context_id"],
        right_on=["user_id", "course_id"],
        suffixes=("_of_attempt", "_of_enrolment"),
    )
    scores = found["percent"].astype("float64").round(4)
    return pd.DataFrame(
        {
            "learner_id": found["id_of_enrolment"],
            "type": "quiz_completed",
            "timestamp": found["finished"].dt.strftime("%Y-%m-%dT%H:%M:%S"),
            "metadata": [json.dumps({} if pd.isna(score) else {"score": score}) for score in scores],
        }
    )


def _tables(bundle: Bundle, asked: Asked) -> dict[str, pd.DataFrame]:
    """Return each table as it was by then, its columns as texts; no rows of one that there is not."""
    files = bundle.files
    if len(files) > _MOST_FILES:
        raise InvalidInput(f"{bundle.path.name}: {len(files):,} files, more than {_MOST_FILES:,}")
    found: dict[str, list[pd.DataFrame]] = {name: [] for name in _TABLES}
    for file in files:
        rows = _rows(bundle, file, asked)
        if not rows.empty and (name := _table_of(file, rows.columns)):
            found[name].append(rows.reindex(columns=["id", *_TABLES[name], "action", "ts"]))
    return {name: _as_of(parts, _TABLES[name], asked) for name, parts in found.items()}


def _table_of(file: str, columns: Iterable[str]) -> str | None:
    """Return which table a file is of: by its columns, or, where it holds only what was deleted, by its name."""
    here = set(columns)
    by_columns = next((name for name, known_by in _KNOWN_BY.items() if known_by <= here), None)
    named = {part.partition(".")[0].casefold() for part in file.split("/")}
    return by_columns or next(
        (name for name in _TABLES if name in named and here <= {"id", "ts", "action"}), None
    )


def _as_of(parts: Sequence[pd.DataFrame], columns: Sequence[str], asked: Asked) -> pd.DataFrame:
    """Return the newest state of each row, without those that were deleted; changes after `as_of` are not there yet."""
    if not parts:
        return pd.DataFrame(columns=["id", *columns], dtype="string")
    rows = pd.concat(parts).astype("string")
    at = as_utc(rows["ts"], asked.zone)
    is_change = rows["action"].notna()
    taken = at[~is_change].max()
    later = is_change & at.gt(asked.as_of).fillna(False) & (pd.isna(taken) or taken <= asked.as_of)
    order = rows.assign(at=at.fillna(datetime(1970, 1, 1)), is_change=is_change)[~later]  # noqa: DTZ001 (naive UTC)
    order = order[order["id"].notna()].sort_values(["is_change", "at"], kind="stable")
    newest: pd.DataFrame = order.drop_duplicates("id", keep="last")
    is_there: pd.Series = newest["action"].ne("D").fillna(True)
    return newest[is_there][["id", *columns]]


def _rows(bundle: Bundle, file: str, asked: Asked) -> pd.DataFrame:
    """Return the columns of one file by their names in Canvas; none of what is no table."""
    plain = file.casefold().removesuffix(".gz")
    if plain.endswith(_TEXTS):
        if not bundle.has_rows(file):
            return pd.DataFrame()
        sheet = bundle.table_of(
            file, ("meta.ts", "key.id", "meta.action", *(f"value.{name}" for name in _every()))
        )
        columns = {_bare(name): sheet.rows[f"c{at}"] for at, name in enumerate(sheet.header)}
        return pd.DataFrame(columns).pipe(_without_nulls)
    with bundle.opened(file) as place:
        if plain.endswith(".parquet"):
            records = list(_of_parquet(place, file, asked))
        elif beginning(place, 1):
            records = list(_of_json(place))
        else:
            return pd.DataFrame()
    rows = pd.DataFrame.from_records(records, index=pd.RangeIndex(1, len(records) + 1))
    return rows.astype("string").pipe(_without_nulls)


def _every() -> set[str]:
    return {name for columns in _TABLES.values() for name in columns}


def _bare(name: str) -> str:
    return name.casefold().removeprefix("key.").removeprefix("value.").removeprefix("meta.")


def _without_nulls(rows: pd.DataFrame) -> pd.DataFrame:
    said: pd.DataFrame = rows.mask(rows.isin(_NULLS))
    return said


def _of_json(place: Path) -> Iterator[dict[str, str | None]]:
    with json_lines(place) as lines, lines.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                found = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(found, dict):
                yield _flat(found)


def _of_parquet(place: Path, name: str, asked: Asked) -> Iterator[dict[str, str | None]]:
    with read_from(Path(name).name):
        found = asked.stage.execute(
            "select to_json(rows)::text from read_parquet($file) as rows", {"file": pattern(place)}
        ).fetchall()
    for (text,) in found:
        yield _flat(json.loads(text))


def _flat(record: Mapping[str, Any]) -> dict[str, str | None]:
    """Return a record as texts, whether its parts stand apart or in its names."""
    flat: dict[str, str | None] = {}
    for name, value in record.items():
        if name in ("key", "value", "meta") and isinstance(value, dict):
            flat |= _flat(value)
        elif not isinstance(value, dict):
            flat[_bare(name)] = _as_text(value)
    return flat


def _as_text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value)


KINDS: Final = (
    Kind(
        "canvas",
        "a folder of Canvas Data 2",
        _is_data,
        _folders,
        gives="done of what was due, done of the course, mean score, last activity, who is active; quizzes completed",
        cannot="no sessions",
    ),
)
