"""A sheet of a workbook is read as what its cells hold, and no workbook takes more room than there is."""

import io
import random
import zipfile
from contextlib import suppress
from datetime import date, datetime, time

import pytest
import xlsxwriter

from engagement.errors import InvalidInput
from engagement.files import workbook
from engagement.files.encoding import plain_text, start_of_text


@pytest.fixture
def book(tmp_path):
    """Write a workbook of these sheets, each rows of cells; a cell may be a value and its format."""

    def book(_name="some.xlsx", **sheets):
        path = tmp_path / _name
        with xlsxwriter.Workbook(path) as written:
            for name, rows in sheets.items():
                sheet = written.add_worksheet(name.lstrip("_"))
                if name.startswith("_"):
                    sheet.hide()
                for at, row in enumerate(rows):
                    for place, cell in enumerate(row):
                        value, shown = cell if isinstance(cell, tuple) else (cell, None)
                        if value is not None:
                            sheet.write(
                                at, place, value, written.add_format({"num_format": shown}) if shown else None
                            )
        return path

    return book


def read(path, sheet=""):
    with plain_text(path, sheet=sheet) as plain:
        return plain.path.read_text()


def test_a_cell_is_read_as_what_it_holds(book):
    row = ["0008462", 8462, (8462, "0000000"), 41.5, True, "two\nlines", "=1+1", 'a "quote", a comma']
    assert read(book(A=[row])) == '0008462,8462,8462,41.5,True,two lines,0,"a ""quote"", a comma"\n'


def test_a_sheet_is_converted_once_however_often_it_is_read_until_it_changes(book):
    path = book(A=[["id", "name"], ["1", "Ida"]], B=[["id", "name"], ["2", "Bo"]])
    assert start_of_text(path, sheet="A") == read(path, "A") == "id,name\n1,Ida\n"
    with plain_text(path, sheet="A") as first, plain_text(path, sheet="A") as again:
        assert first.path.samefile(again.path)
        with plain_text(path, sheet="B") as other:
            assert not first.path.samefile(other.path)
    book(A=[["id", "name"], ["1", "Eve"]], B=[["id", "name"], ["2", "Bo"]])
    assert start_of_text(path, sheet="A") == read(path, "A") == "id,name\n1,Eve\n"


def test_few_sheets_are_kept_and_who_reads_one_keeps_it(book):
    first = book("first.xlsx", A=[["1"]])
    with plain_text(first) as kept:
        others = [book(f"{number}.xlsx", A=[[str(number)]]) for number in range(10)]
        assert [read(path) for path in others] == [f"{number}\n" for number in range(10)]
        with plain_text(first) as again:
            assert not again.path.samefile(kept.path)
        assert kept.path.read_text() == "1\n"


def test_dates_are_iso_dates_whatever_they_are_shown_as(book):
    cells = [
        (datetime.fromisoformat("2026-02-11 08:12:32"), "dd.mm.yyyy hh:mm"),
        (date.fromisoformat("2026-02-11"), "d mmmm yy"),
        (time.fromisoformat("08:12:00"), "hh:mm"),
        (46064.34203703, "m/d/yyyy h:mm"),
        (46064, None),
    ]
    assert read(book(A=[cells])) == "2026-02-11 08:12:32,2026-02-11,08:12:00,2026-02-11 08:12:32,46064\n"


def test_a_row_is_the_line_of_its_number(book):
    assert read(book(A=[[], [None, "x"], [], [None, None], ["a", "b"]])) == "\n,x\n\n\na,b\n"


def test_a_number_that_lost_digits_in_the_sheet_looks_like_it(book):
    assert read(book(A=[[1234567890123456789, 123456789012345]])) == "1.234567890123457e+18,123456789012345\n"


def test_the_one_sheet_that_holds_something_is_meant(book):
    path = book(Empty=[], A=[["x"]], _Hidden=[["secret"]])
    assert read(path) == "x\n"
    assert read(path, sheet="Hidden") == "secret\n"


def test_which_of_several_sheets_is_meant_has_to_be_said(book):
    path = book(Spring=[["x"]], Autumn=[["y"]])
    with pytest.raises(
        InvalidInput, match=r"a workbook of 2 sheets, 'Spring', 'Autumn'; `--sheet` says which"
    ):
        read(path)
    assert read(path, sheet="Autumn") == "y\n"
    with pytest.raises(InvalidInput, match=r"no sheet is called 'autumn'; there is 'Spring', 'Autumn'"):
        read(path, sheet="autumn")
    with pytest.raises(InvalidInput, match="no sheet of the workbook holds anything"):
        read(book(A=[]))


@pytest.mark.parametrize("name", ["some.csv", "some.xls", "some.XLSX", "some"])
def test_a_workbook_is_one_whatever_it_is_called(book, name):
    assert read(book(name, A=[["x"]])) == "x\n"


