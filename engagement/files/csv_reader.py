"""CSV files as a table of text, with the place of every row.

DuckDB's own sniffer turned one ragged line into a file of one row, so nothing is sniffed: the delimiter is the one
that makes the header's names known ones.

The reader says which rows it took, not where they stood. So that a refused row can be shown with its line and its
text, each record's beginning is found apart from it, in one pass of numpy over the bytes, and the two must agree: a
file whose records do not add up is refused. A record goes on over the end of a line while a quote is open; a quote
opens only at the beginning of a field, or after spaces there.
"""

import io
import itertools
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from engagement.errors import InvalidInput
from engagement.files.encoding import PlainText, plain_text, start_of_text
from engagement.files.headers import Layout, find_layout, split_first
from engagement.store import TEXT_ROWS_PER_BLOCK, Cursor, pattern, query, registered
from engagement.text import INVISIBLE, SPACES, plain_id

Ints = npt.NDArray[np.int64]

_HEADER_CHARACTERS: Final = 1_000_000
# DuckDB takes no longer line, and never comes back from some quoted texts beyond; a quote left open makes such.
_LONGEST_RECORD: Final = 2_000_000
# As databases write it that are not told otherwise, MySQL among them.
_BACKSLASH: Final = """row: quotes written as \\", where CSV doubles them (in MySQL ESCAPED BY '"')"""
_MANY_BLANK: Final = 10_000
_WIDE: Final = 6  # in so many columns no text has as many delimiters by chance
_BLOCK: Final = 16 * 1024 * 1024
_QUOTE: Final = ord('"')
_LINE_END: Final = ord("\n")
_RETURN: Final = ord("\r")


class Named(Protocol):
    """A column of ours."""

    @property
    def name(self) -> str:
        """What it is called here, a word of SQL."""


Column = TypeVar("Column", bound=Named)


@dataclass(frozen=True, eq=False)
class Records:
    """The records of a file that are not blank: the byte where each begins, and its line, counted from 1.

    `numbers` counts records from 1, with the blank ones.
    """

    path: Path
    starts: Ints
    lines: npt.NDArray[np.int32]
    numbers: npt.NDArray[np.int32]
    open_line: int | None  # where the record begins in which a quote is never closed
    long_line: int | None  # where the first one begins that is longer than the reader takes

    def below(self, lines: int) -> "Records":
        """Return the records below the first so many lines and the header that follows them."""
        first = int(np.searchsorted(self.lines, lines, side="right")) + 1
        return replace(
            self, starts=self.starts[first:], lines=self.lines[first:], numbers=self.numbers[first:]
        )

    def texts(self, positions: Ints) -> list[str]:
        """Return the records at these positions as they stand in the file, lines in them ended by LF."""
        ends = np.append(self.starts[1:], self.path.stat().st_size)
        texts = []
        with self.path.open("rb") as file:
            for start, end in zip(self.starts[positions].tolist(), ends[positions].tolist(), strict=True):
                file.seek(start)
                texts.append(file.read(end - start).decode().replace("\r\n", "\n").rstrip("\n"))
        return texts


