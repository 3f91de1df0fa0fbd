"""Where records begin: the same places that an independent reader finds, wherever a block of the file ends."""

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.files import csv_reader

TABLE = [
    ["id", "name, in full", "note"],
    ["1", "Invented", ""],
    ["2", "two\nlines", 'a "quote", a comma'],
    [],
    ["3", '"', '""'],
    ["4", "\n\nthree", "é नमस्ते 🎓"],
    [],
    [],
    ["5", ",,,", "\n"],
    ["6", "", "last"],
]


def written(table, *, newline="\n", delimiter=",", quoting=csv.QUOTE_MINIMAL):
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=newline, delimiter=delimiter, quoting=quoting).writerows(table)
    return out.getvalue()


def read_independently(text, delimiter):
    """Return line, number and text of each record that is not blank, as `csv.reader` counts."""
    lines, found, end = text.split("\n"), [], 0
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    for number, fields in enumerate(reader, start=1):
        start, end = end + 1, reader.line_num
        if fields:
            found.append(
                (start, number, "\n".join(line.removesuffix("\r") for line in lines[start - 1 : end]))
            )
    return found


def found_in(folder, text, delimiter=","):
    path = folder / "records.csv"
    path.write_bytes(text.encode())
    found = csv_reader.find_records(path, delimiter=delimiter)
    texts = found.texts(np.arange(len(found.starts)))
    return list(zip(found.lines.tolist(), found.numbers.tolist(), texts, strict=True)), found


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"], ids=["comma", "semicolon", "tab", "bar"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL], ids=["some", "all"])
def test_records_stand_where_another_reader_finds_them(tmp_path, delimiter, newline, quoting):
    text = written(TABLE, newline=newline, delimiter=delimiter, quoting=quoting)
    assert found_in(tmp_path, text, delimiter)[0] == read_independently(text, delimiter)


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_a_block_may_end_anywhere(tmp_path, monkeypatch, newline):
    text = written(TABLE, newline=newline) + 'x,not "quoted",but"'  # which has each line looked at by itself
    expected = read_independently(text, ",")
    for size in range(1, len(text.encode()) + 2):
        monkeypatch.setattr(csv_reader, "_BLOCK", size)
        assert found_in(tmp_path, text)[0] == expected


@given(
    table=st.lists(st.lists(st.text('",;\n é', max_size=4), min_size=2, max_size=3), max_size=6),
    newline=st.sampled_from(["\n", "\r\n"]),
    size=st.integers(1, 40),
)
def test_records_of_any_table_stand_where_another_reader_finds_them(tmp_path_factory, table, newline, size):
    text = written(table, newline=newline)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(csv_reader, "_BLOCK", size)
        found, _ = found_in(tmp_path_factory.mktemp("records"), text)
    # a space before a quote: the reader passes over it, csv.reader does not
    if ' "' not in text:
        assert found == read_independently(text, ",")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a\n\n\nb\n", [1, 4]),
        ("\n\na", [3]),
        ("\r\na\r\n\r\nb", [2, 4]),
        ("", []),
        ("\n\n", []),
        ('a,"x\ny"\nb', [1, 3]),
        ('a, "x\ny"\nb', [1, 3]),
        ('a,x"y\nb"\nc', [1, 2, 3]),
        ('a,"x"y\nb,"z\nz"\nc', [1, 2, 4]),
        ('a,"x"y,"z\nz"\nc', [1, 3]),
        ('a,"x""\n""y"\nb', [1, 3]),
        ('"\n"\n"\n"', [1, 3]),
    ],
)
def test_a_quote_goes_on_over_the_line_only_where_it_opens_a_field(tmp_path, text, lines):
    found, whole = found_in(tmp_path, text)
    assert [line for line, _, _ in found] == lines
    assert whole.open_line is None


@pytest.mark.parametrize(
    ("text", "line"),
    [('a\n"b\nc\n', 2), ('"', 1), ('a\n\n\nb,"x""\n', 4), ('a,"x\ny"\nb,"z', 3), ('a, "x\nb', 1)],
)
def test_a_quote_that_is_never_closed_is_told_by_its_line(tmp_path, monkeypatch, text, line):
    for size in range(1, len(text) + 1):
        monkeypatch.setattr(csv_reader, "_BLOCK", size)
        assert found_in(tmp_path, text)[1].open_line == line


def test_below_leaves_out_lines_and_the_header_after_them(tmp_path):
    _, found = found_in(tmp_path, "sep=,\n\nid,name\n\n1,a\n2,b\n")
    below = found.below(2)
    assert below.lines.tolist() == [5, 6]
    assert below.numbers.tolist() == [5, 6]
    assert below.texts(np.array([1])) == ["2,b"]


def test_the_text_of_a_record_is_without_the_blank_lines_after_it(tmp_path):
    assert found_in(tmp_path, 'a,"x\r\ny"\r\n\r\n\r\nb\r\n')[0] == [(1, 1, 'a,"x\ny"'), (5, 4, "b")]
