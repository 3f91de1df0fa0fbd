"""One presentation of the Open University Learning Analytics Dataset, as it was known on one of its days.

The data set counts days from the start of a presentation. Only rows dated before the day asked for are read, so
that a score of that day can be held against how the presentation ended.

* Learner: an enrolment registered before the day (or on a day that is not known), `AAA-2013J-11391`; the person is
  the student's number, the program the module, the cohort the presentation. Who unregistered before the day is
  loaded as not active. The data set has no names and no addresses.
* Calendar, invented: B starts on 1 February, J on 1 October, and a day is its midnight where the institution is.
  Facts are known from the end of the last day that was read, there: `--as-of` that date sees them.
* Work: the assessments without the exam, percent to four decimals. Due is what had its deadline before the day;
  nothing due yet is not known. The mean score leaves out what was carried over from an earlier presentation.
* Login: a day with a click. Session: a week, counted back from the day.
* Events: `course_withdrawn` on the day of unregistering, and the result at the end of the presentation.
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo

import pandas as pd

from engagement import dates
from engagement.errors import InvalidInput
from engagement.ingest import events, learners
from engagement.ingest.loads import loading
from engagement.ingest.schema import MISSING_WORDS, Column
from engagement.ingest.source import readers
from engagement.ingest.source.source_format import IN_PERCENT, SourceFormat
from engagement.store import Cursor, Store, first_row, pattern, query, read_from

Basis = Literal["due", "course"]

STARTS: Final = {"B": "02-01", "J": "10-01"}
DAYS_AFTER_END: Final = 366  # the last results are in long before; a later day is a slip of the finger

UTC: Final = ZoneInfo("UTC")

_MODULE: Final = Column("code_module", "text", "which course")
_PRESENTATION: Final = Column("code_presentation", "text", "when it started, such as 2013J")
_STUDENT: Final = Column("id_student", "whole", "the person")
_ASSESSMENT: Final = Column("id_assessment", "whole", "the assessment")
# What is read of each published table; days count from the start of the presentation and may be negative.
COLUMNS: Final[Mapping[str, tuple[Column, ...]]] = {
    "courses": (
        _MODULE,
        _PRESENTATION,
        Column("module_presentation_length", "whole", "its days", in_every_row=True),
    ),
    "assessments": (
        _MODULE,
        _PRESENTATION,
        _ASSESSMENT,
        Column("assessment_type", "choice", "by a tutor, by computer, exam", choices=("TMA", "CMA", "Exam")),
        Column("date", "whole", "day it is due"),
    ),
    "studentInfo": (
        _MODULE,
        _PRESENTATION,
        _STUDENT,
        Column(
            "final_result", "choice", "how it ended", choices=("Pass", "Distinction", "Fail", "Withdrawn")
        ),
    ),
    "studentRegistration": (
        _MODULE,
        _PRESENTATION,
        _STUDENT,
        Column("date_registration", "whole", "day of registering"),
        Column("date_unregistration", "whole", "day of unregistering"),
    ),
    "studentAssessment": (
        _ASSESSMENT,
        _STUDENT,
        Column("date_submitted", "whole", "day it was handed in"),
        Column("is_banked", "whole", "1 where carried over from an earlier presentation"),
        Column("score", "number", "percent"),
    ),
    "studentVle": (_MODULE, _PRESENTATION, _STUDENT, Column("date", "whole", "day with a click")),
}
_WHOLE: Final = "^([+-]?[0-9]+)([.]0*)?$"  # Parquet files hold days as 19.0
_WORDS: Final = ", ".join(f"'{word}'" for word in MISSING_WORDS)


@dataclass(frozen=True)
class _Table:
    """One file of the data set, and the names in its header."""

    file: Path
    header: list[str]
    columns: tuple[Column, ...]


def load(
    store: Store,
    folder: Path,
    *,
    module: str,
    presentation: str,
    as_of_day: int,
    basis: Basis = "due",
    zone: ZoneInfo = UTC,
    loaded_at: datetime,
) -> tuple[loading.LoadSummary, loading.LoadSummary | None]:
    """Load a presentation as known at the start of `as_of_day`; return the loads of learners and of events.

    No load of events where no outcome is known yet.

    Parameters
    ----------
    folder
        The tables as published (`studentInfo.csv`, …) or as Parquet files of the same names.
    basis
        Whether `completed_percent` is of the work that was due, or of the whole course.
    zone
        Where the days of the presentation begin and end.

    Raises
    ------
    InvalidInput
        A table or column is missing, a value cannot be read, there is no such presentation, nobody is registered
        before `as_of_day`, or it lies more than a year after the end.
    """
    if basis not in get_args(Basis):
        raise InvalidInput(f"basis {basis[:40]!r}: allowed are {', '.join(get_args(Basis))}")
    chosen = {"module": module, "presentation": presentation}
    known, ended = _known(store, folder, chosen, as_of_day=as_of_day, basis=basis)
    for frame in (known, ended):
        frame.attrs["source"] = f"OULAD {module} {presentation} day {as_of_day}"  # what the load is called
    observed_at, days = (
        known_until(presentation, as_of_day, zone),
        SourceFormat(zone.key, percent_scale=IN_PERCENT),
    )
    enrolled = learners.load(store, known, observed_at=observed_at, loaded_at=loaded_at, source_format=days)
    if ended.empty:
        return enrolled, None
    return enrolled, events.load(
        store, ended, observed_at=observed_at, loaded_at=loaded_at, source_format=days
    )


def _known(
    store: Store, folder: Path, chosen: Mapping[str, str], *, as_of_day: int, basis: Basis
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return learners and outcomes as known at the start of the day, with the midnights of their days."""
    tables = {name: _table(store, folder, name) for name in COLUMNS}
    with store.staging() as stage:
        _read(stage, tables.pop("courses"))  # all of them, to say which there are
        _refuse_unknown(stage, chosen)
        for table in tables.values():
            _read(stage, table, only=chosen)
        _refuse_day(stage, as_of_day)
        days = {"starts_on": _start(chosen["presentation"]), "as_of_day": as_of_day}
        stage.execute(query("ingest/oulad_enrolments"), {**chosen, **days})
        known = stage.execute(query("ingest/oulad_learners"), {**chosen, **days, "basis": basis}).df()
        ended = stage.execute(query("ingest/oulad_outcomes"), days).df()
    return known, ended


