"""The technologies that were found on a page, and what follows from them for each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from oppspot_runner.websites.fingerprints import Technology

SURE = 50

Known = Mapping[str, Technology]


@dataclass(frozen=True, slots=True)
class Found:
    """A technology of a page. `confidence` is 0 to 100; `evidence` says what gave it away.

    One that others imply has no evidence of its own, but `implied_by`.
    """

    name: str
    categories: tuple[str, ...]
    version: str
    confidence: int
    evidence: tuple[str, ...]
    implied_by: str | None = None
    website: str = ""

    @property
    def is_sure(self) -> bool:
        """Whether the evidence is enough to say that the technology is used."""
        return self.confidence >= SURE


@dataclass(frozen=True, slots=True)
class Detection:
    """The technologies of a page, the surest first.

    `gave_up` are expressions that took too long; not `complete`, when all together did.
    """

    technologies: tuple[Found, ...]
    gave_up: tuple[str, ...] = ()
    complete: bool = True


def with_required(found: dict[str, Found], known: Known) -> dict[str, Found]:
    """Those of `found` whose requirements are found as well."""
    while True:
        categories = {category for one in found.values() for category in one.categories}
        kept = {
            name: one
            for name, one in found.items()
            if found.keys() >= set(known[name].requires)
            and _shares(categories, known[name].required_categories)
        }
        if len(kept) == len(found):
            return kept
        found = kept


def _shares(categories: set[str], required: tuple[str, ...]) -> bool:
    return not required or not categories.isdisjoint(required)


def without_excluded(found: dict[str, Found], known: Known) -> dict[str, Found]:
    """Those of `found` that none of them rules out."""
    excluded = {other for name in found for other in known[name].excludes}
    return {name: one for name, one in found.items() if name not in excluded}


def with_implied(found: dict[str, Found], known: Known) -> dict[str, Found]:
    """`found` and what they imply, and what that implies, at most as sure as they are."""
    found = dict(found)
    waiting = list(found.values())
    while waiting:
        one = waiting.pop()
        for implied in known[one.name].implies:
            other = known.get(implied.expression)
            if other is None or other.name in found:
                continue
            sure = min(one.confidence, implied.confidence)
            added = Found(other.name, other.categories, "", sure, (), one.name, other.website)
            found[other.name] = added
            waiting.append(added)
    return found
