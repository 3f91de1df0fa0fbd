"""What the environment says: where the store and the reports are, the time zone, the model.

Read from the environment or `.env`, once, by whoever starts the program; every other module is handed what it
needs. But for `memory_mb`: it is read where an engine starts, which is at its first use, wherever in the program
that is; whoever holds no store of their own would have to hand it on. A relative path is relative to the project,
so that a notebook, cron and a shell mean the same file.
"""

import os
import shlex
import tempfile
from contextlib import suppress
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from engagement import private
from engagement.errors import InvalidInput, of_the_system

PROJECT: Final = Path(__file__).resolve().parents[1]
LONGEST_SOCKET: Final = 103  # bytes of its path: 107 on Linux, 103 on macOS
_SHORT: Final = ("/tmp", "/var/tmp")  # noqa: S108 (who makes something there makes a folder of its own)
DEMO: Final = (
    "demo"  # the name of the invented cohort's store, beside one's own, and of its folder of reports
)
DEFAULT_MODEL: Final = "gpt-4.1-mini"  # answers without thinking first: eight seconds are enough


ProjectPath = Annotated[Path, AfterValidator(lambda path: PROJECT / path)]  # an absolute one stays as it is


def _splits(command: str) -> str:
    if not shlex.split(command):  # which says itself where a quote has no end
        raise ValueError("names no program")
    return command


def _confidential(webhook: SecretStr) -> SecretStr:
    parts = urlsplit(webhook.get_secret_value())
    with suppress(ValueError):  # a name that is no number
        if parts.scheme == "http" and ip_address(parts.hostname or "").is_loopback:
            return webhook
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise ValueError("is no address, such as https://chat.example.invalid/hooks/1")
    if parts.scheme == "http" and parts.hostname != "localhost":
        raise ValueError("https is needed; http is for this machine only, such as http://127.0.0.1:8080/")
    return webhook


class Settings(BaseSettings):
    """The settings of this process; `Settings()` reads them."""

    model_config = SettingsConfigDict(
        env_file=PROJECT / ".env", extra="ignore", frozen=True, env_ignore_empty=True, validate_default=True
    )

    own_store: ProjectPath = Field(Path("data/engagement.duckdb"), validation_alias="ENGAGEMENT_STORE")
    own_reports: ProjectPath = Field(Path("reports"), validation_alias="ENGAGEMENT_REPORTS")
    memory_mb: int | None = Field(None, ge=64, validation_alias="ENGAGEMENT_MEMORY")
    timezone: str = Field("UTC", validation_alias="ENGAGEMENT_TIMEZONE")
    model: str | None = Field(None, validation_alias="ENGAGEMENT_MODEL")
    openai_api_key: SecretStr | None = Field(None, validation_alias="OPENAI_API_KEY")
    openai_base_url: str | None = Field(None, validation_alias="OPENAI_BASE_URL")
    concurrency: int = Field(64, ge=1, le=1_000, validation_alias="ENGAGEMENT_CONCURRENCY")
    requests_per_minute: int | None = Field(None, ge=1, validation_alias="ENGAGEMENT_REQUESTS_PER_MINUTE")
    tokens_per_minute: int | None = Field(None, ge=1, validation_alias="ENGAGEMENT_TOKENS_PER_MINUTE")
    model_timeout_s: float = Field(8, ge=1, le=3_600, validation_alias="ENGAGEMENT_MODEL_TIMEOUT")
    outage_wait_s: float = Field(60, ge=0, validation_alias="ENGAGEMENT_OUTAGE_WAIT")
    price: str | None = Field(None, validation_alias="ENGAGEMENT_PRICE")
    users: ProjectPath | None = Field(None, validation_alias="ENGAGEMENT_USERS")
    dashboard_token: SecretStr | None = Field(None, validation_alias="ENGAGEMENT_DASHBOARD_TOKEN")
    proxy_secret: SecretStr | None = Field(None, min_length=32, validation_alias="ENGAGEMENT_PROXY_SECRET")
    notify_command: Annotated[str, AfterValidator(_splits)] | None = Field(
        None, validation_alias="ENGAGEMENT_NOTIFY_COMMAND"
    )
    notify_webhook: Annotated[SecretStr, AfterValidator(_confidential)] | None = Field(
        None, validation_alias="ENGAGEMENT_NOTIFY_WEBHOOK"
    )
    moodle_token: SecretStr | None = Field(None, validation_alias="ENGAGEMENT_MOODLE_TOKEN")
    data: ProjectPath | None = Field(None, validation_alias="ENGAGEMENT_DATA")
    group: str | None = Field(None, validation_alias="ENGAGEMENT_GROUP")

    @property
    def demo_store(self) -> Path:
        """The invented cohort's, beside one's own."""
        return self.own_store.with_name(f"{DEMO}.duckdb")

    @property
    def store(self) -> Path:
        """The store that is asked: one's own, or the demo's while that is the only one."""
        if os.path.lexists(self.own_store) or not os.path.lexists(self.demo_store):
            return self.own_store
        return self.demo_store

    @property
    def reports(self) -> Path:
        """The folder of the reports on that store."""
        return self.reports_of(self.store)

    def reports_of(self, store: Path) -> Path:
        """Return the folder of the reports on a store: runs of the demo lie in one of their own."""
        return self.own_reports / DEMO if store == self.demo_store else self.own_reports

    def of_moodle(self) -> str:
        """Return the token of a Moodle's web services; `InvalidInput` where there is none."""
        if self.moodle_token is None:
            raise InvalidInput(
                "ENGAGEMENT_MOODLE_TOKEN: is not set; a token of Moodle's web services is needed"
            )
        return self.moodle_token.get_secret_value()

    @cached_property
    def zone(self) -> ZoneInfo:
        """The time zone in which a date begins and ends."""
        return zone(self.timezone)


def zone(name: str) -> ZoneInfo:
    """Return the time zone of that IANA name; `InvalidInput` where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidInput(f"time zone {name!r} is not known; a name such as Europe/London is") from None


def folder_for_sockets(name: str) -> Path:
    """Return the folder for temporary files; another where its path is too long for a socket of such a name in it."""
    told = tempfile.gettempdir()
    fitting = (
        folder
        for folder in (told, *_SHORT)
        if len(os.fsencode(folder)) + len(name) < LONGEST_SOCKET and os.access(folder, os.W_OK | os.X_OK)
    )
    return Path(next(fitting, told))


def read_settings() -> Settings:
    """Return the settings of this process; `InvalidInput` names what is wrong, never its value.

    From then on the process makes files for nobody but whom they name (`private`).
    """
    try:
        # Python 3.14 takes a file in a folder that may not be entered for a missing one.
        if isinstance(file := Settings.model_config.get("env_file"), Path):
            with suppress(FileNotFoundError, NotADirectoryError):
                file.stat()
        settings = Settings()
    except OSError as error:
        raise InvalidInput(f"settings: {of_the_system(error)}") from None
    except ValidationError as error:
        wrong = ", ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise InvalidInput(f"settings: {wrong}") from None
    zone(settings.timezone)
    private.keep_to(settings.group)
    return settings