def known_until(presentation: str, as_of_day: int, zone: ZoneInfo) -> datetime:
    """Return the instant up to which all is known at the start of a day of a presentation: the end of the day before.

    >>> known_until("2013J", 28, ZoneInfo("Europe/Berlin"))
    datetime.datetime(2013, 10, 28, 22, 59, 59, 999999)
    """
    day_before = _start(presentation) + timedelta(days=as_of_day - 1)
    return dates.end_of_day(day_before.date(), zone)


def _start(presentation: str) -> datetime:
    parts = re.fullmatch(r"([12][0-9]{3})([BJ])", presentation)
    if not parts:
        raise InvalidInput(f"presentation {presentation[:40]!r}: no year and B or J, such as 2013J")
    return datetime.fromisoformat(f"{parts[1]}-{STARTS[parts[2]]}")


def _table(store: Store, folder: Path, name: str) -> _Table:
    """Return where a table is; `InvalidInput` where it, or one of its columns, is missing."""
    if not folder.is_dir():
        raise InvalidInput(f"{folder}: there is no such folder")
    files = [folder / f"{name}.parquet", folder / f"{name}.csv"]
    file = next(filter(Path.is_file, files), None)
    if file is None:
        raise InvalidInput(f"{folder}: neither {name}.parquet nor {name}.csv is there")
    names = _parquet_header(store, file) if file.suffix == ".parquet" else _csv_header(file)
    header = [name.strip().casefold() for name in names]
    if missing := [column.name for column in COLUMNS[name] if header.count(column.name) != 1]:
        raise InvalidInput(
            f"{file.name}: column {', '.join(missing)} missing or doubled; the header has {', '.join(header)[:300]}"
        )
    return _Table(file, header, COLUMNS[name])


def _parquet_header(store: Store, file: Path) -> list[str]:
    with store.staging() as stage:
        return readers.parquet_columns(stage, file)


def _csv_header(file: Path) -> list[str]:
    try:
        with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
            return next(csv.reader(lines), [])
    except (OSError, csv.Error) as error:
        raise InvalidInput(f"{file.name} cannot be read: {type(error).__name__}") from None


