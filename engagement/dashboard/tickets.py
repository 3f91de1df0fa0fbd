"""How a name is vouched for: a proxy's signature to the server, and the server's ticket to a kernel.

A name is never taken from the browser. The server learns it from an authenticating proxy that signs its header, from
JupyterHub, or because it listens to this machine alone; it hands the page a ticket, signed with a secret that only
the server and its kernels have, and good for one kernel only.
"""

import base64
import hashlib
import hmac
import json
import logging
import re
from contextlib import suppress
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from typing import Final
from urllib.parse import unquote_to_bytes

from engagement.dashboard.access import NotAllowed, Source

TICKET_SECRET: Final = "ENGAGEMENT_TICKET_SECRET"  # noqa: S105 (its name in a kernel's environment; new at every start)
SKEW_S: Final = 300  # between the clocks of proxy and server; for so long a ticket is good, too
LONGEST_NAME: Final = 200
_TIME: Final = re.compile(r"[0-9]{1,12}")
_RFC_8187: Final = re.compile(r"(?i:utf-8|iso-8859-1)'[a-zA-Z0-9-]*'(.+)")
_log = logging.getLogger(__name__)


def signature(secret: str, user: str, timestamp: str) -> str:
    """Return what a proxy puts beside the user's name: HMAC-SHA256 over name, line feed and Unix time, in hex."""
    return _signature(secret, user.encode(), timestamp)


def _signature(secret: str, user: bytes, timestamp: str) -> str:
    return hmac.new(secret.encode(), user + f"\n{timestamp}".encode(), hashlib.sha256).hexdigest()


def vouched_for(secret: str, user: str, timestamp: str, signed: str, *, now_s: float) -> str | None:
    """Return the name that a proxy has signed; None, and a line in the log that says why, where it has not.

    Parameters
    ----------
    user
        The header as it came: its bytes, each taken for a character, as HTTP's headers are. Proxies write a name that
        is not ASCII in many ways; whichever it was, the name is what was signed.
    timestamp
        Unix time; no older or younger than the clocks may differ.
    """
    if not (_TIME.fullmatch(timestamp) and abs(now_s - int(timestamp)) <= SKEW_S):
        why = "its time is none, or the clocks differ by more than five minutes"
    elif not (readings := _readings(user)):
        why = "the name is empty, too long or holds what cannot be printed"
    else:
        for name, written in readings:
            if hmac.compare_digest(_signature(secret, written, timestamp).encode(), signed.encode()):
                return name
        why = "it is not made of this name and time by the secret that is set here"
    _nobody("a proxy's signature", why)
    return None


def _readings(header: str) -> list[tuple[str, bytes]]:
    """Return the names that a header may stand for, each with the bytes that are signed where it does.

    As it is, percent-encoded, by RFC 8187 and by RFC 2047. What is decoded counts only where the decoded name is what
    was signed: a person may be called by a name that looks like a code of another's.
    """
    try:
        raw = header.encode("latin-1")
    except UnicodeEncodeError:  # text already
        raw = header.encode(errors="replace")
    found = [(_text(raw), raw), (_text(raw), _text(raw).encode())]
    if raw.isascii():
        coded = _RFC_8187.fullmatch(header)
        decoded = [_text(unquote_to_bytes(text)) for text in (header, coded and coded[1]) if text]
        with suppress(HeaderParseError, LookupError, ValueError):
            decoded.append(str(make_header(decode_header(header))))
        found += [(name, name.encode(errors="replace")) for name in decoded]
    return [(name, signed) for name, signed in found if 0 < len(name) <= LONGEST_NAME and name.isprintable()]


def _text(raw: bytes) -> str:
    """Return bytes as text: UTF-8 where they are, else Latin-1, the older rule of HTTP."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _nobody(what: str, why: str) -> None:
    """Log why somebody is not let in: neither whom it names nor what it is."""
    _log.warning("%s was refused: %s", what, why)


def ticket(secret: str, *, name: str, source: Source, kernel_id: str, now_s: float) -> str:
    """Return what lets one kernel know whom it serves."""
    body = json.dumps({"name": name, "source": source, "kernel": kernel_id, "at": now_s}).encode()
    return f"{base64.urlsafe_b64encode(body).decode()}.{_seal(secret, body)}"


def read_ticket(secret: str, text: str, *, kernel_id: str, now_s: float) -> tuple[str, Source]:
    """Return name and source of a ticket for this kernel; `NotAllowed` where it is not one of the server's."""
    try:
        return _read_ticket(secret, text, kernel_id=kernel_id, now_s=now_s)
    except NotAllowed as error:
        _nobody("a ticket", str(error))
        raise


def _read_ticket(secret: str, text: str, *, kernel_id: str, now_s: float) -> tuple[str, Source]:
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
