"""What a source can mean, and what nobody can."""

import pytest

from engagement.errors import InvalidInput
from engagement.ingest.source.source_format import AS_DOCUMENTED, PERCENT_COLUMNS, SourceFormat


def test_nothing_said_means_what_is_documented():
    assert SourceFormat() == AS_DOCUMENTED
    assert (AS_DOCUMENTED.timezone, AS_DOCUMENTED.local_formats, AS_DOCUMENTED.zoned_formats) == (
        "UTC",
        [],
        [],
    )


def test_percent_columns_are_those_in_percent():
    expected = {"completed_percent", "avg_quiz_score", "completed_percent_course", "completed_percent_due"}
    assert set(PERCENT_COLUMNS) == expected


def test_formats_with_a_zone_are_told_from_those_without():
    formats = ("%d.%m.%Y", "excel", "%d.%m.%Y %H:%M %z", "%m/%d/%y")
    source_format = SourceFormat(date_formats=formats)
    assert source_format.local_formats == ["%d.%m.%Y", "%m/%d/%y"]
    assert source_format.zoned_formats == ["%d.%m.%Y %H:%M %z"]


@pytest.mark.parametrize(
    "text",
    [
        *("%d.%m.%Y", "%m/%d/%y", "%Y%m%d", "%d %B %Y", "%a, %d %b %Y %H:%M:%S %z", "%-d.%-m.%Y"),
        *("%m/%d/%Y %I:%M %p", "100%% %d%m%Y", "excel"),
    ],
)
def test_a_format_with_day_month_and_year_is_taken(text):
    assert SourceFormat(date_formats=(text,)).date_formats == (text,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "needs one day, one month and one year"),
        ("%H:%M", "needs one day, one month and one year"),
        ("%d.%m.", "needs one day, one month and one year"),
        ("dd.mm.yyyy", "needs one day, one month and one year"),
        ("%%d.%%m.%%Y", "needs one day, one month and one year"),
        ("%d.%m.%Y %y", "needs one day, one month and one year"),
        ("%d.%d.%m.%Y", "needs one day, one month and one year"),
        ("%d.%m.%Y %Q", "%Q is not known"),
        ("%d.%m.%Y %s", "%s is not known"),
        ("%d.%m.%Y %Z", "%Z is not known"),
        ("%d.%m.%Y %", "% is not known"),
        ("%d.%m.%Y %-", "% is not known"),
        ("%d.%m.%Y %T", "%T is not known"),
        ("%x", "%x is not known"),
        ("%m/%d/%Y %I:%M", "needs %p"),
        ("Excel", "or is 'excel'"),
    ],
)
def test_a_format_that_cannot_be_read_is_refused(text, message):
    with pytest.raises(InvalidInput, match="date_format ") as caught:
        SourceFormat(date_formats=("%d.%m.%Y", text))
    assert message in str(caught.value)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "UTC\0", "x" * 1000])
def test_a_zone_that_is_none_is_refused(zone):
    with pytest.raises(InvalidInput, match="no IANA name, such as Europe/Berlin"):
        SourceFormat(timezone=zone)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"nonsense": "A"}, "map nonsense: no such column; there is "),
        ({"Id": "A"}, "map Id: no such column"),
        ({"id": ""}, "map id: the name of the source's column is empty"),
        ({"id": "A", "name": "  "}, "map name: the name of the source's column is empty"),
    ],
)
def test_a_map_of_nothing_or_to_nothing_is_refused(columns, message):
    with pytest.raises(InvalidInput, match=message):
        SourceFormat(columns=columns)


@pytest.mark.parametrize(
    ("name", "scale"), [("completed_percent", 10), ("consecutive_missed_sessions", 1), ("id", 100)]
)
def test_only_percents_have_a_scale_and_it_is_1_or_100(name, scale):
    with pytest.raises(InvalidInput, match="allowed are 1 and 100, for completed_percent"):
        SourceFormat(percent_scale={name: scale})
