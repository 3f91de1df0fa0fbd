"""How sure a share is, and a difference of two: intervals and sample sizes from counts alone.

Sources: E. B. Wilson (1927) for one share; R. G. Newcombe (1998), "Interval estimation for the difference between
independent proportions", method 10, for two. Both hold for small numbers and for shares of 0 and 1, where the textbook
interval does not.
"""

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Final

import numpy as np
import numpy.typing as npt

from engagement.errors import InvalidInput

CONFIDENCE: Final = 0.95
POWER: Final = 0.8  # how often an effect of the size that is called detectable is found
_CLOSE_ENOUGH: Final = 1e-5  # of a share: no digit of it is shown


@dataclass(frozen=True)
class Share:
    """So many `of` so many; `InvalidInput` where that cannot be."""

    count: int
    of: int

    def __post_init__(self) -> None:
        if not 0 <= self.count <= self.of or self.of == 0:
            raise InvalidInput(f"a share of {self.count} of {self.of}: allowed is 0 to all, of 1 or more")

    @property
    def value(self) -> float:
        """The share, 0 to 1."""
        return self.count / self.of


@dataclass(frozen=True)
class Interval:
    """An estimate, and the range that holds the truth in 95 of 100 cases."""

    value: float
    low: float
    high: float


def wilson(share: Share, *, confidence: float = CONFIDENCE) -> Interval:
    """Return the share with Wilson's score interval.

    Examples
    --------
    >>> found = wilson(Share(0, 10))
    >>> (found.value, round(found.low, 4), round(found.high, 4))
    (0.0, 0.0, 0.2775)
    """
    (low,), (high,) = _wilson(np.array([share.count]), share.of, _z(confidence) ** 2)
    return Interval(share.value, float(low), float(high))


def newcombe(one: Share, other: Share, *, confidence: float = CONFIDENCE) -> Interval:
    """Return the difference `one` - `other` with Newcombe's hybrid score interval.

    Examples
    --------
    >>> found = newcombe(Share(56, 70), Share(48, 80))
    >>> (round(found.value, 4), round(found.low, 4), round(found.high, 4))
    (0.2, 0.0524, 0.3339)
    """
    first, second = wilson(one, confidence=confidence), wilson(other, confidence=confidence)
    difference = first.value - second.value
    below = sqrt((first.value - first.low) ** 2 + (second.high - second.value) ** 2)
    above = sqrt((first.high - first.value) ** 2 + (second.value - second.low) ** 2)
    return Interval(difference, difference - below, difference + above)


def detectable(
    learners: int, compared_with: int, *, rate: float, power: float = POWER, confidence: float = CONFIDENCE
) -> float | None:
    """Return the smallest rise above `rate` that groups of these sizes show in `power` of the cases.

    Exactly: the chance that two binomial counts give an interval of `newcombe` above 0. By the normal approximation a
    small group that waits beside a large one would be said to show far more than it does. None where not even a rise
    to 1 would be shown.

    Parameters
    ----------
    learners, compared_with
        The sizes of the two groups.
    rate
        The share without a nudge, 0 to 1.

    Examples
    --------
    >>> round(detectable(500, 500, rate=0.5), 3)
    0.087
    """
    if not 0 <= rate <= 1:
        raise InvalidInput(f"rate: {rate}; allowed is 0 to 1")
    if learners < 1 or compared_with < 1:
        return None
    fewest = _fewest_shown(learners, compared_with, confidence)
    chance_of_other = _binomial(compared_with, rate)

    def is_shown(raised: float) -> bool:
        at_least = np.append(np.cumsum(_binomial(learners, raised)[::-1])[::-1], 0.0)
        return float(chance_of_other @ at_least[fewest]) >= power

    low, high = rate, 1.0
    if not is_shown(high):
        return None
    while high - low > _CLOSE_ENOUGH:
        middle = (low + high) / 2
        low, high = (low, middle) if is_shown(middle) else (middle, high)
    return high - rate


def _fewest_shown(learners: int, compared_with: int, confidence: float) -> npt.NDArray[np.int64]:
    """Return, for each count of those compared with, the lowest that is shown above it; one too many where none is."""
    z2 = _z(confidence) ** 2
    other = np.arange(compared_with + 1)
    _, up_to = _wilson(other, compared_with, z2)
    low = np.zeros(compared_with + 1, dtype=np.int64)
    high = np.full(compared_with + 1, learners + 1, dtype=np.int64)
    while (low < high).any():
        middle = (low + high) // 2
        from_, _ = _wilson(np.minimum(middle, learners), learners, z2)
        share, beside = middle / learners, other / compared_with
        is_above = (middle > learners) | (
            share - beside > np.sqrt((share - from_) ** 2 + (up_to - beside) ** 2)
        )
        open_ = low < high
        high = np.where(open_ & is_above, middle, high)
        low = np.where(open_ & ~is_above, middle + 1, low)
    return low


def _binomial(size: int, rate: float) -> npt.NDArray[np.float64]:
    """Return the chance of each count of `size`."""
    counts = np.arange(1, size + 1)
    ways = np.append(0.0, np.cumsum(np.log((size - counts + 1) / counts)))
    with np.errstate(divide="ignore", invalid="ignore"):
        did = np.append(0.0, counts * np.log(rate))
        did_not = np.append((size - np.arange(size)) * np.log1p(-rate), 0.0)
        return np.asarray(np.exp(ways + did + did_not))


def _wilson(counts: npt.NDArray[np.int64], of: int, z2: float) -> tuple[npt.NDArray[np.float64], ...]:
    share = counts / of
    centre = (counts + z2 / 2) / (of + z2)
    half = np.sqrt(z2 * (share * (1 - share) + z2 / (4 * of)) / of) / (1 + z2 / of)
    # At 0 and 1 the last bit may lie on the wrong side.
    return np.minimum(np.maximum(centre - half, 0.0), share), np.maximum(
        np.minimum(centre + half, 1.0), share
    )


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)
