"""Text files as UTF-8 with one kind of line ending, which is all that the CSV reader takes.

A file that is so already is read where it lies. Any other is written once more to a temporary file: unpacked,
decoded, each line ended by LF. Lines keep their numbers, so a refused row is found in the original.
"""

import codecs
import gzip
import io
import re
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, cast

from engagement.errors import InvalidInput

_CHUNK: Final = 8 * 1024 * 1024
_GZIP: Final = b"\x1f\x8b"
_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx (a zip) and .xls
_UTF_16: Final = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
# Text that holds some of these was meant as UTF-8, even where some other byte of it is broken.
_UTF_8_LETTER: Final = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_NOT_ASCII: Final = bytes(range(128, 256))
_BY_CHANCE: Final = 0.2  # of the bytes beyond ASCII: what two letters of Windows-1252 may be besides


@contextmanager
def plain_text(path: Path) -> Iterator[Path]:
    """Yield a file with the text of `path` in UTF-8 whose lines all end in LF, or all in CRLF.

    A byte order mark may stand before it, save before a quote. Understands gzip, and UTF-8, UTF-16 and Windows-1252
    with or without a mark. Raises `InvalidInput` for a damaged archive, bytes that are no text in any of these, and
    spreadsheets' own formats.
    """
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith(_WORKBOOKS):
        raise InvalidInput(f"{path.name}: a workbook or a zip archive, not a CSV file; save it as CSV UTF-8")
    packed = start.startswith(_GZIP)
    try:
        with _opened(path, packed) as file:
            encoding = _encoding(file, path.name)
        # A mark before a quote hides the quote from the reader.
        as_it_is = encoding == "utf-8" and not packed and start != codecs.BOM_UTF8 + b'"'
        if as_it_is and _is_read_as_it_is(path):
            yield path
            return
        with tempfile.NamedTemporaryFile(prefix="engagement-", suffix=".csv") as copy:
            with _opened(path, packed) as file:
                _rewrite(file, encoding, cast("IO[bytes]", copy), path.name)
            yield Path(copy.name)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise InvalidInput(f"{path.name}: the gzip archive is truncated or damaged") from None


def _opened(path: Path, packed: bool) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path)) if packed else path.open("rb")


def _encoding(file: IO[bytes], name: str) -> str:
    """Return how the file is encoded: UTF-16 where it looks like it, UTF-8 where it is, else Windows-1252."""
    start = file.read(_CHUNK)
    for mark, encoding in _UTF_16.items():
        if start.startswith(mark):
            return encoding
    # A header is mostly ASCII: every second byte of UTF-16 is then zero.
    if len(start) > 1 and start[:2].count(0) == 1:
        return "utf-16-le" if start[1] == 0 else "utf-16-be"
    if _decodes(file, start, "utf-8"):
        return "utf-8"
    file.seek(0)
    if _has_utf_8_letters(file):
        raise InvalidInput(f"{name}: UTF-8 with broken bytes in it; save it as CSV UTF-8")
    file.seek(0)
    if not _decodes(file, file.read(_CHUNK), "cp1252"):
        raise InvalidInput(
            f"{name}: bytes that are no text in UTF-8, UTF-16 or Windows-1252; save it as CSV UTF-8"
        )
    return "cp1252"


def _decodes(file: IO[bytes], chunk: bytes, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while chunk:
            if not (chunk.isascii() and decoder.getstate() == (b"", 0)):  # which is much quicker
                decoder.decode(chunk)
            chunk = file.read(_CHUNK)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _has_utf_8_letters(file: IO[bytes]) -> bool:
    """Return whether there are more than a text in Windows-1252 has by chance."""
    beyond = letters = 0
    for line in file:
        if not line.isascii():
            beyond += len(line) - len(line.translate(None, _NOT_ASCII))
            letters += sum(map(len, _UTF_8_LETTER.findall(line)))
    return letters > _BY_CHANCE * beyond


def _is_read_as_it_is(path: Path) -> bool:
    """Return whether all lines end in LF, or all in CRLF and none of them within quotes, where a text has LF alone."""
    newlines = returns = both = 0
    last = b""
    with path.open("rb") as file:
        has_returns = file.readline().endswith(b"\r\n")
        file.seek(0)
        while chunk := file.read(_CHUNK):
            if (b'"' if has_returns else b"\r") in chunk:
                return False
            if has_returns:
                newlines += chunk.count(b"\n")
                returns += chunk.count(b"\r")
                both += chunk.count(b"\r\n") + (last == b"\r" and chunk.startswith(b"\n"))
                last = chunk[-1:]
    return returns == both == newlines if has_returns else True


def _rewrite(file: IO[bytes], encoding: str, copy: IO[bytes], name: str) -> None:
    text = io.TextIOWrapper(file, encoding=encoding, newline=None)
    try:
        copy.write(text.read(1).replace("\ufeff", "").encode())
        while chunk := text.read(_CHUNK):
            copy.write(chunk.encode())
    except UnicodeError:
        raise InvalidInput(f"{name}: not all of it is {encoding.upper()}; save it as CSV UTF-8") from None
    finally:
        text.detach()
    copy.flush()