def _read(stage: Cursor, table: _Table, *, only: Mapping[str, str] | None = None) -> None:
    """Make the temporary table `oulad_<file>`: its rows, where they say of which presentation, `only` of that.

    A row that stands twice is one row.
    """
    file, columns = table.file, table.columns
    filters = only if only and _MODULE in columns else {}
    wanted = "where code_module = $module and code_presentation = $presentation" if filters else ""
    texts = ", ".join(
        f"trim(cast(c{table.header.index(column.name)} as varchar)) as {column.name}" for column in columns
    )
    present = ", ".join(
        f"case when lower({column.name}) not in ({_WORDS}) then {column.name} end as {column.name}"
        for column in columns
    )
    rows = f"select {present} from (select {texts} from {_rows(table)}) {wanted}"  # noqa: S608 (our own names)
    with read_from(file.name):
        stage.execute(f"create or replace temp table texts as {rows}", {"file": pattern(file), **filters})
    if file.suffix == ".csv":
        _refuse_ragged(stage, file)
    _refuse_unreadable(stage, table)
    values = ", ".join(f"{_value(column)} as {column.name}" for column in columns)
    stage.execute(f"create or replace temp table oulad_{file.stem} as select distinct {values} from texts")  # noqa: S608 (our own names)


def _rows(table: _Table) -> str:
    """Return the SQL for the rows of `$file`, columns named c0, c1, …: a name from outside does not get into SQL."""
    names = [f"c{i}" for i in range(len(table.header))]
    if table.file.suffix == ".parquet":
        return f"read_parquet($file) as source ({', '.join(names)})"
    kinds = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
    return f"""
        read_csv($file, auto_detect = false, header = true, delim = ',', quote = '"', escape = '"',
            columns = {{{kinds}}}, store_rejects = true, rejects_table = 'csv_errors', rejects_scan = 'csv_scans')
        """


def _value(column: Column) -> str:
    match column.kind:
        case "whole":
            return f"try_cast(regexp_extract({column.name}, '{_WHOLE}', 1) as integer)"
        case "number":
            return f"try_cast({column.name} as double)"
        case "choice":
            allowed = ", ".join(f"'{choice}'" for choice in column.choices)
            return f"case when {column.name} in ({allowed}) then {column.name} end"
        case _:
            return column.name


def _refuse_ragged(stage: Cursor, file: Path) -> None:
    lines, first = first_row(stage, "select count(distinct line), min(line) from csv_errors")
    if lines:
        raise InvalidInput(
            f"{file.name}: {lines} lines have too few or too many columns or are not UTF-8, the first in line {first}"
        )


def _refuse_unreadable(stage: Cursor, table: _Table) -> None:
    wrong = ", ".join(
        f"count_if({_value(column)} is null and ({column.name} is not null or {column.in_every_row}))"
        for column in table.columns
    )
    rows, *counts = first_row(stage, f"select count(*), {wrong} from texts")  # noqa: S608 (our own names)
    for column, count in zip(table.columns, counts, strict=True):
        if count:
            allowed = f"one of {', '.join(column.choices)}" if column.choices else f"a {column.kind} value"
            raise InvalidInput(f"{table.file.name}: {column.name}: {count} of {rows} rows are not {allowed}")


def _refuse_unknown(stage: Cursor, chosen: Mapping[str, str]) -> None:
    """Raise `InvalidInput` where there is no such presentation; leave no other in `oulad_courses`."""
    there = stage.execute(
        "select code_module, code_presentation from oulad_courses order by code_module, code_presentation"
    ).fetchall()
    if tuple(chosen.values()) not in there:
        asked = ", ".join(f"{name} {value[:40]!r}" for name, value in chosen.items())
        names = ", ".join(f"{code} {start}" for code, start in there)
        raise InvalidInput(f"{asked}: no such course; there is {names[:600]}")
    stage.execute(
        "delete from oulad_courses where code_module <> $module or code_presentation <> $presentation", chosen
    )


def _refuse_day(stage: Cursor, as_of_day: int) -> None:
    """Raise `InvalidInput` where nobody is registered before the day, or it is long after the end."""
    rows, first, length = first_row(
        stage,
        """
        select count(*), min(date_registration), (select max(module_presentation_length) from oulad_courses)
        from oulad_studentregistration
        """,
    )
    if rows == 0:
        raise InvalidInput("studentRegistration: nobody is registered for this presentation")
    earliest, latest = as_of_day if first is None else first + 1, length + DAYS_AFTER_END
    if not earliest <= as_of_day <= latest:
        raise InvalidInput(
            f"as_of_day {as_of_day}: allowed are {earliest}, when the first has registered, to {latest}, "
            "a year after the end"
        )
