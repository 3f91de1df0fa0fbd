"""Workbooks as whoever opens them reads them, and what in them could run."""

import io
import zipfile
from xml.etree import ElementTree

NS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def lines(content):
    """Return the rows of a workbook's one sheet, each as a dictionary by the header; every cell as text."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        strings = [
            "".join(text.text or "" for text in item.iter(f"{NS}t"))
            for item in ElementTree.fromstring(book.read("xl/sharedStrings.xml")).iter(f"{NS}si")
        ]
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    assert not list(sheet.iter(f"{NS}f")), "a formula"
    assert not list(sheet.iter(f"{NS}hyperlink")), "a link"
    header, *found = [[_text(cell, strings) for cell in row.iter(f"{NS}c")] for row in sheet.iter(f"{NS}row")]
    return [dict(zip(header, row, strict=True)) for row in found]


def _text(cell, strings):
    value = cell.findtext(f"{NS}v", "")
    return strings[int(value)] if cell.get("t") == "s" else value
