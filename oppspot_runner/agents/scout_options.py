"""What people say about a scout, in its configuration or for one execution."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field

from oppspot_runner.agents.quiet_hours import QuietHours
from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.signals.sighting import SIGNAL_TYPES

MOST_COMPANIES = 10_000


def _signal_type(name: str) -> str:
    if name not in SIGNAL_TYPES:
        raise ValueError(f"{name!r} is no signal; known: {', '.join(SIGNAL_TYPES)}")
    return name


def _hours(text: str) -> str:
    try:
        QuietHours.read(text)
    except InvalidInputError as error:
        raise ValueError(error.one_line()) from None
    return text


def _web_address(url: str) -> str:
    if not url.startswith(("https://", "http://")):
        raise ValueError(f"{url[:200]!r} is no web address")
    return url


class ScoutOptions(BaseModel):
    """Which signals are wanted, how sure they must be, who is asked, and about which companies.

    `threshold` is the least confidence, 0 to 1. A first look at a company goes `lookback_days`
    back. `companies` are a watch list, or those of a stream that count. Of the companies that are
    due, those that were looked at longest ago are taken, at most `max_companies`. `feeds` are of
    the press, about many companies. `quiet_hours` are in the time zone of the agent's schedule.
    """

    signals: list[Annotated[str, AfterValidator(_signal_type)]] = Field(
        list(SIGNAL_TYPES), min_length=1
    )
    threshold: float = Field(0.7, ge=0, le=1)
    sources: list[str] | None = Field(None, min_length=1)
    lookback_days: float = Field(45, gt=0, le=3_650)
    companies: list[UUID] | None = Field(None, max_length=MOST_COMPANIES)
    max_companies: int = Field(MOST_COMPANIES, ge=1, le=MOST_COMPANIES)
    feeds: list[Annotated[str, AfterValidator(_web_address)]] = Field(
        default_factory=list, max_length=50
    )
    quiet_hours: Annotated[str, AfterValidator(_hours)] | None = None

    @property
    def lookback(self) -> timedelta:
        """How far a first look goes back."""
        return timedelta(days=self.lookback_days)
