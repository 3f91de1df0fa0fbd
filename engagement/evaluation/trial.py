"""The score and its rivals on one cohort, for one way of counting work, week by week.

Whatever is fitted is fitted on other learners; a week is judged only where enough of them left and enough stayed.
"""

from collections.abc import Mapping
from dataclasses import astuple
from typing import Final

import numpy as np
import pandas as pd

from engagement.evaluation import baselines, calibration, metrics
from engagement.evaluation.metrics import SEED, Floats, Ranking
from engagement.policy import INPUTS, RiskPolicy
from engagement.risk import formula

OF_EACH: Final = 10  # who left, and who stayed, are needed to judge a group
TABLES: Final = ("population", "measures", "programs", "bins", "stops")
SCORE: Final = "the score"
PROBABILITY: Final = "the calibrated probability"
ALONE: Final[Mapping[str, str]] = {
    "completed_percent": "work done alone",
    "avg_quiz_score": "quiz average alone",
    "consecutive_missed_sessions": "missed sessions alone",
    "days_inactive": "days away alone",
}
_WORSE_WHERE_LOWER: Final = ("completed_percent", "avg_quiz_score")
_SHARES: Final = tuple(step / 20 for step in range(1, 21))  # of the learners: where somebody could stop


class Trial:
    """One way of counting work: everybody scored, and the weeks that can be judged."""

    def __init__(
        self,
        basis: str,
        *,
        policy: RiskPolicy,
        fitted: pd.DataFrame,
        tested: pd.DataFrame,
        outcome: str,
        capacity: float,
        resamples: int,
    ) -> None:
        self.basis, self.capacity, self.resamples = basis, capacity, resamples
        self.fitted, self.tested = (
            formula.score(rows.assign(completed_percent=rows[f"completed_percent_{basis}"]), policy=policy)
            for rows in (fitted, tested)
        )
        can_be_fitted = _weeks(self.fitted, fewest=calibration.LEARNERS_NEEDED)
        self.weeks = [week for week in _weeks(self.tested) if week in can_be_fitted]
        if self.weeks:
            of_weeks = self.fitted[self.fitted["week"].isin(self.weeks)]
            self.calibration = calibration.fit(of_weeks, policy_hash=policy.policy_hash, outcome=outcome)

    def results(self, *, closely: int) -> dict[str, pd.DataFrame]:
        """Return the tables of a `Backtest`, of this basis."""
        tables: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}
        for week in self.weeks:
            rows = self.tested[self.tested["week"] == week].reset_index(drop=True)
            scores = self._scores(rows, week)
            tables["population"].append(_population(rows))
            tables["measures"].append(self._measures(rows, scores, week))
            tables["programs"].append(self._programs(rows))
            chance = scores[PROBABILITY]
            has_chance = ~np.isnan(chance)
            tables["bins"].append(
                metrics.calibration_bins(chance[has_chance], rows["has_left"][has_chance]).assign(week=week)
            )
            if week == closely:
                tables["stops"].append(_stops(rows, scores))
        return {
            name: pd.concat([frame.assign(basis=self.basis) for frame in frames], ignore_index=True)
            if frames
            else pd.DataFrame()
            for name, frames in tables.items()
        }

    def _scores(self, rows: pd.DataFrame, week: int) -> dict[str, Floats]:
        """Return a number per learner by each model, higher where they are more likely to leave."""
        earlier = self.fitted[self.fitted["week"] == week]
        inputs = list(INPUTS.values())
        alone = {
            ALONE[name]: _alone(earlier[name], rows[name], lower_is_worse=name in _WORSE_WHERE_LOWER)
            for name in inputs
        }
        fitted = baselines.fitted_scores(earlier[inputs], earlier["has_left"], rows[inputs])
        score = rows["risk_score"].to_numpy(dtype=float)
        return {SCORE: score, **alone, **fitted, PROBABILITY: self.calibration.probability(score, week=week)}

    def _measures(self, rows: pd.DataFrame, scores: Mapping[str, Floats], week: int) -> pd.DataFrame:
        everybody = metrics.resamples(rows["person"], seed=SEED, times=self.resamples)
        known = rows["risk_score"].notna().to_numpy()
        left = rows["has_left"].to_numpy()
        weights = everybody[:, known]
        capacity = self.capacity * len(rows)
        found: list[tuple[str, str, Floats]] = []
        areas: dict[str, Floats] = {}
        for model, score in scores.items():
            if model != PROBABILITY:
                ranking = Ranking.of(score[known], left[known], weights)
                of_all = Ranking.of(np.where(np.isnan(score), -np.inf, score), left, everybody)
                areas[model] = ranking.area()
                found += [
                    (model, "auc", areas[model]),
                    (model, "average_precision", ranking.average_precision()),
                    (model, "precision", of_all.precision(capacity)),
                    (model, "recall", of_all.recall(capacity)),
                ]
            if model in {PROBABILITY, *baselines.MODELS}:
                error = metrics.calibration_error(score[known], left[known])
                found += [
                    (model, "brier", metrics.brier(score[known], left[known], weights)),
                    (model, "calibration_error", np.array([error])),
                ]
        found += [
            (model, "auc_above_score", area - areas[SCORE]) for model, area in areas.items() if model != SCORE
        ]
        return pd.DataFrame(
            [
                (self.basis, week, model, measure, *astuple(metrics.interval(values)))
                for model, measure, values in found
            ],
            columns=["basis", "week", "model", "measure", "value", "low", "high"],
        )

    def _programs(self, rows: pd.DataFrame) -> pd.DataFrame:
        found = []
        for program, group in rows.groupby("program"):
            if not _weeks(group):
                continue
            known = group[group["risk_score"].notna()]
            weights = metrics.resamples(known["person"], seed=SEED, times=self.resamples)
            area = Ranking.of(known["risk_score"], known["has_left"], weights).area()
            week = int(group["week"].iloc[0])
            found.append((week, str(program), len(known), *astuple(metrics.interval(area))))
        return pd.DataFrame(found, columns=["week", "program", "learners", "auc", "low", "high"])


