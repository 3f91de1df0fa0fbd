"""Which column of a source is which of ours: by name, in any order and case, among any others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from engagement.errors import InvalidInput
from engagement.schema import Column

HINT: Final = "`--map name=column` says which column is meant"


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
        # A first line with none of the names may well be somebody's data.
        is_header = any(text in theirs for text in wanted.values())
        there = (
            f"the header has {', '.join(theirs)[:300]}" if is_header else "the first line names none of ours"
        )
        raise InvalidInput(f"{source}: column {', '.join(missing)} missing; {there}; {HINT}")
    return Header([(column, theirs.index(text)) for column, text in wanted.items() if text in theirs])


def _plain(text: str) -> str:
    return text.strip(" \t\r\n\xa0\ufeff").casefold()
