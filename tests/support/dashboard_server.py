"""A real dashboard on a free port, and a client that speaks its raw protocol, as a hostile browser could."""

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from contextlib import contextmanager

import websockets
from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1, serialize_msg_to_ws_v1

from engagement.dashboard import identity, tickets
from engagement.settings import PROJECT

PROXY_SECRET = "p" * 40
STARTS_WITHIN_S = 60
ANSWERS_WITHIN_S = 30
PROTOCOL = "v1.kernel.websocket.jupyter.org"


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


class Address(str):
    """Where a dashboard is served; `entrance` opens it, and so do these headers of a program."""

    entrance = property(lambda self: getattr(self, "_entrance", f"{self}/"))

    @property
    def headers(self):
        _, _, token = self.entrance.partition("?token=")
        return {"Authorization": f"token {token}"} if token else {}


def told(process):
    """Return the address that a server which has started tells whoever started it."""
    for line in process.stderr:
        if line.startswith("Dashboard: "):
            return line.split()[1]
    raise AssertionError("the dashboard told no address")


@contextmanager
def serving(store_path, *options, environment=None, port=None, base=""):
    """Serve the store's dashboard, yield its address, and end it by its own process id."""
    port = port or free_port()
    env = os.environ | {"ENGAGEMENT_STORE": str(store_path)} | (environment or {})
    command = [sys.executable, "-m", "engagement.cli", "dashboard", "--port", str(port), *options]
    with subprocess.Popen(command, env=env, cwd=PROJECT, stderr=subprocess.PIPE, text=True) as process:
        try:
            address = Address(f"http://127.0.0.1:{port}{base}")
            wait_for(f"{address}/engagement/static/frame/page.css", process)
            address._entrance, address.pid = told(process), process.pid
            yield address
        finally:
            process.terminate()
            try:
                process.wait(20)
            finally:
                process.kill()


def wait_for(address, process):
    """Wait until the server answers."""
    deadline = time.monotonic() + STARTS_WITHIN_S
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the dashboard did not start: {process.stderr.read()}") from None
            time.sleep(0.1)


def signed(name, *, at=None, secret=PROXY_SECRET):
    """Return the headers with which an authenticating proxy vouches for a name."""
    timestamp = str(int(time.time() if at is None else at))
    return {
        identity.USER_HEADER: name,
        identity.TIME_HEADER: timestamp,
        identity.SIGNATURE_HEADER: tickets.signature(secret, name, timestamp),
    }


def get(address, headers=None, *, method="GET"):
    """Return status, headers and text."""
    request = urllib.request.Request(address, headers=headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=ANSWERS_WITHIN_S) as answer:
            return answer.status, dict(answer.headers), answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read().decode()


def opened(address, headers=None):
    """Open the page as a browser does and return the number of its kernel."""
    status, _, page = get(f"{address}/", address.headers if headers is None else headers)
    assert status == 200, page
    return re.search(r'"kernelId": "([0-9a-f-]+)"', page)[1]


class RawPage:
    """The socket of an open page: what a browser can send to its kernel, and all that it hears."""

    def __init__(self, address, headers=None, *, kernel_id=None):
        self.address, self.headers = address, address.headers if headers is None else headers
        self.kernel_id = kernel_id or opened(address, headers)
        self.heard = []
        self._asked = 0

    async def __aenter__(self):
        url = self.address.replace("http", "ws", 1) + f"/api/kernels/{self.kernel_id}/channels?session_id=s"
        self._socket = await websockets.connect(
            url,
            additional_headers=self.headers,
            subprotocols=[PROTOCOL],
            origin=self.address,
            max_size=None,
        )
        return self

    async def __aexit__(self, *_):
        await self._socket.close()
        get(f"{self.address}/voila/api/shutdown/{self.kernel_id}", self.headers, method="POST")

    async def send(self, kind, content, *, channel="shell"):
        """Send any message and return its id."""
        header = {
            "msg_id": uuid.uuid4().hex,
            "session": "s",
            "username": "",
            "date": "2026-01-01T00:00:00Z",
            "msg_type": kind,
            "version": "5.4",
        }
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "buffers": []}
        packed = serialize_msg_to_ws_v1(message, channel, lambda part: json.dumps(part).encode())
        await self._socket.send(b"".join(packed) if isinstance(packed, list) else packed)
        return header["msg_id"]

    async def hear(self, wanted, *, within_s=ANSWERS_WITHIN_S):
        """Return the first message for which `wanted` holds; None where none comes in time."""
        with_deadline = time.monotonic() + within_s
        while (left := with_deadline - time.monotonic()) > 0:
            try:
                raw = await asyncio.wait_for(self._socket.recv(), left)
            except TimeoutError:
                return None
            _, parts = deserialize_msg_from_ws_v1(raw)
            message = {
                "type": json.loads(bytes(parts[0]))["msg_type"],
                "parent": json.loads(bytes(parts[1])).get("msg_id"),
                "content": json.loads(bytes(parts[3])),
            }
            self.heard.append(message)
            if wanted(message):
                return message
        return None

    async def widget(self):
        """Return the number of the page's one widget of ours."""
        asked = await self.send("comm_info_request", {"target_name": "jupyter.widget"})
        reply = await self.hear(
            lambda message: message["parent"] == asked and message["type"] == "comm_info_reply"
        )
        for comm_id in reply["content"]["comms"]:
            await self.send("comm_msg", {"comm_id": comm_id, "data": {"method": "request_state"}})
            state = await self.hear(
                lambda message, comm_id=comm_id: message["content"].get("comm_id") == comm_id
            )
            if state["content"]["data"].get("state", {}).get("_model_name") == "AnyModel":
                self.comm_id = comm_id
                return comm_id
        raise AssertionError("the page has no widget")

    async def call(self, method, **arguments):
        """Ask the backend and return result or error as the browser gets them."""
        self._asked += 1
        number = self._asked
        content = {"id": number, "method": method, "arguments": arguments}
        await self.send(
            "comm_msg", {"comm_id": self.comm_id, "data": {"method": "custom", "content": content}}
        )

        def is_answer(message):
            said = message["content"].get("data", {}).get("content", {})
            return said.get("id") == number and "progress" not in said

        message = await self.hear(is_answer)
        assert message, f"no answer to {method}"
        return message["content"]["data"]["content"]

    async def hello(self):
        """Make the kernel know whom it serves, as the page does."""
        await self.widget()
        status, _, text = get(f"{self.address}/engagement/ticket?kernel={self.kernel_id}", self.headers)
        assert status == 200, text
        return await self.call("hello", ticket=json.loads(text)["ticket"])
