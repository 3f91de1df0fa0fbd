"""The server of the dashboard: Voila with one notebook, and with everything closed that the page does not need.

Voila runs the notebook, keeps a kernel ready for the next page and connects a page with its kernel. What it would
also do, and this does not: render other notebooks, serve files, take templates or themes from the address, load
JupyterLab into the page, listen to a page of another host, tell a browser what a kernel prints, let one viewer talk to
another's kernel, or keep a kernel when its page is gone.
"""

import logging
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import Any, Final, NoReturn
from uuid import uuid4

from engagement.errors import InvalidInput
from engagement.jupyter import kernels, startup
from engagement.settings import PROJECT, Settings, folder_for_sockets
from engagement.store import engine

startup.skip_iri_grammar()  # before voila, which imports nbformat

from jupyter_server.services.kernels.kernelmanager import ServerKernelManager  # noqa: E402
from tornado.ioloop import IOLoop, PeriodicCallback  # noqa: E402
from traitlets.config import Config  # noqa: E402
from voila.app import Voila  # noqa: E402
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler  # noqa: E402
from voila.tornado.handler import TornadoVoilaHandler  # noqa: E402
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler  # noqa: E402

from engagement.dashboard import access, gate, handlers, hub, log, owners, tickets  # noqa: E402
from engagement.dashboard.identity import Identities  # noqa: E402

HERE: Final = Path(__file__).parent
NOTEBOOK: Final = PROJECT / "notebooks" / "dashboard.ipynb"
STATIC: Final = HERE / "static"
SHORTEST_TOKEN: Final = 16
OWN_TOKEN_BYTES: Final = 24
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
POOL: Final = 1  # a kernel that waits for the next viewer: half a second less to wait
IDLE_S: Final = 900  # without a word from the page, which pings while somebody can see it
LOOKS_EVERY_S: Final = 30
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
# What viewers' kernels share, so that each takes little memory of its own and the first text is not late.
PRELOADED: Final = (
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "IPython.core.completerlib",
    "IPython.extensions.storemagic",
    "engagement.dashboard.widget",
)


@dataclass(frozen=True)
class Options:
    """Where to listen and for whom."""

    host: str = "127.0.0.1"
    port: int = 8866
    token: str = ""
    base_url: str = "/"
    viewers: int = 10


class Server(Voila):  # type: ignore[misc]
    """Voila for the one page."""

    name = "voila"
    options = Options()
    starts_kernels: Callable[..., Any]

    def init_settings(self) -> dict[str, Any]:
        """Return Voila's settings with what comes too late as an option."""
        found: dict[str, Any] = super().init_settings()
        manager = found["kernel_manager"]
        manager.kernel_manager_factory = partial(self.starts_kernels, context=manager.context)
        return found | {
            "compress_response": True,
            # Alone on this machine, no page of any other host asks, by a name that leads here.
            "allow_remote_access": self.identity_provider.source != "local",
            "headers": handlers.HEADERS | {"Content-Security-Policy": POLICY},
            "log_function": handlers.log_request,
            "websocket_compression_options": {},
            "websocket_max_message_size": gate.LONGEST_MESSAGE,
            "dashboard": owners.Owners(self.options.viewers),
        }

    def init_handlers(self) -> list[Any]:
        """Return our own handlers, and those few of Voila's that the page needs, with a guard."""
        guarded = {
            VoilaKernelWebsocketHandler: handlers.Channels,
            VoilaShutdownKernelHandler: handlers.Shutdown,
            TornadoVoilaHandler: handlers.Page,
        }
        from_hub = {handler for _, handler, *_ in self.identity_provider.get_handlers()}
        kept = [
            (pattern, guarded.get(handler, handler), *rest)
            for pattern, handler, *rest in super().init_handlers()
            if handler in guarded or handler in from_hub
        ]
        return [
            (f"{self.server_url}engagement/static/(.*)", handlers.Files, {"root": STATIC}),
            (f"{self.server_url}engagement/ticket", handlers.Ticket),
            (f"{self.server_url}engagement/ended", handlers.Ended),
            *kept,
        ]

    def listen(self) -> None:
        """Look after the kernels, and listen until somebody ends it."""

        def look() -> Any:
            return owners.sweep(
                self.kernel_manager,
                os.path.relpath(self.notebook_path, self.root_dir),
                self.app.settings["dashboard"],
                now_s=time.monotonic(),
            )

        PeriodicCallback(look, LOOKS_EVERY_S * 1000).start()
        handled = self.app.start_request
        self.app.start_request = lambda server, connection: gate.Bounded(
            handled(server, connection), connection
        )
        IOLoop.current().add_callback(self._say_where)  # the port is known by then
        super().listen()

    def _say_where(self) -> None:
        host = f"[{self.options.host}]" if ":" in self.options.host else self.options.host
        own = f"?token={self.token}" if self.identity_provider.source == "local" else ""
        said = "?token=…" if self.options.token else own
        print(f"Dashboard: http://{host}:{self.port}{self.base_url}{said}", file=sys.stderr)
        print(f"Its log:   {os.environ[log.LOG_FILE]}\nCtrl-C ends it.", file=sys.stderr)


