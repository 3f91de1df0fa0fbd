"""Who sends a request: the one door through which every handler of the server learns a name.

Where a proxy authenticates, its signed header; under JupyterHub, the Hub; with a token, whoever has it; alone on this
machine, the one who sits at it.
"""

import getpass
from functools import cached_property
from typing import Any, Final

from jupyter_server.auth.identity import IdentityProvider, User
from tornado.web import RequestHandler
from traitlets import Any as AnyTrait

from engagement.dashboard.access import SHARED, Source
from engagement.dashboard.hub import Hub
from engagement.dashboard.tickets import vouched_for
from engagement.dates import unix_s, utc_now

USER_HEADER: Final = "X-Engagement-User"
TIME_HEADER: Final = "X-Engagement-Time"
SIGNATURE_HEADER: Final = "X-Engagement-Signature"


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
            return User(name) if vouched_for(secret, name, *rest, now_s=unix_s(utc_now())) else None
        if self.source == "local":
            return User(getpass.getuser())
        found: User | None = await super()._get_user(handler)
        return User(SHARED) if found else None
