"""Who sends a request: the one door through which every handler of the server learns a name.

Where a proxy authenticates, its signed header; under JupyterHub, the Hub; with a token that was handed out, whoever has
it; else the one who started the server, who alone was told the token that it made.
"""

import logging
from functools import cached_property
from typing import Any, Final

from jupyter_server.auth.identity import IdentityProvider, User
from tornado.web import RequestHandler
from traitlets import Any as AnyTrait

from engagement.audit import account
from engagement.dashboard.access import SHARED, Source
from engagement.dashboard.hub import Hub
from engagement.dashboard.tickets import vouched_for
from engagement.dates import unix_s, utc_now

USER_HEADER: Final = "X-Engagement-User"
TIME_HEADER: Final = "X-Engagement-Time"
SIGNATURE_HEADER: Final = "X-Engagement-Signature"
_log = logging.getLogger(__name__)


class Identities(IdentityProvider):
    """Jupyter's way of asking who somebody is, with our answers."""

    settings: Any = AnyTrait().tag(config=True)
    options: Any = AnyTrait().tag(config=True)
    told: Any = AnyTrait(None, allow_none=True).tag(config=True)

    @property
    def source(self) -> Source:
        """Who vouches for a name."""
        if self.told is not None:
            return "hub"
        if self.settings.proxy_secret is not None:
            return "proxy"
        return "token" if self.options.token else "local"

    @cached_property
    def hub(self) -> Hub | None:
        """The Hub that says who somebody is, where there is one."""
        return None if self.told is None else Hub(self.told, base_url=self.options.base_url)

    def get_handlers(self) -> list[Any]:
        """Return what a Hub needs: this server has no form to sign in."""
        return [] if self.hub is None else self.hub.handlers()

    async def get_user(self, handler: RequestHandler) -> User | None:
        """Return who sends the request, None where nobody vouches for them."""
        if self.hub is not None:
            known = await self.hub.name(handler)
            return User(known) if known else None
        if self.source == "proxy":
            name, *rest = (
                handler.request.headers.get(header, "")
                for header in (USER_HEADER, TIME_HEADER, SIGNATURE_HEADER)
            )
            secret = self.settings.proxy_secret.get_secret_value()
            if not any((name, *rest)):
                return None
            vouched = vouched_for(secret, name, *rest, now_s=unix_s(utc_now()))
            return User(vouched) if vouched else None
        if await super()._get_user(handler) is None:
            if self.get_token(handler):
                _log.warning("a token was refused: it is not that of this server")
            return None
        return User(account() if self.source == "local" else SHARED)

    def set_login_cookie(self, handler: RequestHandler, user: User) -> None:
        """Set the cookie of who came with the token, for https alone where the browser came by it.

        A proxy that ends https says so in a header; who invents that harms their own cookie only.
        """
        forwarded = handler.request.headers.get("X-Forwarded-Proto", "").partition(",")[0].strip()
        self.secure_cookie = "https" in (handler.request.protocol, forwarded)
        super().set_login_cookie(handler, user)
