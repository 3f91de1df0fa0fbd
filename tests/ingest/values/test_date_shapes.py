"""Dates that nobody could read: the reason says what is written, and which format reads it; a twin is told apart."""

import time

import duckdb
import pytest

from engagement.errors import InvalidInput
from engagement.ingest.source.source_format import SourceFormat
from engagement.ingest.values.date_shapes import FORMATS
from tests.ingest.test_cells import line, load  # noqa: F401 (fixtures)

SAID = {
    "31.01.2026": "%d.%m.%Y",
    "1/31/2026": "%m/%d/%Y",
    "31/01/26": "%d/%m/%y",
    "31-Jan-2026": "%d-%b-%Y",
    "31 JAN 2026 14:05": '"%d %b %Y %H:%M"',
    "January 31, 2026": '"%B %d, %Y"',
    "2026/01/31 08:00:09": '"%Y/%m/%d %H:%M:%S"',
    "20260131": "%Y%m%d",
    "2026-1-31": "%Y-%m-%d",
    "2026-01-31 8:12 PM": '"%Y-%m-%d %I:%M %p"',
    "Saturday, 31 January 2026, 8:12 AM": '"%A, %d %B %Y, %I:%M %p"',
    "2026年1月31日": "%Y年%m月%d日",
    "46053": "excel",
    "46053.5": "excel",
    "1769860800": "unix",
    "1769860800000": "unix",
}


@pytest.mark.parametrize("written", SAID)
def test_the_reason_names_a_format_that_reads_what_is_there(load, stored, written):  # noqa: F811
    quoted = f'"{written}"'
    summary = load(line("there"), line("a", last_login=quoted), line("b", last_login=quoted))
    (reason,) = summary.reasons
    option = f"`--date-format {SAID[written]}` reads"
    assert reason == f"last_login: not an ISO date or time; it is written as {written}, which {option}"
    formats = (SAID[written].strip('"'),)
    assert load(line("there"), line("a", last_login=quoted), date_formats=formats).quarantined == 0
    assert stored("select year(last_login), month(last_login) from newest_facts where learner_id = 'a'") == [
        (2026, 1)
    ]


def test_where_day_and_month_may_be_either_both_are_named(load):  # noqa: F811
    (reason,) = load(
        line("there"), line("a", last_login="01/02/2026"), line("b", last_login="3/4/2026")
    ).reasons
    assert reason.endswith("`--date-format %d/%m/%Y` reads, or %m/%d/%Y where the month stands first")
    (reason,) = load(
        line("there"), line("a", last_login="01/02/2026"), line("b", last_login="3/14/2026")
    ).reasons
    assert reason.endswith("it is written as 01/02/2026, which `--date-format %m/%d/%Y` reads")


UNKNOWN = {
    "2026-02-30": "there is no such day or time",
    "2026-02-11 25:00": "there is no such day or time",
    "2026-W07-3": "it is a week, such as 2026-W07-3",
    "2026-02-11 08:12 CEST": "a zone is named by letters, as in 2026-02-11 08:12 CEST",
    "11. Februar 2026": "the month is not in English, as in 11. Februar 2026",
    "11 f\u00e9vr. 2026": "the month is not in English, as in 11 f\u00e9vr. 2026",
    "11 Feb 2026 08:12 a.m.": "the half of a day is written with points, as in 11 Feb 2026 08:12 a.m.",
    "\u06f2\u06f0\u06f2\u06f6-\u06f0\u06f2-\u06f1\u06f1": "its digits are those of another alphabet",
}


@pytest.mark.parametrize("written", UNKNOWN)
def test_what_no_format_reads_is_called_what_it_is(load, written):  # noqa: F811
    (reason,) = load(line("there"), line("a", last_login=written)).reasons
    assert reason == f"last_login: not an ISO date or time; {UNKNOWN[written]}; no `--date-format` reads it"


def test_what_may_be_anything_is_not_repeated(load):  # noqa: F811
    (reason,) = load(line("there"), line("a", last_login="Zebulon Example")).reasons
    assert reason == "last_login: not an ISO date or time"


def test_a_cell_that_is_left_empty_says_so_too(load):  # noqa: F811
    summary = load(line("a", "31.01.2026"), more=",enrolled_at")
    assert list(summary.odd_cells) == [
        "enrolled_at: not an ISO date or time; it is written as 31.01.2026, which `--date-format %d.%m.%Y` reads"
    ]


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland"])
@pytest.mark.parametrize(
    ("said", "twin"),
    [("%d/%m/%Y", "%m/%d/%Y"), ("%m/%d/%y %H:%M", "%d/%m/%y %H:%M"), ("%Y-%d-%m", "%Y-%m-%d")],
)
def test_a_format_whose_twin_reads_all_is_refused(load, store, said, twin, zone):  # noqa: F811
    store.make()
    days = [(month, day) for month in range(1, 10) for day in (3, 9, 28)]
    written = [
        twin.replace("%Y", "2026")
        .replace("%y", "26")
        .replace("%H:%M", "10:00")
        .replace("%m", f"{month:02}")
        .replace("%d", f"{day:02}")
        for month, day in days
    ]
    rows = [line(f"{n:02}", last_login=one) for n, one in enumerate(written)]
    with pytest.raises(InvalidInput) as caught:
        load(*rows, date_formats=(said,), timezone=zone)
    told = str(caught.value)
    assert f"9 of 27 dates of last_login, and {twin}" in told.replace('"', "")
    assert load(*rows, date_formats=(twin,), timezone=zone).quarantined == 0
    assert load(*rows, date_formats=(said, twin), timezone=zone).quarantined == 0


def test_a_few_slips_are_no_reason_to_doubt_a_format(load):  # noqa: F811
    rows = [line(f"{n:02}", last_login=f"{n + 1:02}/03/2026") for n in range(28)]
    assert load(*rows, line("x", last_login="03/14/2026"), date_formats=("%d/%m/%Y",)).quarantined == 1


def test_many_kinds_of_dates_are_told_of_soon(load):  # noqa: F811
    rows = [line(f"{n}", last_login=f"{n % 28 + 1}.{n % 12 + 1}.{2000 + n % 26}") for n in range(20_000)]
    begun = time.process_time()
    (reason,) = load(*rows, line("there")).reasons
    assert reason.endswith("`--date-format %d.%m.%Y` reads")
    assert time.process_time() - begun < 10


def test_every_format_that_is_named_is_one_that_can_be_said():
    with duckdb.connect() as db:
        for text in FORMATS:
            SourceFormat(date_formats=(text,))
            written = db.execute(
                "select strftime(timestamp '2026-03-22 10:30:00', $text)", {"text": text}
            ).fetchone()
            assert db.execute(
                "select try_strptime($written, $text) is not null", {"written": written[0], "text": text}
            ).fetchone() == (True,)
