"""What a criterion says about a company: the value that all judges return."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Protocol

from oppspot_runner.companies.company import Company


class Verdict(NamedTuple):
    """How well a company meets one criterion.

    `match` is 0 to 1, or None when what decides is not known. `field` names the field of the
    company that decided. `fits` says whether the criterion is met: a set by any match, a range
    only from inside.
    """

    match: float | None
    text: str
    field: str | None = None
    fits: bool = False
    value: float | None = None

    @property
    def is_known(self) -> bool:
        """Whether enough was known to decide."""
        return self.match is not None

    @property
    def fails(self) -> bool:
        """Whether the criterion is known not to be met."""
        return self.match is not None and not self.fits


class Judge(Protocol):
    """Judges companies by one criterion."""

    def judge(self, company: Company, now: datetime) -> Verdict: ...
