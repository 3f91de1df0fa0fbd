"""What was known of each learner at the end of each week, and how it went on: what a score of the past is held against.

Nothing learnt later may slip in: facts are cut off at the end of the week before they are joined to anything, and only
who was registered then and had not yet gone is counted. Two sources give the same table: the store, and the published
weekly table of the Open University.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from engagement.errors import InvalidInput, NotFound
from engagement.store import Store, first_row, query
from engagement.vocabulary import QUIET_DAYS, WAYS_TO_LEAVE

WEEKS: Final = 60  # of a cohort that are looked at
COLUMNS: Final = (
    *("cohort", "program", "week", "person"),
    *("completed_percent", "completed_percent_due", "completed_percent_course"),
    *("avg_quiz_score", "consecutive_missed_sessions", "days_inactive", "has_left"),
)
WEEKLY_TABLE: Final = "oulad_learner_weekly.parquet"
ATTRIBUTION: Final = (
    "Contains data from the Open University Learning Analytics Dataset (OULAD), (c) The Open University, licensed CC "
    "BY 4.0 (https://creativecommons.org/licenses/by/4.0/): J. Kuzilek, M. Hlosta, Z. Zdrahal, Scientific Data 4:170171"
    " (2017), doi:10.1038/sdata.2017.171. Changes: three presentations; what was known at the end of each week."
)
_OF_WEEKLY_TABLE: Final = (
    *("presentation", "program", "week", "id_student", "as_of", "last_login", "completed_percent"),
    *("on_schedule_percent", "n_due", "avg_quiz_score", "consecutive_missed_sessions", "outcome"),
)


@dataclass(frozen=True)
class Cutoffs:
    """`table` has `COLUMNS`; `outcome` says what `has_left` means, and `source` where the rows come from."""

    table: pd.DataFrame
    outcome: str
    source: str


def known(store: Store, *, as_of: datetime, outcome: str = "", real_data: Path | None = None) -> Cutoffs:
    """Return the weekly table of the folder `real_data` where one is given, and what the store knows otherwise.

    Parameters
    ----------
    outcome
        One of `WAYS_TO_LEAVE`; empty: what is known.
    """
    if real_data:
        return Cutoffs(of_weekly_table(real_data / WEEKLY_TABLE), "left", ATTRIBUTION)
    chosen = outcome or outcome_known(store, as_of)
    return Cutoffs(
        of_store(store, as_of=as_of, outcome=chosen), chosen, "All of this is about learners of this store."
    )


def outcome_known(store: Store, as_of: datetime) -> str:
    """Return which of `WAYS_TO_LEAVE` there is: `left` where it is known how it ended for somebody, else `quiet`."""
    with store.read() as db:
        ended, *_ = first_row(
            db,
            "select count(*) from events where type in ('course_withdrawn', 'course_failed') and timestamp <= $as_of",
            {"as_of": as_of},
        )
    return "left" if ended else "quiet"


def of_store(
    store: Store, *, as_of: datetime, outcome: str = "left", program: str | None = None
) -> pd.DataFrame:
    """Return one row per learner and week: `COLUMNS`, with `has_left` for those of whom it is known by `as_of`.

    Cohorts stand in order of time. A week is counted from the first facts of the learner's cohort and program.

    Parameters
    ----------
    outcome
        One of `WAYS_TO_LEAVE`. `quiet` counts only weeks far enough back, and programs whose events are loaded.

    Raises
    ------
    InvalidInput
        There is no such outcome.
    NotFound
        Of nobody is known how it went on.
    """
    if outcome not in WAYS_TO_LEAVE:
        raise InvalidInput(f"outcome {outcome[:40]!r}: allowed are {', '.join(WAYS_TO_LEAVE)}")
    with store.staging() as stage:
        with store.read() as db:
            db.execute(
                query("evaluation/cutoffs"),
                {
                    "as_of": as_of,
                    "program": program,
                    "weeks": WEEKS,
                    "outcome": outcome,
                    "quiet_days": QUIET_DAYS,
                },
            )
        frame: pd.DataFrame = stage.execute(f"select {', '.join(COLUMNS)} from temp.cutoffs").df()  # noqa: S608 (our names)
        stage.execute("drop table temp.cutoffs")
    if frame.empty:
        raise NotFound(f"of nobody is known by {as_of:%Y-%m-%d} who {WAYS_TO_LEAVE[outcome]}")
    return frame


def of_weekly_table(path: Path) -> pd.DataFrame:
    """Return the same of the Open University's weekly table, a Parquet file with the columns its README describes.

    Work counts as due only where something was: where nothing was due yet, it is not known.

    Raises
    ------
    InvalidInput
        The file is missing, or is no such table.
    """
    try:
        weekly = pd.read_parquet(path, columns=list(_OF_WEEKLY_TABLE))
    except Exception as error:
        raise InvalidInput(
            f"{path.name}: not a Parquet file with the columns {', '.join(_OF_WEEKLY_TABLE)}"
        ) from error
    away = pd.to_datetime(weekly["as_of"]) - pd.to_datetime(weekly["last_login"])
    return pd.DataFrame(
        {
            "cohort": weekly["presentation"],
            "program": weekly["program"],
            "week": weekly["week"].astype(int),
            "person": weekly["id_student"].astype(str),
            "completed_percent": weekly["on_schedule_percent"].where(weekly["n_due"] > 0),
            "completed_percent_due": weekly["on_schedule_percent"].where(weekly["n_due"] > 0),
            "completed_percent_course": weekly["completed_percent"],
            "avg_quiz_score": weekly["avg_quiz_score"],
            "consecutive_missed_sessions": weekly["consecutive_missed_sessions"].astype(float),
            "days_inactive": away / np.timedelta64(1, "D"),
            "has_left": weekly["outcome"].isin(["Withdrawn", "Fail"]),
        },
        columns=list(COLUMNS),
    ).sort_values(["cohort", "program", "week"], kind="stable", ignore_index=True)
