"""Instants: naive UTC `datetime`s, and the dates people write for them.

A date means the end of that day where the institution is: a run "as of Friday" knows all of Friday. Naive UTC
because time-zone-aware columns are slower in the store and their arithmetic depends on the session.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from engagement.errors import InvalidInput

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def utc_now() -> datetime:
    """Return this moment; nothing else reads the clock.

    Called where a command, a request or a run begins: what is below is handed an instant, so that it can be asked about
    any other.
    """
    return datetime.now(UTC).replace(tzinfo=None)


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """Return the last microsecond of `day` in `zone`, as naive UTC.

    >>> end_of_day(date(2026, 7, 1), ZoneInfo("Europe/London"))
    datetime.datetime(2026, 7, 1, 22, 59, 59, 999999)
    """
    midnight = datetime.combine(day + timedelta(days=1), time(), tzinfo=zone)
    return utc(midnight) - timedelta(microseconds=1)


def utc(instant: datetime, zone: ZoneInfo | None = None) -> datetime:
    """Return `instant` as naive UTC; a naive one is taken to be in `zone` (UTC where none is given)."""
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=zone or UTC)
    return instant.astimezone(UTC).replace(tzinfo=None)


def parse_as_of(text: str, zone: ZoneInfo) -> datetime:
    """Return the instant that `text` means: a date (its end, in `zone`) or an ISO date and time.

    A number is refused: a scheduler that leaves the quotes away turns 2026-11-22 into 1993.
    """
    text = str(text).strip()
    try:
        if _DATE.fullmatch(text):
            return end_of_day(date.fromisoformat(text), zone)
        if _DATE.match(text):
            return utc(datetime.fromisoformat(text), zone)
    except (ValueError, OverflowError):
        pass
    raise InvalidInput(f"as_of {text[:40]!r} is neither a date (2026-11-22) nor an ISO date and time")


def unix_s(instant: datetime) -> float:
    """Return the seconds since 1970 of `instant` (naive UTC)."""
    return instant.replace(tzinfo=UTC).timestamp()


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """Return the day of `instant` (naive UTC) in `zone`."""
    return instant.replace(tzinfo=UTC).astimezone(zone).date()


def day_in_words(day: date) -> str:
    """Return a day as a sentence has it.

    >>> day_in_words(date(2026, 3, 1))
    '1 March 2026'
    """
    return f"{day.day} {day:%B %Y}"


def iso_week(day: date) -> str:
    """Return the ISO week of `day`.

    >>> iso_week(date(2026, 1, 1))
    '2026-W01'
    """
    return f"{day:%G-W%V}"
