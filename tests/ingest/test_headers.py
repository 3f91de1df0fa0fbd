"""Which column is which: by name, and never by guessing."""

import pytest

from engagement.errors import InvalidInput
from engagement.ingest.headers import match
from engagement.ingest.schema import Column

ID = Column("id", "id", "", in_header=True)
NAME = Column("name", "text", "", in_header=True)
TOPIC = Column("topic", "text", "")
COLUMNS = (ID, NAME, TOPIC)


def places(header, **names):
    return {column.name: at for column, at in match(header, COLUMNS, names, "f.csv").positions}


def refusal(header, **names):
    with pytest.raises(InvalidInput) as caught:
        match(header, COLUMNS, names, "f.csv")
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
    assert match(["topic", "name", "id"], COLUMNS, {}, "f.csv").columns == [ID, NAME, TOPIC]


def test_a_name_of_the_source_stands_for_ours():
    assert places(["Student ID", "Name", "id"], id=" student id ") == {"id": 0, "name": 1}
    assert places(["id", "name", "Kurs"], topic="KURS") == {"id": 0, "name": 1, "topic": 2}


def test_one_column_may_be_two_of_ours():
    assert places(["user", "name"], id="user", topic="user") == {"id": 0, "name": 1, "topic": 0}


def test_missing_columns_are_all_named_with_a_way_out():
    columns = (*COLUMNS, Column("email", "email", "", in_header=True))
    with pytest.raises(InvalidInput) as caught:
        match(["topic", "x", "NAME"], columns, {}, "f.csv")
    assert str(caught.value) == (
        "f.csv: column id, email missing; the header has topic, x, name; "
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
    assert "the first line names only topic of ours" in refusal(["7", "topic"])
