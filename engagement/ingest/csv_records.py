"""Where each record of a CSV file begins, so that a refused row can be shown with its line and its text.

The CSV reader says which rows it took, not where they stood. That is found apart from it, in one pass of numpy over
the bytes, and the two must agree: a file whose records do not add up is refused. A record goes on over the end of a
line while a quote is open; a quote opens only at the beginning of a field, or after spaces there.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

_BLOCK: Final = 16 * 1024 * 1024
_QUOTE: Final = ord('"')
_LINE_END: Final = ord("\n")
_RETURN: Final = ord("\r")


@dataclass(frozen=True, eq=False)
class Records:
    """The records of a file that are not blank: the byte where each begins, and its line, counted from 1.

    `numbers` counts records from 1, with the blank ones.
    """

    path: Path
    starts: npt.NDArray[np.int64]
    lines: npt.NDArray[np.int32]
    numbers: npt.NDArray[np.int32]
    open_line: int | None  # where the record begins in which a quote is never closed

    def below(self, lines: int) -> "Records":
        """Return the records below the first so many lines and the header that follows them."""
        first = int(np.searchsorted(self.lines, lines, side="right")) + 1
        return Records(
            self.path, self.starts[first:], self.lines[first:], self.numbers[first:], self.open_line
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


def find(path: Path, *, delimiter: str) -> Records:
    """Return the records of a file in UTF-8 whose lines end in LF or CRLF, blank ones left out."""
    delimiter_byte = ord(delimiter)
    starts: list[npt.NDArray[Any]] = []
    lines: list[npt.NDArray[Any]] = []
    numbers: list[npt.NDArray[Any]] = []
    begun_at = begun_in = 0  # the record that goes on at the beginning of a block
    offset = line = number = 0
    inside = False
    for block in _blocks(path):
        bytes_ = np.frombuffer(block, np.uint8)
        line_ends = np.flatnonzero(bytes_ == _LINE_END)
        ends_record, inside = _ends_of_records(block, bytes_, line_ends, inside, delimiter_byte)
        ends = line_ends[ends_record]
        begins = np.append(begun_at, ends + 1 + offset)
        begins_in = np.append(begun_in, np.flatnonzero(ends_record) + 1 + line)
        lengths = ends + offset - begins[:-1]
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
    )


def _joined(parts: list[npt.NDArray[Any]], kind: type[np.integer[Any]]) -> npt.NDArray[Any]:
    """Return the parts as one, which empties the list: a file of ten million records has many."""
    whole = np.concatenate([np.array([], kind), *parts])
    parts.clear()
    return whole


def _blocks(path: Path) -> Iterator[bytes]:
    """Yield the file in blocks of whole lines; the last line ends even where the file's does not."""
    rest = b""
    with path.open("rb") as file:
        while read := file.read(_BLOCK):
            whole, end, unfinished = read.rpartition(b"\n")
            if end:
                yield rest + whole + end
                rest = unfinished
            else:
                rest += read
    if rest:
        yield rest + b"\n"


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
    at_field_start = np.isin(before, [_QUOTE, delimiter, _LINE_END]).all()
    at_field_end = np.isin(after, [_QUOTE, delimiter, _LINE_END, _RETURN]).all()
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
