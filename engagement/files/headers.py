"""Where the header of a table stands, and what separates its columns.

Above it there may be titles, comments, or a first row of headings over several columns: the header is the line that
names columns which somebody looks for. Names are compared as a reader sees them, whatever spaces stand in them and
however their letters are composed.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from engagement.errors import InvalidInput

MOST_COLUMNS: Final = 10_000
_DELIMITERS: Final = ",;\t|"
_LOOKED_AT_LINES: Final = 50
_LINES_OF_A_HEADER: Final = 200  # a name may be of several
_ROWS_BELOW: Final = 1_000
# With none of the names a first line may well be somebody's data, and one word in it a name by chance.
A_HEADER_NAMES: Final = 2
_SEP_LINE: Final = re.compile(r'^"?sep=(\\t|.)"?$', re.IGNORECASE)  # how Excel is told, in a line of its own
_A_VALUE: Final = re.compile(
    r"[^@\s]+@[^@\s]+\.\w+|\d{4}-\d\d-\d\d.*|\d{1,2}[./]\d{1,2}[./]\d{2,4}.*|[+-]?\d+([.,]\d+)?\s*%?"
)
_VALUES_OF_A_ROW: Final = 2


@dataclass(frozen=True)
class Layout:
    """What stands above the rows: how many lines to skip, the delimiter, the header's names, what to say of it."""

    skip: int
    delimiter: str
    names: list[str]
    note: str = ""


def seen_name(text: str) -> str:
    """Return a name as a reader sees it: composed letters, single spaces, and nothing that does not show."""
    if not text.isascii():
        composed = unicodedata.normalize("NFC", text)
        text = "".join(sign for sign in composed if unicodedata.category(sign) != "Cf")
    return " ".join(text.split())


def plain_name(text: str) -> str:
    r"""Return a name as it is compared.

    >>> plain_name(" Last\u00a0 Access\u200b")
    'last access'
    """
    return seen_name(text).casefold()


def looks_like_row(fields: Sequence[str]) -> bool:
    """Return whether a line holds values rather than names: an address, dates, numbers."""
    values = [field for field in fields if _A_VALUE.fullmatch(field.strip())]
    return len(values) >= _VALUES_OF_A_ROW or any("@" in value for value in values)


def find_layout(start: str, name: str, wanted: Collection[str], likely: Collection[str]) -> Layout:
    """Return the layout of a file that begins with `start`; `wanted` are the names that its header may have.

    Where no line has them, it is the one with names that are `likely`, so that whoever loads it is told of those.
    Raises `InvalidInput` where there is nothing, and for a header that cannot be split.
    """
    lines = list(io.StringIO(start, newline=""))
    known = {plain_name(text) for text in wanted}
    first, told = _above(lines, name)
    if first == len(lines):
        many = f": more than {first:,} empty lines" if first > _LOOKED_AT_LINES else ""
        raise InvalidInput(f"{name}: the file is empty{many}")
    split = {at: _best(lines, at, told, known) for at in _looked_at(lines, first)}
    at = first
    for looked_for in (known, known.union(map(plain_name, likely))):
        best = max(split, key=lambda at: (_named(split[at][0], looked_for), -at))
        if _named(split[best][0], looked_for) >= A_HEADER_NAMES:
            at = best
            break
    fields, delimiter = split[at]
    if not fields:
        raise InvalidInput(f"{name}: the header cannot be split into columns; is a quote open?")
    _refuse_odd(fields, known, name)
    names = fields if any(_spare(fields, lines[at:], delimiter)) else _without_end(fields)
    note = f"the header was found in line {at + 1}; what stands above it was left out" if at > first else ""
    return Layout(at, delimiter, names, note)


def split_first(lines: Iterable[str], delimiter: str) -> list[str]:
    """Return the fields of the first record of some lines; none where it cannot be split."""
    try:
        return next(csv.reader(lines, delimiter=delimiter, skipinitialspace=delimiter != " "), [])
    except csv.Error:
        return []


def _above(lines: Sequence[str], name: str) -> tuple[int, str]:
    """Return the first line that holds something, and the delimiter that a line above it tells."""
    told = ""
    for at, line in enumerate(lines):
        if separator := _SEP_LINE.match(line.rstrip("\r\n")):
            told = separator[1].replace("\\t", "\t")
            if not told.isascii() or told.isalnum() or told == '"':
                raise InvalidInput(
                    f"{name}: line {at + 1} says that {told!r} separates the columns; it cannot"
                )
        elif line.strip():
            return at, told
    return len(lines), told


def _looked_at(lines: Sequence[str], first: int) -> list[int]:
    """Return the first lines that hold something."""
    return [at for at in range(first, min(len(lines), first + _LOOKED_AT_LINES)) if lines[at].strip()]


def _best(lines: Sequence[str], at: int, told: str, known: set[str]) -> tuple[list[str], str]:
    """Return the line as the delimiter splits it that makes the most names known ones, or the most of all."""
    record = lines[at : at + _LINES_OF_A_HEADER]
    split = [(split_first(record, delimiter), delimiter) for delimiter in (told or _DELIMITERS)]
    return max(split, key=lambda found: (_named(found[0], known), len(found[0])))


def _named(fields: Sequence[str], known: set[str]) -> int:
    return len({plain_name(text) for text in fields} & known)


def _refuse_odd(fields: Sequence[str], known: set[str], name: str) -> None:
    """Refuse what has names, but is no table as it should be."""
    if len(fields) > MOST_COLUMNS:
        raise InvalidInput(
            f"{name}: {len(fields):,} columns, more than {MOST_COLUMNS:,}; is it a table with a row per learner, and "
            "does each row end in a line of its own?"
        )
    bare = [text.strip()[1:-1] for text in fields if re.fullmatch(r"'.*'", text.strip())]
    if _named(fields, known) < A_HEADER_NAMES <= _named(bare, known):
        raise InvalidInput(f"{name}: its texts stand in ' where CSV has \"; export it with double quotes")


def _without_end(fields: Sequence[str]) -> list[str]:
    """Return the fields without the empty ones at their end, which a delimiter at the end of the line makes."""
    last = max((at for at, text in enumerate(fields) if text.strip()), default=-1)
    return list(fields[: last + 1])


def _spare(fields: Sequence[str], lines: Sequence[str], delimiter: str) -> list[str]:
    """Return what the first rows have below names that are empty, at the end of the header."""
    width = len(_without_end(fields))
    if width == len(fields):
        return []
    try:
        rows = list(csv.reader(lines[:_ROWS_BELOW], delimiter=delimiter))[1:]
    except csv.Error:
        return []
    return [text for row in rows for text in row[width:] if text.strip()]
