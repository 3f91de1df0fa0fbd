"""Text files as UTF-8 with one kind of line ending, which is all that the CSV reader takes.

A file that is so already is read where it lies. Any other is written once more to a temporary file: unpacked,
decoded, each line ended by LF. Lines keep their numbers, so a refused row is found in the original. The temporary file
has no name where the system lets it be read without one: whatever ends the process, nobody's data stays.

A megabyte can unpack to gigabytes, and a line can be as long as the file: both are looked at while it is read.
"""

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, Final, cast

from engagement.errors import InvalidInput
from engagement.files.alphabets import Sample, codec
from engagement.files.bombs import bomb, most_unpacked
from engagement.files.copies import Kept, copied
from engagement.files.kinds import LOOKED_AT, refuse_other_than_text, utf_16_of
from engagement.files.workbook import as_csv, is_workbook

_CHUNK: Final = 8 * 1024 * 1024
_LONGEST_LINE: Final = 16 * 1024 * 1024  # whoever splits the rows takes less, and can say in which line
_GZIP: Final = b"\x1f\x8b"
# Text that holds some of these was meant as UTF-8, even where some other byte of it is broken.
_UTF_8_LETTER: Final = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_BEYOND_ASCII: Final = re.compile(r"[^\x00-\x7f]+")
_MARKS: Final = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_NOT_ASCII: Final = bytes(range(128, 256))
_BY_CHANCE: Final = 0.2  # of the bytes beyond ASCII: what two letters of Windows-1252 may be besides
_MOSTLY: Final = 0.6  # of them; a few names in an encoding of two bytes a letter have a third by chance
_GUESS: Final = "cp1252"
_LOOKED_AT_LINES: Final = 2_000  # beyond ASCII, and different
_LOOKED_AT_BYTES: Final = 1_000_000
_TWICE: Final = 0.5  # of the words beyond ASCII
_MOST_SHEETS: Final = 8  # that are kept as texts
_sheets: Final[dict[object, Kept]] = {}  # the one that was read last stands last
_Opened = Callable[[], AbstractContextManager[IO[bytes]]]


@dataclass(frozen=True)
class PlainText:
    """A file in UTF-8 at `path`, read as `encoding`; `guess` says what was guessed, where something was.

    A workbook has no encoding that anybody would say.
    """

    path: Path
    encoding: str
    guess: str = ""


@contextmanager
def plain_text(path: Path, encoding: str = "", *, sheet: str = "") -> Iterator[PlainText]:
    """Yield a file with the text of `path` in UTF-8 whose lines all end in LF, or all in CRLF.

    A byte order mark may stand before it, save before a quote. Understands gzip, and UTF-8 and UTF-16 with or without
    a mark. Any other text is in `encoding`; where none is said, Windows-1252 is guessed. Of a workbook it is a `sheet`.

    Raises `InvalidInput` for a damaged archive, for what is no text in its encoding, and where what comes of a guess
    are no words.
    """
    with path.open("rb") as file:
        start = file.read(LOOKED_AT)
    if is_workbook(path, start):
        kept = _as_text(path, sheet)
        yield PlainText(kept.path, "")
        return
    packed = start.startswith(_GZIP)
    opened = partial(_opened, path, packed)
    try:
        with opened() as file:
            first = file.read(LOOKED_AT)
        if not (encoding and codec(encoding).startswith("utf-32")):
            refuse_other_than_text(first, path.name)
        found, guess = _told(opened, encoding, path.name) if encoding else _guessed(opened, path.name)
        # A mark before a quote hides the quote from the reader.
        as_it_is = found == "utf-8" and not packed and not start.startswith(codecs.BOM_UTF8 + b'"')
        if as_it_is and _is_read_as_it_is(path):
            yield PlainText(path, found)
            return
        with copied(_as_utf_8(opened, found, path.name), path.name) as place:
            yield PlainText(place, found, guess)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise InvalidInput(f"{path.name}: the gzip archive is truncated or damaged") from None


