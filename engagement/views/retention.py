"""How many of a cohort are still there, week by week after they enrolled.

Who enrolled lately has been followed for a few weeks only, so shares of those who could be followed are multiplied up
week by week (E. L. Kaplan and P. Meier, 1958). A curve ends where fewer than ten can be followed, and moves only in
steps of ten people or more, or of nobody: a smaller step would tell of few.
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
        followed: pd.DataFrame = db.execute(query("views/retention"), {"as_of": as_of, **named}).df()
    curves = [_curve(str(name), learners) for name, learners in followed.groupby("cohort")]
    return pd.concat(curves, ignore_index=True) if curves else pd.DataFrame(columns=list(COLUMNS))


def in_words(curves: pd.DataFrame) -> str:
    """Return where each curve ends, as a sentence."""
    if curves.empty:
        return f"No cohort has {SMALLEST_GROUP} learners who can be followed."
    last = curves.groupby("cohort", sort=False).last().reset_index()
    said = [f"{row.cohort}: {row.there_percent:.0f} % after {row.week} weeks" for row in last.itertuples()]
    return f"Still there: {'; '.join(said)}"


def _curve(cohort: str, learners: pd.DataFrame) -> pd.DataFrame:
    by_week = learners.groupby("weeks")["has_left"].agg(["size", "sum"])
    weeks = range(int(by_week.index.max()) + 1)
    ended, left = (by_week[name].reindex(weeks, fill_value=0) for name in ("size", "sum"))
    at_risk = len(learners) - ended.cumsum().shift(fill_value=0)
    there = 100 * (1 - left / at_risk.where(at_risk > 0)).cumprod()
    gone, told, counted = left.cumsum(), 0, len(learners)
    rows: list[tuple[str, int, int | None, int]] = [(cohort, 0, counted, 100)]
    for week in weeks:
        if at_risk[week] < SMALLEST_GROUP:
            break
        if not _is_step(int(gone[week]) - told):
            continue
        told, followed = int(gone[week]), int(at_risk[week])
        # who passed or enrolled lately is followed no further, and may be few too
        is_told = _is_step(counted - followed)
        rows.append((cohort, week + 1, followed if is_told else None, round(there[week])))
        counted = followed if is_told else counted
    frame = pd.DataFrame(rows if len(learners) >= SMALLEST_GROUP else [], columns=list(COLUMNS))
    return frame.astype({"learners": "Int64"})


def _is_step(people: int) -> bool:
    """Return whether a difference of two numbers may be told: nobody, or ten people and more."""
    return people == 0 or people >= SMALLEST_GROUP
