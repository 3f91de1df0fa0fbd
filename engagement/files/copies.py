"""Temporary copies of files, which nobody finds later: they have no name where the system reads them without one.

Whatever ends the process, nobody's data stays. A copy that would fill the disk is refused before it does.
"""

import gzip
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Final, cast

from engagement.errors import DiskFull, refused

_LEFT_FREE: Final = 0.1  # of what the disk has for temporary files
_DESCRIPTORS: Final = Path("/proc/self/fd")


@contextmanager
def copied(chunks: Iterable[bytes], name: str) -> Iterator[Path]:
    """Yield where a copy of the chunks is read; `name` is the file's they come from.

    Raises `DiskFull` where they do not fit, and `StoreUnusable` where nothing can be written.
    """
    with _file() as (copy, place):
        _write(chunks, copy, name)
        yield place


class Kept:
    """A private file without a name that is there as long as somebody holds this: empty, or a copy as of `copied`."""

    def __init__(self, chunks: Iterable[bytes] = (), name: str = "") -> None:
        self._held = ExitStack()
        copy, self.path = self._held.enter_context(_file())
        weakref.finalize(self, self._held.close)
        _write(chunks, copy, name)


@contextmanager
def _file() -> Iterator[tuple[IO[bytes], Path]]:
    if _DESCRIPTORS.is_dir():
        with tempfile.TemporaryFile() as unnamed:
            yield unnamed, _DESCRIPTORS / str(unnamed.fileno())
        return
    with tempfile.NamedTemporaryFile(prefix="engagement-", suffix=".csv") as named:
        yield cast("IO[bytes]", named), Path(named.name)


def _write(chunks: Iterable[bytes], copy: IO[bytes], name: str) -> None:
    folder = tempfile.gettempdir()
    room = int(shutil.disk_usage(folder).free * (1 - _LEFT_FREE))
    no_room = f"{name}: does not fit into {folder} as plain text; TMPDIR names another folder"
    try:
        for chunk in chunks:
            if copy.tell() + len(chunk) > room:
                raise DiskFull(no_room)
            copy.write(chunk)
        copy.flush()
    except OSError as error:
        if isinstance(error, gzip.BadGzipFile):
            raise
        with suppress(OSError):  # or what is left, and cannot be written either, would be told in its place
            copy.close()
        raise refused(error, Path(folder), what=no_room) from None
