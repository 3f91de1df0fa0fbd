"""A JupyterHub as a service sees it: where people sign in, where a code becomes a token, and whose a token is.

It speaks the three documented addresses (authorize, token, user) as strictly as the real one: a code is good once, for
the client it was made for, and where that client said it wants it.
"""

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_urlsafe
from threading import Thread
from urllib.parse import parse_qs, urlencode, urlsplit

CLIENT = "service-engagement"
SCOPE = "access:services!service=engagement"
PREFIX = "/services/engagement/"
SIGNED_IN = "fake-hub-user"  # the cookie of somebody who has signed in at the Hub


@dataclass
class FakeHub:
    """What the Hub knows; `users` have a model each, as `GET /user` shows it."""

    port: int = 0
    api_token: str = field(default_factory=token_urlsafe)
    users: dict = field(default_factory=dict)
    codes: dict = field(default_factory=dict)
    tokens: dict = field(default_factory=dict)
    is_down: bool = False

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}"

    def knows(self, name, *, kind="user", scopes=(SCOPE,)):
        """Let somebody be known to the Hub and return a token of theirs."""
        self.users[name, kind] = {
            "kind": kind,
            "name": name,
            "scopes": list(scopes),
            "groups": [],
            "admin": False,
        }
        token = token_urlsafe()
        self.tokens[token] = self.users[name, kind]
        return token

    def environment(self, port):
        """Return what a Hub tells a service it starts to listen on that port."""
        return {
            "JUPYTERHUB_API_TOKEN": self.api_token,
            "JPY_API_TOKEN": self.api_token,
            "JUPYTERHUB_API_URL": f"{self.address}/hub/api",
            "JUPYTERHUB_BASE_URL": "/",
            "JUPYTERHUB_HOST": self.address,
            "JUPYTERHUB_CLIENT_ID": CLIENT,
            "JUPYTERHUB_SERVICE_NAME": "engagement",
            "JUPYTERHUB_SERVICE_PREFIX": PREFIX,
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{port}",
            "JUPYTERHUB_OAUTH_CALLBACK_URL": f"http://127.0.0.1:{port}{PREFIX}oauth_callback",
            "JUPYTERHUB_OAUTH_ACCESS_SCOPES": json.dumps([SCOPE]),
        }

    def code(self, name, asked):
        """Return a code for who signed in, None where the client is another's."""
        if asked.get("client_id") != CLIENT or asked.get("response_type") != "code":
            return None
        code = token_urlsafe()
        self.codes[code] = (name, asked)
        return code

    def token(self, said):
        """Return a token for a code, None where it is not good, or is not the client's."""
        name, asked = self.codes.pop(said.get("code"), (None, {}))
        is_theirs = (
            said.get("grant_type") == "authorization_code"
            and said.get("client_id") == CLIENT
            and said.get("client_secret") == self.api_token
            and said.get("redirect_uri") == asked.get("redirect_uri")
        )
        if name is None or not is_theirs:
            return None
        token = token_urlsafe()
        self.tokens[token] = self.users[name, "user"]
        return token


@contextmanager
def running():
    """Run a Hub on a free port and yield it."""
    hub = FakeHub()
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub)) as server:
        hub.port = server.server_port
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()


def _handler(hub):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
            if hub.is_down:
                self._say(503, {})
            elif parts.path == "/hub/api/oauth2/authorize":
                self._authorize(asked)
            elif parts.path == "/hub/api/user":
                said = self.headers.get("Authorization", "").removeprefix("token ")
                model = hub.tokens.get(said)
                self._say(200 if model else 403, model or {"status": 403, "message": "Forbidden"})
            else:
                self._say(404, {})

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            token = hub.token({name: values[0] for name, values in parse_qs(body).items()})
            if self.path != "/hub/api/oauth2/token" or token is None:
                self._say(400, {"error": "invalid_grant"})
            else:
                self._say(200, {"access_token": token, "token_type": "Bearer", "expires_in": 1_000})

        def _authorize(self, asked):
            cookie = SimpleCookie(self.headers.get("Cookie", "")).get(SIGNED_IN)
            code = hub.code(cookie.value, asked) if cookie else None
            if cookie is None:
                self._say(200, {"page": "the Hub's form to sign in"})
            elif code is None:
                self._say(400, {"error": "invalid_client"})
            else:
                back = f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"
                self._say(302, {}, Location=back)

        def _say(self, status, content, **headers):
            body = json.dumps(content).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return Handler
