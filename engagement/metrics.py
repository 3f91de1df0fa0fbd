"""How well a score tells who leaves from who stays: numbers from two arrays."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd


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
