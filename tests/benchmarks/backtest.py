"""What it takes to hold the score against how real courses ended, with rivals and 200 resamples of persons.

Reads the weekly table of the folder that `ENGAGEMENT_DATA` names; without it there is nothing to measure.
"""

import time
from collections.abc import Sequence
from typing import Any, Final

from engagement.evaluation import backtest, metrics, point_in_time
from engagement.evaluation.trial import PROBABILITY
from engagement.policy import DEFAULT_POLICY
from tests.benchmarks.real_data import FOLDER

LONGEST_S: Final = 90
LARGEST_ERROR: Final = 0.07  # of a calibrated probability
FROM_WEEK: Final = 8


def main() -> list[dict[str, Any]]:
    """Return the time, and how far the chances are off; none, with a sentence, where the data is absent."""
    return _measured(weeks=None, resamples=metrics.RESAMPLES)


def smallest() -> list[dict[str, Any]]:
    """Return the same of one week, with few resamples."""
    return _measured(weeks=[FROM_WEEK], resamples=10)


def _measured(*, weeks: Sequence[int] | None, resamples: int) -> list[dict[str, Any]]:
    path = FOLDER / point_in_time.WEEKLY_TABLE
    if not path.is_file():
        print(f"{path} is not there; set ENGAGEMENT_DATA to the folder of the weekly table")
        return []
    begin = time.perf_counter()
    table = point_in_time.of_weekly_table(path)
    if weeks:
        table = table[table["week"].isin(weeks)]
    found = backtest.backtest(
        table, train=["2013B", "2013J"], test="2014B", resamples=resamples, policy=DEFAULT_POLICY
    )
    took = time.perf_counter() - begin
    print(found.in_words)
    rows = found.measures[found.measures["week"] >= FROM_WEEK]
    errors = rows[(rows["model"] == PROBABILITY) & (rows["measure"] == "calibration_error")]
    what = f"the worst calibration error from week {FROM_WEEK} on, work"
    worst = errors.groupby("basis")["value"].max().to_dict()
    return [
        {"what": "a backtest on the Open University's courses", "ours": took, "unit": "s", "most": LONGEST_S},
        *(
            {"what": f"{what} {basis}", "ours": error, "unit": "", "most": LARGEST_ERROR}
            for basis, error in worst.items()
        ),
    ]
