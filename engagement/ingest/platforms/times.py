"""Times as platforms write them, in the language and the zone of whoever exports: naive UTC from here on.

What no rule can tell, such as 3/4, is told by its neighbours: one column is written in one way.
"""

import re
import unicodedata
from contextlib import suppress
from datetime import UTC, date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

_ISO: Final = r"\d{4}-\d\d-\d\d(?:[T ]\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?)?"
_AWARE: Final = re.compile(rf"({_ISO}) ?(Z|z|UTC|GMT|[+-]\d\d(?::?\d\d)?)")
_NAIVE: Final = re.compile(_ISO)
_NUMBERS: Final = re.compile(r"(\d{1,4})([./-])\s?(\d{1,2})\2\s?(\d{1,4})\.?(?!\d)")
_CLOCK: Final = re.compile(
    r"(\d{1,2})[:.h](\d\d)(?:[:.](\d\d))?(?:\.\d+)?\s*([ap])?\.?\s?m?\b", re.IGNORECASE
)
_YEAR: Final = re.compile(r"\b(\d{4})\b")
_SHORT_YEAR: Final = re.compile(r"\.?\s+'?(\d\d)(?![\d:.h])")  # behind the month: 29 nov. 26, 22:19
_DAY: Final = re.compile(r"\b(\d{1,2})(?:st|nd|rd|th|er|\.)?\b")
_WORD: Final = re.compile(r"[^\W\d_]{3,}")
# By how they begin, without accents, in the languages that platforms are mostly set to.
_MONTHS: Final = {
    start: number
    for number, starts in enumerate(
        (
            "jan ene gen sty led",
            "feb fev lut uno",
            "mar maa mrt brez",
            "apr abr avr kwi dub",
            "may mai mei maj mag kve",
            "jun juin giu cze cerv",
            "jul juil lug lip cervenec",
            "aug ago aou sie srp elo",
            "sep set wrz zar syy",
            "oct okt ott out paz rij lok",
            "nov lis mar",
            "dec dez dic des gru pro jou",
        ),
        start=1,
    )
    for start in starts.split()
    if not (number == 11 and start == "mar")
}
_DAYS_IN_NAMES: Final = (
    (re.compile(r"(?<!\d)(20\d\d)[-_. ]?(\d\d)[-_. ]?(\d\d)(?!\d)"), "ymd"),
    (re.compile(r"(?<!\d)(\d{1,2})[-_.](\d{1,2})[-_.](20\d\d)(?!\d)"), "dmy"),
    (re.compile(r"(?<!\d)(\d\d)(\d\d)(\d\d)(?!\d)"), "ymd"),
)
# Where a day comes before its month also beside a clock of twelve hours.
_DAY_FIRST: Final = ("Europe/", "Australia/", "Africa/", "Asia/", "Pacific/Auckland", "Atlantic/")


def as_utc(texts: pd.Series, zone: ZoneInfo, *, day: date | None = None) -> pd.Series:
    """Return texts of one way of writing as naive UTC; missing where one is no time that can be told.

    Those that say no zone are in `zone`. `day` is one on which some of them are known to be.
    """
    plain = texts.astype("string").str.strip().astype(object)
    written = [text for text in pd.unique(plain) if isinstance(text, str) and text]
    first = _day_is_first(written, zone, day)
    found = {text: _instant(text, zone, day_first=first) for text in written}
    return pd.Series(
        [found.get(text) if isinstance(text, str) else None for text in plain], texts.index, "datetime64[us]"
    )


def day_in(text: str) -> date | None:
    """Return the one day that a name carries, as `2026-11-03`, `20261103`, `260914`, `3.11.2026` or in words.

    >>> day_in("Week 1 (260914)"), day_in("zoom_2026-11-03_simple")
    (datetime.date(2026, 9, 14), datetime.date(2026, 11, 3))
    """
    for pattern, order in _DAYS_IN_NAMES:
        if match := pattern.search(text):
            parts = dict(zip(order, map(int, match.groups()), strict=True))
            with suppress(ValueError):
                return date(parts["y"] + (2000 if parts["y"] < 100 else 0), parts["m"], parts["d"])
    with suppress(ValueError):
        return _spoken(text, day_first=True).date()
    return None


def noon(day: date, zone: ZoneInfo) -> datetime:
    """Return the middle of a day in a zone, as naive UTC: when something was of which only the day is known."""
    return _plain_utc(datetime.combine(day, time(12), zone))


