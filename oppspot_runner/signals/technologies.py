"""What changed between two looks at the technologies of a web site. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Stack:
    """The technologies of a home page that stand there for themselves, and `others`.

    Others follow from those, or are shown on another page, which is not always read. Of those that
    are `missing` the last look found nothing: once may be an accident.
    """

    own: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()

    @classmethod
    def stated(cls, technologies: Iterable[Mapping[str, Any]]) -> Stack:
        """The stack that a fact `technologies` states."""
        own, others = set[str](), set[str]()
        for one in technologies:
            aside = one.get("implied_by") or one.get("page")
            (others if aside else own).add(str(one["name"]))
        return cls(frozenset(own), frozenset(others))

    @classmethod
    def remembered(cls, state: Mapping[str, Any]) -> Stack:
        """What `as_json` made."""
        return cls(*(frozenset(state[name]) for name in ("own", "others", "missing")))

    def as_json(self) -> dict[str, list[str]]:
        """What `remembered` reads."""
        return {name: sorted(getattr(self, name)) for name in ("own", "others", "missing")}


@dataclass(frozen=True, slots=True)
class Changes:
    """What came, what went, and the stack that is to be compared with the next time."""

    added: Collection[str]
    dropped: Collection[str]
    stack: Stack


def changes(before: Stack, now: Stack) -> Changes:
    """What came since `before`, and what is gone: it is when two looks in a row miss it."""
    there = now.own | now.others
    added = now.own - before.own - before.others
    gone = before.own - there
    dropped = gone & before.missing
    missing = gone - dropped
    return Changes(sorted(added), sorted(dropped), Stack(now.own | missing, now.others, missing))
