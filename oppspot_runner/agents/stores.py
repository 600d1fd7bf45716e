"""The tables of the domain as an agent sees them, as protocols. The classes are wired in `app`.

Every store sees the organisation of the task only: rows of that organisation, and of `companies`
and `facts` also the rows that belong to nobody. Writers take `tx`, the connection that
`save_results` is given, to write inside the finishing transaction; without it they write at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Protocol, Self
from uuid import UUID

from oppspot_runner.companies.company import Company, Fact
from oppspot_runner.companies.items import (
    Coverage,
    DueCompany,
    Enriched,
    Item,
    ScoredCompany,
)
from oppspot_runner.companies.scoring_model import Stage
from oppspot_runner.companies.scoring_parts import Signal
from oppspot_runner.companies.search import Search, SearchPage, Want
from oppspot_runner.drafts.background import Background, NewDraft, Priority
from oppspot_runner.people.paths import Path
from oppspot_runner.people.person import Ambiguity, Holder, Kin, Seat
from oppspot_runner.people.suppressed import Suppressed
from oppspot_runner.posts.mentions import Candidates
from oppspot_runner.posts.post import Counts, Mention, Post, Saved
from oppspot_runner.signals.looks import DueLook, Failure, NewSignal, SavedLooks
from oppspot_runner.signals.sighting import Look, Memory, Sighting


class InsightStore(Protocol):
    """Insights of the task's stream and the stream's progress."""

    async def add(
        self,
        *,
        kind: str,
        title: str,
        evidence: dict[str, Any] | None = None,
        tx: Any = None,
    ) -> UUID: ...

    async def set_progress(self, progress: dict[str, Any], *, tx: Any = None) -> None: ...


class CompanyStore(Protocol):
    """Companies and their facts, as far as the task's organisation may see them."""

    async def get(self, company_id: UUID) -> Company | None: ...

    async def load(self, ids: Sequence[UUID]) -> Sequence[Company]: ...

    async def facts(self, ids: Sequence[UUID]) -> Mapping[UUID, tuple[Fact, ...]]: ...

    async def find(
        self,
        search: Search,
        *,
        stream_id: UUID,
        want: Want = "match",
        after: UUID | None = None,
        limit: int = 500,
    ) -> SearchPage: ...

    async def known(self, companies: Sequence[Company]) -> Set[str]:
        """The register numbers of those among `companies` that are on record already."""
        ...

    async def add(
        self, companies: Sequence[Company], *, source: str, tx: Any
    ) -> Mapping[UUID, UUID]:
        """Adds companies of a public register; the id of each by that in `companies`."""
        ...


class ItemStore(Protocol):
    """Companies in the task's stream."""

    async def ids(self) -> Sequence[UUID]: ...

    async def load(self) -> Sequence[Item]: ...

    async def is_watched(self) -> bool: ...

    async def lock(self, tx: Any) -> None: ...

    async def add(
        self,
        best: Sequence[ScoredCompany],
        *,
        found: Sequence[UUID],
        target: int,
        model_version: str,
        now: datetime,
        agent_id: UUID,
        tx: Any,
    ) -> Sequence[UUID]: ...

    async def save_scores(
        self,
        rows: Sequence[str],
        *,
        stage: Stage,
        model_version: str,
        now: datetime,
        tx: Any,
    ) -> int: ...

    async def renumber(self, tx: Any) -> None: ...

    async def coverage(self) -> Coverage: ...

    async def due(
        self,
        ttls: Mapping[str, timedelta],
        *,
        since: datetime,
        outside: Collection[str] = (),
        force: bool = False,
        company_ids: Sequence[UUID] | None = None,
    ) -> Sequence[DueCompany]: ...

    async def save_enrichment(self, page: Sequence[Enriched]) -> None: ...


