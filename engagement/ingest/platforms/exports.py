"""What every platform's module is written in: what is seen of a file, a kind of export, and what it comes to."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd

from engagement.errors import InvalidInput
from engagement.files import csv_reader
from engagement.files.archives import is_archive, members_of
from engagement.files.csv_reader import CsvFile
from engagement.files.encoding import start_of_text
from engagement.files.headers import plain_name, seen_name, split_first
from engagement.files.json_lines import beginning
from engagement.ingest.loads.loading import Kind as Of
from engagement.ingest.schema import FALSE_WORDS, TRUE_WORDS
from engagement.ingest.source.readers import Derived
from engagement.ingest.source.source_format import IN_PERCENT, SourceFormat
from engagement.ingest.values.left_out import MOST_LINES, LeftOut
from engagement.store import Cursor, first_row, read_from

_START: Final = 100_000  # characters of a file that are looked at
_LINES: Final = 50  # in which a header may stand
_SHOWN: Final = 3  # of the names of files
_DELIMITERS: Final = ",;\t|"
_SPACES: Final = r"[\s\u00a0\u202f]"
ON_PLATFORM: Final = "external_id"  # the platform's own id of a person, with the platform's name before it
NOT_KEPT: Final = "(the text of this row is not kept: it may hold what is never stored)"
UNKNOWN_LOGIN: Final = "unknown"  # which is not never, and what an empty cell would mean
# How the rows of an export are written once it was read: as this package writes values.
AS_DERIVED: Final = SourceFormat(percent_scale=IN_PERCENT)


@dataclass(frozen=True)
class Look:
    """What is seen of a file or folder before it is read: how its text begins, or what lies in it."""

    path: Path
    start: str = ""
    members: frozenset[str] | None = None  # of a folder, or of a zip archive

    def holds(self, *names: str) -> bool:
        """Return whether all these files are among the members, in any folder of it and in any case."""
        here = {member.rpartition("/")[2].casefold() for member in self.members or ()}
        return here.issuperset(name.casefold() for name in names)

    @cached_property
    def lines(self) -> list[list[str]]:
        """The first lines as each delimiter splits them that makes the most of them; names as they are compared.

        An empty line is one empty name: whoever asks for the first need not think of a line without any.
        """
        texts = self.start.splitlines()[:_LINES]
        split = ([split_first([text], delimiter) for delimiter in _DELIMITERS] for text in texts)
        return [[plain_name(text) for text in max(fields, key=len) or [""]] for fields in split]

    def has_columns(self, *names: str) -> bool:
        """Return whether one of the first lines is a header with all of these names, as a reader sees them."""
        wanted = {plain_name(name) for name in names}
        return any(wanted.issubset(line) for line in self.lines)

    @cached_property
    def first_object(self) -> Mapping[str, Any]:
        """The first object of JSON or of lines of JSON; empty where there is none."""
        text = self.start.lstrip("\ufeff \r\n\t[")
        with suppress(ValueError):
            found, _ = json.JSONDecoder().raw_decode(text)
            if isinstance(found, dict):
                return found
        return {}


@dataclass(frozen=True)
class Asked:
    """What is known beside the files: when, in which zone their times are, and who is known already."""

    stage: Cursor  # for temporary tables
    as_of: datetime  # naive UTC; what comes later is unknown
    zone: ZoneInfo
    program: str = ""  # where the files do not say it
    encoding: str = ""
    types: Mapping[str, str] = field(
        default_factory=dict
    )  # what somebody says that a type of event is with us
    roster: Callable[[], pd.DataFrame] = (
        pd.DataFrame
    )  # `id`, `person_id`, `name`, `email`, `program`, `enrolled_at` of the known, and some facts as of then
    sessions: Callable[[], pd.DataFrame] = (
        pd.DataFrame
    )  # `learner_id`, `timestamp`, whether `missed`: of loads before


@dataclass(frozen=True, eq=False)
class Part:
    """What of an export is loaded by one load, and how its rows are written."""

    of: Of
    source: Derived
    source_format: SourceFormat = AS_DERIVED
    # Whether its ids are numbers and addresses of people, which are to be those of the known (`joining`).
    by_person: bool = False
    # Whether they are numbers of the platform's own, which are by chance those of others elsewhere.
    own_ids: bool = False


@dataclass(frozen=True)
class Kind:
    """A kind of export: how it is recognised, what it gives, and what it cannot give and why."""

    platform: str  # as `--from` has it
    what: str  # as a sentence has it: "a Canvas gradebook"
    recognised: Callable[[Look], bool]
    read: Callable[[Sequence[Path], Asked], Iterable[Part]]  # all files of the kind at once
    gives: str
    cannot: str = ""
    besides: Callable[[Look], bool] = lambda _: False  # what is read with it where its platform is named


@dataclass(frozen=True)
class Unread:
    """A file of a platform that is not read: what it is and why, and what to take in its place."""

    what: str
    recognised: Callable[[Look], bool]
    instead: str


def look(path: Path, encoding: str = "") -> Look:
    """Return what is seen of a file, a folder or a zip archive; nothing of what is no text."""
    if path.is_dir():
        return Look(path, members=frozenset(_members(path)))
    if is_archive(path):
        return Look(path, members=frozenset(members_of(path)))
    if path.suffix.lower() == ".parquet":
        return Look(path)
    if start := beginning(path, _START):
        return Look(path, start)
    return Look(path, start_of_text(path, encoding)[:_START])


def _members(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.relative_to(folder).as_posix()


@dataclass(frozen=True)
class _Field:
    """A column of an export, by its place."""

    name: str


@dataclass(frozen=True, eq=False)
class Table:
    """An export that is a table: the names of its columns, and its rows as texts `c0`, `c1`, … by line."""

    name: str
    header: Sequence[str]  # as a reader sees them
    rows: pd.DataFrame
    refused: pd.DataFrame  # `line`, `raw` and `reasons` of what was no row
    comma_is_decimal: bool
    notes: tuple[str, ...] = ()

    def place(self, *names: str) -> int | None:
        """Return where the first of these names stands in the header, in any case; None for none of them."""
        plain = [plain_name(text) for text in self.header]
        return next((plain.index(name) for name in map(plain_name, names) if name in plain), None)

    def texts(self, *names: str) -> pd.Series:
        """Return the texts of the first of these columns that there is; missing where there is none."""
        at = self.place(*names)
        return pd.Series(pd.NA, self.rows.index, "string") if at is None else self.rows[f"c{at}"]


@contextmanager
def opened(path: Path, asked: Asked, wanted: Collection[str]) -> Iterator[tuple[CsvFile[_Field], list[str]]]:
    """Yield an export as a relation of texts `c0`, `c1`, …, with the header; `wanted` are names that find it."""
    header: list[str] = []

    def choose(names: Sequence[str]) -> dict[_Field, int]:
        header.extend(map(seen_name, names))
        return {_Field(f"c{at}"): at for at in range(len(names))}

    with csv_reader.open_csv(
        path, encoding=asked.encoding, sheet="", wanted=wanted, likely=(), choose=choose
    ) as file:
        yield file, header


def table(
    path: Path, asked: Asked, wanted: Collection[str], *, keeps_raw: bool = True, name: str = ""
) -> Table:
    """Return a whole export as a table; for those of thousands of rows, not of millions.

    Where it does not keep the raw text of what was no row, nothing that must not be stored is: a password, an address
    of a machine. `name` is what to call what lies at a place without one. Raises `InvalidInput` for what is no table.
    """
    stage = asked.stage
    with _called(path, name), opened(path, asked, wanted) as (file, header):
        with read_from(file.name):
            stage.execute(
                f"create or replace temp table checked as select *, null::text as reasons from {file.relation}",  # noqa: S608
                dict(file.parameters),
            )
        (taken,) = first_row(stage, "select count(*) from checked")
        refused = file.refused(stage, taken)
        _refuse_nothing(file.name, taken, refused)
        if not keeps_raw:
            refused = refused.assign(raw=NOT_KEPT)
        rows = stage.execute("select * exclude (reasons) from checked order by rowid").df().astype("string")
        rows = rows.apply(lambda column: column.str.strip()).replace("", pd.NA)
        rows.index = pd.Index(file.lines, name="line")
        return Table(name or file.name, header, rows, refused, file.comma_is_decimal, tuple(file.notes))


def _refuse_nothing(name: str, taken: int, refused: pd.DataFrame) -> None:
    """Raise `InvalidInput` where no row could be read: whoever reads a table need not think of one without any."""
    if taken:
        return
    if refused.empty:
        raise InvalidInput(f"{name}: no rows below the header")
    reason, line = refused["reasons"].iloc[0][0], refused["line"].iloc[0]
    raise InvalidInput(
        f"{name}: none of {len(refused):,} rows can be read: {reason}; the first is in line {line}"
    )


@contextmanager
def _called(path: Path, name: str) -> Iterator[None]:
    """Tell of a file by another name than that of the place where it is read."""
    try:
        yield
    except InvalidInput as error:
        told = str(error)
        if not name or not told.startswith(path.name):
            raise
        raise InvalidInput(name + told.removeprefix(path.name)) from None


def numbers(cells: pd.DataFrame, table: Table | None) -> pd.DataFrame:
    """Return cells as numbers, by the decimal mark that they show; missing where they are none.

    `cells` are all of a file that are numbers, because one alone does not say what a comma is.
    """
    texts = pd.Series(cells.to_numpy().ravel(), dtype="string").dropna()
    texts = texts[texts.str.contains(",", regex=False)].str.replace(_SPACES, "", regex=True)
    of_a_decimal = texts.str.fullmatch(r"-?[\d.]*\d,(\d{1,2}|\d{4,})%?").any()
    of_thousands = texts.str.fullmatch(r"-?[\d,]*\d,\d{3}\.\d*%?").any()
    is_decimal = bool(of_a_decimal or (table and table.comma_is_decimal and not of_thousands and len(texts)))
    found = {name: _as_numbers(cells[name], comma_is_decimal=is_decimal) for name in cells}
    return pd.DataFrame(found, index=cells.index)


def _as_numbers(cells: pd.Series, *, comma_is_decimal: bool) -> pd.Series:
    thousands, decimal = (".", ",") if comma_is_decimal else (",", ".")
    texts = cells.astype("string").str.replace(_SPACES, "", regex=True).str.removesuffix("%")
    plain = texts.str.replace(thousands, "", regex=False).str.replace(decimal, ".", regex=False)
    is_number = plain.str.fullmatch(r"[-+]?[0-9]{1,15}(\.[0-9]*)?").fillna(False)
    return pd.to_numeric(plain.where(is_number), errors="coerce").astype("Float64")


def of_several_courses(parts: Sequence[Part], asked: Asked) -> list[Part]:
    """Return parts in which who is in several courses has an enrolment in each.

    A platform's files name the person: in the course that is known first the id stays so, in the others the course
    stands behind it. Events that follow the learners of a course are of the same enrolments.
    """
    roster = asked.roster()
    known = dict(zip(roster["id"], roster["program"], strict=True)) if len(roster) else {}
    several = sum(part.of == "learners" for part in parts) > 1
    renamed: dict[str, str] = {}
    found = []
    for part in parts:
        rows = part.source.rows
        if not isinstance(rows, pd.DataFrame):
            found.append(part)
            continue
        if part.of == "events":
            ids = rows["learner_id"].map(lambda each, renamed=renamed: renamed.get(each, each))
            found.append(replace(part, source=replace(part.source, rows=rows.assign(learner_id=ids))))
            continue
        renamed = {}
        if "program" in rows:
            for person, program in zip(rows["id"], rows["program"], strict=True):
                if isinstance(person, str) and isinstance(program, str):
                    is_apart = several and known.setdefault(person, program) != program
                    if is_apart or known.get(f"{person} {program}") == program:
                        renamed[person] = f"{person} {program}"
        found.append(_apart(part, rows, renamed) if renamed else part)
    return found


def _apart(part: Part, rows: pd.DataFrame, renamed: Mapping[str, str]) -> Part:
    ids = rows["id"]
    persons = rows["person_id"].fillna(ids) if "person_id" in rows else ids
    told = f"{len(renamed):,} learners are in another course too: here their id has the course behind it"
    rows = rows.assign(id=ids.map(lambda each: renamed.get(each, each)), person_id=persons)
    return replace(part, source=replace(part.source, rows=rows, notes=[*part.source.notes, told]))


def called(names: Sequence[str]) -> str:
    """Return what several files are called that are read as one.

    >>> called(["a.csv", "b.csv", "c.csv", "d.csv", "e.csv"])
    'a.csv, b.csv, c.csv and 2 more'
    """
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def matching(cells: pd.DataFrame, pattern: str) -> pd.DataFrame:
    """Return which cells are of a pattern."""
    found = {name: cells[name].str.fullmatch(pattern).fillna(False).astype(bool) for name in cells}
    return pd.DataFrame(found, index=cells.index)


def share(done: pd.DataFrame, of: pd.DataFrame) -> pd.Series:
    """Return of each row how much of what is asked is done, in percent; missing where nothing is asked."""
    asked = of.sum(axis=1)
    percent: pd.Series = (100 * done.sum(axis=1) / asked.where(asked > 0)).round(6)
    return percent


def mean_percent(scores: pd.DataFrame, most: pd.Series) -> pd.Series:
    """Return of each row the mean of its scores in percent of what each can be, none above 100; `most` by column."""
    percents = scores.astype("Float64").div(most.astype("Float64"), axis=1).mul(100).clip(lower=0, upper=100)
    mean: pd.Series = percents.mean(axis=1).round(6)
    return mean


def logins(times: pd.Series, asked: Asked) -> pd.Series:
    """Return last logins as they were known: one after `as_of` took the place of another, which is unknown now."""
    texts: pd.Series = times.dt.strftime("%Y-%m-%d %H:%M:%S").astype("string")
    return texts.mask(times.gt(asked.as_of).fillna(False), UNKNOWN_LOGIN)


def left_out(rows: pd.DataFrame, **kinds: pd.Series) -> LeftOut:
    """Return what is told of rows that are nobody's: by what they are, how many, and the first of their lines."""
    return {
        what.replace("_", " "): {"rows": int(which.sum()), "lines": rows.index[which].tolist()[:MOST_LINES]}
        for what, which in kinds.items()
        if which.any()
    }


