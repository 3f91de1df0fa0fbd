"""CSV files that a spreadsheet opens without running anything in them.

A learner may be called `=HYPERLINK(…)`. Whatever a spreadsheet would take for the beginning of a formula gets an
apostrophe before it, and characters that act in a terminal, or turn the direction of writing, are replaced.
"""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from engagement.text import UNSAFE_CHARACTERS

# After white space and characters of no width: what a spreadsheet reads as the beginning of a formula.
_FORMULA: Final = re.compile(r"[\s\u200b-\u200f\u2060\ufeff]*[=+\-@|%\t\r\n\uff1d\uff0b\uff0d\uff20]")


def write_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], file: TextIO) -> None:
    """Write those columns of the rows, the header first; a missing value is an empty cell.

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
        return value.replace(tzinfo=UTC).isoformat().replace("+00:00", "Z")
    text = UNSAFE_CHARACTERS.sub("\N{REPLACEMENT CHARACTER}", "" if value is None else str(value))
    return f"'{text}" if _FORMULA.match(text) else text
