"""How likely a learner is to leave, from 0 to 1, with the reasons and what would help.

The formula is one contract, so it is written once, as Narwhals expressions over numeric columns, and runs
where the rows already are: pandas, polars, pyarrow, a DuckDB relation, a Spark frame. Time enters only as a
number of days, because no date arithmetic is the same on all of them. The contributions add up to the score,
so the reason and the remedy follow from them.

A missing input is never safe and never zero: its term is dropped and the rest is divided by the weight that
remains.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from numbers import Real
from typing import Any, Final, TypeAlias, cast
from zoneinfo import ZoneInfo

import narwhals as nw
from narwhals.typing import IntoFrameT

from engagement.dates import parse_as_of, utc, utc_now
from engagement.errors import InvalidInput
from engagement.policy import (
    DEFAULT_POLICY,
    INPUTS,
    KNOWN_WEIGHT,
    MAY_BE_MISSING,
    TIE,
    RiskPolicy,
)
from engagement.vocabulary import LABELS, TERMS

_ANYTHING: Final = 2 * TIE  # of the weight: nothing at all gives no score

_Table: TypeAlias = nw.DataFrame[Any] | nw.LazyFrame[Any]
_Moment: TypeAlias = str | datetime | date | None
# A column that tables may have: a last login that nobody can tell is neither recent nor never.
_UNKNOWN: Final = "login_is_unknown"
_US_PER_DAY: Final = 86_400_000_000.0


def score_table(
    frame: IntoFrameT, *, as_of: _Moment = None, policy: RiskPolicy = DEFAULT_POLICY
) -> IntoFrameT:
    """Return `score` of a frame that may have `last_login` (and `enrolled_at`) in place of `days_inactive`.

    Parameters
    ----------
    frame
        `last_login` and `enrolled_at` hold dates or times, in UTC where they have no zone; in memory also ISO texts.
    as_of
        The instant the score is for, as in `compute_risk`; needed where there is no `days_inactive`.
    policy
        Weights, caps and thresholds.
    """
    try:
        table: _Table = nw.from_native(cast("Any", frame))
    except TypeError:
        raise InvalidInput(
            "frame: a table of pandas, polars, pyarrow, DuckDB or Spark is needed; compute_risk takes a dict"
        ) from None
    names = table.collect_schema().names()
    if "days_inactive" not in names and "last_login" in names:
        if as_of is None:
            raise InvalidInput("as_of: is needed where a table has last_login and no days_inactive")
        frame = cast("IntoFrameT", _with_days_inactive(table, _as_instant(as_of)).to_native())
    return score(frame, policy=policy)


def _with_days_inactive(table: _Table, as_of: datetime) -> _Table:
    instants = []
    for name in ("last_login", "enrolled_at"):
        if name in table.collect_schema():
            table = _with_instants(table, name)
            instants.append(nw.col(name).cast(nw.Datetime("us")))
    away = (nw.lit(as_of) - nw.coalesce(*instants)).dt.total_microseconds().cast(nw.Float64) / _US_PER_DAY
    days = nw.col("days_inactive")
    return table.with_columns(days_inactive=away).with_columns(
        days_inactive=nw.when(days < 0.0).then(0.0).otherwise(days)
    )


def _with_instants(table: _Table, name: str) -> _Table:
    """Return the table with naive UTC in that column; a frame in memory may hold text, or anything Python takes."""
    kind = table.collect_schema()[name]
    if kind == nw.Datetime and cast("nw.Datetime", kind).time_zone is not None:
        zoned = nw.col(name).dt.convert_time_zone("UTC")
        try:
            return table.with_columns(zoned.dt.replace_time_zone(None).alias(name))
        except NotImplementedError:
            raise InvalidInput(f"{name}: times without a zone, in UTC, are needed here") from None
    if isinstance(table, nw.DataFrame) and kind not in (nw.Date, nw.Datetime):
        rows = [{name: value} for value in table[name].to_list()]
        instants = _read(rows, name, _instant, "a date and time")
        return table.with_columns(
            nw.new_series(name, instants, nw.Datetime("us"), backend=table.implementation)
        )
    return table


def score(frame: IntoFrameT, *, policy: RiskPolicy = DEFAULT_POLICY) -> IntoFrameT:
    """Return the frame with four contributions, `risk_score` (0 safe to 1 leaving) and `risk_label` added.

    Takes any frame Narwhals knows, with `completed_percent` and `avg_quiz_score` (0 to 100),
    `consecutive_missed_sessions` and `days_inactive` (NULL: never logged in, which counts as fully away, save where the
    frame says `login_is_unknown`: then the term is dropped like any other).

    Notes
    -----
    A contribution is NULL where its input is missing. With more than half of the weight missing there is no
    score to share out: contributions and score are NULL and the label is `unknown`.
    """
    return _scored(frame, policy, KNOWN_WEIGHT)


def score_of_known(frame: IntoFrameT, *, policy: RiskPolicy) -> IntoFrameT:
    """Return `score` by whatever is known, however little: for an order of learners, never to be shown as a score."""
    return _scored(frame, policy, _ANYTHING)


def is_saturated(policy: RiskPolicy) -> nw.Expr:
    """True where a known input could not be worse; an input that is not known says nothing here."""
    return nw.any_horizontal(
        *(
            (distance >= 1.0 - TIE).fill_null(False) & (distance <= math.inf).fill_null(False)
            for term, distance in _distances(policy).items()
            if policy.weights[term] > 0
        ),
        ignore_nulls=True,
    )


def _scored(frame: IntoFrameT, policy: RiskPolicy, least_known: float) -> IntoFrameT:
    table: _Table = nw.from_native(cast("Any", frame))
    _check_columns(table)
    unknown = None
    if _UNKNOWN in table.collect_schema():
        unknown = nw.col(_UNKNOWN).cast(nw.Float64).fill_null(0.0) > 0.0
    # The result's own columns carry the values between stages (`risk_score` remaining weight, then what to
    # multiply by): SQL repeats no expression, and no helper column can remain or hide one of the caller's.
    carried = nw.col("risk_score")
    table = (
        table.with_columns(**_distances(policy))
        .with_columns(**{term: _clamped(term, unknown) for term in TERMS})
        .with_columns(risk_score=_remaining_weight(policy, unknown))
        .with_columns(risk_score=nw.when(carried >= least_known - TIE).then(1.0 / carried))
        .with_columns(**{term: nw.col(term) * policy.weights[term] * carried for term in TERMS})
        .with_columns(risk_score=_sum_of_contributions(unknown))
    )
    return cast("IntoFrameT", _labelled(table, policy).to_native())


def _check_columns(table: _Table) -> None:
    schema = table.collect_schema()
    if missing := [name for name in INPUTS.values() if name not in schema]:
        raise InvalidInput(f"{', '.join(missing)}: missing column; needed are {', '.join(INPUTS.values())}")
    if wrong := [n for n in INPUTS.values() if not (schema[n].is_numeric() or _has_no_values(table, n))]:
        raise InvalidInput(f"{', '.join(wrong)}: a column of numbers is needed")


def _has_no_values(table: _Table, name: str) -> bool:
    # A column of nothing has no type of its own: pandas calls it text, polars Null.
    in_memory = isinstance(table, nw.DataFrame) and table[name].is_null().all()
    return in_memory or table.collect_schema()[name] == nw.Unknown


def _distances(policy: RiskPolicy) -> dict[str, nw.Expr]:
    """Return how far each input is from safe, not yet held between 0 and 1."""
    completed, quiz, missed, days = (nw.col(name).cast(nw.Float64) for name in INPUTS.values())
    return {
        "behind_pace": 1.0 - completed / 100.0,
        "low_quiz": 1.0 - quiz / 100.0,
        "missed_session": missed / policy.missed_sessions_cap,
        "inactivity": days / policy.recency_days,
    }


def _clamped(term: str, unknown: nw.Expr | None) -> nw.Expr:
    """Return the term held between 0 and 1, NULL where it is NULL or NaN (never logged in: 1).

    `least` and `greatest` skip NULL, so `clip` would make missing data safe on SQL engines. NaN is below
    nothing in IEEE arithmetic and above infinity in SQL: on neither is it `<= infinity`.
    """
    distance = nw.col(term)
    inside = nw.when(distance <= 0.0).then(0.0).when(distance < 1.0).then(distance)
    if term == "inactivity":
        never = inside.otherwise(1.0)
        return never if unknown is None else nw.when(~unknown).then(never)
    return inside.when(distance <= math.inf).then(1.0)


def _remaining_weight(policy: RiskPolicy, unknown: nw.Expr | None) -> nw.Expr:
    absent = {term: nw.when(nw.col(term).is_null()) for term in MAY_BE_MISSING}
    behind, quiz, missed = (when.then(policy.weights[term]).otherwise(0.0) for term, when in absent.items())
    absent_weight = behind + quiz + missed
    if unknown is not None:
        absent_weight += nw.when(unknown).then(policy.weights["inactivity"]).otherwise(0.0)
    return 1.0 - absent_weight  # 1 - 0 is exactly 1, which 0.5 + 0.2 + 0.2 + 0.1 is not


def _sum_of_contributions(unknown: nw.Expr | None) -> nw.Expr:
    behind, quiz, missed = (nw.col(term).fill_null(0.0) for term in MAY_BE_MISSING)
    # Where it is never missing, inactivity is NULL exactly where too little is known, and so is the sum.
    if unknown is None:
        return behind + quiz + missed + nw.col("inactivity")
    enough = ~nw.col("risk_score").is_null()
    return nw.when(enough).then(behind + quiz + missed + nw.col("inactivity").fill_null(0.0))


def _labelled(table: _Table, policy: RiskPolicy) -> _Table:
    total = nw.col("risk_score")
    clamped = nw.when(total > 1.0).then(1.0).otherwise(total)
    low, medium, high = total >= 0.0, total > policy.medium_above + TIE, total > policy.high_above + TIE
    if isinstance(table, nw.DataFrame):
        # In memory, looking words up by number costs a quarter of nested `when` over text (pandas, 1M rows).
        steps = (low.cast(nw.Int64) + medium.cast(nw.Int64) + high.cast(nw.Int64)).fill_null(0)
        words = nw.new_series("risk_label", LABELS[::-1], nw.String, backend=table.implementation)
        return table.with_columns(risk_score=clamped, risk_label=words[table.select(step=steps)["step"]])
    names = nw.when(high).then(nw.lit("high")).when(medium).then(nw.lit("medium"))
    names = names.when(low).then(nw.lit("low"))
    return table.with_columns(risk_score=clamped, risk_label=names.otherwise(nw.lit("unknown")))


def days_inactive(last_login: datetime | None, enrolled_at: datetime | None, as_of: datetime) -> float | None:
    """Return the days since the last login or, without one, since enrolment; None if both are unknown.

    All three are naive UTC; a login after `as_of` counts as 0 days.
    """
    since = enrolled_at if last_login is None else last_login
    return None if since is None else max((as_of - since) / timedelta(days=1), 0.0)


def compute_risk(
    learner: Mapping[str, Any], *, as_of: _Moment = None, policy: RiskPolicy = DEFAULT_POLICY
) -> dict[str, Any]:
    """Return a new dict: the learner with `days_inactive`, contributions, `risk_score`, `risk_label`."""
    return compute_and_update_all([learner], as_of=as_of, policy=policy)[0]


def compute_and_update_all(
    learners: Sequence[Mapping[str, Any]],
    *,
    as_of: _Moment = None,
    policy: RiskPolicy = DEFAULT_POLICY,
) -> list[dict[str, Any]]:
    """Return a new dict for each learner, in the same order; see `compute_risk`.

    Parameters
    ----------
    learners
        Dicts with `last_login` and `enrolled_at` (datetime, date, ISO text or None), `completed_percent`,
        `avg_quiz_score` and `consecutive_missed_sessions`; a key that is not there is a missing value.
    as_of
        The instant the score is for, or its ISO text; a date means its end, in UTC. Default: now, and only here.
    policy
        Weights, caps and thresholds.
    """
    instant = _as_instant(as_of)
    if not isinstance(learners, Sequence) or not all(isinstance(learner, Mapping) for learner in learners):
        raise InvalidInput("learners: each has to be a dict; eg.risk.score takes a table")
    columns = {INPUTS[term]: _read(learners, INPUTS[term], number, "a number") for term in MAY_BE_MISSING}
    logins = _read(learners, "last_login", _instant, "a date and time")
    enrolments = _read(learners, "enrolled_at", _instant, "a date and time")
    columns["days_inactive"] = [
        days_inactive(login, enrolled, instant) for login, enrolled in zip(logins, enrolments, strict=True)
    ]
    frame = nw.from_dict(columns, schema=dict.fromkeys(columns, nw.Float64), backend="pandas")
    scored = nw.from_native(score(frame.to_native(), policy=policy), eager_only=True)
    names = ("days_inactive", *TERMS, "risk_score")
    results = zip(*([number(value) for value in scored[name].to_list()] for name in names), strict=True)
    return [
        {**learner, **dict(zip(names, result, strict=True)), "risk_label": label}
        for learner, result, label in zip(learners, results, scored["risk_label"].to_list(), strict=True)
    ]


def _read(learners: Sequence[Mapping[str, Any]], name: str, reader: Any, what: str) -> list[Any]:
    values, unreadable = [], []
    for learner in learners:
        try:
            values.append(reader(learner.get(name)))
        except (TypeError, ValueError, OverflowError):
            unreadable.append(learner)
    if unreadable:
        first = f", first at {unreadable[0]['id']!r}" if "id" in unreadable[0] else ""
        count = f"{len(unreadable):,} of {len(learners):,} learners"
        raise InvalidInput(f"{name}: {count} hold a value that is not {what}{first}")
    return values


def is_missing(value: Any) -> bool:
    """Return whether this is None or what a frame turned into dicts has in its place: NaN, NaT, NA."""
    # Only NaN and NaT differ from themselves, and this needs no import of pandas.
    return value is None or type(value).__name__ == "NAType" or value != value  # noqa: PLR0124


def number(value: Any) -> float | None:
    """Return a value as a float, None where it is missing; TypeError for text or a flag."""
    if isinstance(value, bool) or not (is_missing(value) or isinstance(value, Real | Decimal)):
        raise TypeError("not a number")
    return None if is_missing(value) else float(value)


def _instant(value: Any) -> datetime | None:
    """Return naive UTC; a date is the start of that day, a time without a zone is UTC already."""
    if is_missing(value):
        return None
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return utc(value)
    if isinstance(value, date):
        return datetime.combine(value, time.min)
    raise TypeError("not a date and time")


def _as_instant(as_of: _Moment) -> datetime:
    if isinstance(as_of, str):
        return parse_as_of(as_of, ZoneInfo("UTC"))
    if isinstance(as_of, datetime | None):
        return cast("datetime", _instant(as_of or utc_now()))
    if isinstance(as_of, date):
        return datetime.combine(as_of, time.max)
    raise InvalidInput("as_of: a date, a datetime or the text of one is needed")
