"""Files and frames as they come in: a table of text, with every row's place in its source.

Nothing is cast or guessed here; what each text means is up to `validation`. A source that is no table at all is refused
whole.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import pandas as pd

from engagement.errors import InvalidInput, of_the_system
from engagement.files import csv_reader
from engagement.files.bombs import bomb, most_unpacked
from engagement.files.copies import Kept
from engagement.files.csv_reader import Ints, open_csv
from engagement.files.kinds import refuse_other_than_parquet
from engagement.ingest.schema import LONGEST_TEXT, Column
from engagement.ingest.source.header import ELSEWHERE_NAMES, absent, match_header
from engagement.ingest.source.source_format import SourceFormat
from engagement.ingest.values.left_out import LeftOut
from engagement.store import Cursor, first_row, pattern, query, read_from, registered


class ReadFile(NamedTuple):
    """A file that an export was read of: what it holds, and what it does to the store."""

    content_hash: str
    effect: str


@dataclass(frozen=True, eq=False)
class Derived:
    """Rows that an export was made into, each with the line it comes from, and what is to be said of them.

    `rows` has columns of `schema.LEARNERS` or `schema.EVENTS`, with instants in naive UTC; of millions it is a Parquet
    file, in which a column `line` says where each comes from. `refused` has `line`, `raw` and `reasons` of what was no
    row.
    """

    name: str
    rows: pd.DataFrame | Kept
    lines: Sequence[int] | None = None  # of the rows; their numbers where left out
    left_out: LeftOut = field(default_factory=dict)
    refused: pd.DataFrame | None = None
    notes: Sequence[str] = ()
    if_absent: str = ""  # why somebody may be absent from it who is there, and what to do
    not_everybody: str = ""  # why it never is a list of everybody
    of_files: Sequence[ReadFile] | None = None  # which are read once this is loaded; of no files where None


Source = Path | pd.DataFrame | Derived
_BYTES: Final = "BLOB"
_NESTED: Final = {r".*\]": "a list", "STRUCT.*": "a struct", "MAP.*": "a map", "UNION.*": "a union"}
_FLAT: Final = "a column is to hold one value in each row"
_BYTES_OF_A_ROW: Final = 10  # that a table takes at least, whatever it is packed to


class Incoming(Protocol):
    """A source that has been opened: its rows, and where they stand."""

    name: str
    columns: Sequence[Column]  # which of ours it has
    relation: str  # SQL for its rows, a text column each
    parameters: Mapping[str, Any]  # that the relation needs
    comma_is_decimal: bool  # what stands between digits cannot be the end of a column
    encoding: str  # of its text; empty where it has none of its own
    notes: Sequence[str]  # what whoever loads it is to know of how it was read

    def refused(self, stage: Cursor, taken: int) -> pd.DataFrame:
        """Return `line`, `raw` and `reasons` of what was no row, after `taken` rows were read."""

    def fields_of_not_rows(self) -> pd.DataFrame:
        """Return each `text` that may be a field of a `record` that was no row, and whether it `is_id` by its place."""

    def leave_out(self, not_rows: Sequence[int]) -> None:
        """Take those of the records that were no rows for none at all, by their number from 0."""

    def places(self, stage: Cursor, rows: Ints) -> pd.DataFrame:
        """Return `line` and `raw` of rows, by their number from 0."""


@contextmanager
def opened(
    stage: Cursor, source: Source, columns: Sequence[Column], source_format: SourceFormat
) -> Iterator[Incoming]:
    """Yield the source as a table of those of `columns` that it has, or that are said of all of it.

    Raises `InvalidInput` for a header that lacks or doubles a column, an empty file, and what is no table.
    """
    names, notes = source_format.names, list[str]()
    unneeded = source_format.unneeded
    if isinstance(source, Derived):
        unneeded = {*unneeded, "program"}  # which is known of those whom it tells of
    name = source_name(source)

    def choose(header: Sequence[str]) -> dict[Column, int]:
        matched = match_header(header, columns, names, name, unneeded=unneeded)
        # whoever made the rows of an export says what it has not
        if not isinstance(source, Derived) and (note := absent(header, columns, names)):
            notes.append(note)
        return matched

    if isinstance(source, pd.DataFrame):
        table: AbstractContextManager[Incoming] = _open_frame(stage, source, choose)
    elif isinstance(source, Derived):
        table = _open_derived(stage, source, choose)
    elif source.suffix.lower() == ".parquet":
        refuse_other_than_parquet(source)
        table = _open_parquet(stage, source, choose)
    else:
        wanted = [names.get(column.name, column.name) for column in columns]
        table = open_csv(
            source,
            encoding=source_format.encoding,
            sheet=source_format.sheet,
            wanted=wanted,
            likely=ELSEWHERE_NAMES,
            choose=choose,
        )
    with table as incoming:
        said = [column for column in columns if column.name in source_format.values]
        yield _Said(incoming, said, source_format.values, notes)


def header_of(stage: Cursor, path: Path, *, encoding: str, sheet: str, wanted: Sequence[str]) -> list[str]:
    """Return the names in the header of a file; raises as `opened` does."""
    if path.suffix.lower() == ".parquet":
        refuse_other_than_parquet(path)
        return [name for name, _ in _parquet_types(stage, path)]
    return csv_reader.header_of(path, encoding=encoding, sheet=sheet, wanted=wanted, likely=ELSEWHERE_NAMES)


class _Said:
    """A source with what is said of each of its rows, in columns that it has not, or that this takes the place of."""

    def __init__(
        self, incoming: Incoming, said: Sequence[Column], values: Mapping[str, str], notes: Sequence[str]
    ) -> None:
        self._incoming = incoming
        self.columns: Sequence[Column] = [
            *(column for column in incoming.columns if column not in said),
            *said,
        ]
        self.notes: Sequence[str] = [*incoming.notes, *notes]
        self.parameters: Mapping[str, Any] = {
            **incoming.parameters,
            **{f"said_{column.name}": values[column.name] for column in said},
        }
        chosen = [column.name for column in self.columns if column not in said]
        chosen += [f"$said_{column.name} as {column.name}" for column in said]
        self.relation = (
            f"(select {', '.join(chosen)} from {incoming.relation})" if said else incoming.relation  # noqa: S608 (names from the schema)
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._incoming, name)


def content_hash(source: Source) -> str:
    """Return the SHA-256 of the file's bytes, or of the frame as text; `InvalidInput` where there is no such file."""
    if isinstance(source, Derived):
        return content_hash(source.rows.path if isinstance(source.rows, Kept) else source.rows)
    if isinstance(source, pd.DataFrame):
        digest = hashlib.sha256(json.dumps(list(map(str, source.columns))).encode())
        digest.update(pd.util.hash_pandas_object(source.astype("string"), index=False).to_numpy().tobytes())
        return digest.hexdigest()
    if not source.is_file():
        told = any(part.startswith("~") for part in source.parts)
        hint = "; what ~ stands for only a shell knows: write the whole path" if told else ""
        raise InvalidInput(f"{source.name}: there is no such file{hint}")
    try:
        with source.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InvalidInput(f"{source.name} cannot be read: {of_the_system(error)}") from None


