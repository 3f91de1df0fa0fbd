"""Times as platforms write them: in languages, zones and orders that nobody says."""

from datetime import date
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from engagement.ingest.platforms.times import as_utc, end_of_day

UTC = ZoneInfo("UTC")


def said(*texts, zone="UTC", **known):
    found = as_utc(pd.Series(list(texts), dtype="string"), ZoneInfo(zone), **known)
    return [None if pd.isna(each) else f"{each:%Y-%m-%d %H:%M:%S}" for each in found]


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-19T18:02:00Z",
        "2026-11-19 11:02:00-07:00",
        "2026-11-19 18:02:00.000000 UTC",
        "Nov 19, 2026 6:02 PM",
        "November 19, 2026 at 6:02 p.m.",
        "Donnerstag, 19. November 2026, 18:02",
        "jeudi 19 novembre 2026 à 18:02",
        "mardi 19 nov. 2026 18h02",
        "19 nov. 26, 18:02:00",
        "19 de noviembre de 2026 18:02",
        "19.11.2026 18:02:00",
        "19.11.26, 18:02",
        "19/11/2026 18:02",
        "11/19/26, 6:02:00 PM",
    ],
)
def test_a_time_is_read_as_it_is_said(text):
    assert said(text) == ["2026-11-19 18:02:00"]


def test_a_time_without_a_zone_is_in_the_one_that_is_told():
    assert said("2026-11-19 18:02:11", "11/19/2026 6:02 PM", zone="America/New_York") == [
        "2026-11-19 23:02:11",
        "2026-11-19 23:02:00",
    ]


@pytest.mark.parametrize(
    ("texts", "zone", "day", "first"),
    [
        (["3/4/2026 9:00 AM", "3/14/2026 9:00 AM"], "Europe/Berlin", None, "2026-03-04"),
        (["3/4/2026 9:00", "14/4/2026 9:00"], "America/New_York", None, "2026-04-03"),
        (["3/4/2026 9:00 AM"], "America/Denver", None, "2026-03-04"),
        (["3/4/2026 9:00 AM"], "Australia/Sydney", date(2026, 3, 4), "2026-03-03"),
        (["3/4/2026 9:00 AM"], "Australia/Sydney", None, "2026-04-02"),
        (["3/4/2026 21:00"], "UTC", None, "2026-04-03"),
    ],
    ids=["by a 14th", "by a 14th there", "by its halves", "by a day", "by the zone", "by 24 hours"],
)
def test_which_number_is_the_day_is_told_by_the_others(texts, zone, day, first):
    assert said(*texts, zone=zone, day=day)[0][:10] == first


@pytest.mark.parametrize(
    "text", ["never", "", "2026-13-45", "99/99/2026", "Nov 31, 2026", "9999-12-31T23:00:00-12:00"]
)
def test_what_is_no_time_is_missing(text):
    assert said(text) == [None]


def test_a_day_without_a_time_ends_with_it():
    found = end_of_day(pd.Series(["2026-09-15", "2026-09-15T10:00:00Z", "1/05/2023"]), UTC)
    assert [f"{each:%Y-%m-%d %H:%M:%S.%f}" for each in found] == [
        "2026-09-15 23:59:59.999999",
        "2026-09-15 10:00:00.000000",
        "2023-05-01 23:59:59.999999",
    ]
