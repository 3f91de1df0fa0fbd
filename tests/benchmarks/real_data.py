"""How well the score finds those who fail or withdraw, on real courses (see README for source and licence).

Reads the weekly table of the folder that `ENGAGEMENT_DATA` names: enrolments of the Open University, what was
known of each after some weeks, and how they ended. Shows, for both ways of counting finished work, the area
under the ROC curve of the score (1.0: every pair in the right order) and precision and recall of `high`.
"""

import os
from pathlib import Path
from typing import Any, Final

import pandas as pd

from engagement.evaluation import metrics
from engagement.risk import formula

FOLDER: Final = Path(os.environ.get("ENGAGEMENT_DATA", Path(__file__).parents[3] / "shared" / "data"))
BASES: Final = {"due": "on_schedule_percent", "course": "completed_percent"}


def main() -> list[dict[str, Any]]:
    """Print and return one row per basis and week; none, with a sentence, where the data is absent."""
    path = FOLDER / "oulad_learner_weekly.parquet"
    if not path.is_file():
        print(f"{path} is not there; set ENGAGEMENT_DATA to the folder of the weekly table")
        return []
    weekly = pd.read_parquet(path)
    away = pd.to_datetime(weekly["as_of"]) - pd.to_datetime(weekly["last_login"])
    weekly["days_inactive"] = away.dt.total_seconds() / 86_400
    weekly["left"] = weekly["outcome"].isin(["Withdrawn", "Fail"])
    rows = [row for basis in BASES for row in _weeks(weekly, basis)]
    print(pd.DataFrame(rows).to_string(index=False))
    return rows


smallest = main  # it takes a second


def _weeks(weekly: pd.DataFrame, basis: str) -> list[dict[str, Any]]:
    done = weekly[BASES[basis]].astype(float)
    if basis == "due":
        done = done.where(weekly["n_due"] > 0)  # nothing due yet: not known, rather than all done
    scored = formula.score(weekly.assign(completed_percent=done))
    weeks = sorted(scored["week"].astype(int).unique())
    return [_figures(basis, week, scored[scored["week"] == week]) for week in weeks]


def _figures(basis: str, week: int, learners: pd.DataFrame) -> dict[str, Any]:
    high = learners["risk_label"] == "high"
    known = learners[learners["risk_score"].notna()]
    return {
        "what": f"{basis}, week {week}",
        "learners": len(learners),
        "unknown": round(float((learners["risk_label"] == "unknown").mean()), 3),
        "auc": round(metrics.area_under_curve(known["risk_score"], known["left"]) or 0, 3),
        "precision of high": round(float(learners.loc[high, "left"].mean()), 3),
        "recall of high": round(float((high & learners["left"]).sum() / learners["left"].sum()), 3),
    }


if __name__ == "__main__":
    main()