def _weeks(scored: pd.DataFrame, *, fewest: int = 0) -> list[int]:
    """Return the weeks that can be judged, of at least so many learners with a score."""
    known = scored[scored["risk_score"].notna()]
    counts = known.groupby("week")["has_left"].agg(["size", "sum"])
    enough = (
        (counts["sum"] >= OF_EACH) & (counts["size"] - counts["sum"] >= OF_EACH) & (counts["size"] >= fewest)
    )
    return sorted(counts.index[enough].tolist())


def _population(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "week": [int(rows["week"].iloc[0])],
            "learners": [len(rows)],
            "left_percent": [100 * rows["has_left"].mean()],
            "unknown_percent": [100 * rows["risk_score"].isna().mean()],
        }
    )


def _alone(earlier: pd.Series, values: pd.Series, *, lower_is_worse: bool) -> Floats:
    """Return one input as a score of its own; who has none stands in the middle."""
    middle = earlier.median()
    filled = values.astype(float).fillna(0 if pd.isna(middle) else middle).to_numpy()
    return np.asarray(-filled if lower_is_worse else filled)


def _stops(rows: pd.DataFrame, scores: Mapping[str, Floats]) -> pd.DataFrame:
    once, left = np.ones((1, len(rows))), rows["has_left"]
    frames = []
    for model in (SCORE, *baselines.MODELS):
        ranking = Ranking.of(np.where(np.isnan(scores[model]), -np.inf, scores[model]), left, once)
        called = [round(share * len(rows)) for share in _SHARES]
        found = [100 * float(ranking.recall(count)[0]) for count in called]
        frames.append(
            pd.DataFrame(
                {
                    "model": model,
                    "contacted_percent": [round(100 * share) for share in _SHARES],
                    "contacted": called,
                    "found_percent": found,
                }
            )
        )
    return pd.concat(frames, ignore_index=True)
