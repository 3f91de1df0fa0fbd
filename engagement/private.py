"""How files and folders are made: for their owner alone, or for the group that shares them.

What the platform keeps and writes is about persons, and other accounts of the machine see none of it. So the whole
process makes its files so, from when its settings are read: also those that DuckDB, a notebook or Chromium make. What
an earlier version left open to others `engagement doctor` names; the store is closed by whatever opens it and may.
"""

import errno
import grp
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from engagement.errors import InvalidInput

_OF_OTHERS: Final = 0o007
_OF_GROUP_AND_OTHERS: Final = 0o077
_HIGHEST_GROUP: Final = 2**32 - 2
_READING: Final = 0o044
_ENTERING: Final = 0o011
_SETGID: Final = stat.S_ISGID  # what is made in such a folder is of its group
_SHARED: Final = _SETGID | stat.S_IRWXG

_group: int | None = None  # of this process, as its umask is


def keep_to(group: str | None) -> None:
    """Make files from now on for their owner alone, or for that group too: a name or a number.

    `InvalidInput` where there is no such group here, or this account is not in it.
    """
    global _group  # noqa: PLW0603 (what it stands beside, the umask, is the process's as well)
    _group = None if group is None else _number(group)
    os.umask(mask())


def _number(group: str) -> int:
    try:
        number = int(group) if group.isdecimal() else grp.getgrnam(group).gr_gid
    except (KeyError, ValueError):
        raise InvalidInput(f"ENGAGEMENT_GROUP: there is no group {group[:40]!r} on this machine") from None
    if number > _HIGHEST_GROUP:
        raise InvalidInput(f"ENGAGEMENT_GROUP: {group[:40]} is no number of a group")
    if os.geteuid() != 0 and number not in {os.getegid(), *os.getgroups()}:
        raise InvalidInput(f"ENGAGEMENT_GROUP: this account is not in the group {group[:40]!r}")
    return number


def mask() -> int:
    """Return which rights nothing gets that is made here."""
    return _OF_GROUP_AND_OTHERS if _group is None else _OF_OTHERS


def file_mode() -> int:
    """Return the rights of a file that is made here, for who opens one by hand."""
    return 0o666 & ~mask()


def make_folder(folder: Path) -> None:
    """Make a folder, with those above it that are missing; one that is there stays as it is."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=0o777 & ~mask(), exist_ok=True)
    close_to_others(folder)


def follow_no_link(*folders: Path) -> None:
    """Raise `OSError` where one of the folders is a link: what is written in it would lie where somebody else chose."""
    for folder in folders:
        if folder.is_symlink():
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(folder))


def remove(path: Path) -> None:
    """Remove a file, a folder with what is in it, or a link and not what it leads to, as far as that can be done."""
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file so that it appears whole, and down to the disk, or not at all; an `OSError` names it."""
    try:
        _write_whole(path, content)
    except OSError as error:  # what fails while a file is written names none
        raise OSError(error.errno, error.strerror, str(path)) from None
    return path


def _write_whole(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as unfinished:
        try:
            unfinished.write(content)
            unfinished.flush()
            os.fsync(unfinished.fileno())
            close_to_others(Path(unfinished.name))
            os.replace(unfinished.name, path)  # noqa: PTH105 the name of the atomic call
        except BaseException:
            Path(unfinished.name).unlink(missing_ok=True)
            raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def close_to_others(path: Path) -> None:
    """Take from a file or folder what others may do with it, and let the group do what its owner may.

    Somebody else's stays as it is where that is not allowed, and so does a link.
    """
    with suppress(OSError):
        found = path.lstat()
        if path.is_symlink():
            return
        if _group is not None and found.st_gid != _group:
            os.chown(path, -1, _group)
        rights = _closed(found.st_mode, is_folder=path.is_dir())
        if rights != found.st_mode & 0o7777:
            path.chmod(rights)


def _closed(mode: int, *, is_folder: bool) -> int:
    rights = mode & 0o7777 & ~mask()
    if _group is None:
        return rights
    return rights | (rights & 0o700) >> 3 | (_SETGID if is_folder else 0)


def open_to_others(path: Path) -> Iterator[Path]:
    """Yield the file or folder, and what is in it, where accounts may read it which should not.

    What is in a folder that they may not enter is safe from them, whatever its own rights.
    """
    with suppress(OSError):  # gone, or not ours to look into
        if path.is_symlink():
            return
        found = path.lstat()
        if found.st_mode & mask() & _READING and (found.st_size or path.is_dir()):
            yield path
        if path.is_dir() and found.st_mode & mask() & _ENTERING:
            for inside in path.iterdir():
                yield from open_to_others(inside)


def closing() -> str:
    """Return how `chmod` is told to close what is open to others."""
    return "go=" if _group is None else "o="


def anybody_may_write_in(folder: Path) -> bool:
    """Return whether any account of the machine may take away what is in a folder, and put something else there."""
    mode = folder.stat().st_mode
    return bool(mode & stat.S_IWOTH and not mode & stat.S_ISVTX)


def is_shared(folder: Path) -> bool:
    """Return whether what is made in a folder is the group's, where one is set."""
    found = folder.stat()
    return _group is None or (found.st_gid == _group and found.st_mode & _SHARED == _SHARED)
