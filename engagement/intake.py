"""Files and frames as tables of text: `raw`, with every row's place in its source.

Nothing is cast or guessed here: DuckDB's own sniffer turned one ragged line into a file of one row. The header is
compared first; a file whose records do not add up is refused whole. What each text means is up to `rules`.

Makes these temporary tables: `raw` (record, one text column per known column), `rejected` (record, reason) for
rows that are no rows of this table, and `places` (record, line, raw) for what must be shown to a person.
"""

import csv
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from engagement.errors import InvalidInput
from engagement.schema import Column
from engagement.store import Cursor, first_row, query, registered

_DELIMITERS: Final = ",;\t|"
_HEADER_BYTES: Final = 1_000_000

Source = Path | pd.DataFrame


def read(stage: Cursor, source: Source, columns: Sequence[Column]) -> list[Column]:
    """Fill `raw`, `rejected` and `places` from `source`; return the columns it has.

    Raises `InvalidInput` for a header that lacks or doubles a column, an empty file, or one that cannot be split
    into rows.
    """
    if isinstance(source, pd.DataFrame):
        return _read_frame(stage, source, columns)
    if source.suffix.lower() == ".parquet":
        return _read_parquet(stage, source, columns)
    return _read_csv(stage, source, columns)


def content_hash(source: Source) -> str:
    """Return the SHA-256 of the file's bytes, or of the frame as text; `InvalidInput` where there is no such file."""
    if isinstance(source, pd.DataFrame):
        digest = hashlib.sha256("|".join(map(str, source.columns)).encode())
        digest.update(pd.util.hash_pandas_object(source.astype("string"), index=False).to_numpy().tobytes())
        return digest.hexdigest()
    if not source.is_file():
        raise InvalidInput(f"{source.name}: there is no such file")
    try:
        with source.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InvalidInput(f"{source.name} cannot be read: {error.strerror}") from None


def source_name(source: Source) -> str:
    """Return what the load is called: the file's name, not its folder."""
    return "data frame" if isinstance(source, pd.DataFrame) else source.name


def known_columns(header: Sequence[str], columns: Sequence[Column], source: str) -> dict[str, int]:
    """Return the position of each known column in `header`; `InvalidInput` names the missing and the doubled."""
    names = [name.strip().casefold() for name in header]
    doubled = sorted({name for name in names if name and names.count(name) > 1})
    if doubled:
        raise InvalidInput(f"{source}: column {', '.join(doubled)} stands more than once in the header")
    missing = [column.name for column in columns if column.in_header and column.name not in names]
    if missing:
        raise InvalidInput(
            f"{source}: column {', '.join(missing)} missing; the header has {', '.join(names)[:300]}"
        )
    return {column.name: names.index(column.name) for column in columns if column.name in names}


def _read_csv(stage: Cursor, path: Path, columns: Sequence[Column]) -> list[Column]:
    header, delimiter = _header(path)
    at = known_columns(header, columns, path.name)
    types = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(header)))
    chosen = ", ".join(f"c{i} as {name}" for name, i in at.items())
    stage.execute(
        f"""
        create or replace temp table parsed as
        select row_number() over () as parsed_row, {chosen}
        from read_csv($file, auto_detect = false, header = true, delim = $delimiter, quote = '"', escape = '"',
            columns = {{{types}}}, store_rejects = true, rejects_table = 'csv_errors', rejects_scan = 'csv_scans')
        """,  # noqa: S608 (names from the schema)
        {"file": str(path), "delimiter": delimiter},
    )
    _number_lines(stage, path)
    _place_records(stage, path.name)
    return [column for column in columns if column.name in at]


def _number_lines(stage: Cursor, path: Path) -> None:
    """Make `lines`; split here, because DuckDB takes half a minute to unnest one list of a million."""
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput(f"{path.name}: not UTF-8; save it as CSV UTF-8") from None
    split = pd.DataFrame({"text": pd.array(text.split("\n"), dtype="string")})
    with registered(stage, "split", split):
        stage.execute(
            """
            create or replace temp table lines as
            select row_number() over () as line, rtrim(text, chr(13)) as text
            from split
            """
        )


def _header(path: Path) -> tuple[list[str], str]:
    with path.open("rb") as file:
        start = file.read(_HEADER_BYTES)
    text = start.decode("utf-8-sig", errors="replace")
    if not text.strip():
        raise InvalidInput(f"{path.name}: the file is empty")
    if "\0" in text:
        raise InvalidInput(f"{path.name}: not a text file (it has NUL bytes); save it as CSV UTF-8")
    first = text.splitlines()[0]
    delimiter = max(_DELIMITERS, key=first.count)
    return next(csv.reader([first], delimiter=delimiter)), delimiter


def _place_records(stage: Cursor, source: str) -> None:
    """Match what was parsed with the lines it came from; a record goes on while a quote is open."""
    for step in ("place_records", "place_rejected", "place_parsed"):
        stage.execute(query(step))
    records, parsed, rejected, matched = first_row(
        stage,
        """
        select
            (select count(*) from places),
            (select count(*) from parsed),
            (select count(*) from rejected semi join places using (record)),
            (select count(*) from raw)
        """,
    )
    unclosed = stage.execute(
        """
        select line
        from places
        where (length(raw) - length(replace(raw, '"', ''))) % 2 = 1
        order by record desc
        limit 1
        """
    ).fetchall()
    if unclosed:
        raise InvalidInput(f"{source}: a quote opened in line {unclosed[0][0]} is never closed")
    if records == 0:
        raise InvalidInput(f"{source}: no rows below the header")
    if records != parsed + rejected or matched != parsed:
        raise InvalidInput(
            f"{source}: {records} records but {parsed} rows and {rejected} ragged ones; is a quote open?"
        )


def _read_parquet(stage: Cursor, path: Path, columns: Sequence[Column]) -> list[Column]:
    header = [
        row[0]
        for row in stage.execute("describe select * from read_parquet($file)", {"file": str(path)}).fetchall()
    ]
    at = known_columns(header, columns, path.name)
    chosen = ", ".join(f'cast("{header[i]}" as varchar) as {name}' for name, i in at.items())
    stage.execute(
        f"create or replace temp table raw as select row_number() over () as record, {chosen} from read_parquet($file)",  # noqa: S608
        {"file": str(path)},
    )
    return _place_rows(stage, path.name, [column for column in columns if column.name in at])


def _read_frame(stage: Cursor, frame: pd.DataFrame, columns: Sequence[Column]) -> list[Column]:
    at = known_columns([str(name) for name in frame.columns], columns, source_name(frame))
    text = pd.DataFrame({name: frame.iloc[:, i].astype("string") for name, i in at.items()})
    with registered(stage, "incoming", text):
        stage.execute(
            "create or replace temp table raw as select row_number() over () as record, * from incoming"
        )
    return _place_rows(stage, source_name(frame), [column for column in columns if column.name in at])


def _place_rows(stage: Cursor, source: str, columns: list[Column]) -> list[Column]:
    """A source without lines: a row's place is its number, its raw text the row as JSON."""
    fields = ", ".join(f"'{column.name}', {column.name}" for column in columns)
    stage.execute("create or replace temp table rejected (record bigint, reasons text[])")
    stage.execute(
        f"create or replace temp view places as select record, record as line, json_object({fields}) as raw from raw"  # noqa: S608
    )
    if first_row(stage, "select count(*) from raw") == (0,):
        raise InvalidInput(f"{source}: no rows")
    return columns
