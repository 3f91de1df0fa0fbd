"""The numbers of the risk formula and of the selection, checked; those of the formula hashed.

The defaults are the documented contract. Whoever shows a threshold, a label or a driver asks for the numbers in use.
"""

import hashlib
import json
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Self

from engagement.errors import InvalidInput
from engagement.vocabulary import AT_RISK, SCORED_LABELS, TERMS

MAY_BE_MISSING: Final = TERMS[:3]  # a missing last login has a meaning: never
BASES: Final = ("due", "course")
INPUTS: Final = {
    "behind_pace": "completed_percent",
    "low_quiz": "avg_quiz_score",
    "missed_session": "consecutive_missed_sessions",
    "inactivity": "days_inactive",
}
WEIGHTS: Final = {"behind_pace": 0.5, "low_quiz": 0.2, "missed_session": 0.2, "inactivity": 0.1}
TIE: Final = 1e-9  # 0.7 reached by sums of tenths is sometimes 0.7000000000000001, and 0.7 is still medium
RUNS_LOOKED_AT: Final = 3  # `runs_high` counts among the newest three published runs
RANK_DIGITS: Final = (
    12  # of a score: sums of tenths differ in the last bits, and what is behind these is a tie
)
KNOWN_WEIGHT: Final = 0.5  # with less of the weight known than this, no score is honest


