"""Which column of a source is which of ours: by name, in any order and case, among any others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from engagement.errors import InvalidInput
from engagement.ingest.schema import Column

HINT: Final = "`--map name=column` says which column is meant"
# A first line with none of the names may well be somebody's data, and one word in it a name by chance.
A_HEADER_NAMES: Final = 2


@dataclass(frozen=True)
class Header:
    """The columns that a source has, each with its position there."""

    positions: Sequence[tuple[Column, int]]

    @property
    def columns(self) -> list[Column]:
        """The columns, in the order of the schema."""
        return [column for column, _ in self.positions]


def match(header: Sequence[str], columns: Sequence[Column], names: Mapping[str, str], source: str) -> Header:
    """Return where each of `columns` stands; `names` are the source's own for some of ours.

    Raises `InvalidInput` that names the columns which are missing, or stand there twice.
    """
    theirs = [_plain(text) for text in header]
    wanted = {column: _plain(names.get(column.name, column.name)) for column in columns}
    doubled = [text for text in wanted.values() if theirs.count(text) > 1]
    if doubled:
        raise InvalidInput(
            f"{source}: column {', '.join(doubled)} stands more than once in the header; {HINT}"
        )
    missing = [
        text
        for column, text in wanted.items()
        if text not in theirs and (column.in_header or column.name in names)
    ]
    if missing:
        raise InvalidInput(
            f"{source}: column {', '.join(missing)} missing; {_there(theirs, set(wanted.values()))}; {HINT}"
        )
    return Header([(column, theirs.index(text)) for column, text in wanted.items() if text in theirs])


def _there(theirs: Sequence[str], wanted: set[str]) -> str:
    """Return what the first line has: all of it only where it is certain to be a header."""
    found = sorted(wanted.intersection(theirs))
    if len(found) >= A_HEADER_NAMES:
        return f"the header has {', '.join(theirs)[:300]}"
    return f"the first line names {f'only {found[0]}' if found else 'none'} of ours"


def _plain(text: str) -> str:
    return text.strip(" \t\r\n\xa0\ufeff").casefold()
