"""JSON with one value on a line, whatever it was: lines already, an array, pages of an interface, or one object.

Lines are read where they lie. Anything else is split into its objects and written once more to a private copy, so that
a file of any size is read with the memory of one object; one that cannot be read ends nothing but itself.
"""

import codecs
import gzip
import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, cast

from engagement.errors import InvalidInput
from engagement.files.bombs import bomb, most_unpacked
from engagement.files.copies import copied

_CHUNK: Final = 1024 * 1024
_LONGEST: Final = 1024 * 1024  # characters of an object; of a statement it is a few thousand
_GZIP: Final = b"\x1f\x8b"
# What stands around the objects: the beginning of an array, and of a page of one.
_PAGE: Final = re.compile(r'\{\s*(?:"more"\s*:\s*"[^"]*"\s*,\s*)?"statements"\s*:\s*\[')
_NEXT: Final = re.compile(r"(?:\n|\}\s*,)\s*(?=\{)")  # after one that is damaged
_NOT_FOR_LINES: Final = (
    b"\r",
    b"\0",
    b"\x01",
)  # what a reader of lines would split at; in JSON, no text has them
_NO_MARKS: Final = {0: "?", 1: "?"}
_BROKEN: Final = b"{\n"  # stands for an object that cannot be read: of what is in it, nothing is kept


def beginning(path: Path, characters: int) -> str:
    """Return how a file of JSON begins, without a mark before it; empty where it does not begin with one.

    An array may be a single line, longer than a line of text is taken to be.
    """
    with path.open("rb") as file:
        start = file.read(_CHUNK)
    if start.startswith(_GZIP):
        try:
            with gzip.open(path) as unpacked:
                start = unpacked.read(_CHUNK)
        except (EOFError, OSError):
            return ""
    text = start.decode("utf-8-sig", errors="replace").lstrip()
    return text[:characters] if text.startswith(("{", "[")) else ""


@contextmanager
def json_lines(path: Path) -> Iterator[Path]:
    """Yield a file in UTF-8 in which each line is an object of `path`, or none.

    JSON is in UTF-8; what is not, in a line, is replaced. Raises `InvalidInput` for a damaged archive.
    """
    if _is_in_lines(beginning(path, _CHUNK)):
        if _is_plain(path):
            yield path
            return
        source = _lines
    else:
        source = _objects
    try:
        with path.open("rb") as file, copied(source(file, path), path.name) as place:
            yield place
    except (EOFError, gzip.BadGzipFile):
        raise InvalidInput(f"{path.name}: the gzip archive is truncated or damaged") from None


def _is_in_lines(start: str) -> bool:
    if not start:
        return True
    if start.startswith("[") or _PAGE.match(start):
        return False
    line, end, _ = start.partition("\n")
    try:
        json.loads(line)
    except ValueError:
        return len(line) > _LONGEST or not end or not _is_spread(line)
    return True


def _is_spread(line: str) -> bool:
    """Return whether an object goes on in the next line, as in a file that people are to read."""
    return bool(re.fullmatch(r'\{\s*("[^"]*"\s*:\s*[\[{"]?.{0,200})?', line.strip())) and len(line) < 300


def _is_plain(path: Path) -> bool:
    """Return whether a file is in UTF-8 without a mark, each line ended by LF, as the reader takes it."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        start = file.read(len(codecs.BOM_UTF8))
        if start.startswith((_GZIP, codecs.BOM_UTF8)):
            return False
        file.seek(0)
        try:
            while chunk := file.read(_CHUNK):
                if any(mark in chunk for mark in _NOT_FOR_LINES):
                    return False
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _text(file: IO[bytes]) -> IO[str]:
    is_packed = file.read(2) == _GZIP
    file.seek(0)
    unpacked = gzip.GzipFile(fileobj=file) if is_packed else file
    return io.TextIOWrapper(cast("IO[bytes]", unpacked), encoding="utf-8-sig", errors="replace")


def _lines(file: IO[bytes], path: Path) -> Iterator[bytes]:
    """Yield the text of a file in pieces, each line ended by LF."""
    taken, most = 0, most_unpacked(path)
    with _text(file) as text:
        while chunk := text.read(_CHUNK):
            taken += len(chunk)
            if taken > most:
                raise bomb(path.name)
            yield chunk.translate(_NO_MARKS).encode(errors="replace")


def _objects(file: IO[bytes], path: Path) -> Iterator[bytes]:
    """Yield the objects of a file, each with the end of its line."""
    with _text(file) as text:
        yield from _split(text, path)


def _split(text: IO[str], path: Path) -> Iterator[bytes]:
    decoder, buffer, at, taken, ended = json.JSONDecoder(), "", 0, 0, False
    most = most_unpacked(path)
    while True:
        if not ended and len(buffer) - at < _LONGEST:
            chunk = text.read(_CHUNK)
            taken += len(chunk)
            if taken > most:
                raise bomb(path.name)
            ended, buffer, at = not chunk, buffer[at:] + chunk, 0
            if not ended and len(buffer) < _LONGEST:
                continue
        at = buffer.find("{", at)
        if at < 0:
            if ended:
                return
            buffer, at = "", 0
            continue
        if page := _PAGE.match(buffer, at):
            at = page.end()
            continue
        try:
            _, end = decoder.raw_decode(buffer, at)
        except (ValueError, RecursionError):
            yield _BROKEN
            found = _NEXT.search(buffer, at + 1)
            at = found.end() if found else len(buffer)
            continue
        # Within a text, a line does not end: there it is written as \n.
        yield buffer[at:end].replace("\n", " ").replace("\r", " ").encode(errors="replace") + b"\n"
        at = end
