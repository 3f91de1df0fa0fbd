"""A sheet of an Excel workbook as the lines of a CSV file, one a row: a refused row is found in the sheet by its line.

A cell of text stays as it is, zeros before a number and all; one with a date becomes an ISO date, whatever it is shown
as. Whatever a workbook unpacks to is looked at first, because who reads it makes room for every cell between its
outermost ones.
"""

import copy
import csv
import io
import itertools
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engagement.errors import InvalidInput
from engagement.files.bombs import bomb, most_unpacked
from engagement.files.kinds import ZIP

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

Cell = int | float | str | bool | time | date | datetime | timedelta

_SAVE: Final = "save it as CSV UTF-8"
_KINDS: Final = {  # by a part that it has
    "xl/workbook.bin": "a binary workbook (.xlsb); save it as .xlsx or as CSV UTF-8",
    "content.xml": "an OpenDocument file; save it as .xlsx or as CSV UTF-8",
    "word/document.xml": "a Word document, not a table; save its table as CSV UTF-8",
}
_BOOK: Final = "xl/workbook.xml"
_CHUNK: Final = 1024 * 1024
_OVERLAP: Final = 64  # bytes: no place of a cell is cut in two
_PLACE: Final = re.compile(rb"""\br\s*=\s*["']([A-Z]{1,3})([0-9]{1,7})["']""")
_SHEETS: Final = "worksheets/"
_STRINGS: Final = "xl/sharedStrings.xml"
_A_STRING: Final = re.compile(rb"<(?:\w+:)?si\b")
_IS_SHARED: Final = re.compile(rb"""\bt\s*=\s*["']s["']""")
_SHARED: Final = re.compile(rb"""\bt\s*=\s*["']s["'][^<>]*>\s*<(?:\w+:)?v>\s*([0-9]{1,9})""")
_MOST_CELLS: Final = 30_000_000  # 24 bytes each
# With every letter an A, every digit a 0 and both quotes one: without any of these a sheet has at most 26 columns and
# 999,999 rows.
_ALIKE: Final = bytes.maketrans(
    bytes(range(65, 91)) + bytes(range(48, 58)) + b"'", b"A" * 26 + b"0" * 10 + b'"'
)
_FAR: Final = (b'"AA', b"A0000000")
_VALUE: Final = b"v>"  # stands twice where a cell says anything
_MOST_TEXT: Final = 512 * 1024 * 1024  # bytes, of all texts where they are used
# Among them an unknown compression and a password.
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    struct.error,
    NotImplementedError,
    RuntimeError,
    ValueError,
    KeyError,
    OSError,
)
_LINES: Final = 1_000
_ODD: Final = {float, datetime}  # of which some are not to be written as they come
_EXACT: Final = 1e15  # a larger number has lost digits in a sheet


def is_workbook(path: Path, start: bytes) -> bool:
    """Return whether a file is a workbook that can be read, by what is in it and not by its name.

    Raises `InvalidInput` for another one that is packed alike.
    """
    if not start.startswith(ZIP):
        return False
    with _unpacked(path) as archive:
        names = set(archive.namelist())
    for part, what in _KINDS.items():
        if part in names:
            raise InvalidInput(f"{path.name}: {what}")
    return _BOOK in names


def as_csv(path: Path, sheet: str) -> Iterator[bytes]:
    """Yield a sheet as CSV in UTF-8; the only one that has something where none is named.

    Raises `InvalidInput` for a damaged workbook, one that is far larger than it seems, and where it must be said which
    sheet is meant.
    """
    _refuse_bomb(path)
    with _book(path) as book:
        yield from _lines(_chosen(book, sheet, path.name))


def _lines(sheet: "CalamineSheet") -> Iterator[bytes]:
    rows = sheet.iter_rows()
    while some := list(itertools.islice(rows, _LINES)):
        cells = list(zip(*map(_plain_column, zip(*some, strict=True)), strict=True))
        text = _csv(cells)
        if text.count("\n") > len(some):
            text = _csv([[" ".join(str(cell).splitlines()) for cell in row] for row in cells])
        yield text.encode("utf-8", "replace")


