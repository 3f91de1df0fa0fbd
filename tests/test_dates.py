"""Dates and times as people write them, against instants worked out by hand."""

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from engagement.dates import end_of_day, iso_week, local_day, parse_as_of, utc
from engagement.errors import InvalidInput

LONDON = ZoneInfo("Europe/London")
KOLKATA = ZoneInfo("Asia/Kolkata")


def instant(text):
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("day", "zone", "expected"),
    [
        ("2026-01-15", "UTC", "2026-01-15 23:59:59.999999"),
        ("2026-01-15", "Europe/London", "2026-01-15 23:59:59.999999"),
        ("2026-07-01", "Europe/London", "2026-07-01 22:59:59.999999"),
        ("2026-03-28", "Europe/London", "2026-03-28 23:59:59.999999"),  # the clocks change the next night
        ("2026-03-29", "Europe/London", "2026-03-29 22:59:59.999999"),  # this day has 23 hours
        ("2026-10-24", "Europe/London", "2026-10-24 22:59:59.999999"),
        ("2026-10-25", "Europe/London", "2026-10-25 23:59:59.999999"),  # and this one 25
        ("2026-01-15", "Asia/Kolkata", "2026-01-15 18:29:59.999999"),
        ("2026-03-08", "America/New_York", "2026-03-09 03:59:59.999999"),
        ("2018-11-03", "America/Sao_Paulo", "2018-11-04 02:59:59.999999"),  # the next midnight does not exist
        ("2026-12-31", "Pacific/Kiritimati", "2026-12-31 09:59:59.999999"),
    ],
)
def test_a_day_ends_when_it_ends_there(day, zone, expected):
    assert end_of_day(date.fromisoformat(day), ZoneInfo(zone)) == instant(expected)


def test_days_follow_one_another_without_gap_across_a_year_of_clock_changes():
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    lengths = [end_of_day(b, LONDON) - end_of_day(a, LONDON) for a, b in pairwise(days)]
    hours = [length / timedelta(hours=1) for length in lengths]
    assert sorted(set(hours)) == [23, 24, 25]
    assert (hours.count(23), hours.count(25)) == (1, 1)
    assert all(local_day(end_of_day(day, LONDON), LONDON) == day for day in days)


def test_an_instant_with_a_zone_becomes_utc_and_a_naive_one_is_local():
    assert utc(instant("2026-07-01 10:00:00+05:30")) == instant("2026-07-01 04:30:00")
    assert utc(datetime(2026, 7, 1, 10, tzinfo=timezone(timedelta(hours=-4)))) == instant(
        "2026-07-01 14:00:00"
    )
    assert utc(instant("2026-07-01 10:00:00"), LONDON) == instant("2026-07-01 09:00:00")
    assert utc(instant("2026-01-01 10:00:00"), LONDON) == instant("2026-01-01 10:00:00")
    assert utc(instant("2026-07-01 10:00:00")) == instant("2026-07-01 10:00:00")
    assert utc(datetime(2026, 7, 1, tzinfo=UTC)).tzinfo is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-07-01", "2026-07-01 22:59:59.999999"),
        (" 2026-07-01\n", "2026-07-01 22:59:59.999999"),
        ("2026-07-01T10:00", "2026-07-01 09:00:00"),
        ("2026-07-01 10:00:00", "2026-07-01 09:00:00"),
        ("2026-07-01T10:00:00Z", "2026-07-01 10:00:00"),
        ("2026-07-01T10:00:00+05:30", "2026-07-01 04:30:00"),
        (date(2026, 7, 1), "2026-07-01 22:59:59.999999"),
    ],
)
def test_as_of_is_a_date_or_a_time(text, expected):
    assert parse_as_of(text, LONDON) == instant(expected)


@pytest.mark.parametrize(
    "text",
    [
        "1993", 1993, 2026 - 11 - 22, "20261122", "", "today", "2026-02-30", "2026-13-01", "2026-11-22 noon",
        "22.11.2026", "2026-W47", "2026-11-22'; drop table learners", "9999-12-31", "٢٠٢٦-١١-٢٢",
    ],
)  # fmt: skip
def test_as_of_that_is_no_date_is_refused(text):
    with pytest.raises(InvalidInput, match="neither a date"):
        parse_as_of(text, LONDON)


def test_a_refused_as_of_is_not_repeated_at_length():
    with pytest.raises(InvalidInput) as caught:
        parse_as_of("x" * 10_000, LONDON)
    assert len(str(caught.value)) < 150


def test_the_day_is_the_one_where_the_institution_is():
    late = instant("2026-07-01 23:30:00")
    assert local_day(late, LONDON) == date(2026, 7, 2)
    assert local_day(late, ZoneInfo("UTC")) == date(2026, 7, 1)
    assert local_day(instant("2026-07-01 18:30:00"), KOLKATA) == date(2026, 7, 2)


@pytest.mark.parametrize(
    ("day", "week"), [("2026-01-01", "2026-W01"), ("2027-01-01", "2026-W53"), ("2024-12-30", "2025-W01")]
)
def test_the_iso_week_is_named_after_the_iso_year(day, week):
    assert iso_week(date.fromisoformat(day)) == week
