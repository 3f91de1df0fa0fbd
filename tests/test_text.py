import csv
import io
import zipfile

import pytest

from engagement.errors import InvalidInput
from engagement.text import workbook, write_values
from tests.support import workbooks
from tests.support.cohort import AS_OF


def written(*rows):
    """Return the rows as a reader of CSV gets them back, the header first."""
    file = io.StringIO(newline="")
    write_values(("a", "b"), rows, file)
    return list(csv.reader(io.StringIO(file.getvalue(), newline="")))


def test_a_file_has_a_header_and_the_columns_asked_for():
    assert written({"b": 2, "a": "x", "c": "left out"}) == [["a", "b"], ["x", "2"]]


def test_a_file_of_nothing_is_its_header():
    assert written() == [["a", "b"]]


def test_what_is_missing_is_an_empty_cell():
    assert written({"a": None, "b": None})[1] == ["", ""]


@pytest.mark.parametrize("text", ["=1+1", "+49 170 1234567", "x;=3+3", "-1", "0049", "12"])
def test_a_program_gets_a_text_as_it_is(text):
    assert written({"a": text, "b": 1})[1][0] == text


def test_a_workbook_holds_texts_as_texts_and_numbers_as_numbers():
    texts = [
        *("=1+1", "x;=3+3", "x\t=3+3", "{=1}", "http://example.invalid", "+1-202", "0049", " =1", "\u200b=1"),
        *("@SUM(A1)", "|calc", "%0a", "\uff1d1", "a\x1bb"),
    ]
    content = workbook(("a", "b"), [{"a": text, "b": at} for at, text in enumerate(texts)])
    sheet = zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml").decode()
    assert sheet.count('t="s"') == 2 + len(texts)
    assert workbooks.lines(content) == [
        {"a": text.replace("\x1b", "\N{REPLACEMENT CHARACTER}"), "b": str(at)}
        for at, text in enumerate(texts)
    ]
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
