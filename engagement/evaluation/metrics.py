"""How well a score tells who leaves from who stays: numbers from two arrays."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from engagement.evaluation.intervals import CONFIDENCE, Interval

Floats = npt.NDArray[np.float64]

SEED: Final = 1  # of whatever is drawn in a trial
RESAMPLES: Final = 200  # enough for the second digit of an interval


def area_under_curve(score: Any, left: Any) -> float | None:
    """Return the share of pairs in which who left has the higher score, a tie counting half (Mann and Whitney, 1947).

    0.5: no better than chance. None where nobody left or everybody did.

    Parameters
    ----------
    score
        One number per learner, none missing.
    left
        Whether they left.

    Examples
    --------
    >>> area_under_curve([0.9, 0.4, 0.8, 0.1], [True, False, False, False])
    1.0
    """
    is_left: npt.NDArray[np.bool_] = np.asarray(left, dtype=bool)
    positives, negatives = int(is_left.sum()), int((~is_left).sum())
    if not positives or not negatives:
        return None
    ranks = pd.Series(np.asarray(score, dtype=float)).rank().to_numpy()
    return float((ranks[is_left].sum() - positives * (positives + 1) / 2) / (positives * negatives))


@dataclass(frozen=True)
class Ranking:
    """Learners from the highest score down, and how many of them left: the sums that all measures of order read.

    Several weightings at once: the first counts everybody once, each other is a bootstrap resample. `counted` and
    `left` have a row per weighting and a column per score that occurs: learners with that score or a higher one, and
    those of them who left.
    """

    counted: Floats
    left: Floats

    @classmethod
    def of(cls, score: Any, left: Any, weights: Floats) -> "Ranking":
        """Rank learners.

        Parameters
        ----------
        score
            One number per learner, none missing.
        left
            Whether they left.
        weights
            As from `resamples`.
        """
        scores = np.asarray(score, dtype=float)
        order = np.argsort(-scores, kind="stable")
        ranked = scores[order]
        last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))  # of each run of ties
        in_order = weights[:, order]
        return cls(
            np.cumsum(in_order, axis=1)[:, last],
            np.cumsum(in_order * np.asarray(left, dtype=float)[order], axis=1)[:, last],
        )

    def area(self) -> Floats:
        """Return `area_under_curve` by each weighting; NaN where nobody left or everybody did."""
        left, stayed = self._from_nobody(self.left), self._from_nobody(self.counted - self.left)
        under = (np.diff(stayed) * (left[:, 1:] + left[:, :-1])).sum(axis=1) / 2
        return _ratio(under, left[:, -1] * stayed[:, -1])

    def average_precision(self) -> Floats:
        """Return the area under the precision-recall curve, as the sum of its steps; NaN where nobody left."""
        gained = np.diff(self._from_nobody(self.left))
        precision = np.nan_to_num(
            _ratio(self.left, self.counted)
        )  # before anybody is counted there is nothing to gain
        return _ratio((gained * precision).sum(axis=1), self.left[:, -1])

    def found(self, capacity: float) -> Floats:
        """Return how many of the first `capacity` learners left; within a tie, as many as its own share."""
        counted, left = self._from_nobody(self.counted), self._from_nobody(self.left)
        return np.array([np.interp(capacity, *row) for row in zip(counted, left, strict=True)])

    def precision(self, capacity: float) -> Floats:
        """Return the share of the first `capacity` learners who left."""
        return self.found(capacity) / np.minimum(capacity, self.counted[:, -1])

    def recall(self, capacity: float) -> Floats:
        """Return the share of those who left that is among the first `capacity` learners; NaN where nobody left."""
        return _ratio(self.found(capacity), self.left[:, -1])

    @staticmethod
    def _from_nobody(sums: Floats) -> Floats:
        return np.pad(sums, ((0, 0), (1, 0)))


def resamples(persons: Any, *, seed: int, times: int = RESAMPLES) -> Floats:
    """Return a row of ones and `times` bootstrap resamples: how often each learner is counted, shape (times + 1, n).

    Persons are drawn, not enrolments: who takes two courses is in both or in neither (B. Efron, 1979, by clusters).

    Parameters
    ----------
    persons
        Whose enrolment each learner is.
    """
    codes, uniques = pd.factorize(np.asarray(persons))
    chances = np.full(len(uniques), 1 / max(len(uniques), 1))
    drawn = np.random.default_rng(seed).multinomial(len(uniques), chances, size=times)
    return np.vstack([np.ones(len(codes)), drawn[:, codes]])


def interval(values: Floats) -> Interval:
    """Return the first value with the range of the middle 95 % of the others: a bootstrap percentile interval."""
    others = values[1:][np.isfinite(values[1:])]
    if not np.isfinite(values[0]) or not len(others):
        return Interval(float(values[0]), float("nan"), float("nan"))
    low, high = np.quantile(others, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(values[0]), float(low), float(high))


def brier(probability: Any, left: Any, weights: Floats) -> Floats:
    """Return the mean squared distance of probability and outcome by each weighting: 0 best (G. W. Brier, 1950)."""
    squared = (np.asarray(probability, dtype=float) - np.asarray(left, dtype=float)) ** 2
    return _ratio(weights @ squared, weights.sum(axis=1))


def calibration_bins(probability: Any, left: Any, *, bins: int = 10) -> pd.DataFrame:
    """Return learners in at most `bins` groups of about equal size by probability; who has the same is in the same.

    One row per group: `predicted` (its mean), `observed` (the share who left), `learners`.
    """
    table = pd.DataFrame({"predicted": np.asarray(probability, float), "observed": np.asarray(left, float)})
    edges = np.unique(np.quantile(table["predicted"], np.linspace(0, 1, bins + 1)[1:-1]))
    grouped = table.groupby(np.searchsorted(edges, table["predicted"], side="left"))
    return grouped.mean().assign(learners=grouped.size()).reset_index(drop=True)


def calibration_error(probability: Any, left: Any, *, bins: int = 10) -> float:
    """Return how far predicted and observed shares lie apart, on average over learners (M. P. Naeini, 2015).

    Examples
    --------
    >>> calibration_error([0.2] * 10, [True] * 3 + [False] * 7)
    0.1
    """
    table = calibration_bins(probability, left, bins=bins)
    apart = (table["predicted"] - table["observed"]).abs()
    return round(float((apart * table["learners"]).sum() / table["learners"].sum()), 12)


def _ratio(part: Floats, whole: Floats) -> Floats:
    shares: Floats = np.full(np.broadcast(part, whole).shape, np.nan)
    np.divide(part, whole, out=shares, where=whole > 0)
    return shares