def serve(options: Options, settings: Settings) -> None:
    """Serve the page until somebody ends it. `InvalidInput` where it would be open to who should not see it."""
    told = hub.told(os.environ)
    if told is not None:
        options = _as_told(options, told)
    check(options, settings, told)
    if options.token and any(options.token in said for said in sys.argv):
        _begin_again(options)
    os.environ[tickets.TICKET_SECRET] = token_hex(32)
    os.environ[log.LOG_FILE] = str(settings.store.with_name("dashboard.log"))
    log.also_to_file()
    log.hide_tokens()
    os.environ.setdefault(*engine.GIVES_BACK_SOON)
    for name in ("ENGAGEMENT_PROXY_SECRET", "ENGAGEMENT_DASHBOARD_TOKEN"):  # the kernels need them not
        os.environ.pop(name, None)
    # Where Voila finds the template `engagement`; its conf.json says that it stands on none of JupyterLab's.
    os.environ["JUPYTER_PATH"] = os.pathsep.join(
        [str(HERE / "jupyter"), *filter(None, [os.environ.get("JUPYTER_PATH")])]
    )
    logging.getLogger("tornado").setLevel(
        logging.ERROR
    )  # it warns of Jupyter's own numbers, and of addresses
    Server.options = options
    with kernels.template(PRELOADED, base=ServerKernelManager) as Server.starts_kernels:
        server = Server.instance(config=_config(options, settings, told))
        server.initialize([str(NOTEBOOK)])
        server.start()


def _begin_again(options: Options) -> NoReturn:
    """Become the same command without its token: every account of the machine reads a command line."""
    os.environ["ENGAGEMENT_DASHBOARD_TOKEN"] = options.token
    said = {name: value for name, value in asdict(options).items() if name != "token"}
    words = [f"--{name.replace('_', '-')}={value}" for name, value in said.items()]
    os.execv(sys.executable, [sys.executable, "-m", "engagement.cli", "dashboard", *words])  # noqa: S606 (itself)


def _as_told(options: Options, told: hub.Told) -> Options:
    host, port = told.listen or (options.host, options.port)
    base_url = options.base_url if options.base_url.strip("/") else told.base_url
    return replace(options, host=host, port=port, base_url=base_url)


def check(options: Options, settings: Settings, told: hub.Told | None = None) -> None:
    """Raise `InvalidInput` where nobody would have to say who they are."""
    if settings.users is not None:
        access.read_users(settings.users)
    elif settings.proxy_secret is not None or told is not None:
        by = "JUPYTERHUB_API_TOKEN" if settings.proxy_secret is None else "ENGAGEMENT_PROXY_SECRET"
        raise InvalidInput(f"{by}: names alone are not enough; ENGAGEMENT_USERS says who may see what")
    if told is not None:
        if options.token or settings.proxy_secret is not None:
            raise InvalidInput(
                f"{'--token' if options.token else 'ENGAGEMENT_PROXY_SECRET'}: a JupyterHub says who somebody is here, "
                "and nobody else; outside it, start without its JUPYTERHUB_ variables"
            )
        return
    if options.host not in LOOPBACK and not (options.token or settings.proxy_secret is not None):
        raise InvalidInput(
            f"--host {options.host}: others could open the page; ENGAGEMENT_DASHBOARD_TOKEN, or "
            "ENGAGEMENT_PROXY_SECRET for a proxy that says who somebody is, lets in only those who may"
        )
    if options.token and len(options.token) < SHORTEST_TOKEN:
        raise InvalidInput(f"--token: {SHORTEST_TOKEN} characters or more")


def _config(options: Options, settings: Settings, told: hub.Told | None) -> Config:
    base = f"/{options.base_url.strip('/')}/" if options.base_url.strip("/") else "/"
    voila = Config(
        ip=options.host,
        port=options.port,
        base_url=base,
        server_url=base,
        open_browser=False,
        # Who starts it is told the whole address, and no other account of this machine.
        token=options.token or ("" if told or settings.proxy_secret else token_urlsafe(OWN_TOKEN_BYTES)),
        identity_provider_class=Identities,
        config_file_paths=[],
        connection_dir_root=str(folder_for_sockets(f"voila_abcdefgh/kernel-{uuid4()}-ipc-5")),
        log_level=logging.ERROR,
    )
    if told is not None:
        voila.port_retries = 0  # the Hub looks nowhere else
    return Config(
        Voila=voila,
        Identities=Config(
            settings=settings,
            options=options,
            told=told,
            cookie_options={"httponly": True, "samesite": "Lax"},
        ),
        VoilaConfiguration=Config(
            template="engagement",
            allow_template_override="NO",
            allow_theme_override="NO",
            file_allowlist=["^$"],
            show_tracebacks=False,
            preheat_kernel=True,
            default_pool_size=POOL,
            page_config_hook=_page_config,
        ),
        # Whether a notebook is trusted is of no account here, and would be kept in a home, which not everybody has.
        NotebookNotary=Config(data_dir="", db_file=":memory:", secret=b"of nothing"),
        KernelManager=Config(transport="ipc", autorestart=False),  # another would not know the page
        MappingKernelManager=Config(
            cull_idle_timeout=IDLE_S, cull_interval=LOOKS_EVERY_S, cull_connected=True, cull_busy=False
        ),
    )


def _page_config(page_config: dict[str, Any], **_rest: object) -> dict[str, Any]:
    """Return what the page knows, with the files it will ask for."""
    return page_config | {
        "scripts": _files("*.js"),
        "styles": [file for file in _files("*.css") if not file.endswith("/page.css")],
    }


def _files(pattern: str) -> list[str]:
    """Return the addresses of the page's own files; what others wrote is large, and asked for where it is needed."""
    found = (file.relative_to(STATIC) for file in STATIC.glob(f"*/{pattern}"))
    return sorted(file.as_posix() for file in found if file.parts[0] != "vendor")
