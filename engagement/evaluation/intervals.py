"""How sure a share is, and a difference of two: intervals and sample sizes from counts alone.

Sources: E. B. Wilson (1927) for one share; R. G. Newcombe (1998), "Interval estimation for the difference between
independent proportions", method 10, for two. Both hold for small numbers and for shares of 0 and 1, where the textbook
interval does not.
"""

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Final

from engagement.errors import InvalidInput

CONFIDENCE: Final = 0.95
POWER: Final = 0.8  # how often an effect of the size that is called detectable is found
_STEPS: Final = 60  # of halving: more digits than a float has


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
    z2 = _z(confidence) ** 2
    centre = (share.count + z2 / 2) / (share.of + z2)
    half = sqrt(z2 * (share.value * (1 - share.value) + z2 / (4 * share.of)) / share.of) / (1 + z2 / share.of)
    # At 0 and 1 the last bit may lie on the wrong side.
    low, high = min(max(centre - half, 0.0), share.value), max(min(centre + half, 1.0), share.value)
    return Interval(share.value, low, high)


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

    By the normal approximation for two shares, two-sided. None where not even a rise to 1 would be shown.

    Parameters
    ----------
    learners, compared_with
        The sizes of the two groups.
    rate
        The share without a nudge, 0 to 1.

    Examples
    --------
    >>> round(detectable(500, 500, rate=0.5), 3)
    0.088
    """
    if not 0 <= rate <= 1:
        raise InvalidInput(f"rate: {rate}; allowed is 0 to 1")
    if learners < 1 or compared_with < 1:
        return None
    reach = _z(confidence) + NormalDist().inv_cdf(power)

    def is_shown(rise: float) -> bool:
        raised = rate + rise
        variance = raised * (1 - raised) / learners + rate * (1 - rate) / compared_with
        return rise > reach * sqrt(variance)

    low, high = 0.0, 1 - rate
    if not is_shown(high):
        return None
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_shown(middle) else (middle, high)
    return high


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)
