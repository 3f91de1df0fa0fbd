"""Texts of people: what may be kept and shown, in a line, in a terminal, in a file that a spreadsheet opens.

An id is one however it came: from a file, where a spreadsheet guards it and a page adds marks that nobody sees, or
typed by hand. What is taken off it stands here, for Python and for the patterns of SQL alike.

A learner may be called `=HYPERLINK(…)`. In a workbook every text is a cell of text, whatever it begins with: that is
for people. A program gets CSV with values as they are, or nobody could dial `'+49…`. Characters that act in a terminal,
or turn the direction of writing, are replaced everywhere.
"""

import csv
import io
import re
import unicodedata
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
# Every kind of space, and the mark at the end of a file of old. As the inside of a pattern's brackets.
SPACES: Final = r"\x09-\x0d\x1a\x20\x85\xa0" "\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
# What shows nothing: joiners, directions, soft hyphens, fillers, variants, marks of a byte order. Likewise.
INVISIBLE: Final = (
    r"\xad"
    "\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff9-\ufffb\U000e0000-\U000e0fff"
)
# What keeps a spreadsheet from reading a text as a number: `="0008462"` and `'0008462`.
GUARDED: Final = (r'(?s)^="(.*)"$', r"(?s)^'(.*?)'?$")
_ENDS: Final = re.compile(f"^[{SPACES}{INVISIBLE}]+|[{SPACES}{INVISIBLE}]+$")
WORKBOOK: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_COLUMN_WIDTH: Final = 18  # characters: a date, a name
LONGEST_TEXT: Final = 2_000  # of what a person writes about a learner or a decision


def plain_text(field: str, text: str) -> str:
    """Return what a person wrote, without white space around it; `InvalidInput` where it may not be kept."""
    text = text.replace("\r\n", "\n").strip()
    if len(text) > LONGEST_TEXT:
        raise InvalidInput(f"{field}: {len(text):,} characters; allowed are {LONGEST_TEXT:,}")
    if UNSAFE_CHARACTERS.search(text):
        raise InvalidInput(f"{field}: holds a control character or a change of writing direction")
    return text


def plain_id(text: str) -> str:
    r"""Return an id as it is kept: without what a spreadsheet guards it with, and what nobody sees.

    >>> plain_id('="0008462"'), plain_id(" 00084\u200b62 ")
    ('0008462', '0008462')
    """
    text = _ENDS.sub("", text)
    for guard in GUARDED:
        text = re.sub(guard, r"\1", text)
    text = re.sub(f"[{INVISIBLE}]+", "", _ENDS.sub("", text))
    return unicodedata.normalize("NFC", re.sub(f"[{SPACES}]", " ", text))


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


def write_values(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], file: TextIO) -> None:
    """Write those columns of the rows as CSV for a program, the header first, every text as it is.

    A missing value is an empty cell; an instant is ISO text in UTC.
    """
    writer = csv.writer(file)
    writer.writerow(columns)
    writer.writerows([_plain(row.get(column)) for column in columns] for row in rows)


def workbook(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Return those columns of the rows as an Excel workbook, the header first, in which no text is a formula.

    Numbers stay numbers, so that a person can count with them; the header stays in sight, and narrows the rows.
    """
    import xlsxwriter  # most commands write none

    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.freeze_panes(1, 0)
        sheet.set_row(0, None, book.add_format({"bold": True}))
        sheet.set_column(0, len(columns) - 1, _COLUMN_WIDTH)
        for line, row in enumerate(({name: name for name in columns}, *rows)):
            for place, column in enumerate(columns):
                value = _plain(row.get(column))
                write = sheet.write_string if isinstance(value, str) else sheet.write_number
                if write(line, place, value):  # it tells by a number that a sheet cannot hold it
                    raise InvalidInput(
                        f"{column}: row {line:,} does not fit into a sheet of 1,048,576 rows "
                        "and 32,767 characters a cell; CSV and JSON have no such limit"
                    )
        sheet.autofilter(0, 0, line, len(columns) - 1)
    return file.getvalue()


def _plain(value: object) -> str | int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, datetime):
        return iso_utc(value)
    return UNSAFE_CHARACTERS.sub("\N{REPLACEMENT CHARACTER}", "" if value is None else str(value))