class PostStore(Protocol):
    """Posts of platforms that agents of the organisation found, and how far each has read."""

    async def save(
        self, platform: str, posts: Sequence[Post], *, agent_id: UUID, tx: Any
    ) -> Saved: ...

    async def update_counts(self, platform: str, counts: Sequence[Counts], *, tx: Any) -> int: ...

    async def young(self, platform: str, age: timedelta, limit: int) -> Sequence[str]: ...

    async def companies_in(self, found: Sequence[Candidates]) -> Sequence[list[Mention]]: ...

    async def cursor(self, agent_id: UUID, source: str) -> datetime | None: ...

    async def move_cursor(
        self, agent_id: UUID, source: str, seen_until: datetime, *, tx: Any
    ) -> None: ...


class SignalStore(Protocol):
    """Signals of companies, and what those who look for them remember."""

    async def due(
        self,
        watchers: Mapping[str, timedelta],
        *,
        since: datetime,
        stream_id: UUID | None = None,
        company_ids: Sequence[UUID] | None = None,
        force: bool = False,
        limit: int = 1000,
    ) -> Sequence[DueLook]: ...

    async def unknown(self, company_ids: Sequence[UUID], most: int) -> Sequence[UUID]: ...

    async def memories(
        self, company_ids: Sequence[UUID]
    ) -> Mapping[UUID, Mapping[str, Memory]]: ...

    async def save(
        self,
        company_id: UUID,
        looks: Mapping[str, Look | Failure | None],
        *,
        threshold: float,
        now: datetime,
    ) -> SavedLooks: ...

    async def of_task(self) -> Sequence[NewSignal]: ...

    async def add(
        self,
        found: Mapping[UUID, Sequence[Sighting]],
        *,
        threshold: float,
        now: datetime,
        tx: Any,
    ) -> Sequence[NewSignal]: ...

    async def expire(self, now: datetime) -> int: ...

    async def of(self, company_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[Signal]]: ...


class PeopleStore(Protocol):
    """People that the task's organisation knows of."""

    async def suppressed(
        self,
        *,
        emails: Sequence[str] = (),
        domains: Sequence[str] = (),
        company_ids: Sequence[UUID] = (),
    ) -> Suppressed:
        """Which of these are not to be approached."""
        ...

    async def forgotten(self, traces: Collection[str], number: str) -> Set[str]:
        """Which of these (NamedPerson.traces) are those of somebody who was forgotten.

        What the register says of the company with that `number` is kept no longer then.
        """
        ...

    async def due(
        self, company_ids: Sequence[UUID], ttl: timedelta, *, since: datetime, force: bool = False
    ) -> Sequence[UUID]: ...

    async def checked(
        self,
        register_ids: Collection[str],
        ttl: timedelta,
        *,
        since: datetime,
        force: bool = False,
    ) -> Set[str]: ...

    async def save(
        self,
        company_id: UUID,
        number: str | None,
        holders: Sequence[Holder],
        *,
        source: str,
        outcome: str,
    ) -> None: ...

    async def seats(self, company_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[Seat]]: ...

    async def paths(
        self, targets: Sequence[tuple[UUID, UUID]], *, most: int = 1
    ) -> Mapping[UUID, Sequence[Path]]: ...

    async def groups(self, company_ids: Sequence[UUID]) -> Sequence[Kin]: ...

    async def ambiguous(self, company_ids: Sequence[UUID]) -> Sequence[Ambiguity]: ...


class DraftStore(Protocol):
    """Drafts of the organisation, and what is to be known before one is written."""

    async def due(
        self,
        channel: str,
        *,
        priority: Priority,
        min_score: float | None = None,
        company_ids: Sequence[UUID] | None = None,
    ) -> Sequence[UUID]: ...

    async def background(self, company_id: UUID, channel: str) -> Background: ...

    async def save(self, new: NewDraft) -> UUID: ...


OF_STREAM = ("items", "insights")  # stores that a task without a stream has not


@dataclass(frozen=True)
class Stores:
    """All stores of an attempt; those of a stream are None where the task has none."""

    companies: CompanyStore
    posts: PostStore
    signals: SignalStore
    people: PeopleStore
    drafts: DraftStore
    items: ItemStore | None = None
    insights: InsightStore | None = None

    @classmethod
    def each(cls, make: Callable[[str], Any]) -> Self:
        """Stores that `make` makes, given the name of each."""
        return cls(**{one.name: make(one.name) for one in fields(cls)})