def _as_text(path: Path, sheet: str) -> Kept:
    """Return a sheet of a workbook as CSV: whoever looks at one reads it next, and it is converted once."""
    now = path.stat()
    key = (path.absolute(), now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns, sheet)
    kept = _sheets.pop(key, None) or Kept(as_csv(path, sheet), path.name)
    _sheets[key] = kept
    while len(_sheets) > _MOST_SHEETS:
        _sheets.pop(next(iter(_sheets)))
    return kept


def start_of_text(path: Path, encoding: str = "", *, sheet: str = "") -> str:
    """Return how a text begins, as far as its first bytes tell, with lines ended by LF; `plain_text` reads it whole.

    Empty for a damaged archive. Raises `InvalidInput` for what is no text.
    """
    with path.open("rb") as file:
        start = file.read(LOOKED_AT)
    if is_workbook(path, start):
        with _as_text(path, sheet).path.open(encoding="utf-8", errors="ignore") as kept:
            return kept.read(_LOOKED_AT_BYTES)
    packed = start.startswith(_GZIP)
    try:
        with _opened(path, packed) as file:
            start = file.read(_LOOKED_AT_BYTES)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        return ""
    if not (encoding and codec(encoding).startswith("utf-32")):
        refuse_other_than_text(start[:LOOKED_AT], path.name)
    found = (
        codec(encoding) if encoding else utf_16_of(start) or ("utf-8-sig" if _may_be_utf_8(start) else _GUESS)
    )
    text = start.decode(found, errors="replace").removeprefix("\ufeff")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _may_be_utf_8(start: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)  # which may end within a letter
    except UnicodeDecodeError:
        return False
    return True


class _Watched(io.RawIOBase):
    """A file that is read no further than it is plausible: `InvalidInput` for a bomb, and for a line without an end."""

    def __init__(self, file: IO[bytes], name: str, longest: float) -> None:
        self._file = file
        self._name = name
        self._longest = longest
        self._read = self._of_line = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count: int = cast("Any", self._file).readinto(buffer)
        end = max((at := bytes(buffer[:count])).rfind(b"\n"), at.rfind(b"\r"))
        self._read += count
        self._of_line = count - end - 1 if end >= 0 else self._of_line + count
        if self._read > self._longest:
            raise bomb(self._name)
        if self._of_line > _LONGEST_LINE:
            raise InvalidInput(
                f"{self._name}: a line is longer than {_LONGEST_LINE // 1024**2} MB; is it a table, "
                "and is a quote open?"
            )
        return count


@contextmanager
def _opened(path: Path, packed: bool) -> Iterator[IO[bytes]]:
    longest = most_unpacked(path) if packed else float("inf")
    with (
        cast("IO[bytes]", gzip.open(path) if packed else path.open("rb", buffering=0)) as plain,
        io.BufferedReader(_Watched(plain, path.name, longest), _CHUNK) as file,
    ):
        yield cast("IO[bytes]", file)


def _told(opened: _Opened, told: str, name: str) -> tuple[str, str]:
    """Return how a file is read of which somebody says the encoding; nothing is guessed.

    A file that is UTF-8 to the last byte, and no words in what was said, has changed since.
    """
    encoding = codec(told)
    with opened() as file:
        start = file.read(_CHUNK)
        for mark, marked in _MARKS.items():
            if start.startswith(mark):
                if marked in encoding or encoding in marked:
                    return (marked if marked == "utf-8" else encoding), ""
                raise InvalidInput(f"{name}: begins with the mark of {marked.upper()}, so it is not {told}")
        is_utf_8 = _decodes(file, start, "utf-8")
    if encoding == "utf-8" and not is_utf_8:
        raise InvalidInput(f"{name}: not all of it is UTF-8; {_sample(opened).advice('')}")
    if encoding.startswith("utf") or not is_utf_8:
        return encoding, ""
    sample = _sample(opened)
    if sample.lines and not sample.is_plausible(encoding):
        raise InvalidInput(
            f"{name}: is UTF-8, and no words come of it as {told} (line {sample.first}); has the export changed? "
            "Leave `--encoding` out"
        )
    return (encoding if sample.lines or not _is_ascii(encoding) else "utf-8"), ""