def on_platform(platform: str, ids: pd.Series) -> pd.Series:
    """Return a platform's own ids of people so that no other platform's are taken for them."""
    said: pd.Series = f"{platform}:" + ids.astype("string")
    return said


def looked_up(keys: pd.Series, values: pd.Series) -> pd.Series:
    """Return for each key what stands under it; missing for one that there is not."""
    found: pd.Series = values.reindex(keys).set_axis(keys.index)
    return found


def whole_name(first: pd.Series, last: pd.Series) -> pd.Series:
    """Return names of their two parts, of which one may be missing."""
    whole: pd.Series = (first.fillna("") + " " + last.fillna("")).str.strip()
    return whole.mask(whole.eq(""))


def is_active(words: pd.Series) -> pd.Series:
    """Return what yes and no in many languages say of a state, as the loader reads it; missing for other words."""
    plain = words.str.casefold()
    said = pd.Series(pd.NA, words.index, "string").mask(plain.isin(TRUE_WORDS), "true")
    return said.mask(plain.isin(FALSE_WORDS), "false")


def turned_round(names: pd.Series) -> pd.Series:
    """Return names as people say them: what stands behind the first comma comes first.

    >>> turned_round(pd.Series(["Beispiel, Ana", "Ida Tester"])).tolist()
    ['Ana Beispiel', 'Ida Tester']
    """
    parts = names.astype("string").str.split(",", n=1, expand=True).reindex(columns=[0, 1]).astype("string")
    said: pd.Series = (parts[1].str.strip() + " " + parts[0].str.strip()).fillna(names)
    return said