class CsvFile(Generic[Column]):
    """One CSV file; `open_csv` makes it. Its rows are `relation`, its columns' texts under our names."""

    def __init__(
        self,
        name: str,
        records: Records,
        layout: Layout,
        header: Mapping[Column, int],
        plain: PlainText,
    ) -> None:
        self.name = name
        self.encoding = plain.encoding
        self.notes: Sequence[str] = [note for note in (plain.guess, layout.note) if note]
        self.columns: Sequence[Column] = list(header)
        self.comma_is_decimal = layout.delimiter != ","
        self._records = records
        self._layout = layout
        self._header = header
        chosen = ", ".join(f"c{at} as {column.name}" for column, at in header.items())
        types = ", ".join(f"'c{at}': 'VARCHAR'" for at in range(len(layout.names)))
        self.relation = f"""(
            select {chosen}
            from read_csv($file, auto_detect = false, header = true, skip = $skip, delim = $delimiter,
                quote = '"', escape = '"', columns = {{{types}}},
                store_rejects = true, rejects_table = 'csv_errors', rejects_scan = 'csv_scans')
        )"""  # noqa: S608 (names from the schema)
        self.parameters: Mapping[str, object] = {
            "file": pattern(records.path),
            "skip": layout.skip,
            "delimiter": layout.delimiter,
        }
        self._not_rows: list[str] = []
        self._taken: Ints

    def refused(self, stage: Cursor, taken: int) -> pd.DataFrame:
        """Return the records that are no rows, `line`, `raw`, `reasons`; `taken` is how many rows the reader took.

        Raises `InvalidInput` where records and rows do not add up.
        """
        found = self._records
        rejected = stage.execute(query("files/rejected_rows")).df()
        stage.execute(
            "drop table csv_errors; drop table csv_scans"
        )  # the next file may come in the same staging
        at = np.flatnonzero(np.isin(found.numbers, rejected["record"]))
        if not len(at) == len(rejected) == len(found.starts) - taken:
            self._refuse_gap()
            raise InvalidInput(
                f"{self.name}: {len(found.starts)} records but {taken} rows and {len(rejected)} ragged ones; "
                "is a quote open?"
            )
        self._taken = np.delete(np.arange(len(found.starts)), at)
        texts = found.texts(at)
        blank = re.compile(f'[{SPACES}{INVISIBLE}{re.escape(self._layout.delimiter)}"]*')
        kept = [not blank.fullmatch(text) for text in texts]
        self._not_rows = list(itertools.compress(texts, kept))
        self._refuse_swallowed(stage)
        # A quote that ends a field has nothing but its end behind it.
        backslashed = re.compile(rf'\\"[^"\r\n{re.escape(self._layout.delimiter)}]')
        reasons = [
            [_BACKSLASH] if backslashed.search(text) else list(reasons)
            for text, reasons in zip(self._not_rows, rejected["reasons"].to_numpy()[kept], strict=True)
        ]
        return pd.DataFrame({"line": found.lines[at][kept], "raw": self._not_rows, "reasons": reasons})

    def leave_out(self, not_rows: Sequence[int]) -> None:
        """Take those of the records that were no rows for none at all, by their number from 0."""
        left = set(not_rows)
        self._not_rows = [text for at, text in enumerate(self._not_rows) if at not in left]

    def _refuse_gap(self) -> None:
        """Refuse a file in which there is so much of nothing between two rows that the reader loses its place."""
        gaps = np.diff(self._records.numbers, prepend=0) - 1
        if len(gaps) and gaps.max() > _MANY_BLANK:
            at = int(gaps.argmax())
            raise InvalidInput(
                f"{self.name}: {gaps[at]:,} empty lines above line {self._records.lines[at]:,}; take them away"
            )

    def _refuse_swallowed(self, stage: Cursor) -> None:
        """Give a reason to the rows in whose quotes other rows stand, whose last values would be taken for theirs."""
        width, delimiter = len(self._layout.names), self._layout.delimiter
        if width < _WIDE:
            return
        lines = self._records.lines
        goes_on = np.diff(lines, append=np.iinfo(lines.dtype).max) > 1
        some_lines = np.flatnonzero(goes_on[self._taken])
        swallowing: list[int] = []
        for start in range(0, len(some_lines), TEXT_ROWS_PER_BLOCK):
            rows = some_lines[start : start + TEXT_ROWS_PER_BLOCK]
            for row, text in zip(rows.tolist(), self._records.texts(self._taken[rows]), strict=True):
                first, *others = text.split("\n")
                if first.count(delimiter) == width - 1 and any(
                    len(_fields(other, delimiter)) == width for other in others
                ):
                    swallowing.append(row)
        if swallowing:
            with registered(stage, "swallowing", pd.DataFrame({"row": swallowing})):
                stage.execute(
                    "update checked set reasons = concat_ws(chr(10), $reason, reasons) "
                    "where rowid in (select row from swallowing)",
                    {"reason": "row: holds other rows; is a quote open?"},
                )

    def fields_of_not_rows(self) -> pd.DataFrame:
        """Return each `text` that may be a field of a `record` that was no row, and whether it `is_id` by its place."""
        place = next((at for column, at in self._header.items() if column.name == "id"), None)
        delimiter = self._layout.delimiter
        found = []
        for record, text in enumerate(self._not_rows):
            fields = _fields(text, delimiter)
            found += [(record, plain_id(field), at == place) for at, field in enumerate(fields)]
            parts = re.split(f'[{re.escape(delimiter)}\n"]', text)  # where a quote stands wrong
            found += [(record, plain_id(part), False) for part in parts]
        return pd.DataFrame(found, columns=["record", "text", "is_id"]).astype(
            {"text": "str", "is_id": "bool"}
        )

    @property
    def lines(self) -> Ints:
        """The line of each row that was taken."""
        return self._records.lines[self._taken].astype(np.int64)

    def places(self, stage: Cursor, rows: Ints) -> pd.DataFrame:
        """Return the `line` and the text, `raw`, of rows that were taken, by their number from 0."""
        at = self._taken[rows]
        return pd.DataFrame({"line": self._records.lines[at], "raw": self._records.texts(at)})


