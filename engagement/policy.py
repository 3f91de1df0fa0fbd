"""The numbers of the risk formula and of the selection, checked; those of the formula hashed.

The defaults are the documented contract. Whoever shows a threshold, a label or a driver asks for the numbers in use.
"""

import hashlib
import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Final, Self

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
        unknown = sorted(set(table) - {entry.name for entry in fields(cls)})
        if unknown:
            raise InvalidInput(f"{source}: unknown in [risk]: {', '.join(unknown)}")
        return cls(**table)


DEFAULT_POLICY: Final = RiskPolicy()


def _check_count(name: str, value: int, *, lowest: int, highest: int | None = None) -> None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or value < lowest or (highest is not None and value > highest):
        allowed = f"{lowest} or more" if highest is None else f"{lowest} to {highest}"
        raise InvalidInput(f"{name}: {value!r}; allowed is a whole number, {allowed}")


def _check_amount(name: str, value: float, *, highest: float = math.inf) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not number or not 0 <= value <= highest:
        allowed = "0 or more" if highest == math.inf else f"0 to {highest:g}"
        raise InvalidInput(f"{name}: {value!r}; allowed is a number, {allowed}")


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
        if self.capacity is not None:
            _check_count("capacity", self.capacity, lowest=0)
        _check_count("cap_contacts", self.cap_contacts, lowest=1)
        _check_count("referral_runs", self.referral_runs, lowest=1, highest=RUNS_LOOKED_AT)
        _check_count("referral_nudges", self.referral_nudges, lowest=1)
        _check_amount("recent_hours", self.recent_hours)
        _check_amount("welcome_days", self.welcome_days)
        _check_amount("quiz_below", self.quiz_below, highest=100)


DRAFT_HOURS: Final = 72  # an older draft speaks of a week that is over: it expires, and is no open one
DEFAULT_SELECTION: Final = SelectionPolicy()
