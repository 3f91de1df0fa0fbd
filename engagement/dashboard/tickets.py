"""How a name is vouched for: a proxy's signature to the server, and the server's ticket to a kernel.

A name is never taken from the browser. The server learns it from an authenticating proxy that signs its header, from
JupyterHub, or because it listens to this machine alone; it hands the page a ticket, signed with a secret that only
the server and its kernels have, and good for one kernel only.
"""

import base64
import hashlib
import hmac
import json
from typing import Final

from engagement.dashboard.access import NotAllowed, Source

TICKET_SECRET: Final = "ENGAGEMENT_TICKET_SECRET"  # noqa: S105 (its name in a kernel's environment; new at every start)
SKEW_S: Final = 300  # between the clocks of proxy and server; for so long a ticket is good, too
LONGEST_NAME: Final = 200


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