def stamp(source: Source) -> tuple[int, int] | None:
    """Return what changes when a file is written to; None where there is none."""
    if not isinstance(source, Path):
        return None
    try:
        found = source.stat()
    except OSError:  # nor is one there, or it has gone
        return None
    return found.st_mtime_ns, found.st_size


def source_name(source: Source) -> str:
    """Return what the load is called: the file's name, not its folder; of a frame what `attrs["source"]` says."""
    if isinstance(source, pd.DataFrame):
        return str(source.attrs.get("source", "data frame"))
    return source.name


def parquet_columns(stage: Cursor, path: Path) -> list[str]:
    """Return the names of the columns of a Parquet file."""
    return [name for name, _ in _parquet_types(stage, path)]


def _parquet_types(stage: Cursor, path: Path) -> list[tuple[str, str]]:
    """Return the columns of a Parquet file, each with what the engine takes it for."""
    with read_from(path.name):
        described = stage.execute("describe select * from read_parquet($file)", {"file": pattern(path)})
        return [(name, kind) for name, kind, *_ in described.fetchall()]


class _Table:
    """A source without lines: a row's place is its number, its raw text the row as JSON."""

    comma_is_decimal = False
    encoding = ""
    notes: Sequence[str] = ()

    def __init__(
        self, name: str, relation: str, parameters: Mapping[str, Any], columns: Iterable[Column]
    ) -> None:
        self.name = name
        self.columns: Sequence[Column] = list(columns)
        self.relation = relation
        self.parameters = parameters

    def refused(self, stage: Cursor, taken: int) -> pd.DataFrame:
        if not taken:
            raise InvalidInput(f"{self.name}: no rows")
        return pd.DataFrame({"line": [], "raw": [], "reasons": []})

    def leave_out(self, not_rows: Sequence[int]) -> None:
        pass  # every row has as many columns as the table

    def fields_of_not_rows(self) -> pd.DataFrame:
        return pd.DataFrame({"record": [], "text": [], "is_id": []}).astype({"text": "str", "is_id": "bool"})

    def places(self, stage: Cursor, rows: Ints) -> pd.DataFrame:
        fields = ", ".join(f"'{column.name}', {column.name}" for column in self.columns)
        with read_from(self.name), registered(stage, "wanted", pd.DataFrame({"line": rows + 1})):
            return stage.execute(
                f"""
                with numbered as (select row_number() over () as line, * from {self.relation})
                select numbered.line, json_object({fields}) as raw
                from numbered
                inner join wanted on numbered.line = wanted.line
                order by numbered.line
                """,  # noqa: S608 (names from the schema)
                dict(self.parameters),
            ).df()