def end_of_day(texts: pd.Series, zone: ZoneInfo) -> pd.Series:
    """Return the same, a date without a time being the end of its day in `zone`."""
    plain = texts.astype("string").str.strip()
    is_date = plain.str.fullmatch(r"[^:T]*").fillna(False)
    ends = as_utc(plain + " 23:59:59", zone) + pd.Timedelta(microseconds=999_999)
    return as_utc(plain, zone).where(~is_date, ends)


def _instant(text: str, zone: ZoneInfo, *, day_first: bool) -> datetime | None:
    try:
        if match := _AWARE.fullmatch(text):
            offset = re.sub(r"[Zz]|UTC|GMT", "+00:00", match[2])
            return _plain_utc(datetime.fromisoformat(_padded(match[1]) + offset))
        if _NAIVE.fullmatch(text):
            return _plain_utc(datetime.fromisoformat(_padded(text)).replace(tzinfo=zone))
        return _plain_utc(_spoken(text, day_first=day_first).replace(tzinfo=zone))
    except (ValueError, OverflowError):
        return None


def _plain_utc(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)


def _padded(text: str) -> str:
    """Return an ISO time whose hour has two digits and whose fraction is one that is read everywhere."""
    text = re.sub(r"(?<=[T ])(\d)(?=:)", r"0\1", text)
    return re.sub(r"\.(\d{1,6})\d*", lambda match: "." + match[1].ljust(6, "0"), text)


def _spoken(text: str, *, day_first: bool) -> datetime:
    """Return a time that is no ISO; `ValueError` where there is none."""
    if numbers := _NUMBERS.search(text):
        one, sign, two, three = numbers[1], numbers[2], numbers[3], numbers[4]
        if len(one) > 2:
            year, month, day = one, two, three
        else:
            day, month = (one, two) if day_first or sign != "/" else (two, one)
            year = three
        rest = text[numbers.end() :]
    else:
        words = [word for word in _WORD.findall(text) if _month(word)]
        if not words:
            raise ValueError(text)
        word = words[-1]  # a day of the week stands before it, and may begin alike: mardi, martes
        month = str(_month(word))
        head, _, tail = text.partition(word)
        rest = f"{head} {tail}"
        if found := _YEAR.search(rest):
            year = found[1]
            rest = rest[: found.start()] + " " + rest[found.end() :]
        elif short := _SHORT_YEAR.match(tail):
            year = short[1]
            rest = f"{head} {tail[short.end() :]}"
        else:
            raise ValueError(text)
        clock = _CLOCK.search(rest)
        before = rest[: clock.start()] if clock else rest
        if not (found := _DAY.search(before)):
            raise ValueError(text)
        day = found[1]
        rest = rest[found.end() :]
    full = int(year) + (2000 if len(year) <= 2 else 0)
    return datetime(full, int(month), int(day), *_clock(rest))  # noqa: DTZ001 (the zone is the caller's)


def _clock(text: str) -> tuple[int, int, int]:
    if not (clock := _CLOCK.search(text)):
        return 0, 0, 0
    hour = int(clock[1])
    if clock[4]:
        hour = hour % 12 + 12 * (clock[4].casefold() == "p")
    return hour, int(clock[2]), int(clock[3] or 0)


def _month(word: str) -> int | None:
    bare = "".join(
        sign for sign in unicodedata.normalize("NFKD", word.casefold()) if not unicodedata.combining(sign)
    )
    return _MONTHS.get(bare[:4]) or _MONTHS.get(bare[:3])


def _day_is_first(texts: list[str], zone: ZoneInfo, day: date | None) -> bool:
    """Return whether 3/4 is the third of April, by what the others can only mean."""
    found = [match for text in texts if (match := _NUMBERS.search(text)) and match[2] == "/"]
    pairs = np.array([(int(match[1]), int(match[3])) for match in found if len(match[1]) <= 2]).reshape(-1, 2)
    if len(pairs) and pairs.max(axis=0)[0] > 12:
        return True
    if len(pairs) and pairs.max(axis=0)[1] > 12:
        return False
    if day and len(pairs):
        return [day.day, day.month] in pairs.tolist() and [day.month, day.day] not in pairs.tolist()
    has_halves = any((clock := _CLOCK.search(text)) and clock[4] for text in texts)
    return zone.key.startswith(_DAY_FIRST) or not has_halves
