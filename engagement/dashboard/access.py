"""Who looks at the dashboard, and what they may see: users and their programs, and how a name is vouched for.

A name is never taken from the browser. The server learns it from an authenticating proxy that signs its header, from
JupyterHub, or because it listens to this machine alone; it hands the page a ticket, signed with a secret that only
the server and its kernels have, and good for one kernel only. The kernel looks the name up in the users' file at
every request, so that a change of the file counts at once.
"""

import base64
import hashlib
import hmac
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engagement.content.quiz import first_broken_rule
from engagement.errors import EngagementError, InvalidInput

Role = Literal["viewer", "coordinator", "admin"]
Source = Literal["local", "token", "proxy", "hub"]

# What a server tells its kernels by the environment: its secret, new at every start, and where the log is.
TICKET_SECRET: Final = "ENGAGEMENT_TICKET_SECRET"  # noqa: S105 (its name)
LOG_FILE: Final = "ENGAGEMENT_DASHBOARD_LOG"

SKEW_S: Final = 300  # between the clocks of proxy and server; for so long a ticket is good, too
SHARED: Final = "shared"  # the name of whoever comes with the token: it names nobody
LONGEST_NAME: Final = 200


class NotAllowed(EngagementError):
    """The viewer may not do this, or nobody knows them."""

    http_status = 403


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


class _User(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    role: Role
    programs: list[str] | Literal["all"] = Field(default_factory=list)


class _Users(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

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
        name: Viewer(
            name,
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
        if source == "local":
            return Viewer(name, "admin", None)
        if source == "token":
            return Viewer(name, "coordinator", None)
        raise NotAllowed("ENGAGEMENT_USERS is not set: nobody has said who may see which programs")
    known = read_users(users).get(name)
    if known is None:
        raise NotAllowed("this user is not in the users' file")
    return known


def signature(secret: str, user: str, timestamp: str) -> str:
    """Return what a proxy puts beside the user's name: HMAC-SHA256 over name, line feed and Unix time, in hex."""
    return hmac.new(secret.encode(), f"{user}\n{timestamp}".encode(), hashlib.sha256).hexdigest()


def vouched_for(secret: str, user: str, timestamp: str, signed: str, *, now_s: float) -> bool:
    """Return whether the signature is the proxy's and no older or younger than the clocks may differ."""
    if not user or len(user) > LONGEST_NAME or not user.isprintable():
        return False
    if not (timestamp.isascii() and timestamp.isdigit() and abs(now_s - int(timestamp)) <= SKEW_S):
        return False
    return hmac.compare_digest(signature(secret, user, timestamp).encode(), signed.encode())


def ticket(secret: str, *, name: str, source: Source, kernel_id: str, now_s: float) -> str:
    """Return what lets one kernel know whom it serves."""
    body = json.dumps({"name": name, "source": source, "kernel": kernel_id, "at": now_s}).encode()
    return f"{base64.urlsafe_b64encode(body).decode()}.{_seal(secret, body)}"


def read_ticket(secret: str, text: str, *, kernel_id: str, now_s: float) -> tuple[str, Source]:
    """Return name and source of a ticket for this kernel; `NotAllowed` where it is not one of the server's."""
    encoded, _, seal = text.partition(".")
    try:
        body = base64.b64decode(encoded.encode("ascii"), altchars=b"-_", validate=True)
    except ValueError:
        raise NotAllowed("the page's ticket cannot be read") from None
    if not hmac.compare_digest(_seal(secret, body).encode(), seal.encode()):
        raise NotAllowed("the page's ticket is not this server's")
    said = json.loads(body)
    if said["kernel"] != kernel_id or abs(now_s - said["at"]) > SKEW_S:
        raise NotAllowed("the page's ticket is for another page, or too old")
    return said["name"], said["source"]


def _seal(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), b"ticket\n" + body, hashlib.sha256).hexdigest()
