"""Who somebody is, where a JupyterHub says so.

A Hub starts the dashboard as a service or as somebody's own server; the environment says where the Hub is and by which
token it knows us. A browser without a cookie of ours is sent to the Hub to sign in and comes back with a code. How that
goes (state, cookies, XSRF) is the business of the Hub's own library. It comes with the extra `hub`, and only a
server that a Hub started imports it: half of the Hub hangs on it.
"""

import asyncio
import logging
from collections.abc import MutableMapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import SecretStr
from tornado import web
from tornado.httputil import url_concat

from engagement.errors import InvalidInput

NEEDED: Final = (
    "JUPYTERHUB_API_TOKEN",
    "JUPYTERHUB_API_URL",
    "JUPYTERHUB_CLIENT_ID",
    "JUPYTERHUB_SERVICE_PREFIX",
)
LISTEN: Final = "JUPYTERHUB_SERVICE_URL"
TOKENS: Final = ("JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN")  # the same twice: the Hub still sets its old name
ANSWERS_WITHIN_S: Final = 10  # the library alone would wait for minutes
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Told:
    """What a Hub's environment says; `listen` is host and port, where it names them."""

    token: SecretStr
    base_url: str
    listen: tuple[str, int] | None


def told(environment: MutableMapping[str, str]) -> Told | None:
    """Return what a Hub says there, None without one. The token is taken out: kernels inherit the rest.

    One of the variables without the others is `InvalidInput`, never "no Hub": behind its proxy everybody would be the
    one who sits at this machine.
    """
    if not any(environment.get(name) for name in NEEDED):
        return None
    if missing := [name for name in NEEDED if not environment.get(name)]:
        raise InvalidInput(
            f"{missing[0]}: not set, but other variables of a JupyterHub are; a service of its own needs a url. "
            "Outside a Hub, start without any of them"
        )
    if find_spec("jupyterhub") is None:
        raise InvalidInput(
            "JUPYTERHUB_API_TOKEN: a JupyterHub says who somebody is, which needs the package jupyterhub: "
            "install engagement with its extra, engagement[hub]"
        )
    listen = _listen(environment[LISTEN]) if environment.get(LISTEN) else None
    token, _ = (environment.pop(name, "") for name in TOKENS)
    return Told(SecretStr(token), environment["JUPYTERHUB_SERVICE_PREFIX"], listen)


def _listen(address: str) -> tuple[str, int]:
    try:
        parts = urlsplit(address)
        if parts.scheme == "http":
            return parts.hostname or "0.0.0.0", parts.port or 80  # noqa: S104 (no host means every address)
    except ValueError:
        pass
    raise InvalidInput(f"{LISTEN}: an address such as http://127.0.0.1:8866 is served, and no other kind")


class Hub:
    """The Hub, as far as this server asks it."""

    def __init__(self, told: Told, *, base_url: str) -> None:
        from jupyterhub.services.auth import HubOAuth

        logging.getLogger("tornado.application").setLevel(
            logging.ERROR
        )  # its warnings hold states and addresses
        self._oauth = HubOAuth(api_token=told.token.get_secret_value(), base_url=base_url)
        self._callback = _callback()

    async def name(self, handler: web.RequestHandler) -> str | None:
        """Return whose request it is; None for who has not signed in, may not come here or is no person.

        A service of the Hub has a token as well, and may be called like a person.
        """
        user = await self._user(handler)
        if user is None or user.get("kind") != "user":
            return None
        return str(user["name"]) if self._oauth.check_scopes(self._oauth.access_scopes, user) else None

    async def sign_in_at(self, handler: web.RequestHandler) -> str | None:
        """Return where a page's visitor has to sign in first, None where they have."""
        if await self._user(handler) is not None:
            _ = handler.xsrf_token  # asking for it renews its cookie, which what the page asks for must echo
            return None
        state = self._oauth.set_state_cookie(handler, next_url=handler.request.uri)
        return url_concat(self._oauth.login_url, {"state": state})

    def handlers(self) -> list[Any]:
        """Return what a browser that comes back from signing in is sent to."""
        return [(f"{self._oauth.base_url}oauth_callback", self._callback, {"hub_auth": self._oauth})]

    async def _user(self, handler: web.RequestHandler) -> dict[str, Any] | None:
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                found: dict[str, Any] | None = await self._oauth.get_user(handler, sync=False)
        except (TimeoutError, web.HTTPError):
            _log.error("the Hub does not say who somebody is")
            handler.current_user = None  # what an error's page asks for
            raise web.HTTPError(503) from None
        return found


def _callback() -> type[web.RequestHandler]:
    from jupyterhub.services.auth import HubOAuthCallbackHandler

    class Callback(HubOAuthCallbackHandler):  # type: ignore[misc]
        """The library's, with this server's headers and a page for people where it fails."""

        def initialize(self, hub_auth: Any) -> None:
            self.hub_auth = hub_auth

        def set_default_headers(self) -> None:
            for name, value in self.settings["headers"].items():
                self.set_header(name, value)

        async def get(self) -> None:
            try:
                async with asyncio.timeout(ANSWERS_WITHIN_S):
                    await super().get()
            except TimeoutError:
                raise web.HTTPError(503) from None

        def write_error(self, status_code: int, **_: object) -> None:
            page = self.settings["voila_jinja2_env"].get_template("notice.html")
            self.finish(page.render(what="not_signed_in", base_url=self.hub_auth.base_url))

        def log_exception(self, kind: Any, error: Any, _trace: Any) -> None:
            """Log what it is, without the address: it holds the code."""
            _log.error("signing in failed", extra={"error": kind.__name__, "said": str(error)[:200]})

    return Callback
