"""What is turned away before anything looks at it: what another site's page asks for, and a body that is too large."""

from typing import Any, Final
from urllib.parse import urlsplit

from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerRequest,
    ResponseStartLine,
)

LONGEST_BODY: Final = 100_000  # bytes; what the page sends goes through its socket
LONGEST_MESSAGE: Final = 1_000_000  # bytes, through the socket; `widget` counts characters
_OWN: Final = ("same-origin", "none")  # none: typed, or from a bookmark
_TOO_LARGE: Final = ResponseStartLine("HTTP/1.1", 413, "Content Too Large")


def is_from_another_site(request: HTTPServerRequest) -> bool:
    """Return whether a page that is not ours made the browser ask; an older one says less, and a program nothing.

    Another port of this machine is another site, too: it may be another account's.
    """
    if (site := request.headers.get("Sec-Fetch-Site")) is not None:
        return site not in _OWN
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc.lower() != request.host.lower()


class Bounded(HTTPMessageDelegate):
    """A request whose body is read as far as it may go, and answered with 413 where it goes on.

    Tornado alone would keep a hundred megabytes of each. What is too much is read and dropped, so that its sender hears
    the answer.
    """

    def __init__(self, inner: HTTPMessageDelegate, connection: HTTPConnection) -> None:
        self._inner, self._connection = inner, connection
        self._read = 0
        self._is_refused = False

    def headers_received(self, start_line: Any, headers: HTTPHeaders) -> Any:
        """Refuse what says itself that it is too large."""
        said = headers.get("Content-Length", "0")
        if said.isdecimal() and (len(said) > len(str(LONGEST_BODY)) or int(said) > LONGEST_BODY):
            return self._refuse()
        return self._inner.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Any:
        """Pass on what is within the bound."""
        self._read += len(chunk)
        if self._is_refused:
            return None
        return self._refuse() if self._read > LONGEST_BODY else self._inner.data_received(chunk)

    def finish(self) -> None:
        """Let the request be answered, where that was not done."""
        if self._is_refused:
            self._connection.finish()
        else:
            self._inner.finish()

    def on_connection_close(self) -> None:
        """Pass it on."""
        if not self._is_refused:
            self._inner.on_connection_close()

    def _refuse(self) -> None:
        self._is_refused = True
        said = HTTPHeaders({"Content-Length": "0", "Connection": "close"})
        self._connection.write_headers(_TOO_LARGE, said)
