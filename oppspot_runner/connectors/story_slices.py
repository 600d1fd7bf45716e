"""Parts of a search for stories: a search gives its first thousand only, so it is cut into parts.

A part covers a range of time; one second that alone holds too many is cut by points. Both halves of
a part together are exactly that part, so that no story is lost and none is in two.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

MOST_POINTS = 1 << 20  # no story has as many


@dataclass(frozen=True)
class Slice:
    """Stories written from `begin` on and before `end` (seconds since 1970, `end` > `begin`).

    Of those the ones with at least `least` points, and fewer than `most` where that is given.
    """

    begin: int
    end: int
    least: int = 0
    most: int | None = None

    @property
    def filters(self) -> str:
        """The part as `numericFilters` of the search."""
        parts = [f"created_at_i>={self.begin}", f"created_at_i<{self.end}"]
        if self.least:
            parts.append(f"points>={self.least}")
        if self.most is not None:
            parts.append(f"points<{self.most}")
        return ",".join(parts)

    def holds(self, time: int, points: int) -> bool:
        """Whether a story of that time, with so many points, belongs to the part."""
        enough = self.least <= points and (self.most is None or points < self.most)
        return self.begin <= time < self.end and enough

    def halves(self) -> tuple[Slice, Slice] | None:
        """Two parts that together are this one, the older first; None when it cannot be cut."""
        if self.end - self.begin > 1:
            middle = (self.begin + self.end) // 2
            return replace(self, end=middle), replace(self, begin=middle)
        if self.most is None:
            bound = 2 * self.least + 1
            can_be_cut = bound < MOST_POINTS
        else:
            bound = (self.least + self.most) // 2
            can_be_cut = bound > self.least
        return (replace(self, most=bound), replace(self, least=bound)) if can_be_cut else None
