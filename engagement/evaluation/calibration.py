"""Chances in place of a score: what share of earlier learners with such a score left, by week of the course.

The score puts learners in order; it is no probability, and the same score means more late in a course than early. A
calibration is fitted on cohorts that have ended, kept with where it comes from, and shown in a column of its own beside
the score it never replaces.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import pandas as pd
from sklearn.isotonic import IsotonicRegression

from engagement.errors import InvalidInput
from engagement.evaluation.metrics import Floats
from engagement.store import Store, registered

STEPS: Final = 1_000  # the curve is read at thousandths of the score, here as in SQL
LEARNERS_NEEDED: Final = 100  # with a score, for a week's curve


@dataclass(frozen=True)
class Calibration:
    """For each week the chance of leaving at 0, 0.001, … 1 of the score, and what it was fitted to.

    `learners` counts those of all weeks once for each week.
    """

    policy_hash: str
    outcome: str
    cohorts: tuple[str, ...]
    learners: int
    curves: Mapping[int, tuple[float, ...]]

    @property
    def calibration_id(self) -> str:
        """Twelve hexadecimal digits, the same for the same content."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:12]

    def probability(self, score: Any, *, week: int) -> Floats:
        """Return the chance of leaving at each score; NaN before the first week that was fitted, and without a score.

        Of a week in between, the last one before it counts.
        """
        scores = np.asarray(score, dtype=float)
        fitted = [known for known in self.curves if known <= week]
        if not fitted:
            return np.full(scores.shape, np.nan)
        steps = np.floor(np.nan_to_num(scores) * STEPS + 0.5).astype(int)
        return np.where(np.isnan(scores), np.nan, np.asarray(self.curves[max(fitted)])[steps])


def fit(scored: pd.DataFrame, *, policy_hash: str, outcome: str) -> Calibration:
    """Return the calibration of learners of earlier cohorts, week by week, by isotonic regression.

    Parameters
    ----------
    scored
        `cohort`, `week`, `risk_score` (missing ones are left out) and `has_left`, one row per learner and week.

    Raises
    ------
    InvalidInput
        No week has as many as a hundred learners with a score.
    """
    known = scored[scored["risk_score"].notna()]
    weeks = {week: known[known["week"] == week] for week in sorted(known["week"].unique().tolist())}
    weeks = {week: rows for week, rows in weeks.items() if len(rows) >= LEARNERS_NEEDED}
    if not weeks:
        raise InvalidInput(
            f"risk_score: no week has {LEARNERS_NEEDED} learners or more with a score, which a curve needs"
        )
    at = np.linspace(0, 1, STEPS + 1)
    never_falls = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
    curves = {
        week: tuple(never_falls.fit(rows["risk_score"], rows["has_left"]).predict(at).round(6).tolist())
        for week, rows in weeks.items()
    }
    cohorts = tuple(dict.fromkeys(known["cohort"].astype(str)))
    return Calibration(policy_hash, outcome, cohorts, sum(map(len, weeks.values())), curves)


def keep(store: Store, calibration: Calibration, *, now: datetime) -> str:
    """Keep a calibration; the view `risk_probabilities` reads the newest of each policy. Return its id."""
    named = {"id": calibration.calibration_id}
    points = (
        pd.DataFrame(dict(calibration.curves)).rename_axis("step").reset_index().melt("step", var_name="week")
    )
    with store.write() as db, registered(db, "points", points):
        db.execute("delete from calibrations where calibration_id = $id", named)
        db.execute("delete from calibration_points where calibration_id = $id", named)
        db.execute(
            "insert into calibrations values ($id, $policy, $outcome, $cohorts, $learners, $now)",
            {
                **named,
                "policy": calibration.policy_hash,
                "outcome": calibration.outcome,
                "cohorts": ", ".join(calibration.cohorts),
                "learners": calibration.learners,
                "now": now,
            },
        )
        db.execute("insert into calibration_points select $id, week, step, value from points", named)
    return calibration.calibration_id
