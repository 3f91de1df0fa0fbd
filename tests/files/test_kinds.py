"""What is no table of text is called by its name, and told what to do about; what is one is let through."""

import bz2
import gzip
import io
import json
import lzma
import random
import sqlite3
import tarfile
import zipfile

import duckdb
import pytest

from engagement.errors import InvalidInput
from engagement.files.encoding import plain_text
from engagement.files.kinds import refuse_other_than_parquet, refuse_other_than_text

TABLE = "id,name\nS-1,Zoë Invented\n"
PAGE = "<table><tr><th>id</th><th>name</th></tr><tr><td>S-1</td></tr></table>"
PERSON = {"id": "S-1", "name": "Zoë Invented"}


def tar(kind):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=kind) as archive:
        entry = tarfile.TarInfo("table.csv")
        entry.size = len(TABLE.encode())
        archive.addfile(entry, io.BytesIO(TABLE.encode()))
    return file.getvalue()


def zipped(name):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, TABLE)
    return file.getvalue()


def v7_tar():
    """Return a tar of before there was a mark for it."""
    block = bytearray(tar(tarfile.USTAR_FORMAT))
    block[257:512] = bytes(255)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block[:512])
    return bytes(block)


KINDS = {
    "html": (f"<html><body>{PAGE}</body></html>".encode(), "an HTML page"),
    "html 5": (f"\r\n  <!DOCTYPE html>\n<html lang=de>{PAGE}</html>".encode(), "an HTML page"),
    "html with a mark": (f"\ufeff<HTML>{PAGE}".encode(), "an HTML page"),
    "html below a comment": (f"<!-- made by\na tool -->\n<html>{PAGE}</html>".encode(), "an HTML page"),
    "html in UTF-16": (f"<html>{PAGE}</html>".encode("utf-16"), "an HTML page"),
    "a bare table": (PAGE.encode(), "an HTML page"),
    "xhtml": (b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>', "an HTML page"),
    "xml": (
        b'<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?>\n<Workbook>',
        "an XML file",
    ),
    "xml without a head": (b'<learners term="2026">\n  <learner id="S-1"/>\n</learners>', "an XML file"),
    "json": (json.dumps([PERSON], indent=2).encode(), "JSON"),
    "json in one line": (json.dumps([PERSON]).encode(), "JSON"),
    "json of rows": (json.dumps([["id", "name"], ["S-1", "Zoë"]]).encode(), "JSON"),
    "json of columns": (json.dumps({"data": [PERSON]}, indent=1).encode("utf-8-sig"), "JSON"),
    "jsonl": (json.dumps(PERSON).encode() + b"\n", "JSON"),
    "tar": (tar(tarfile.USTAR_FORMAT), "a tar archive"),
    "gnu tar": (tar(tarfile.GNU_FORMAT), "a tar archive"),
    "pax tar": (tar(tarfile.PAX_FORMAT), "a tar archive"),
    "old tar": (v7_tar(), "a tar archive"),
    "zip": (zipped("table.csv"), "a zip archive"),
    "bzip2": (bz2.compress(TABLE.encode()), "a bzip2 archive"),
    "xz": (lzma.compress(TABLE.encode()), "an xz archive"),
    "7z": (b"7z\xbc\xaf\x27\x1c\x00\x04", "a 7-Zip archive"),
    "gzip": (gzip.compress(TABLE.encode()), "a gzip archive"),
    "utf-32": (TABLE.encode("utf-32"), "a text in UTF-32"),
    "utf-32-le": (TABLE.encode("utf-32-le"), "a text in UTF-32"),
    "utf-32-be": (TABLE.encode("utf-32-be"), "a text in UTF-32"),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "a PDF"),
    "picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a picture"),
    "old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old workbook"),
    "program": (b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\0>\0\x01\0\0\0", "a file of some program"),
    "noise": (random.Random(7).randbytes(4096), "a file of some program"),
    "noise like UTF-16": (b"\0i" + random.Random(7).randbytes(4096), "a file of some program"),
}
TEXTS = {
    "table": TABLE.encode(),
    "utf-8 with a mark": TABLE.encode("utf-8-sig"),
    "utf-16": TABLE.encode("utf-16"),
    "utf-16-be": TABLE.encode("utf-16-be"),
    "windows-1252": TABLE.encode("cp1252"),
    "empty": b"",
    "names in brackets": b"[id],[name]\nS-1,Zoe\n",
    "names in brackets, one": b"[id]\nS-1\n",
    "names in angles": b"<id>,<name>\nS-1,Zoe\n",
    "names in braces": b"{id},{name}\nS-1,Zoe\n",
    "names in quotes": b'"id","name"\n"S-1","<html>"\n',
    "ORCID": b"ORCID,id\n0,S-1\n",
    "PAR1": b"PAR1,id\n0,S-1\n",
    "a broken cell": b"id,name\nS-1,Zo\x00e\x1a\n" + b"S-2,Mei\n" * 20,
    "form feeds": b"id,name\nS-1,Zoe\n\f\nS-2,Mei\n\x1a",
}


@pytest.mark.parametrize(("content", "what"), KINDS.values(), ids=KINDS)
def test_what_is_no_text_is_named_with_what_to_do(content, what):
    with pytest.raises(InvalidInput) as caught:
        refuse_other_than_text(content, "some.csv")
    said = str(caught.value)
    assert said.startswith(f"some.csv: {what}")
    assert any(advice in said for advice in ("save it as CSV UTF-8", "as CSV UTF-8", "unpack it"))
    assert said.isprintable()
    assert "Zoë" not in said


@pytest.mark.parametrize("content", TEXTS.values(), ids=TEXTS)
def test_a_text_is_let_through_whatever_it_looks_like(content):
    refuse_other_than_text(content, "some.csv")


@pytest.mark.parametrize("kind", ["html", "json", "tar", "zip", "gzip", "utf-32"])
def test_the_same_in_a_gzip_archive_is_named_too(tmp_path, kind):
    content, what = KINDS[kind]
    path = tmp_path / "some.csv.gz"
    path.write_bytes(gzip.compress(content))
    with pytest.raises(InvalidInput, match=what), plain_text(path):
        pass


def test_files_of_programs_are_known_as_they_write_them(tmp_path):
    path = tmp_path / "real.csv"
    with duckdb.connect() as engine:
        for rows in (0, 5):
            engine.execute(f"copy (select i as id from range({rows}) t(i)) to '{path}' (format parquet)")
            with pytest.raises(InvalidInput, match=r"a Parquet file.*give it a name that ends in \.parquet"):
                refuse_other_than_text(path.read_bytes(), path.name)
    path.unlink()
    with sqlite3.connect(path) as database:
        database.execute("create table learners (id text)")
    database.close()
    with pytest.raises(InvalidInput, match="an SQLite database"):
        refuse_other_than_text(path.read_bytes(), path.name)


@pytest.mark.parametrize("kind", ["html", "json", "zip", "gzip"])
def test_what_is_called_parquet_is_named_too(tmp_path, kind):
    content, what = KINDS[kind]
    path = tmp_path / "some.parquet"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=f"{what}, not Parquet"):
        refuse_other_than_parquet(path)
