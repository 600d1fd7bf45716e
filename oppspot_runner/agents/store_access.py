"""The stores of an attempt as properties, each with the error for a task that has not got it."""

from __future__ import annotations

from typing import TypeVar

from oppspot_runner.agents.stores import (
    CompanyStore,
    DraftStore,
    InsightStore,
    ItemStore,
    PeopleStore,
    PostStore,
    SignalStore,
    Stores,
)
from oppspot_runner.base.errors import Fail

S = TypeVar("S")


class StoreAccess:
    """The part of a Context that leads to the tables of the domain."""

    stores: Stores

    @property
    def companies(self) -> CompanyStore:
        """Companies and facts that the task's organisation may see."""
        return self.stores.companies

    @property
    def posts(self) -> PostStore:
        """Posts that agents found on platforms."""
        return self.stores.posts

    @property
    def signals(self) -> SignalStore:
        """Buying signals of companies."""
        return self.stores.signals

    @property
    def people(self) -> PeopleStore:
        """People that the organisation knows of, and who of them is not to be approached."""
        return self.stores.people

    @property
    def drafts(self) -> DraftStore:
        """Drafts for people to read and to decide."""
        return self.stores.drafts

    @property
    def items(self) -> ItemStore:
        """The companies in the task's stream. Raises Fail when the task has no stream."""
        return self._of_stream(self.stores.items)

    @property
    def insights(self) -> InsightStore:
        """Insights and progress of the task's stream. Raises Fail when the task has no stream."""
        return self._of_stream(self.stores.insights)

    def _of_stream(self, store: S | None) -> S:
        if store is None:
            raise Fail("this agent works on a stream, but the task has no stream_id")
        return store
