"""What a pipeline's file says of what it loads: which files, of which platform, and how they are written."""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from engagement.errors import InvalidInput
from engagement.ingest.loads.loading import IfUnlike
from engagement.ingest.source.source_format import NAME_ORDERS, SourceFormat

_RULES: Final = {
    "timezone",
    "columns",
    "date_formats",
    "percent_scale",
    "groups",
    "encoding",
    "sheet",
    "missing",
    "cap",
    "values",
    "name_order",
    "key",
    "types",
    "full",
    "max_quarantine",
    "if_unlike",
    "moodle",
    "platform",
}
PLAN: Final = "[sources]"  # its place among a run's parameters by step; no step can be called so


def _is_safe(url: str) -> str:
    # Every platform comes with it, and few pipelines name one.
    from engagement.ingest.platforms.moodle.web import checked_url

    try:
        return checked_url(url)
    except InvalidInput as error:
        raise ValueError(str(error).removeprefix("url: ")) from None


Names = Annotated[
    list[Annotated[str, StringConstraints(min_length=1)]],
    BeforeValidator(lambda value: [value] if isinstance(value, str) else value),
]


class Moodle(BaseModel):
    """A Moodle that is asked by its web services: its address and its courses; the token is in the environment."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: Annotated[str, AfterValidator(_is_safe)]
    courses: Annotated[Names, Field(min_length=1)]
    program: str = ""  # the short name of each course if left out


class Sources(BaseModel):
    """What a pipeline's file says under `[sources]`; paths are relative to the project.

    `source_format` holds for all of its files. An export of a platform says itself how it is written; beside it there
    are a zone, an encoding, values, groups and types. With `full` each file of learners lists everybody: who is not in
    it becomes inactive.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    learners: list[str] = []
    events: list[str] = []
    inbox: Names = []
    events_inbox: Names = []
    moodle: Moodle | None = None
    platform: str = ""
    if_nothing_new: Literal["warn", "fail"] = "warn"
    max_age_days: float | None = Field(None, gt=0, allow_inf_nan=False)
    timezone: str | None = None
    columns: dict[str, str] = {}
    date_formats: list[str] = []
    percent_scale: dict[str, int] = {}
    groups: dict[str, str] = {}
    encoding: str = ""
    sheet: str = ""
    missing: list[str] = []
    cap: int | None = None
    values: dict[str, str] = {}
    name_order: str = NAME_ORDERS[0]
    key: str = "id"
    types: dict[str, str] = {}
    full: bool = False
    max_quarantine: float = Field(1.0, ge=0, le=1)
    if_unlike: IfUnlike = "warn"

    @property
    def inboxes(self) -> list[str]:
        """Every pattern of an inbox."""
        return [*self.inbox, *self.events_inbox]

    @property
    def bring_learners(self) -> bool:
        """Whether a run may find learners or events to load: it makes a store where there is none."""
        return bool(self.learners or self.events or self.inboxes or self.moodle)

    @property
    def is_used(self) -> bool:
        """Whether there is something to load or to hold facts to."""
        return bool(self.bring_learners or self.max_age_days)

    @property
    def lists(self) -> Literal["rows", "everybody"]:
        """Of whom a file of learners speaks."""
        return "everybody" if self.full else "rows"

    @property
    def rules(self) -> dict[str, Any]:
        """What decides how a file is read, where it is not as documented; part of a run's key."""
        return self.model_dump(include=_RULES, exclude_defaults=True)

    def source_format(self, zone: str) -> SourceFormat:
        """Return how the files are written, in `zone` where nothing is said; `InvalidInput` for what none can mean."""
        return SourceFormat(
            self.timezone or zone,
            self.columns,
            tuple(self.date_formats),
            dict(self.percent_scale),
            dict(self.groups),
            encoding=self.encoding,
            sheet=self.sheet,
            missing=tuple(self.missing),
            cap=self.cap,
            values=self.values,
            name_order=self.name_order,
            key=self.key,
            types=self.types,
        )
