import csv
import io
import zipfile

import pytest

from engagement.errors import InvalidInput
from engagement.text import workbook, write_spreadsheet, write_values
from tests.support.cohort import AS_OF


def written(*rows):
    """Return the rows as a reader of CSV gets them back, the header first."""
    file = io.StringIO(newline="")
    write_spreadsheet(("a", "b"), rows, file)
    return list(csv.reader(io.StringIO(file.getvalue(), newline="")))


def test_a_file_has_a_header_and_the_columns_asked_for():
    assert written({"b": 2, "a": "x", "c": "left out"}) == [["a", "b"], ["x", "2"]]


def test_a_file_of_nothing_is_its_header():
    assert written() == [["a", "b"]]


def test_what_is_missing_is_an_empty_cell():
    assert written({"a": None, "b": None})[1] == ["", ""]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "|calc", "%0a", "\t=1", " =1", "\u00a0=1", "\uff1d1", "\u200b=1"]
)
def test_a_text_never_begins_like_a_formula(text):
    assert written({"a": text, "b": 1})[1][0].startswith("'")


@pytest.mark.parametrize("text", ["=1+1", "+49 170 1234567", "x;=3+3", "-1", "0049", "12"])
def test_a_program_gets_a_text_as_it_is(text):
    file = io.StringIO(newline="")
    write_values(("a",), [{"a": text}], file)
    assert list(csv.reader(io.StringIO(file.getvalue(), newline=""))) == [["a"], [text]]


def test_a_workbook_holds_texts_as_texts_and_numbers_as_numbers():
    texts = ["=1+1", "x;=3+3", "x\t=3+3", "{=1}", "http://example.invalid", "+1-202", "0049", "a\x1bb"]
    sheet = zipfile.ZipFile(
        io.BytesIO(workbook(("a", "b"), [{"a": text, "b": at} for at, text in enumerate(texts)]))
    )
    cells = sheet.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in cells
    assert "hyperlink" not in cells
    assert cells.count('t="s"') == 2 + len(texts)
    assert [f"<v>{number}</v></c></row>" in cells for number in range(8)] == [True] * 8
    strings = sheet.read("xl/sharedStrings.xml").decode()
    for text in texts[:-1]:
        assert f">{text}</t>" in strings
    assert "\x1b" not in strings
    with pytest.raises(InvalidInput, match="b: row 1 does not fit"):
        workbook(("b",), [{"b": "x" * 32_768}])


def test_a_number_stays_a_number_also_below_zero():
    assert written({"a": -0.25, "b": -3})[1] == ["-0.25", "-3"]


def test_an_instant_is_iso_text_in_utc():
    assert written({"a": AS_OF, "b": 1})[1][0] == "2026-03-01T23:59:59Z"


def test_a_flag_is_a_word():
    assert written({"a": True, "b": False})[1] == ["True", "False"]


def test_what_acts_in_a_terminal_is_replaced():
    (cell, _) = written({"a": "x\x1b[31m\u202ey", "b": 1})[1]
    assert not {"\x1b", "\u202e"} & set(cell)


def test_quotes_commas_and_lines_come_back_as_they_were():
    text = 'Two lines,\nand "quotes" = fine'
    assert written({"a": text, "b": 1})[1][0] == text
