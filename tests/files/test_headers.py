"""The header is found where it stands, and what is none is left above it."""

import pytest

from engagement.errors import InvalidInput
from engagement.files.headers import MOST_COLUMNS, find_layout, looks_like_row

NAMES = ["id", "name", "last_login", "program"]
ROWS = "1,Mei,2026-01-01,P\n2,Tomas,2026-01-02,P\n"


def found(text, wanted=NAMES):
    return find_layout(text, "some.csv", wanted, ())


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"], ids=["comma", "semicolon", "tab", "bar"])
@pytest.mark.parametrize(
    ("above", "line"),
    [
        ("", 1),
        ("\n\n", 3),
        ("Report\n", 2),
        ("Report, spring; by name\nMade: 2026-01-01\n\n", 4),
        ("# made by a tool\n# id and name of all\n", 3),
        ("# id, name\n", 2),
        ("// a comment\n", 2),
        ("Learner,,Activity,\n", 2),
        ("sep={}\nReport\n", 3),
        ('"A title, in quotes"\n', 2),
        ("x\n" * 40, 41),
    ],
)
def test_the_header_is_the_line_that_names_the_most(above, line, delimiter):
    layout = found((above + ",".join(NAMES) + "\n" + ROWS).replace(",", delimiter).replace("{}", delimiter))
    assert (layout.names, layout.delimiter, layout.skip) == (NAMES, delimiter, line - 1)
    told = (above.strip() and not above.startswith("sep")) or "Report" in above
    assert (f"line {line}" in layout.note) == bool(told)


def test_the_first_of_two_headers_counts():
    assert found("id,name\n1,Mei\nid,name\n").skip == 0


def test_a_name_may_be_of_several_lines():
    layout = found('Report\n"Last\nlogin",id,program\n1,2,3\n', ["Last login", "id"])
    assert (layout.skip, layout.names) == (1, ["Last\nlogin", "id", "program"])


def test_words_of_a_header_far_down_are_not_looked_for():
    assert found("x\n" * 100 + ",".join(NAMES)).names == ["x"]


@pytest.mark.parametrize(
    ("header", "row", "names"),
    [
        ("id,name,", "1,Mei", ["id", "name"]),
        ("id,name,", "1,Mei,", ["id", "name"]),
        ("id,name,,, ", "1,Mei", ["id", "name"]),
        ("id,name,", "1,Mei,more", ["id", "name", ""]),
        (",id,name", "0,1,Mei", ["", "id", "name"]),
    ],
)
def test_delimiters_at_the_end_of_a_header_are_columns_only_where_something_stands_below(header, row, names):
    assert found(f"{header}\n{row}\n").names == names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("\n \n", "the file is empty"),
        ("\n" * 100_000, "the file is empty: more than 100,000 empty lines"),
        ("sep=,\n", "the file is empty"),
        (
            "x," * MOST_COLUMNS + "id,name\n",
            "10,002 columns, more than 10,000; is it a table with a row per learner",
        ),
        ("'id','name'\n'1','Mei'\n", "its texts stand in ' where CSV has \""),
    ],
)
def test_what_is_no_header_is_named_as_what_it_is(text, message):
    with pytest.raises(InvalidInput) as caught:
        found(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (["S-1", "Mei", "mei@example.invalid"], True),
        (["S-1", "2026-01-01", "50"], True),
        (["a", "12,5 %", "3"], True),
        (["id", "name", "Week 1", "2026"], False),
        (["Name", "E-mail", "Quiz 1 (10)"], False),
        ([], False),
    ],
)
def test_values_are_told_from_names(fields, expected):
    assert looks_like_row(fields) is expected


def test_a_header_of_other_names_is_found_where_they_are_likely():
    text = "Kurs: Data\n\nMatrikelnummer;Nachname;Rolle\n1;Mei;Student\n"
    layout = find_layout(text, "some.csv", NAMES, ["matrikelnummer", "nachname"])
    assert (layout.skip, layout.names) == (2, ["Matrikelnummer", "Nachname", "Rolle"])
    assert find_layout(text, "some.csv", NAMES, ["matrikelnummer"]).skip == 0
