"""Who looks at the dashboard, and what they may see: users, their roles and their programs.

A name is looked up in the users' file at every request, so that a change of the file counts at once. Who vouches for
it is the business of `identity` and `tickets`.
"""

import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, Field, ValidationError

from engagement.content.quiz import first_broken_rule
from engagement.errors import EngagementError, InvalidInput

Role = Literal["viewer", "coordinator", "admin"]
Source = Literal["local", "token", "proxy", "hub"]

SHARED: Final = "shared"  # the name of whoever comes with the token: it names nobody
_WITHOUT_A_FILE: Final[Mapping[Source, Role]] = {"local": "admin", "token": "coordinator"}


class NotAllowed(EngagementError):
    """The viewer may not do this, or nobody knows them."""


@dataclass(frozen=True)
class Viewer:
    """One person at the dashboard; `programs` None: all of them."""

    name: str
    role: Role
    programs: tuple[str, ...] | None

    @property
    def may_act(self) -> bool:
        """Whether they may change anything."""
        return self.role != "viewer"


class _User(BaseModel, extra="forbid", strict=True):
    role: Role
    programs: list[str] | Literal["all"] = Field(default_factory=list)


class _Users(BaseModel, extra="forbid", strict=True):
    users: dict[str, _User]


def read_users(path: Path) -> Mapping[str, Viewer]:
    """Return the viewers of a users' file by name; `InvalidInput` says what is wrong with it.

    The file is TOML, a table a user: `[users."ada@example.invalid"]` with `role` (viewer, coordinator or admin) and
    `programs` (a list, or "all"). An admin sees every program.
    """
    try:
        return _read_users(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise InvalidInput(f"ENGAGEMENT_USERS: {path.name} cannot be read: {error.strerror}") from None


@lru_cache(maxsize=2)
def _read_users(path: Path, _changed_at: int) -> Mapping[str, Viewer]:
    try:
        found = _Users.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).users
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise InvalidInput(f"ENGAGEMENT_USERS: {path.name} is not a TOML file in UTF-8") from None
    except ValidationError as error:
        where, rule = first_broken_rule(error)
        raise InvalidInput(f"ENGAGEMENT_USERS: {path.name}: {'.'.join(map(str, where))}: {rule}") from None
    return {
        _composed(name): Viewer(
            _composed(name),
            user.role,
            None if user.role == "admin" or user.programs == "all" else tuple(sorted(set(user.programs))),
        )
        for name, user in found.items()
    }


def viewer(name: str, source: Source, users: Path | None) -> Viewer:
    """Return who that is and what they may see; `NotAllowed` for who is not in the users' file.

    Without a file, who sits at this machine may do everything, and who has the token may review everything.
    """
    if users is None:
        if source not in _WITHOUT_A_FILE:
            raise NotAllowed("ENGAGEMENT_USERS is not set: nobody has said who may see which programs")
        return Viewer(name, _WITHOUT_A_FILE[source], None)
    if (known := read_users(users).get(_composed(name))) is None:
        raise NotAllowed("this user is not in the users' file")
    return known


def _composed(name: str) -> str:
    """Return a name with each letter and its accents as one character: who writes it elsewhere may have it in two."""
    return unicodedata.normalize("NFC", name)
