"""How a source writes things, where that cannot be seen in it: its names of columns, its dates, its percents.

What can be seen in a file, such as its delimiter and its decimal mark, is not asked for.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from zoneinfo import ZoneInfo

from engagement.errors import InvalidInput
from engagement.files.alphabets import codec
from engagement.ingest.event_types import check_mapped
from engagement.ingest.schema import EVENTS, LEARNERS, NAME_PARTS, ROLE, Column

FULL: Final = 100  # percent
SPREADSHEET_DAYS: Final = "excel"  # days since 30 December 1899, which spreadsheets count as 0
SECONDS: Final = "unix"  # since 1 January 1970, or thousandths of them
PERCENT_COLUMNS: Final = tuple(column.name for column in LEARNERS if column.is_percent)
MAP_HINT: Final = "`--map name=column` says which column is meant"
IN_PERCENT: Final = dict.fromkeys(PERCENT_COLUMNS, FULL)  # a `percent_scale` for who is certain of it
_NAMES: Final = {column.name for column in (*LEARNERS, *NAME_PARTS, ROLE, *EVENTS)}
NAME_ORDERS: Final = ("given-first", "family-first")
KEYS: Final = {"id": ("id",), "email": ("email",), "name+program": ("name", "program")}
_SAID: Final = {"program", "cohort", "locale", "timezone", "topic"}
_GROUP: Final = re.compile(r"[a-z][a-z0-9_]{0,40}")
_NUMBERS: Final = (SPREADSHEET_DAYS, SECONDS)
_DIRECTIVE: Final = re.compile(r"%-?(.?)")
_DIRECTIVES: Final = "YymbBdaAHIpMSfz%"  # which the reader of dates knows, and which mean one thing


@dataclass(frozen=True)
class SourceFormat:
    """How one source writes. Raises `InvalidInput` for what no source can mean.

    Parameters
    ----------
    timezone
        IANA name of the zone of times that are written without one.
    columns
        Our name of a column to the name that the source has for it.
    date_formats
        How dates are written where not as ISO dates, tried in order: `%d.%m.%Y`, `%m/%d/%Y %H:%M`, `excel` for
        the day numbers of spreadsheets, or `unix` for seconds since 1970.
    percent_scale
        For columns in percent, what the source writes for all of it: 1 (fractions) or 100.
    groups
        Columns of a learner file by which fairness is looked at, by a name of our own: {"gender": "Sex"}.
    encoding
        Of a text that is not in UTF-8, such as cp1250, where a guess would be wrong.
    sheet
        Of a workbook that has several.
    cap
        100, where columns in percent may hold more, for bonus points: it is taken as 100.
    missing
        The source's own words for nothing, in any case and any column but ids, names and programs: `EX`.
    values
        What holds for every row, in columns that the source has not: {"program": "Maths 1"}.
    name_order
        `family-first` where the family's name comes first, without a comma.
    key
        By what a row names a learner who is known already: one of `KEYS`.
    types
        The source's own types of events to ours: {"viewed": "login"}.
    """

    timezone: str = "UTC"
    columns: Mapping[str, str] = field(default_factory=dict)
    date_formats: tuple[str, ...] = ()
    percent_scale: Mapping[str, int] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    encoding: str = ""
    sheet: str = ""
    missing: tuple[str, ...] = ()
    cap: int | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    name_order: str = NAME_ORDERS[0]
    key: str = "id"
    types: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.timezone)
        except (KeyError, ValueError, OSError):
            raise InvalidInput(
                f"timezone {self.timezone[:40]!r}: no IANA name, such as Europe/Berlin"
            ) from None
        if self.encoding:
            codec(self.encoding)
        if unknown := sorted(set(self.columns) - _NAMES):
            raise InvalidInput(
                f"map {', '.join(unknown)[:100]}: no such column; there is {', '.join(sorted(_NAMES))}"
            )
        self._check_what_is_said()
        for name, scale in self.percent_scale.items():
            if name not in PERCENT_COLUMNS or scale not in (1, 100):
                raise InvalidInput(
                    f"percent_scale {name[:40]}={scale}: allowed are 1 and 100, for {', '.join(PERCENT_COLUMNS)}"
                )
        if self.cap not in (None, FULL):
            raise InvalidInput(f"cap {self.cap}: allowed is {FULL}, of columns in percent")
        if odd := [name for name in self.groups if not _GROUP.fullmatch(name)]:
            raise InvalidInput(f"group {odd[0][:40]!r}: allowed are small letters, digits and _")
        if nameless := [
            name for name, theirs in (*self.columns.items(), *self.groups.items()) if not theirs.strip()
        ]:
            raise InvalidInput(f"map {', '.join(nameless)}: the name of the source's column is empty")
        for text in self.date_formats:
            _check_date_format(text)
        check_mapped(self.types)

    def _check_what_is_said(self) -> None:
        if unknown := sorted(set(self.values) - _SAID):
            raise InvalidInput(
                f"set {', '.join(unknown)[:100]}: allowed are {', '.join(sorted(_SAID))}; what differs by learner "
                "stands in a column"
            )
        if empty := [name for name, text in self.values.items() if not text.strip()]:
            raise InvalidInput(f"set {', '.join(empty)}: the value is empty")
        if self.name_order not in NAME_ORDERS:
            raise InvalidInput(f"name_order {self.name_order[:40]!r}: allowed are {', '.join(NAME_ORDERS)}")
        if self.key not in KEYS:
            raise InvalidInput(f"key {self.key[:40]!r}: allowed are {', '.join(KEYS)}")

    @property
    def unneeded(self) -> set[str]:
        """The columns that the source need not have: the same for all, or known of whom its rows name."""
        of_the_known = self.key != "id" or self.groups
        return {
            *self.values,
            *(KEYS["id"] if self.key != "id" else ()),
            *(("program",) if of_the_known else ()),
        }

    @property
    def names(self) -> Mapping[str, str]:
        """Every column that the source calls otherwise than we do."""
        return {**self.columns, **{group_column(name): theirs for name, theirs in self.groups.items()}}

    @property
    def group_columns(self) -> tuple[Column, ...]:
        """The groups as columns that the source must have."""
        return tuple(Column(group_column(name), "text", "a group", in_header=True) for name in self.groups)

    @property
    def local_formats(self) -> list[str]:
        """The formats of dates without a zone."""
        return [text for text in self.date_formats if text not in _NUMBERS and not _has_zone(text)]

    @property
    def zoned_formats(self) -> list[str]:
        """The formats of dates with a zone, `%z`."""
        return [text for text in self.date_formats if _has_zone(text)]


def group_column(name: str) -> str:
    """Return what the column of a group is called here; a group may be called like a column of ours."""
    return f"group_{name}"


def _has_zone(text: str) -> bool:
    return "z" in _DIRECTIVE.findall(text)


def _check_date_format(text: str) -> None:
    if text in _NUMBERS:
        return
    directives = _DIRECTIVE.findall(text)
    if unknown := [f"%{letter}" for letter in directives if not letter or letter not in _DIRECTIVES]:
        raise InvalidInput(
            f"date_format {text[:40]!r}: {unknown[0]} is not known; known are %{' %'.join(_DIRECTIVES)}"
        )
    if "I" in directives and "p" not in directives:
        raise InvalidInput(f"date_format {text[:40]!r}: %I, hours to 12, needs %p, which half of the day")
    if any(len([letter for letter in directives if letter in part]) != 1 for part in ("d", "mbB", "Yy")):
        raise InvalidInput(
            f"date_format {text[:40]!r}: needs one day, one month and one year, such as %d.%m.%Y or %m/%d/%Y %H:%M; "
            f"or is {SPREADSHEET_DAYS!r} for the day numbers of spreadsheets, {SECONDS!r} for seconds since 1970"
        )


AS_DOCUMENTED: Final = SourceFormat()
