"""What a source can mean, and what nobody can; and which column is which: by name, and never by guessing."""

import pytest

from engagement.errors import InvalidInput
from engagement.ingest.schema import Column
from engagement.ingest.source_format import AS_DOCUMENTED, PERCENT_COLUMNS, SourceFormat, match_header

ID = Column("id", "id", "", in_header=True)
NAME = Column("name", "text", "", in_header=True)
TOPIC = Column("topic", "text", "")
COLUMNS = (ID, NAME, TOPIC)


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


def places(header, **names):
    return {column.name: at for column, at in match_header(header, COLUMNS, names, "f.csv").items()}


def refusal(header, **names):
    with pytest.raises(InvalidInput) as caught:
        match_header(header, COLUMNS, names, "f.csv")
    return str(caught.value)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (["id", "name"], {"id": 0, "name": 1}),
        (["Topic", "x", "NAME", "Id"], {"id": 3, "name": 2, "topic": 0}),
        (["\ufeffid", " name\t"], {"id": 0, "name": 1}),
        (["id\xa0", "\r\nname"], {"id": 0, "name": 1}),
        (["x", "x", "", "", "id", "name"], {"id": 4, "name": 5}),
    ],
)
def test_columns_are_found_by_name_whatever_stands_beside_them(header, expected):
    assert places(header) == expected


def test_columns_come_in_our_order():
    assert list(match_header(["topic", "name", "id"], COLUMNS, {}, "f.csv")) == [ID, NAME, TOPIC]


def test_a_name_of_the_source_stands_for_ours():
    assert places(["Student ID", "Name", "id"], id=" student id ") == {"id": 0, "name": 1}
    assert places(["id", "name", "Kurs"], topic="KURS") == {"id": 0, "name": 1, "topic": 2}


def test_one_column_may_be_two_of_ours():
    assert places(["user", "name"], id="user", topic="user") == {"id": 0, "name": 1, "topic": 0}


def test_missing_columns_are_all_named_with_a_way_out():
    columns = (*COLUMNS, Column("email", "email", "", in_header=True))
    with pytest.raises(InvalidInput) as caught:
        match_header(["topic", "x", "NAME"], columns, {}, "f.csv")
    assert str(caught.value) == (
        "f.csv: columns id, email are missing; the header has topic, x, name; "
        "`--map name=column` says which column is meant"
    )


def test_a_column_that_was_promised_and_is_not_there_is_missing():
    assert "column kurs missing" in refusal(["id", "name"], topic="Kurs")


@pytest.mark.parametrize(
    ("header", "names", "doubled"),
    [
        (["id", "name", "ID "], {}, "id"),
        (["id", "name", "topic", "Topic", "Name"], {}, "name, topic"),
        (["id", "name", "A", "a"], {"topic": "A"}, "a"),
    ],
)
def test_a_doubled_column_is_named_with_a_way_out(header, names, doubled):
    said = refusal(header, **names)
    assert f"column {doubled} stands more than once" in said
    assert "--map name=column" in said


def test_a_doubled_column_can_be_told_apart_by_another_name():
    assert places(["id", "name", "name", "who"], name="who") == {"id": 0, "name": 3}


def test_a_first_line_that_may_be_data_is_not_repeated():
    said = refusal(["7", "Zebulon Invented", "zebulon@example.invalid"])
    assert "ebulon" not in said
    assert "the first line names none of ours" in said


@pytest.mark.parametrize("cells", [["topic"], ["Topic", "topic "], ["name"]])
def test_one_cell_that_is_a_name_of_ours_makes_no_header_of_somebodys_data(cells):
    said = refusal(["Zebulon Invented", "zebulon@example.invalid", *cells])
    assert "ebulon" not in said


def test_the_one_name_that_was_found_is_said():
    assert "of our columns the first line names only 'topic'" in refusal(["7", "topic"])