@contextmanager
def open_csv(
    path: Path,
    *,
    encoding: str,
    sheet: str,
    wanted: Collection[str],
    likely: Collection[str],
    choose: Callable[[Sequence[str]], Mapping[Column, int]],
) -> Iterator[CsvFile[Column]]:
    """Yield the file as a table of text.

    Parameters
    ----------
    encoding
        In which it is; empty where nobody says.
    sheet
        Of a workbook, likewise.
    wanted
        The names that columns may have in the header.
    likely
        Names by which a header is found that has none of these.
    choose
        Which column of ours stands where in a header; it raises `InvalidInput` for one that will not do.

    Raises
    ------
    InvalidInput
        An empty file, or what is no text.
    """
    with plain_text(path, encoding, sheet=sheet) as plain:
        layout = _layout(plain.path, path.name, wanted, likely)
        header = choose(layout.names)
        yield CsvFile(path.name, _records(plain.path, path.name, layout), layout, header, plain)


def header_of(
    path: Path, *, encoding: str, sheet: str, wanted: Collection[str], likely: Collection[str]
) -> list[str]:
    """Return the names in the header of a file, as `open_csv` finds it."""
    start = start_of_text(path, encoding, sheet=sheet)[:_HEADER_CHARACTERS]
    return list(find_layout(start, path.name, wanted, likely).names)


def _records(path: Path, name: str, layout: Layout) -> Records:
    """Return the records below the header; found before the file is read, because an open quote swallows the rest."""
    found = find_records(path, delimiter=layout.delimiter)
    if found.open_line is not None:
        raise InvalidInput(f"{name}: a quote opened in line {found.open_line} is never closed")
    if found.long_line is not None:
        raise InvalidInput(
            f"{name}: the row in line {found.long_line} is longer than {_LONGEST_RECORD // 1_000_000} MB; "
            "is a quote open?"
        )
    below = found.below(layout.skip)
    if not len(below.starts):
        raise InvalidInput(f"{name}: no rows below the header")
    return below


def _layout(path: Path, name: str, wanted: Collection[str], likely: Collection[str]) -> Layout:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return find_layout(file.read(_HEADER_CHARACTERS), name, wanted, likely)


def _fields(text: str, delimiter: str) -> list[str]:
    """Return the fields of the first record; none where it cannot be split."""
    return split_first(io.StringIO(text, newline=""), delimiter)


