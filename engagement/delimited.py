"""CSV files as a table of text, with the place of every row.

DuckDB's own sniffer turned one ragged line into a file of one row, so nothing is sniffed: the delimiter is the one
that makes the header's names known ones, and what the reader took is reconciled with the records of the file.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from engagement import records
from engagement.errors import InvalidInput
from engagement.headers import Header, match
from engagement.records import Ints, Records
from engagement.schema import Column
from engagement.store import Cursor, query
from engagement.transcoding import plain_text

_DELIMITERS: Final = ",;\t|"
_HEADER_CHARACTERS: Final = 1_000_000
_SEP_LINE: Final = re.compile(r'^"?sep=(\\t|.)"?$', re.IGNORECASE)  # how Excel is told, in a line of its own


@dataclass(frozen=True)
class _Layout:
    """What stands above the rows: how many lines to skip, the delimiter, the header's names."""

    skip: int
    delimiter: str
    names: list[str]


class CsvFile:
    """One CSV file; `open_csv` makes it. Its rows are `relation`, its columns' texts under our names."""

    def __init__(self, name: str, path: Path, layout: _Layout, header: Header) -> None:
        self.name = name
        self.columns: Sequence[Column] = header.columns
        self.comma_is_decimal = layout.delimiter != ","
        self._path = path
        self._layout = layout
        self._positions = header.positions
        chosen = ", ".join(f"c{at} as {column.name}" for column, at in header.positions)
        types = ", ".join(f"'c{at}': 'VARCHAR'" for at in range(len(layout.names)))
        self.relation = f"""(
            select {chosen}
            from read_csv($file, auto_detect = false, header = true, skip = $skip, delim = $delimiter,
                quote = '"', escape = '"', columns = {{{types}}},
                store_rejects = true, rejects_table = 'csv_errors', rejects_scan = 'csv_scans')
        )"""  # noqa: S608 (names from the schema)
        self.parameters: Mapping[str, object] = {
            "file": str(path),
            "skip": layout.skip,
            "delimiter": layout.delimiter,
        }
        self._not_rows: list[str] = []
        self._records: Records
        self._taken: Ints

    def refused(self, stage: Cursor, taken: int) -> pd.DataFrame:
        """Return the records that are no rows, `line`, `raw`, `reasons`; `taken` is how many rows the reader took.

        Raises `InvalidInput` where records and rows do not add up.
        """
        found = records.find(self._path, delimiter=self._layout.delimiter).below(self._layout.skip)
        if found.open_line is not None:
            raise InvalidInput(f"{self.name}: a quote opened in line {found.open_line} is never closed")
        if not len(found.starts):
            raise InvalidInput(f"{self.name}: no rows below the header")
        self._records = found
        rejected = stage.execute(query("rejected_rows")).df()
        at = np.flatnonzero(np.isin(found.numbers, rejected["record"]))
        if not len(at) == len(rejected) == len(found.starts) - taken:
            raise InvalidInput(
                f"{self.name}: {len(found.starts)} records but {taken} rows and {len(rejected)} ragged ones; "
                "is a quote open?"
            )
        self._taken = np.delete(np.arange(len(found.starts)), at)
        self._not_rows = found.texts(at)
        return pd.DataFrame({"line": found.lines[at], "raw": self._not_rows, "reasons": rejected["reasons"]})

    def ids_of_not_rows(self) -> list[str | None]:
        """Return what stands in the place of the id in each record that was no row; None where nothing does."""
        at = next(at for column, at in self._positions if column.name == "id")
        ids = []
        for text in self._not_rows:
            fields = _split(text, self._layout.delimiter, self.name)
            ids.append((fields[at].strip() if at < len(fields) else "") or None)
        return ids

    def places(self, stage: Cursor, rows: npt.NDArray[np.int64]) -> pd.DataFrame:
        """Return the `line` and the text, `raw`, of rows that were taken, by their number from 0."""
        at = self._taken[rows]
        return pd.DataFrame({"line": self._records.lines[at], "raw": self._records.texts(at)})


@contextmanager
def open_csv(path: Path, columns: Sequence[Column], names: Mapping[str, str]) -> Iterator[CsvFile]:
    """Yield the file as a table of those of `columns` that it has; `names` are its own names for some of them.

    Raises `InvalidInput` for an empty file, a header that lacks or doubles a column, and what is no text.
    """
    with plain_text(path) as plain:
        layout = _layout(plain, path.name, [names.get(column.name, column.name) for column in columns])
        yield CsvFile(path.name, plain, layout, match(layout.names, columns, names, path.name))


def _layout(path: Path, name: str, wanted: Sequence[str]) -> _Layout:
    with path.open(encoding="utf-8-sig", newline="") as file:
        start = file.read(_HEADER_CHARACTERS)
    if not start.strip():
        raise InvalidInput(f"{name}: the file is empty")
    skip, told = 0, ""
    for line in io.StringIO(start, newline=""):
        if separator := _SEP_LINE.match(line.rstrip("\r\n")):
            told = separator[1].replace("\\t", "\t")
        elif line.strip():
            break
        skip += 1
    header = "".join(line for at, line in enumerate(io.StringIO(start, newline="")) if at >= skip)
    known = {text.casefold() for text in wanted}

    def names_known(delimiter: str) -> tuple[int, int]:
        names = _split(header, delimiter, name)
        return sum(text.strip().casefold() in known for text in names), len(names)

    delimiter = told or max(_DELIMITERS, key=names_known)
    return _Layout(skip, delimiter, _split(header, delimiter, name))


def _split(header: str, delimiter: str, name: str) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(header, newline=""), delimiter=delimiter))
    except csv.Error:
        raise InvalidInput(f"{name}: the header cannot be split into columns; is a quote open?") from None