@dataclass(frozen=True)
class RiskPolicy:
    """The numbers of the formula; the default is the documented contract.

    `basis` says what `completed_percent` is a share of: the work `due` by then, or the whole `course`.
    """

    weights: Mapping[str, float] = field(default_factory=lambda: dict(WEIGHTS), hash=False)
    missed_sessions_cap: float = 7  # a week of daily sessions; more says nothing new
    recency_days: float = 30  # on real courses 7, 14 and 30 differ by at most 0.008 AUC, 30 being best
    high_above: float = 0.7
    medium_above: float = 0.4
    basis: str = "due"

    def __post_init__(self) -> None:
        if not isinstance(self.weights, Mapping) or set(self.weights) != set(TERMS):
            raise InvalidInput(f"weights: exactly {', '.join(TERMS)} are needed")
        names = ("missed_sessions_cap", "recency_days", "high_above", "medium_above")
        for name, value in {**self.weights, **{name: getattr(self, name) for name in names}}.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise InvalidInput(f"{name}: a number is needed")
        if min(self.weights.values()) < 0 or abs(sum(self.weights.values()) - 1) > TIE:
            raise InvalidInput("weights: none below 0, and a sum of 1 is needed")
        if min(self.missed_sessions_cap, self.recency_days) <= 0:
            raise InvalidInput("missed_sessions_cap, recency_days: numbers above 0 are needed")
        if not 0 < self.medium_above < self.high_above < 1:
            raise InvalidInput("medium_above, high_above: 0 < medium_above < high_above < 1 is needed")
        if self.basis not in BASES:
            raise InvalidInput(f"basis: one of {', '.join(BASES)} is needed")
        # Copied, so that a caller's later change stays outside; floats, so that 7 and 7.0 hash alike.
        object.__setattr__(self, "weights", {term: float(self.weights[term]) for term in TERMS})
        for name in names:
            object.__setattr__(self, name, float(getattr(self, name)))

    @property
    def thresholds(self) -> dict[str, float]:
        """The scores above which a label begins, by their names here."""
        return {"high_above": self.high_above, "medium_above": self.medium_above}

    @property
    def policy_hash(self) -> str:
        """Twelve hexadecimal digits, the same for the same numbers however they were written."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:12]

    @classmethod
    def from_toml(cls, path: str | Path) -> Self:
        """Return the policy in the `[risk]` table of a file; what the table leaves out stays the default."""
        file = Path(path)
        try:
            table = tomllib.loads(file.read_text(encoding="utf-8")).get("risk")
        except (OSError, ValueError) as error:
            raise InvalidInput(f"{file.name}: a readable TOML file is needed") from error
        return cls.from_table(table, source=file.name)

    @classmethod
    def from_table(cls, table: object, *, source: str) -> Self:
        """Return the policy that the [risk] table of `source` says; what it leaves out stays the default."""
        if not isinstance(table, dict):
            raise InvalidInput(f"{source}: a [risk] table is needed")
        if unknown := sorted(set(table) - {entry.name for entry in fields(cls)}):
            raise InvalidInput(f"{source}: unknown in [risk]: {', '.join(unknown)}")
        return cls(**table)


DEFAULT_POLICY: Final = RiskPolicy()


def shown_score(score: float, thresholds: Iterable[float]) -> float:
    """Return a score in hundredths for people to read, on its own side of every threshold.

    Rounded alone, 0.7004 would stand as 0.7 beside "high, above 0.7", and 0.6996 as if it reached it.

    >>> [shown_score(score, (0.4, 0.7)) for score in (0.6996, 0.7, 0.7004, 0.4051)]
    [0.69, 0.7, 0.71, 0.41]
    """
    hundredths = round(100 * score)
    for threshold in thresholds:
        edge = round(100 * threshold, 7)
        if score > threshold + TIE:
            hundredths = max(hundredths, math.floor(edge) + 1)
        elif score < threshold - TIE:
            hundredths = min(hundredths, math.ceil(edge) - 1)
        else:
            hundredths = min(hundredths, math.floor(edge))
    return hundredths / 100


# Of what kind a number of the selection is, its lowest and its highest value.
_LIMITS: Final[Mapping[str, tuple[Any, float, float]]] = {
    "capacity": (int, 0, math.inf),
    "cap_contacts": (int, 1, math.inf),
    "referral_runs": (int, 1, RUNS_LOOKED_AT),
    "referral_nudges": (int, 1, math.inf),
    "recent_hours": (int | float, 0, math.inf),
    "welcome_days": (int | float, 0, math.inf),
    "quiz_below": (int | float, 0, 100),
}


@dataclass(frozen=True)
class SelectionPolicy:
    """The numbers of the rules; `InvalidInput` where one makes no sense."""

    labels: tuple[str, ...] = AT_RISK  # `unknown` gives nothing to write about
    capacity: int | None = None  # contacts of a run; a quiz goes to nobody beyond them. None: everyone
    recent_hours: float = 72
    cap_contacts: int = 2  # in seven days, which the input counts: their number is no setting
    welcome_days: float = 14
    quiz_below: float = 60.0  # percent
    referral_runs: int = 3
    referral_nudges: int = 2
    rewrite_templates: bool = (
        False  # an untouched template of an earlier attempt for the day counts as no draft
    )

    def __post_init__(self) -> None:
        # A policy file gives a list, which could not be hashed.
        object.__setattr__(self, "labels", tuple(self.labels))
        if not self.labels or not set(self.labels) <= set(SCORED_LABELS):
            raise InvalidInput(
                f"labels: {self.labels!r}; allowed is one or more of {', '.join(SCORED_LABELS)}"
            )
        for name, (kind, lowest, highest) in _LIMITS.items():
            value = getattr(self, name)
            is_number = isinstance(value, kind) and not isinstance(value, bool) and value != math.inf
            if (name, value) != ("capacity", None) and not (is_number and lowest <= value <= highest):
                what = "a whole number" if kind is int else "a number"
                allowed = f"{lowest} or more" if highest == math.inf else f"{lowest} to {highest}"
                raise InvalidInput(f"{name}: {value!r}; allowed is {what}, {allowed}")

    @classmethod
    def told(cls, parameters: Mapping[str, Any]) -> Self:
        """Return the numbers that the parameters of a run say, among others; a capacity of 0 is none."""
        given = {entry.name: parameters[entry.name] for entry in fields(cls) if entry.name in parameters}
        return cls(**{**given, "capacity": given.get("capacity") or None})


DRAFT_HOURS: Final = 72  # an older draft speaks of a week that is over: it expires, and is no open one
APPROVAL_DAYS: Final = 7  # what was approved longer ago speaks of another week, and does not leave
DEFAULT_SELECTION: Final = SelectionPolicy()

# How long is kept what only serves to look something up; `pipeline.housekeeping` does it as a run is published. What
# people did, and what was disclosed of whom, is a record and stays.
REFUSED_DAYS: Final = 30  # refused rows of a file; the same row again, and the newest file's, are kept once
SCRATCH_DAYS: Final = 1  # what a notebook that somebody opened has scored, decided and drafted
ANSWER_DAYS: Final = 180  # of a model: until then an equal prompt costs nothing
USELESS_ANSWER_DAYS: Final = 30  # one that failed, was rejected, or that a newer one replaces
LARGEST_LOG_BYTES: Final = 10_000_000  # of the page's log, which is kept once more beside the one in use
