"""Why a learner is scored so, in words, and what would help.

The four contributions add up to the score, so both follow from one scored row. The reasons are its terms in order of
size. A term is a contribution without its weight: how far one input is from safe, of all it could be. By contribution,
half of the weight would nearly always win, and nobody would be told of sessions missed or of a long absence. The same
rule names the main reason of one learner and of a million, and chooses the type of nudge.

A remedy is the value of one input at which the others alone no longer reach the threshold.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import narwhals as nw

from engagement.errors import InvalidInput
from engagement.policy import DEFAULT_POLICY, INPUTS, TIE, RiskPolicy
from engagement.risk.formula import is_missing, number
from engagement.vocabulary import TERMS

REASONS: Final = 3  # more than three and nobody reads them
TERM_TOLERANCE: Final = 1e-9  # 0.14 / 0.2 is more than 0.35 / 0.5: a tie must not hang on the last bit


def _terms(policy: RiskPolicy, contribution: Callable[[str], Any]) -> dict[str, Any]:
    """Return each term by its contribution; one without a weight has none to be read from, and 0 / 0 no one value."""
    return {term: contribution(term) / policy.weights[term] for term in TERMS if policy.weights[term] > 0}


def _largest(
    terms: Mapping[str, Any], *, most: Callable[..., Any], first: Callable[[Iterable[tuple[Any, str]]], Any]
) -> Any:
    """Return the name of the largest term, ties in the order of `TERMS`: of one row, or as a column of many.

    Parameters
    ----------
    most, first
        The largest of values, and the first name whose condition holds: as numbers have it, or as columns do.
    """
    largest = most(terms.values())
    return first((value >= largest - TERM_TOLERANCE, term) for term, value in terms.items())


def largest_term(policy: RiskPolicy) -> nw.Expr:
    """Name of the largest term that has a weight, ties in the order of `TERMS`; a missing one counts as 0."""
    name: nw.Expr = _largest(
        _terms(policy, _column),
        most=lambda values: nw.max_horizontal(*values),
        first=lambda named: nw.coalesce(*(nw.when(holds).then(nw.lit(term)) for holds, term in named)),
    )
    return name


def _column(term: str) -> nw.Expr:
    amount = nw.col(term).cast(nw.Float64)
    # NaN is a missing value in a frame of pandas, and greater than every number in DuckDB.
    return nw.when(~amount.is_nan()).then(amount).fill_null(0.0)


def main_reason(policy: RiskPolicy) -> nw.Expr:
    """Name of the largest term of a scored row; null where there is no score, or nothing points to a risk."""
    some = nw.max_horizontal(*_terms(policy, _column).values()) > 0.0
    return nw.when(some).then(largest_term(policy))


def main_reason_by(policies: Iterable[RiskPolicy]) -> nw.Expr:
    """The same for rows scored by several policies, each row by the one that its `policy_hash` names."""
    return nw.coalesce(
        *(
            nw.when(nw.col("policy_hash") == nw.lit(policy.policy_hash)).then(main_reason(policy))
            for policy in policies
        )
    )


def by_term(row: Mapping[str, Any], *, policy: RiskPolicy) -> list[str]:
    """Return the terms of one scored row that point to a risk, in the order of `largest_term`: the largest first."""
    terms = _terms(policy, lambda term: number(row.get(term)) or 0.0)
    left = {term: value for term, value in terms.items() if value > 0}
    ordered: list[str] = []
    while left:
        ordered.append(
            _largest(left, most=max, first=lambda named: next(name for holds, name in named if holds))
        )
        del left[ordered[-1]]
    return ordered


@dataclass(frozen=True)
class Reason:
    """One reason of a score, for whoever has words of their own for it."""

    term: str  # one of `TERMS`
    value: float | None  # the input behind it: percent (0 to 100), sessions or days
    never: bool  # never logged in: the one input whose absence contributes
    basis: str  # what a percentage of work is of: "due" or "course"


def coded(row: Mapping[str, Any], *, policy: RiskPolicy) -> list[Reason]:
    """Return up to three terms of a scored row, the largest first; none where there is no score.

    Ties go to the first in the order of `TERMS`; what contributes nothing is no reason.

    Examples
    --------
    >>> coded({"completed_percent": 12.0, "behind_pace": 0.44, "risk_score": 0.44}, policy=RiskPolicy())
    [Reason(term='behind_pace', value=12.0, never=False, basis='due')]
    """
    if number(row.get("risk_score")) is None:
        return []
    return [_coded(term, row, policy) for term in by_term(row, policy=policy)[:REASONS]]


def _coded(term: str, row: Mapping[str, Any], policy: RiskPolicy) -> Reason:
    if INPUTS[term] not in row:
        raise InvalidInput(f"{INPUTS[term]}: missing from the row that is to be explained")
    value = number(row[INPUTS[term]])
    never_logged_in = term == "inactivity" and "last_login" in row and is_missing(row["last_login"])
    if value is None or never_logged_in:
        return Reason(term, None, True, policy.basis)
    highest = math.inf if term in ("missed_session", "inactivity") else 100.0
    return Reason(term, min(max(value, 0.0), highest), False, policy.basis)


def reasons(row: Mapping[str, Any], *, policy: RiskPolicy = DEFAULT_POLICY) -> list[str]:
    """Return `coded` in words with their numbers, and always at least one sentence.

    Examples
    --------
    >>> row = {"completed_percent": 12.0, "behind_pace": 0.44, "avg_quiz_score": 51.0, "low_quiz": 0.098}
    >>> reasons({**row, "risk_score": 0.538}, policy=RiskPolicy())
    ['12 % of the due work done', 'quiz average 51']
    """
    if number(row.get("risk_score")) is None:
        return ["too little is known to score"]
    return [_in_words(reason, policy) for reason in coded(row, policy=policy)] or ["no sign of risk"]


def reason(row: Mapping[str, Any], *, policy: RiskPolicy) -> str:
    """Return the first of `reasons`."""
    return reasons(row, policy=policy)[0]


def _in_words(reason: Reason, policy: RiskPolicy) -> str:
    if reason.never:
        return "never logged in"
    value = reason.value or 0.0
    since = "less than a day" if value < 1 else _counted(value, "day", policy.recency_days)
    return {
        "behind_pace": f"{value:.0f} % of the {'due work' if reason.basis == 'due' else 'course'} done",
        "low_quiz": f"quiz average {value:.0f}",
        "missed_session": f"missed {_counted(value, 'session', policy.missed_sessions_cap)} in a row",
        "inactivity": f"last login {since} ago",
    }[reason.term]


def _counted(value: float, noun: str, cap: float) -> str:
    if math.isinf(value) and value > 0:
        return f"more than {cap:g} {noun}s"
    whole = math.floor(value)
    return f"{whole:,} {noun}{'' if whole == 1 else 's'}"


@dataclass(frozen=True)
class Lever:
    """One input, the value it has, and the value that alone would lower the label."""

    input: str
    now: float | None  # None: never logged in
    needed: float
    label_then: str


def what_would_help(row: Mapping[str, Any], *, policy: RiskPolicy = DEFAULT_POLICY) -> list[Lever]:
    """Return, for a scored row at high or medium risk, each single change that would lower the label.

    The needed value is rounded to the safe side: whole percents up, whole sessions and days down. Inputs
    that are missing, or cannot do it alone, are left out.
    """
    if "risk_label" not in row:
        raise InvalidInput("risk_label: missing from the row that is to be explained")
    target = {"high": policy.high_above, "medium": policy.medium_above}.get(row["risk_label"])
    if target is None:
        return []
    known = {term: value for term in TERMS if (value := number(row.get(term))) is not None}
    remaining = 1.0 - sum(policy.weights[term] for term in TERMS if term not in known)
    levers = []
    for term in known:
        others = sum(value for other, value in known.items() if other != term)
        share = policy.weights[term] / remaining
        if share > 0 and others <= target + TIE:
            allowed = max(target - others, 0.0) / share
            needed, distance = _needed(term, allowed, policy)
            label = "low" if others + share * distance <= policy.medium_above + TIE else "medium"
            levers.append(Lever(INPUTS[term], number(row.get(INPUTS[term])), needed, label))
    return levers


def _needed(term: str, allowed: float, policy: RiskPolicy) -> tuple[float, float]:
    """Return the whole input that keeps its term at or below `allowed`, and the term it gives."""
    if term in ("behind_pace", "low_quiz"):
        percent = float(math.ceil(100.0 * (1.0 - allowed) - TIE))
        return percent, 1.0 - percent / 100.0
    cap = policy.missed_sessions_cap if term == "missed_session" else policy.recency_days
    count = float(math.floor(cap * allowed + TIE))
    return count, count / cap
