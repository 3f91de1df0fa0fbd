"""What a file is by its first bytes, whatever its name says: text, or something of another program.

A page of HTML called `.xls` or a list of JSON objects has a first line too, in which a column could be missed: that
would lead nowhere. So whatever is no table of text is called by its name, with what to do about it.
"""

import codecs
import re
import tarfile
import unicodedata
from pathlib import Path
from typing import Final

from engagement.errors import InvalidInput

LOOKED_AT: Final = 4096  # bytes; the header of a tar has 512, an HTML page may begin with a comment
_SAVE: Final = "save it as CSV UTF-8"
_UNPACK: Final = "unpack it, and load what is in it"
_OPEN: Final = f"open it in a spreadsheet program and {_SAVE}"
_BY_MAGIC: Final[dict[bytes, tuple[str, str]]] = {
    b"\xd0\xcf\x11\xe0": ("an old workbook (.xls), or one with a password", _OPEN),
    b"PAR1\x15": ("a Parquet file", "give it a name that ends in .parquet"),
    b"PARE": ("an encrypted Parquet file", "load it decrypted"),
    b"ARROW1\x00": ("an Arrow file", "save it as Parquet"),
    b"Obj\x01": ("an Avro file", "save it as Parquet"),
    b"SQLite format 3\x00": ("an SQLite database", "export the table as CSV UTF-8"),
    **{b"BZh%d1AY&SY" % level: ("a bzip2 archive", _UNPACK) for level in range(1, 10)},
    b"\xfd7zXZ": ("an xz archive", _UNPACK),
    b"\x28\xb5\x2f\xfd": ("a Zstandard archive", _UNPACK),
    b"7z\xbc\xaf": ("a 7-Zip archive", _UNPACK),
    b"Rar!": ("a RAR archive", _UNPACK),
    b"\x1f\x8b": ("a gzip archive", _UNPACK),
    b"%PDF": ("a PDF", "export the table itself as CSV UTF-8"),
    b"{\\rtf": ("an RTF document", _SAVE),
    b"\x89PNG": ("a picture", "export the table itself as CSV UTF-8"),
    b"\xff\xd8\xff": ("a picture", "export the table itself as CSV UTF-8"),
    b"$FL2": ("an SPSS file", _SAVE),
    b"$FL3": ("an SPSS file", _SAVE),
    b"<stata_dta>": ("a Stata file", _SAVE),
}
ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
_UTF_32: Final = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_WIDE: Final = re.compile(
    rb"\A(?:[^\0]\0{3}|\0{3}[^\0]){3}", re.DOTALL
)  # its first letters, where there is no mark
_HTML: Final = re.compile(
    r"(?i)<(?:!doctype html|(?:html|head|body|title|meta|script|style|table|div|center)\b)"
)
_XML: Final = re.compile(r"(?i)<\?xml|<!doctype|<[a-z][\w:.-]*(?: [^<>,;\t|]*)?/?>\s*(?:<|\Z)")
_JSON: Final = re.compile(r"\[\s*(?:[\[{\]]|\"[^\"]*\"\s*,?\s*\n)|\{\s*(?:\"|\}\s*\Z)")
# A text has line ends and tabs, a form feed, the end of a file as DOS wrote it, and perhaps a cell that is broken.
_NO_TEXT: Final = re.compile(r"[\0-\x08\x0b\x0e-\x19\x1b-\x1f\x7f]")
_FEW: Final = 0.05


def utf_16_of(start: bytes) -> str | None:
    """Return which UTF-16 a text begins as, by its mark or because its header is mostly ASCII; None for others."""
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if start.startswith(mark):
            return encoding
    if len(start) > 1 and start[:2].count(0) == 1:
        return "utf-16-le" if start[1] == 0 else "utf-16-be"
    return None


def refuse_other_than_text(start: bytes, name: str) -> None:
    """Raise `InvalidInput` that says what a file is, and what to do, where its first bytes are not those of a text."""
    if found := _other_than_text(start):
        what, advice = found
        raise InvalidInput(f"{name}: {what}, not a table of text; {advice}")


def refuse_other_than_parquet(path: Path) -> None:
    """Raise `InvalidInput` that says what a file is which is called Parquet, where that can be told."""
    with path.open("rb") as file:
        start = file.read(LOOKED_AT)
    if not start.startswith((b"PAR1", b"PARE")) and (found := _other_than_text(start)):
        what, advice = found
        raise InvalidInput(f"{path.name}: {what}, not Parquet; {advice}")


def _other_than_text(start: bytes) -> tuple[str, str] | None:
    for magic, found in _BY_MAGIC.items():
        if start.startswith(magic):
            return found
    if start.startswith(ZIP):
        return "a zip archive", _UNPACK
    if start.startswith(_UTF_32) or _WIDE.match(start):
        return "a text in UTF-32", _SAVE
    if _is_tar(start):
        return "a tar archive", _UNPACK
    encoding = utf_16_of(start)
    text = start.decode(encoding or "utf-8", "replace").lstrip("\ufeff \t\r\n")
    if markup := _markup(text):
        return markup
    # What is not UTF-8 may well be a text too; in UTF-16 any two bytes are something.
    nobody_writes = [sign for sign in text if unicodedata.category(sign) in {"Cn", "Co"}] if encoding else []
    if len(_NO_TEXT.findall(text)) + len(nobody_writes) > _FEW * len(text):
        return "a file of some program", _SAVE
    return None


def _markup(text: str) -> tuple[str, str] | None:
    bare = re.sub(r"\A(?:<!--.*?-->\s*)+", "", text, flags=re.DOTALL)
    if _HTML.match(bare):
        return "an HTML page", f"{_OPEN}; a page to log in comes where an address needs more than its name"
    if _XML.match(bare):
        return ("an HTML page", _OPEN) if re.search(r"(?i)<html\b", bare) else ("an XML file", _OPEN)
    if _JSON.match(bare):
        return "JSON", _SAVE
    return None


def _is_tar(start: bytes) -> bool:
    if b"\0" not in start[: tarfile.BLOCKSIZE]:
        return False
    try:
        tarfile.TarInfo.frombuf(start[: tarfile.BLOCKSIZE], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True