def _csv(rows: Sequence[Sequence[Cell]]) -> str:
    """Return the rows as CSV; one of empty cells is an empty line: it is only not there."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    for row in rows:
        writer.writerow(row if row and (row[0] != "" or any(cell != "" for cell in row)) else [])
    return out.getvalue()


def _plain_column(cells: Sequence[Cell]) -> Sequence[Cell]:
    return cells if _ODD.isdisjoint(map(type, cells)) else [_plain(cell) for cell in cells]


def _plain(cell: Cell) -> Cell:
    """Return a cell so that it is written as it is read.

    >>> _plain(8462.0), _plain(41.5), _plain(datetime(2026, 2, 11, 8, 12, 31, 999_000)).isoformat()
    (8462, 41.5, '2026-02-11T08:12:32')
    """
    if isinstance(cell, float):
        return int(cell) if cell.is_integer() and abs(cell) < _EXACT else cell
    if isinstance(cell, datetime) and cell.microsecond:
        # It is a fraction of a day there, and rarely a whole number of seconds.
        return (cell + timedelta(milliseconds=500)).replace(microsecond=0)
    return cell


def _chosen(book: "CalamineWorkbook", told: str, name: str) -> "CalamineSheet":
    visible = [sheet.name for sheet in book.sheets_metadata if str(sheet.visible).endswith(".Visible")]
    if told:
        if told not in book.sheet_names:
            raise InvalidInput(
                f"{name}: no sheet is called {told[:40]!r}; there is {_listed(book.sheet_names)}"
            )
        return book.get_sheet_by_name(told)
    filled = [sheet for sheet in map(book.get_sheet_by_name, visible) if sheet.end]
    if not filled:
        raise InvalidInput(f"{name}: no sheet of the workbook holds anything")
    if len(filled) > 1:
        raise InvalidInput(
            f"{name}: a workbook of {len(filled)} sheets, {_listed([sheet.name for sheet in filled])}; "
            f"`--sheet` says which"
        )
    return filled[0]


def _listed(names: list[str]) -> str:
    return ", ".join(map(repr, names[:10]))


def _refuse_bomb(path: Path) -> None:
    """Refuse a workbook that takes far more room than its size lets one think, once it is read."""
    left, longest, marks = most_unpacked(path), 0, 0
    with _unpacked(path) as archive:
        for part in archive.infolist():
            is_far, unfinished = False, 0
            for chunk in _chunks(archive, part, left, path.name):
                left -= len(chunk)
                if _SHEETS in part.filename:
                    below = (
                        chunk.find(b"sheetData") if b"<?xml" in chunk[:_OVERLAP] else 0
                    )  # its encoding="UTF-8"
                    alike = b"" if is_far else chunk[below:].translate(_ALIKE)
                    is_far = is_far or any(place in alike for place in _FAR)
                    marks += chunk.count(_VALUE)
                elif part.filename == _STRINGS:
                    texts = list(map(len, chunk.split(b"si>")))
                    texts[0] += unfinished
                    longest, unfinished = max(longest, *texts), texts[-1]
            if is_far:
                _refuse_far_cells(archive, part, path.name)
        if marks // 2 * longest > _MOST_TEXT and _text_where_it_is_used(archive) > _MOST_TEXT:
            raise bomb(path.name)


def _refuse_far_cells(archive: zipfile.ZipFile, part: zipfile.ZipInfo, name: str) -> None:
    last_row = last_column = 0
    for chunk in _chunks(archive, part, part.file_size, name):
        places = _PLACE.findall(chunk)
        last_row = max(last_row, max((int(row) for _, row in places), default=0))
        last_column = max(last_column, *map(_column_number, {column for column, _ in places}), 0)
    if (cells := last_row * last_column) > _MOST_CELLS:
        raise InvalidInput(
            f"{name}: a sheet of {cells:,} cells, empty ones with it, more than {_MOST_CELLS:,}; {_SAVE}"
        )


def _text_where_it_is_used(archive: zipfile.ZipFile) -> int:
    """Return how many bytes the texts take that stand once in the file, and again in each cell that shows them."""
    lengths = _lengths(archive.read(_STRINGS))
    total = 0
    for part in archive.namelist():
        if _SHEETS in part:
            sheet = archive.read(part)
            shown = [int(number) for number in _SHARED.findall(sheet)]
            if len(shown) < len(_IS_SHARED.findall(sheet)):  # written as no program does
                return _MOST_TEXT + 1
            total += sum(lengths[number] for number in shown if number < len(lengths))
    return total


def _lengths(strings: bytes) -> list[int]:
    """Return how long each shared text is with its mark-up."""
    starts = [found.start() for found in _A_STRING.finditer(strings)]
    return [end - start for start, end in itertools.pairwise([*starts, len(strings)])]


def _chunks(archive: zipfile.ZipFile, part: zipfile.ZipInfo, left: int, name: str) -> Iterator[bytes]:
    """Yield a part of the archive; `InvalidInput` once it is longer than what is `left`, whatever it says of itself."""
    whole = copy.copy(part)
    whole.file_size = left + 2 * _CHUNK  # so that its end is not reached before that
    with archive.open(whole) as file:
        read = 0
        rest = b""
        while chunk := file.read(_CHUNK):
            read += len(chunk)
            if read > left:
                raise bomb(name)
            yield rest + chunk
            rest = chunk[-_OVERLAP:]


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


@contextmanager
def _unpacked(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except _DAMAGE:
        raise _damaged(path) from None


@contextmanager
def _book(path: Path) -> Iterator["CalamineWorkbook"]:
    import python_calamine  # most files are none

    try:
        # Handed a path it would go by the name.
        with path.open("rb") as file, python_calamine.load_workbook(file) as book:
            yield book
    except (python_calamine.CalamineError, OSError, ValueError):
        raise _damaged(path) from None
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # how Rust ends, which is no `Exception`
            raise _damaged(path) from None
        raise


def _damaged(path: Path) -> InvalidInput:
    return InvalidInput(
        f"{path.name}: a workbook or a zip archive that is damaged or has a password; {_SAVE}"
    )
