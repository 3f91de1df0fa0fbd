import re
import shutil
import subprocess

import pytest

from engagement.errors import InvalidInput
from engagement.operations.cron import read


def test_five_fields_are_read_as_the_moments_they_name():
    found = read("*/20 8-10,22 1 jan,JUL *")
    assert found.cron == "*/20 8-10,22 1 1,7 *"
    assert found.minutes == {0, 20, 40}
    assert found.hours == {8, 9, 10, 22}
    assert found.days == {1}
    assert found.months == {1, 7}
    assert found.weekdays == {0, 1, 2, 3, 4, 5, 6}


@pytest.mark.parametrize(
    ("field", "weekdays"),
    [
        ("sun", {0}),
        ("7", {0}),
        ("mon-fri", {1, 2, 3, 4, 5}),
        ("5-7", {5, 6, 0}),
        ("1-5/2", {1, 3, 5}),
        ("*/2", {0, 2, 4, 6}),
    ],
)
def test_both_numbers_of_sunday_are_one_day(field, weekdays):
    assert read(f"0 6 * * {field}").weekdays == weekdays


def test_spaces_between_fields_do_not_matter():
    assert read("  15  2\t* * *\n").cron == "15 2 * * *"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "these are 0"),
        ("15 2 * *", "these are 4"),
        ("15 2 * * * root", "these are 6"),
        ("@daily", "these are 1"),
        ("60 2 * * *", "minute: '60' is not allowed; 0 to 59"),
        ("15 24 * * *", "hour: '24'"),
        ("15 2 0 * *", "day of the month: '0'"),
        ("15 2 * 13 *", "month: '13' is not allowed; 1 to 12, jan to dec"),
        ("15 2 * * 8", "day of the week: '8' is not allowed; 0 to 7, sun to sat"),
        ("5-1 2 * * *", "minute: '5-1'"),
        ("15 2 * * fri-mon", "day of the week: 'fri-mon'"),
        ("*/0 2 * * *", r"minute: '\*/0'"),
        ("*/60 2 * * *", r"minute: '\*/60'"),
        ("5/15 2 * * *", "minute: '5/15'"),
        ("1,,2 2 * * *", "minute: ''"),
        ("-1 2 * * *", "minute: '-1'"),
        ("1.5 2 * * *", "minute: '1.5'"),
        ("٣ 2 * * *", "minute: '٣'"),
        ("15 2 * 1jan *", "month: '1jan'"),
        ("15 2 * monday *", "month: 'monday'"),
        ("mon 2 * * *", "minute: 'mon'"),
        ("15 2 * * *%", "day of the week"),
        ("9" * 5_000 + " 2 * * *", "minute: '99999999999999999999' is"),
    ],
)
def test_what_some_kind_of_cron_would_not_read_is_refused_by_its_field(text, said):
    with pytest.raises(InvalidInput, match=said):
        read(text)


@pytest.mark.parametrize("day", ["30 2", "31 2,4", "31 4,6,9,11"])
def test_a_day_that_never_comes_is_refused(day):
    with pytest.raises(InvalidInput, match="no such day in such a month"):
        read(f"15 2 {day} *")


@pytest.mark.parametrize("day", ["29 2", "31 *", "31 2,3"])
def test_a_day_that_comes_now_and_then_is_taken(day):
    assert read(f"15 2 {day} *")


CALENDARS = [
    ("15 2 * * *", "*-*-* 02:15:00 UTC", "2026-02-28 02:15"),
    ("30 6 * * 1", "Mon *-*-* 06:30:00 UTC", "2026-03-02 06:30"),
    ("0 0 1 */6 *", "*-01,07-01 00:00:00 UTC", "2026-07-01 00:00"),
    ("*/15 * * * *", "*-*-* *:00,15,30,45:00 UTC", "2026-02-28 00:15"),
    ("5 22-23 * * sat,sun", "Sat,Sun *-*-* 22,23:05:00 UTC", "2026-02-28 22:05"),
    ("0 12 29 feb *", "*-02-29 12:00:00 UTC", "2028-02-29 12:00"),
]


@pytest.mark.parametrize(("cron", "calendar", "_first"), CALENDARS)
def test_systemd_is_told_the_same_moments(cron, calendar, _first):
    assert read(cron).calendar("UTC") == calendar


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd on this machine")
@pytest.mark.parametrize(("cron", "_calendar", "first"), CALENDARS)
def test_systemd_reads_it_as_meant(cron, _calendar, first):
    """Asked on Saturday, 28 February 2026, just after midnight."""
    asked = ["systemd-analyze", "calendar", "--base-time=2026-02-28 00:00:01 UTC", read(cron).calendar("UTC")]
    told = subprocess.run(asked, check=True, capture_output=True, text=True, env={"TZ": "UTC", "LC_ALL": "C"})
    assert re.search(r"Next elapse: \w{3} (\S+ \d\d:\d\d):00 UTC", told.stdout)[1] == first


def test_two_kinds_of_day_at_once_are_refused_for_systemd_and_left_to_cron():
    both = read("15 2 1 * mon")
    assert both.cron == "15 2 1 * 1"
    with pytest.raises(InvalidInput, match="--with cron"):
        both.calendar("UTC")
