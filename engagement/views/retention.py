"""How many of a cohort are still there, week by week after they enrolled.

Who enrolled lately has been followed for a few weeks only, so shares of those who could be followed are multiplied up
week by week (E. L. Kaplan and P. Meier, 1958). A curve ends where fewer than ten can be followed, and moves only in
steps of ten people or more, or of nobody: a smaller step would tell of few. That of a program lies beside the one of
all: those of the other programs, of whom both tell together, move in such steps too.
"""

from datetime import datetime
from typing import Final

import pandas as pd

from engagement.store import Store, query
from engagement.views import named as by_name
from engagement.vocabulary import SMALLEST_GROUP

COLUMNS: Final = ("cohort", "week", "learners", "there_percent")


def retention(
    store: Store, *, as_of: datetime, program: str | None = None, cohort: str | None = None
) -> pd.DataFrame:
    """Return one row per cohort and week that may be shown: `learners` followed into it, `there_percent` after it.

    How many were followed is missing where it would tell of few who were not.

    Gone is who withdrew or failed (events), or became inactive; who passed is followed no further.
    """
    with store.read() as db:
        named = {"program": by_name.program(db, program), "cohort": by_name.cohort(db, cohort)}
        followed, everybody = (
            db.execute(query("views/retention"), {"as_of": as_of, **named, "program": of}).df()
            for of in (named["program"], None)
        )
    larger = dict(list(everybody.groupby("cohort")))
    curves = [_curve(str(name), learners, larger[name]) for name, learners in followed.groupby("cohort")]
    return pd.concat(curves, ignore_index=True) if curves else pd.DataFrame(columns=list(COLUMNS))


def in_words(curves: pd.DataFrame) -> str:
    """Return where each curve ends, as a sentence."""
    if curves.empty:
        return f"No cohort has {SMALLEST_GROUP} learners who can be followed."
    last = curves.groupby("cohort", sort=False).last().reset_index()
    said = [f"{row.cohort}: {row.there_percent:.0f} % after {row.week} weeks" for row in last.itertuples()]
    return f"Still there: {'; '.join(said)}"


def _curve(cohort: str, learners: pd.DataFrame, larger: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the curve of learners beside that of a larger group of which they are, where there is one."""
    larger = learners if larger is None else larger
    weeks = range(int(learners["weeks"].max()) + 1)
    at_risk, left = _by_week(learners, weeks)
    others, others_left = (
        every - own for every, own in zip(_by_week(larger, weeks), (at_risk, left), strict=True)
    )
    there = 100 * (1 - left / at_risk.where(at_risk > 0)).cumprod()
    gone, told, counted = _pairs(left.cumsum(), others_left.cumsum()), (0, 0), (len(learners), int(others[0]))
    if not _are_steps(counted, (0, 0)):
        return pd.DataFrame(columns=list(COLUMNS)).astype({"learners": "Int64"})
    followed = _pairs(at_risk, others)
    rows: list[tuple[str, int, int | None, int]] = [(cohort, 0, counted[0], 100)]
    for week in weeks:
        if at_risk[week] < SMALLEST_GROUP:
            break
        if not _are_steps(gone[week], told):
            continue
        told = gone[week]
        # who passed or enrolled lately is followed no further, and may be few too
        is_told = _are_steps(counted, followed[week])
        rows.append((cohort, week + 1, followed[week][0] if is_told else None, round(there[week])))
        counted = followed[week] if is_told else counted
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"learners": "Int64"})


def _by_week(learners: pd.DataFrame, weeks: range) -> tuple[pd.Series, pd.Series]:
    """Return how many were followed into each week, and how many left in it."""
    by_week = learners.groupby("weeks")["has_left"].agg(["size", "sum"])
    ended, left = (by_week[name].reindex(weeks, fill_value=0) for name in ("size", "sum"))
    return len(learners) - ended.cumsum().shift(fill_value=0), left


def _pairs(own: pd.Series, others: pd.Series) -> list[tuple[int, int]]:
    return list(zip(own.astype(int), others.astype(int), strict=True))


def _are_steps(more: tuple[int, int], less: tuple[int, int]) -> bool:
    """Return whether differences may be told, of ones own and of the others: of nobody, or of ten people and more."""
    return all(
        people == 0 or people >= SMALLEST_GROUP
        for people in (high - low for high, low in zip(more, less, strict=True))
    )
