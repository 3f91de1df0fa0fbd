import csv
import io

import pytest

from engagement.text import write_spreadsheet
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