def _guessed(opened: _Opened, name: str) -> tuple[str, str]:
    """Return how the file is encoded, and what to say of a guess.

    It is UTF-16 where it looks like it, UTF-8 where it is, else Windows-1252, if words come of it.
    """
    with opened() as file:
        start = file.read(_CHUNK)
        if utf_16 := utf_16_of(start):
            return utf_16, ""
        if _decodes(file, start, "utf-8"):
            _refuse_encoded_twice(start, name)
            return "utf-8", ""
    with opened() as file:
        share = _share_of_utf_8_letters(file)
    if share > _MOSTLY:
        raise InvalidInput(f"{name}: UTF-8 with broken bytes in it; save it as CSV UTF-8")
    sample = _sample(opened)
    if share > _BY_CHANCE:
        raise InvalidInput(
            f"{name}: UTF-8 with many broken bytes in it, or another encoding; {sample.advice(_GUESS)}, or save it as "
            "CSV UTF-8"
        )
    with opened() as file:
        is_text = _decodes(file, file.read(_CHUNK), _GUESS)
    if not is_text:
        raise InvalidInput(
            f"{name}: bytes that are no text in UTF-8, UTF-16 or Windows-1252; {sample.advice(_GUESS)}, or save it "
            "as CSV UTF-8"
        )
    letters = sample.letters(_GUESS)
    if not sample.is_plausible(_GUESS):
        raise InvalidInput(
            f"{name}: not UTF-8, and as Windows-1252 no words come of it (line {sample.first}: {letters}); "
            f"{sample.advice(_GUESS)}, or save it as CSV UTF-8; `--encoding {_GUESS}` takes it as it is"
        )
    return _GUESS, (
        f"not UTF-8, so it was read as Windows-1252, a guess: its letters beyond ASCII are {letters}, first in "
        f"line {sample.first}; where names look wrong, `--encoding` says which it is"
    )


def _is_ascii(encoding: str) -> bool:
    """Return whether a text of ASCII is the same bytes in the encoding."""
    plain = bytes(range(32, 127))
    return plain.decode(encoding, "replace") == plain.decode()


def _sample(opened: _Opened) -> Sample:
    """Return lines beyond ASCII from the file's beginning on."""
    found: dict[bytes, None] = {}
    number = size = first = 0
    with opened() as file:
        for block in file:
            for line in block.splitlines() if b"\r" in block[:-2] else (block,):
                number += 1
                if not line.isascii() and line not in found:
                    first = first or number
                    found[line] = None
                    size += len(line)
            if len(found) >= _LOOKED_AT_LINES or size >= _LOOKED_AT_BYTES:
                break
    return Sample(tuple(found), first)


def _refuse_encoded_twice(start: bytes, name: str) -> None:
    """Refuse UTF-8 that was once read as Windows-1252 and saved so: `ZoÃ«`."""
    if start.isascii():
        return
    text = start[:_LOOKED_AT_BYTES].decode("utf-8", "ignore")
    words = dict.fromkeys(_BEYOND_ASCII.findall(text))
    twice = sum(_is_twice(word) for word in words)
    if twice > _TWICE * len(words):
        raise InvalidInput(
            f"{name}: its letters were encoded twice, as when UTF-8 is opened as Windows-1252 and saved; export it "
            "again; `--encoding utf-8` takes it as it is"
        )


def _is_twice(word: str) -> bool:
    try:
        return len(word.encode("cp1252").decode("utf-8")) < len(word)
    except UnicodeError:
        return False


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


def _share_of_utf_8_letters(file: IO[bytes]) -> float:
    """Return which share of the bytes beyond ASCII, 0 to 1, are letters in UTF-8."""
    beyond = letters = 0
    for line in file:
        if not line.isascii():
            beyond += len(line) - len(line.translate(None, _NOT_ASCII))
            letters += sum(map(len, _UTF_8_LETTER.findall(line)))
    return letters / max(beyond, 1)


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


def _as_utf_8(opened: _Opened, encoding: str, name: str) -> Iterator[bytes]:
    with opened() as file:
        text = io.TextIOWrapper(file, encoding=encoding, newline=None)
        try:
            yield text.read(1).replace("\ufeff", "").encode()
            while chunk := text.read(_CHUNK):
                yield chunk.encode()
        except UnicodeError:
            raise InvalidInput(f"{name}: not all of it is {encoding.upper()}; save it as CSV UTF-8") from None
        finally:
            text.detach()
