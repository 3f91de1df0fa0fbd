"""A proxy that has signed somebody in: it vouches for one user on every request, as a dashboard behind it expects."""

import socket
import threading
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from tests.support.dashboard_server import signed

CHUNK = 1 << 16


@contextmanager
def signed_in(address, user):
    """Yield the address at which that user sees the dashboard."""
    target = urlsplit(address)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(
            target=_serve, args=(listening, (target.hostname, target.port), user), daemon=True
        ).start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)  # which wakes who waits in accept


def _serve(listening, target, user):
    with suppress(OSError):
        while True:
            browser, _ = listening.accept()
            threading.Thread(target=_pass_on, args=(browser, target, user), daemon=True).start()


def _pass_on(browser, target, user):
    """Sign the one request of a connection, then carry bytes both ways until either side has no more."""
    with browser, suppress(OSError):
        head = b""
        while b"\r\n\r\n" not in head:
            if not (more := browser.recv(CHUNK)):
                return
            head += more
        head, _, rest = head.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        if not any(line.lower().startswith("upgrade:") for line in lines):
            lines = [line for line in lines if not line.lower().startswith("connection:")] + [
                "Connection: close"
            ]
        lines += [f"{name}: {value}" for name, value in signed(user).items()]
        with socket.create_connection(target) as server:
            server.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + rest)
            back = threading.Thread(target=_carry, args=(server, browser), daemon=True)
            back.start()
            _carry(browser, server)
            back.join()


def _carry(source, sink):
    with suppress(OSError):
        while more := source.recv(CHUNK):
            sink.sendall(more)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
