"""When a pipeline runs by itself: the five fields of a cron expression, checked, and the same for systemd.

What the kinds of cron do not agree on is refused or rewritten: a name within a range is allowed by some only, so names
become numbers; a number with a step (`5/15`) is read by some and refused by others.
"""

import re
from dataclasses import dataclass
from itertools import product
from typing import Final

from engagement.errors import InvalidInput

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_LONGEST: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # days of a month
# All or a range, maybe with a step; or one number.
_PART: Final = re.compile(r"(?:\*|(\d{1,2})-(\d{1,2}))(?:/(\d{1,2}))?|(\d{1,2})", re.ASCII)


@dataclass(frozen=True)
class _Field:
    name: str
    low: int
    high: int
    names: dict[str, int]


_FIELDS: Final = (
    _Field("minute", 0, 59, {}),
    _Field("hour", 0, 23, {}),
    _Field("day of the month", 1, 31, {}),
    _Field("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, start=1)}),
    _Field("day of the week", 0, 7, {name: number for number, name in enumerate(_WEEKDAYS)}),
)


@dataclass(frozen=True)
class Timetable:
    """The moments of a cron expression.

    `cron` is the expression with one space between fields and numbers for names; the others are what it names. Sunday
    is 0.
    """

    cron: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    def calendar(self, zone: str) -> str:
        """Return it as systemd's `OnCalendar`, in that time zone.

        Raises `InvalidInput` where both the day of the month and that of the week are restricted: cron runs where
        either fits, systemd where both do.

        >>> read("*/30 8-9 * * mon-fri").calendar("Europe/London")
        'Mon,Tue,Wed,Thu,Fri *-*-* 08,09:00,30:00 Europe/London'
        """
        _, _, day, _, weekday = self.cron.split()
        if day != "*" and weekday != "*":
            raise InvalidInput(
                f"{self.cron}: restricts the day of the month and the day of the week; cron runs where either fits, "
                "which a systemd timer cannot say: leave one a *, or take cron (--with cron)"
            )
        names = [
            _WEEKDAYS[number].capitalize() for number in (1, 2, 3, 4, 5, 6, 0) if number in self.weekdays
        ]
        weekdays = "" if weekday == "*" else f"{','.join(names)} "
        month, on = _numbers(self.months, 12), _numbers(self.days, 31)
        at = f"{_numbers(self.hours, 24)}:{_numbers(self.minutes, 60)}:00"
        return f"{weekdays}*-{month}-{on} {at} {zone}"


def read(text: str) -> Timetable:
    """Return what a cron expression says; `InvalidInput` names the field that cannot be read, and what is allowed.

    >>> read("15 2 * * sun").cron
    '15 2 * * 0'
    """
    said = f"{text[:80]!r}"
    texts = text.split()
    if len(texts) != len(_FIELDS):
        raise InvalidInput(
            f"schedule {said}: five fields are needed (minute, hour, day of the month, month, day of the week), such "
            f"as '15 2 * * *'; these are {len(texts)}"
        )
    minutes, hours, days, months, weekdays = (
        _values(part, field, said) for part, field in zip(texts, _FIELDS, strict=True)
    )
    numbers = [_in_numbers(part, field) for part, field in zip(texts, _FIELDS, strict=True)]
    if numbers[4] == "*" and not any(day <= _LONGEST[month - 1] for day, month in product(days, months)):
        raise InvalidInput(f"schedule {said}: there is no such day in such a month")
    return Timetable(
        " ".join(numbers), minutes, hours, days, months, frozenset(weekday % 7 for weekday in weekdays)
    )


def _in_numbers(text: str, field: _Field) -> str:
    """Return the field with its names as numbers; a word that is none of them stays, and is refused."""
    return re.sub(r"\b[a-z]+\b", lambda word: str(field.names.get(word[0], word[0])), text.lower())


def _values(text: str, field: _Field, said: str) -> frozenset[int]:
    values: set[int] = set()
    for part in text.split(","):
        found = _PART.fullmatch(_in_numbers(part, field))
        if found is None:
            raise _not_allowed(part, field, said)
        first, last, step, lone = found.groups()
        low = int(lone or first or field.low)
        high = int(lone or last or field.high)
        every = int(step or 1)
        if not (field.low <= low <= high <= field.high and 0 < every <= field.high - field.low):
            raise _not_allowed(part, field, said)
        values.update(range(low, high + 1, every))
    return frozenset(values)


def _not_allowed(part: str, field: _Field, said: str) -> InvalidInput:
    names = f", {next(iter(field.names))} to {list(field.names)[-1]}" if field.names else ""
    return InvalidInput(
        f"schedule {said}: {field.name}: {part[:20]!r} is not allowed; {field.low} to {field.high}{names}, *, "
        "a list (1,2), a range (1-5), or a step of a range or of all (*/2)"
    )


def _numbers(values: frozenset[int], how_many: int) -> str:
    return "*" if len(values) == how_many else ",".join(f"{number:02}" for number in sorted(values))