@contextmanager
def _open_parquet(
    stage: Cursor, path: Path, choose: Callable[[Sequence[str]], dict[Column, int]]
) -> Iterator[_Table]:
    theirs = _parquet_types(stage, path)
    _refuse_bomb(stage, path)
    header = choose([name for name, _ in theirs])
    if nested := [
        f"{column.name} is {what}"
        for column, at in header.items()
        if (what := next((what for kind, what in _NESTED.items() if re.fullmatch(kind, theirs[at][1])), ""))
    ]:
        raise InvalidInput(f"{path.name}: {', '.join(nested)}, not text; {_FLAT}")
    parameters = {"file": pattern(path)}
    texts = {column: _as_text(*theirs[at]) for column, at in header.items()}
    _refuse_bytes(stage, path, {column.name: theirs[at] for column, at in header.items()})
    # A text may be far longer than the file it stands in: one that is too long is known by its beginning.
    chosen = ", ".join(f"left({text}, {LONGEST_TEXT + 1}) as {column.name}" for column, text in texts.items())
    yield _Table(path.name, f"(select {chosen} from read_parquet($file))", parameters, header)  # noqa: S608


def _as_text(name: str, kind: str) -> str:
    """Return the SQL for a column as text; many a program writes texts as bytes, and means UTF-8."""
    quoted = '"' + name.replace('"', '""') + '"'
    return f"try(decode({quoted}))" if kind == _BYTES else f"cast({quoted} as varchar)"


def _refuse_bytes(stage: Cursor, path: Path, columns: Mapping[str, tuple[str, str]]) -> None:
    """Refuse columns of bytes that are no text."""
    for ours, (theirs, kind) in columns.items():
        if kind != _BYTES:
            continue
        quoted = theirs.replace('"', '""')
        with read_from(path.name):
            count, first = first_row(
                stage,
                f"""
                select count(*), min(row)
                from (select row_number() over () as row, "{quoted}" as bytes from read_parquet($file))
                where bytes is not null and try(decode(bytes)) is null
                """,  # noqa: S608 (a name in quotes)
                {"file": pattern(path)},
            )
        if count:
            raise InvalidInput(
                f"{path.name}: {ours} holds bytes that are no text in UTF-8 in {count:,} rows, first in row {first:,}; "
                "save it as text"
            )


def _refuse_bomb(stage: Cursor, path: Path) -> None:
    """Refuse a file that says of itself that it holds far more than its size, in bytes or in rows."""
    with read_from(path.name):
        rows, unpacked = first_row(stage, query("ingest/size_of_parquet"), {"file": pattern(path)})
    if max(unpacked, rows * _BYTES_OF_A_ROW) > most_unpacked(path):
        raise bomb(path.name)


@contextmanager
def _open_frame(
    stage: Cursor, frame: pd.DataFrame, choose: Callable[[Sequence[str]], dict[Column, int]]
) -> Iterator[_Table]:
    name = source_name(frame)
    header = choose([str(text) for text in frame.columns])
    text = pd.DataFrame({column.name: frame.iloc[:, at].astype("string") for column, at in header.items()})
    with registered(stage, "incoming", text):
        yield _Table(name, "incoming", {}, header)


class _DerivedTable(_Table):
    """An export's rows, with the lines of its file."""

    def __init__(
        self, source: Derived, relation: str, parameters: Mapping[str, Any], header: Iterable[Column]
    ) -> None:
        super().__init__(source.name, relation, parameters, header)
        self.notes = source.notes
        self._source = source

    def refused(self, stage: Cursor, taken: int) -> pd.DataFrame:
        if self._source.refused is None or self._source.refused.empty:
            return super().refused(stage, taken)
        return self._source.refused

    def places(self, stage: Cursor, rows: Ints) -> pd.DataFrame:
        placed = super().places(stage, rows)
        if isinstance(self._source.rows, Kept):
            lines = stage.execute(
                """
                select number, line
                from (select row_number() over () as number, line from read_parquet($file))
                semi join (select unnest($wanted) as number) using (number)
                """,
                {"file": pattern(self._source.rows.path), "wanted": (rows + 1).tolist()},
            ).df()
            return placed.assign(line=placed["line"].map(lines.set_index("number")["line"]))
        if self._source.lines is None:
            return placed
        return placed.assign(line=[self._source.lines[row] for row in rows])


@contextmanager
def _open_derived(
    stage: Cursor, source: Derived, choose: Callable[[Sequence[str]], dict[Column, int]]
) -> Iterator[_DerivedTable]:
    if isinstance(source.rows, Kept):
        theirs = [(name, kind) for name, kind in _parquet_types(stage, source.rows.path) if name != "line"]
        header = choose([name for name, _ in theirs])
        chosen = ", ".join(f"{_as_text(*theirs[at])} as {column.name}" for column, at in header.items())
        relation = f"(select {chosen} from read_parquet($file))"  # noqa: S608 (names from the schema)
        yield _DerivedTable(source, relation, {"file": pattern(source.rows.path)}, header)
        return
    with _open_frame(stage, source.rows, choose) as table:
        yield _DerivedTable(source, table.relation, table.parameters, table.columns)
