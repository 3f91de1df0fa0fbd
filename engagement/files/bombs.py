"""Files that hold far more than they seem to: a megabyte can unpack to gigabytes."""

from pathlib import Path
from typing import Final

from engagement.errors import InvalidInput

# What a person exports is packed to a twentieth, or a hundredth where nearly all of it is the same.
_UNPACKED_TIMES: Final = 200
_UNPACKED_ANYWAY: Final = 64 * 1024 * 1024


def most_unpacked(path: Path) -> int:
    """Return how many bytes a file may hold, once unpacked."""
    return max(_UNPACKED_TIMES * path.stat().st_size, _UNPACKED_ANYWAY)


def bomb(name: str) -> InvalidInput:
    """Return the refusal of a file that holds far more than it seems to."""
    return InvalidInput(
        f"{name}: unpacks to more than {_UNPACKED_TIMES} times its size; if it is what it should be, load it unpacked"
    )
