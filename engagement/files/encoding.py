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
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO, Any, Final, cast

from engagement.errors import DiskFull, InvalidInput, refused
from engagement.files.kinds import LOOKED_AT, refuse_other_than_text, utf_16_of

_CHUNK: Final = 8 * 1024 * 1024
# What a person exports is packed to a twentieth, or a hundredth where nearly all of it is the same.
UNPACKED_TIMES: Final = 200
UNPACKED_ANYWAY: Final = 64 * 1024 * 1024
_LONGEST_LINE: Final = 16 * 1024 * 1024  # whoever splits the rows takes less, and can say in which line
_LEFT_FREE: Final = 0.1  # of what the disk has for temporary files
_DESCRIPTORS: Final = Path("/proc/self/fd")
_GZIP: Final = b"\x1f\x8b"
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
    with or without a mark. Raises `InvalidInput` for a damaged archive, and for what is no text in any of these.
    """
    with path.open("rb") as file:
        start = file.read(4)
    packed = start.startswith(_GZIP)
    try:
        with _opened(path, packed) as file:
            refuse_other_than_text(file.read(LOOKED_AT), path.name)
        encoding = _encoding(partial(_opened, path, packed), path.name)
        # A mark before a quote hides the quote from the reader.
        as_it_is = encoding == "utf-8" and not packed and start != codecs.BOM_UTF8 + b'"'
        if as_it_is and _is_read_as_it_is(path):
            yield path
            return
        with _copy() as (copy, place):
            with _opened(path, packed) as file:
                _rewrite(file, encoding, copy, path.name)
            yield place
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise InvalidInput(f"{path.name}: the gzip archive is truncated or damaged") from None


def bomb(name: str) -> InvalidInput:
    """Return the refusal of a file that holds far more than it seems to."""
    return InvalidInput(
        f"{name}: unpacks to more than {UNPACKED_TIMES} times its size; if it is what it should be, load it unpacked"
    )


@contextmanager
def _copy() -> Iterator[tuple[IO[bytes], Path]]:
    """Yield a temporary file and where it is read; without a name where the system has another way to it."""
    if _DESCRIPTORS.is_dir():
        with tempfile.TemporaryFile() as unnamed:
            yield unnamed, _DESCRIPTORS / str(unnamed.fileno())
        return
    with tempfile.NamedTemporaryFile(prefix="engagement-", suffix=".csv") as named:
        yield cast("IO[bytes]", named), Path(named.name)


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
    longest = max(UNPACKED_TIMES * path.stat().st_size, UNPACKED_ANYWAY) if packed else float("inf")
    with (
        cast("IO[bytes]", gzip.open(path) if packed else path.open("rb", buffering=0)) as plain,
        io.BufferedReader(_Watched(plain, path.name, longest), _CHUNK) as file,
    ):
        yield cast("IO[bytes]", file)


def _encoding(opened: Callable[[], AbstractContextManager[IO[bytes]]], name: str) -> str:
    """Return how the file is encoded: UTF-16 where it looks like it, UTF-8 where it is, else Windows-1252."""
    with opened() as file:
        start = file.read(_CHUNK)
        if utf_16 := utf_16_of(start):
            return utf_16
        if _decodes(file, start, "utf-8"):
            return "utf-8"
    with opened() as file:
        if _has_utf_8_letters(file):
            raise InvalidInput(f"{name}: UTF-8 with broken bytes in it; save it as CSV UTF-8")
    with opened() as file:
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
    folder = tempfile.gettempdir()
    room = int(shutil.disk_usage(folder).free * (1 - _LEFT_FREE))
    no_room = f"{name}: does not fit into {folder} as plain text; TMPDIR names another folder"
    text = io.TextIOWrapper(file, encoding=encoding, newline=None)
    try:
        copy.write(text.read(1).replace("\ufeff", "").encode())
        while chunk := text.read(_CHUNK):
            if copy.tell() + len(chunk) > room:
                raise DiskFull(no_room)
            copy.write(chunk.encode())
        copy.flush()
    except UnicodeError:
        raise InvalidInput(f"{name}: not all of it is {encoding.upper()}; save it as CSV UTF-8") from None
    except OSError as error:
        if isinstance(error, gzip.BadGzipFile):
            raise
        with suppress(
            OSError
        ):  # or it would be told by the one that follows, as what is left cannot be written either
            copy.close()
        raise refused(error, Path(folder), what=no_room) from None
    finally:
        text.detach()