# --- what is none, or too much of one ----------------------------------------------------------------------------


def zipped(**parts):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


def changed(content, **parts):
    """Return a workbook in which some parts are others."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return zipped(**({name: archive.read(name) for name in archive.namelist()} | parts))


@pytest.mark.parametrize(
    ("parts", "what"),
    [
        ({"table.csv": "id"}, "a zip archive"),
        ({}, "a zip archive"),
        ({"xl/workbook.bin": ""}, r"a binary workbook \(\.xlsb\)"),
        ({"content.xml": "", "mimetype": ""}, "an OpenDocument file"),
        ({"word/document.xml": ""}, "a Word document"),
        ({"xl/workbook.xml": "<workbook/>"}, "a workbook or a zip archive that is damaged"),
    ],
)
def test_what_is_packed_like_a_workbook_is_named(tmp_path, parts, what):
    path = tmp_path / "some.xlsx"
    path.write_bytes(zipped(**parts))
    with pytest.raises(InvalidInput, match=rf"some\.xlsx: {what}"):
        read(path)


def test_no_length_of_a_truncated_workbook_is_one_and_no_flipped_bit_ends_the_program(book, tmp_path):
    path = book(A=[["id", "name"], *([f"S-{n}", "Invented"] for n in range(50))])
    whole = path.read_bytes()
    for length in range(4, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(InvalidInput):
            read(path)
    some = random.Random(5)
    for _ in range(200):
        flipped = bytearray(whole)
        flipped[some.randrange(4, len(whole))] ^= 1 << some.randrange(8)
        path.write_bytes(flipped)
        with suppress(InvalidInput):
            read(path)


def test_a_workbook_whose_parts_lie_nowhere_is_damaged(book):
    path = book(A=[["x"]])
    content = bytearray(path.read_bytes())
    central = content.index(b"PK\x01\x02")
    content[central + 42 : central + 46] = b"\xff\xff\xff\x7f"  # where the first part begins
    path.write_bytes(b"PK\x03\x04" + bytes(content)[8:])
    with pytest.raises(InvalidInput, match="damaged"):
        read(path)


def test_two_cells_at_the_ends_of_a_sheet_are_not_all_between_them(book):
    path = book(A=[["x"]])
    sheet = zipfile.ZipFile(path).read("xl/worksheets/sheet1.xml")
    far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    path.write_bytes(
        changed(path.read_bytes(), **{"xl/worksheets/sheet1.xml": sheet.replace(b"</sheetData>", far)})
    )
    with pytest.raises(
        InvalidInput, match="a sheet of 17,179,869,184 cells, empty ones with it, more than 30,000,000"
    ):
        read(path)


def test_one_text_in_very_many_cells_is_not_read_so_many_times(book, monkeypatch):
    path = book(A=[["x" * 30_000]] + [["x" * 30_000]] * 999)
    monkeypatch.setattr(workbook, "_MOST_TEXT", 29_000_000)
    with pytest.raises(InvalidInput, match="unpacks to more than 200 times"):
        read(path)
    monkeypatch.setattr(workbook, "_MOST_TEXT", 31_000_000)
    assert len(read(path)) == 30_001 * 1_000
    monkeypatch.setattr(workbook, "_MOST_TEXT", 1_000_000)
    assert read(book(A=[["x" * 30_000]] + [["y"]] * 999))  # one long text among many short ones


def test_a_text_longer_than_any_sheet_takes_is_counted_whole(book, monkeypatch):
    path = book(A=[["word"]] + [["word"]] * 9)
    with zipfile.ZipFile(path) as archive:
        strings = archive.read("xl/sharedStrings.xml").replace(b"word", b"word" * 1_000_000)
    path.write_bytes(changed(path.read_bytes(), **{"xl/sharedStrings.xml": strings}))
    monkeypatch.setattr(workbook, "_MOST_TEXT", 39_000_000)
    with pytest.raises(InvalidInput, match="unpacks to more than 200 times"):
        read(path)


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml"])
def test_a_workbook_that_unpacks_to_far_more_than_its_size_is_refused(book, part):
    path = book(A=[["x"]])
    path.write_bytes(changed(path.read_bytes(), **{part: b" " * 80_000_000}))
    with pytest.raises(InvalidInput, match="unpacks to more than 200 times"):
        read(path)


def test_a_part_that_lies_about_its_size_is_counted_as_it_is(book):
    path = book(A=[["x"]])
    content = changed(path.read_bytes(), **{"xl/styles.xml": b" " * 80_000_000})
    size = (80_000_000).to_bytes(4, "little")
    assert content.count(size) == 2
    path.write_bytes(content.replace(size, (9).to_bytes(4, "little")))
    with pytest.raises(InvalidInput, match="unpacks to more than 200 times"):
        read(path)
