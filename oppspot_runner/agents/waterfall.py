"""Asks providers about one company after the other, and knows when to ask nobody any more.

For each field the providers come in turn and the first good answer is enough, unless one revises
what is known. What goes wrong with one source does not stop the others:

* A source that all companies share and that is asked too often holds up the run.
* A source that does not let us in is asked nothing more in this run; `shut` has its error.
* Any other failure is one of this company; a source that rests is asked again for the next ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.providers import Provider
from oppspot_runner.agents.tally import Tally
from oppspot_runner.agents.web import WebAccess
from oppspot_runner.base.errors import (
    AccessDeniedError,
    AgentSignal,
    CallError,
    LeaseLostError,
    RateLimitExceededError,
    SourceDownError,
    SourceError,
    SourceNotConfiguredError,
)
from oppspot_runner.base.web import Asked, Fetched
from oppspot_runner.companies.enriching import Dossier
from oppspot_runner.companies.items import Outcome
from oppspot_runner.connectors.sources import SITES


class CallsSpentError(CallError):
    """The run has made as many requests as it may."""

    code = "CALLS_SPENT"


@dataclass
class CappedWeb(WebAccess):
    """The outside world for a run that may make `most` requests and no more."""

    most: int = 0
    _asking: int = field(default=0, init=False)

    async def fetch(self, asked: Asked) -> Fetched:
        """As WebAccess. Raises CallsSpentError where this might be one request too many."""
        if sum(self.requests.values()) + self._asking >= self.most:
            raise CallsSpentError(f"the run may make {self.most} requests, and has made them")
        self._asking += 1
        try:
            return await super().fetch(asked)
        finally:
            self._asking -= 1


class Waterfall:
    """Asks `providers`, in their order, for the agent of `ctx`."""

    def __init__(self, providers: Iterable[Provider], ctx: Context) -> None:
        self.providers = {one.name: one for one in providers}
        self.ctx = ctx
        self.shut: dict[str | None, SourceError] = {}
        self._stages = _stages(self.providers.values())

    def shut_out(self) -> dict[str, str]:
        """Why providers were not asked any more, by their names."""
        return {
            name: self.shut[one.web_source].one_line()
            for name, one in self.providers.items()
            if one.web_source in self.shut
        }

    def note_fresh(self, due: Sequence[str], tally: Tally) -> None:
        """Counts the providers whose answer is fresh, since they are not `due`."""
        for name in self.providers:
            if name not in due:
                tally.note(name, "cached")

    async def ask(self, dossier: Dossier, due: Sequence[str], tally: Tally) -> CallError | None:
        """Asks those that are `due`; the error that keeps us from asking the others, if one does.

        Those that were not asked have no outcome in the dossier.
        """
        for stage in self._stages:
            if len(stage) == 1:  # no tasks for thousands of companies that are looked at here
                held = await self._in_turn(dossier, stage[0], due, tally)
            else:
                turns = (self._in_turn(dossier, group, due, tally) for group in stage)
                held = _worst(await asyncio.gather(*turns, return_exceptions=True))
            if held is not None:
                return held
        return None

    async def _in_turn(
        self, dossier: Dossier, group: Sequence[Provider], due: Sequence[str], tally: Tally
    ) -> CallError | None:
        for provider in group:
            name, source = provider.name, provider.web_source
            if name not in due or source in self.shut:
                continue
            outcome: Outcome | None = "cached"
            if provider.revises or dossier.lacks(name, provider.fields):
                try:
                    outcome = await self._answer(dossier, provider, tally)
                except (RateLimitExceededError, CallsSpentError) as error:
                    return error
            if outcome is not None:
                dossier.enriched.outcomes[name] = outcome
                tally.note(name, outcome)
        return None

    async def _answer(self, dossier: Dossier, provider: Provider, tally: Tally) -> Outcome | None:
        """How the provider answered; None where it was not asked."""
        try:
            facts = await provider.provide(dossier.company, self.ctx)
        except (AgentSignal, LeaseLostError, CallsSpentError):
            raise
        except Exception as error:  # noqa: BLE001 - one source must not stop the others
            return self._failed(provider, error, tally)
        own = [fact for fact in facts if fact.field in provider.fields]
        return "ok" if dossier.add(own) else "not_found"

    def _failed(self, provider: Provider, error: Exception, tally: Tally) -> Outcome | None:
        shared = provider.web_source not in (None, SITES)
        if shared and isinstance(error, RateLimitExceededError):
            raise error
        if shared and isinstance(error, AccessDeniedError | SourceNotConfiguredError):
            self.shut[provider.web_source] = error
        code = error.code if isinstance(error, CallError) else type(error).__name__
        tally.errors[code] += 1
        if isinstance(error, SourceDownError) and error.retry_after_s is not None:
            return None  # it rests, which its own failures have told
        self.ctx.log.warning("provider failed", provider=provider.name, error=str(error))
        return None if provider.web_source in self.shut else "error"


def _worst(ends: Iterable[CallError | BaseException | None]) -> CallError | None:
    """The first end that holds up the run. Raises the first that ends it."""
    held = None
    for end in ends:
        if isinstance(end, RateLimitExceededError | CallsSpentError):
            held = held or end
        elif end is not None:
            raise end
    return held


def _stages(providers: Iterable[Provider]) -> list[list[list[Provider]]]:
    """Groups of providers: the groups of a stage side by side, the members of a group in turn."""
    stages: list[list[list[Provider]]] = []
    for outside, run in groupby(providers, key=lambda one: one.web_source is not None):
        if not outside:
            stages.append([list(run)])
            continue
        by_source: dict[str | None, list[Provider]] = {}
        for one in run:
            by_source.setdefault(one.web_source, []).append(one)
        stages.append(list(by_source.values()))
    return stages
