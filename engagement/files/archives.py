"""Files in a zip archive, read where they lie in it: nothing is unpacked to a place that a name in it could choose.

A member is copied to where nobody finds it later, and no further than an archive of its size plausibly holds.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from engagement.errors import InvalidInput
from engagement.files.bombs import bomb, most_unpacked
from engagement.files.copies import copied
from engagement.files.kinds import LOOKED_AT, ZIP
from engagement.files.workbook import is_workbook

_CHUNK: Final = 1024 * 1024
_MOST_MEMBERS: Final = 10_000
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    struct.error,
    NotImplementedError,  # an unknown compression
    RuntimeError,  # a password
    ValueError,
    OSError,
)


def is_archive(path: Path) -> bool:
    """Return whether a file is a zip archive and no workbook, which is one too."""
    with suppress(OSError), path.open("rb") as file:
        start = file.read(LOOKED_AT)
        return start.startswith(ZIP) and not _is_workbook(path, start)
    return False


def _is_workbook(path: Path, start: bytes) -> bool:
    try:
        return is_workbook(path, start)
    except InvalidInput:  # damaged, or of another program: whoever reads it says so
        return path.suffix.lower() != ".zip"


def members_of(path: Path) -> list[str]:
    """Return the names of the files in an archive; `InvalidInput` for a damaged one, and for one of far too many."""
    with _damage_told(path), zipfile.ZipFile(path) as archive:
        names = [member.filename for member in archive.infolist() if not member.is_dir()]
    if len(names) > _MOST_MEMBERS:
        raise InvalidInput(f"{path.name}: holds {len(names):,} files, more than {_MOST_MEMBERS:,}")
    return names


@contextmanager
def unpacked(path: Path, member: str) -> Iterator[Path]:
    """Yield where one file of an archive is read.

    Raises `InvalidInput` for a damaged archive, and for a member larger than one of its size plausibly holds.
    """
    with copied(_chunks(path, member), path.name) as place:
        yield place


def _chunks(path: Path, member: str) -> Iterator[bytes]:
    left = most_unpacked(path)
    with _damage_told(path), zipfile.ZipFile(path) as archive, archive.open(member) as file:
        while chunk := file.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise bomb(path.name)
            yield chunk


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        if isinstance(error, RuntimeError) and "password" in str(error):
            raise InvalidInput(f"{path.name}: the zip archive has a password; load it without") from None
        raise InvalidInput(f"{path.name}: the zip archive is truncated or damaged") from None