def find_records(path: Path, *, delimiter: str) -> Records:
    """Return the records of a file in UTF-8 whose lines end in LF or CRLF, blank ones left out."""
    delimiter_byte = ord(delimiter)
    starts: list[npt.NDArray[Any]] = []
    lines: list[npt.NDArray[Any]] = []
    numbers: list[npt.NDArray[Any]] = []
    begun_at = begun_in = 0  # the record that goes on at the beginning of a block
    offset = line = number = 0
    inside = False
    long_line = None
    for block in _blocks(path):
        bytes_ = np.frombuffer(block, np.uint8)
        line_ends = np.flatnonzero(bytes_ == _LINE_END)
        ends_record, inside = _ends_of_records(block, bytes_, line_ends, inside, delimiter_byte)
        ends = line_ends[ends_record]
        begins = np.append(begun_at, ends + 1 + offset)
        begins_in = np.append(begun_in, np.flatnonzero(ends_record) + 1 + line)
        lengths = ends + offset - begins[:-1]
        if long_line is None and len(long := np.flatnonzero(lengths > _LONGEST_RECORD)):
            long_line = int(begins_in[long[0]]) + 1
        is_blank = (lengths == 0) | ((lengths == 1) & (bytes_[ends - 1] == _RETURN))
        starts.append(begins[:-1][~is_blank])
        lines.append((begins_in[:-1][~is_blank] + 1).astype(np.int32))
        numbers.append((np.flatnonzero(~is_blank) + number + 1).astype(np.int32))
        begun_at, begun_in = begins[-1], begins_in[-1]
        offset += len(block)
        line += len(line_ends)
        number += len(ends)
    return Records(
        path,
        _joined(starts, np.int64),
        _joined(lines, np.int32),
        _joined(numbers, np.int32),
        int(begun_in) + 1 if inside else None,
        long_line,
    )


def _joined(parts: list[npt.NDArray[Any]], kind: type[np.integer[Any]]) -> npt.NDArray[Any]:
    """Return the parts as one, which empties the list: a file of ten million records has many."""
    whole = np.concatenate([np.array([], kind), *parts])
    parts.clear()
    return whole


def _blocks(path: Path) -> Iterator[bytes]:
    """Yield the file in blocks of whole lines; the last line ends even where the file's does not."""
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            if not block.endswith(b"\n"):
                block += file.readline()
            yield block if block.endswith(b"\n") else block + b"\n"


def _ends_of_records(
    block: bytes, bytes_: npt.NDArray[np.uint8], line_ends: Ints, inside: bool, delimiter: int
) -> tuple[npt.NDArray[np.bool_], bool]:
    """Return which line ends are ends of records, and whether a quote is open after the block."""
    quotes = np.flatnonzero(bytes_ == _QUOTE)
    if not len(quotes):
        return np.full(len(line_ends), not inside), inside
    opening, closing = quotes[int(inside) :: 2], quotes[1 - int(inside) :: 2]
    before = bytes_[opening - 1]  # before the first byte stands the last one, a line end, as it should
    after = bytes_[closing + 1]  # a block ends with a line end, so a quote is never its last byte
    may_stand_there = np.zeros(256, np.bool_)
    may_stand_there[[_QUOTE, delimiter, _LINE_END]] = True
    at_field_start = may_stand_there[before].all()
    may_stand_there[_RETURN] = True
    at_field_end = may_stand_there[after].all()
    if not (at_field_start and at_field_end):
        return _ends_line_by_line(block, inside, bytes([delimiter]))
    quotes_before = np.searchsorted(quotes, line_ends) + int(inside)
    return quotes_before % 2 == 0, bool((len(quotes) + int(inside)) % 2)


def _ends_line_by_line(block: bytes, inside: bool, delimiter: bytes) -> tuple[npt.NDArray[np.bool_], bool]:
    """Do the same where quotes also stand within fields, which counting them cannot tell apart."""
    closed = []
    for line in io.BytesIO(block):
        inside = _is_open_after(line, inside, delimiter) if inside or b'"' in line else False
        closed.append(not inside)
    return np.array(closed, np.bool_), inside


def _is_open_after(line: bytes, inside: bool, delimiter: bytes) -> bool:
    at = 0
    while True:
        if not inside:
            while delimiter != b" " and line.startswith(b" ", at):  # the reader passes over them too
                at += 1
            if not line.startswith(b'"', at):
                at = line.find(delimiter, at) + 1
                if not at:
                    return False
                continue
            at += 1
        at = line.find(b'"', at) + 1
        if not at:
            return True
        inside = line.startswith(b'"', at)  # two quotes are one that is meant
        at = at + 1 if inside else line.find(delimiter, at) + 1
        if not at:
            return False
