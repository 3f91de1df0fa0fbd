"""Texts of people: what may be kept and shown, in a line, in a terminal, in a file that a spreadsheet opens.

A learner may be called `=HYPERLINK(…)`. Whatever a spreadsheet would take for the beginning of a formula gets an
apostrophe before it, and characters that act in a terminal, or turn the direction of writing, are replaced.
"""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TextIO

from engagement.errors import InvalidInput

# Control characters can forge log lines and mail headers; direction overrides can show a text as another one.
# Half of a pair of surrogates is no character: no file could hold it.
UNSAFE_CHARACTERS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# What acts in a terminal, or shows a line as another one: the above, and line ends of other alphabets and marks.
ACTS_IN_A_LINE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
# After white space and characters of no width: what a spreadsheet reads as the beginning of a formula.
_FORMULA: Final = re.compile(r"[\s\u200b-\u200f\u2060\ufeff]*[=+\-@|%\t\r\n\uff1d\uff0b\uff0d\uff20]")
LONGEST_TEXT: Final = 2_000  # of what a person writes about a learner or a decision


def plain_text(field: str, text: str) -> str:
    """Return what a person wrote, without white space around it; `InvalidInput` where it may not be kept."""
    text = text.replace("\r\n", "\n").strip()
    if len(text) > LONGEST_TEXT:
        raise InvalidInput(f"{field}: {len(text):,} characters; allowed are {LONGEST_TEXT:,}")
    if UNSAFE_CHARACTERS.search(text):
        raise InvalidInput(f"{field}: holds a control character or a change of writing direction")
    return text


def one_line(value: object, longest: int) -> str:
    """Return a value as one line of at most `longest` characters, with nothing in it that acts in a terminal."""
    line = re.sub(r" *\n\s*", " ", "" if value is None else str(value))
    text = ACTS_IN_A_LINE.sub("\N{REPLACEMENT CHARACTER}", line)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def iso_utc(instant: datetime) -> str:
    """Return a naive UTC instant as programs and spreadsheets read it, to the second.

    >>> iso_utc(datetime(2026, 11, 22, 23, 59, 59, 999999))
    '2026-11-22T23:59:59Z'
    """
    return f"{instant.isoformat(timespec='seconds')}Z"


def write_spreadsheet(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], file: TextIO) -> None:
    """Write those columns of the rows as CSV for a spreadsheet, the header first; a missing value is an empty cell.

    Numbers stay numbers, so that a spreadsheet can count with them; only texts can begin a formula. An instant is ISO
    text in UTC.
    """
    writer = csv.writer(file)
    writer.writerow(columns)
    writer.writerows([_cell(row[column]) for column in columns] for row in rows)


def _cell(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, datetime):
        return iso_utc(value)
    text = UNSAFE_CHARACTERS.sub("\N{REPLACEMENT CHARACTER}", "" if value is None else str(value))
    return f"'{text}" if _FORMULA.match(text) else text
