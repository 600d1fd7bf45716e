"""95 % confidence intervals, for people who compare."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Interval:
    """An estimate, and between what the true value lies, 95 times of 100."""

    value: float
    low: float
    high: float

    def minus(self, other: Interval) -> Interval:
        """The difference of two independent estimates.

        By the square-and-add method (Zou and Donner 2008); for shares it is Newcombe's.
        """
        value = self.value - other.value
        below = sqrt((self.value - self.low) ** 2 + (other.high - other.value) ** 2)
        above = sqrt((self.high - self.value) ** 2 + (other.value - other.low) ** 2)
        return Interval(value, value - below, value + above)


def of_share(successes: int, of: int) -> Interval | None:
    """Of a share of successes, by Wilson's score; None of nothing."""
    if not of:
        return None
    share, z2 = successes / of, Z * Z
    centre = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = Z * sqrt(share * (1 - share) / of + z2 / (4 * of * of)) / (1 + z2 / of)
    # What rounding leaves over would be an impossible share.
    return Interval(share, min(share, max(0.0, centre - half)), max(share, min(1.0, centre + half)))


def of_mean(mean: float, deviation: float, of: int) -> Interval | None:
    """Of a mean with a standard deviation of the sample, by the normal distribution.

    None below two values. It is too narrow for less than about 30.
    """
    if of < 2:
        return None
    half = Z * deviation / sqrt(of)
    return Interval(mean, mean - half, mean + half)
