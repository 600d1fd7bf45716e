"""The tasks: what each is told to do, and how it must end whatever breaks meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any

DIAMOND = {"top": [], "left": ["top"], "right": ["top"], "bottom": ["left", "right"]}
STREAMS = 3  # each with the same diamond


@dataclass(frozen=True)
class Script:
    """One task. `errors`: attempts that its own doing ends; `effects`: rows that it must leave.

    For a diamond all of it is about the first of its agents; `fails` names the one that gives up.
    """

    key: str
    kind: str
    priority: int
    payload: dict[str, Any] = field(default_factory=dict)
    status: str = "completed"
    errors: int = 0
    effects: int = 0
    max_retries: int = 3
    stream: int | None = None

    def told(self) -> dict[str, Any]:
        """The script as JSON, for the ledger."""
        return asdict(self)

    @property
    def fails(self) -> str | None:
        return self.payload.get("fails")


Wish = dict[str, Any]


def _sleeps(chance: Random) -> Wish:
    return {"payload": {"s": round(chance.uniform(0.005, 0.05), 4)}}


def _saves(chance: Random) -> Wish:
    return {"payload": {"s": round(chance.uniform(0, 0.03), 4)}, "effects": 1}


def _stumbles(chance: Random) -> Wish:
    errors = chance.randint(1, 2)
    return {"payload": {"errors": errors}, "errors": errors, "effects": 1}


def _diamond(chance: Random) -> Wish:
    fails = chance.choice([None, None, None, None, "left", "top"])
    own = {"status": "failed", "errors": 1, "effects": 0} if fails == "top" else {"effects": 1}
    return {
        "payload": {"s": round(chance.uniform(0, 0.02), 4), "fails": fails},
        "stream": chance.randrange(STREAMS),
        **own,
    }


# How often each kind comes, in a hundred, and what it is told.
KINDS: dict[str, tuple[int, Callable[[Random], Wish]]] = {
    "idles": (24, lambda _: {}),
    "sleeps": (20, _sleeps),
    "blocks": (6, _sleeps),
    "steps": (14, lambda _: {}),
    "saves": (16, _saves),
    "stumbles": (6, _stumbles),
    "refuses": (4, _stumbles),
    "snoozes": (3, lambda _: {"payload": {"s": 0.2}}),
    "gives_up": (2, lambda _: {"status": "failed", "errors": 1}),
    "exhausts": (2, lambda _: {"status": "failed", "errors": 2, "max_retries": 1}),
    "diamond": (3, _diamond),
}
# Only in the trials of faults that want them.
SPECIAL: dict[str, Callable[[Random], Wish]] = {
    "lingers": lambda chance: {"payload": {"s": round(chance.uniform(0.5, 1.5), 3)}, "effects": 1},
    "forked": lambda chance: {"payload": {"s": round(chance.uniform(0.02, 0.1), 4)}},
}


def scripts(chance: Random, count: int, special: dict[str, int]) -> list[Script]:
    """`count` tasks; `special` says how often special kinds come, in a hundred others."""
    makers = {name: maker for name, (_, maker) in KINDS.items()} | SPECIAL
    weights = {name: weight for name, (weight, _) in KINDS.items()} | special
    names = chance.choices(list(weights), list(weights.values()), k=count)
    return [
        Script(f"task {n}", name, priority=chance.randint(1, 10), **makers[name](chance))
        for n, name in enumerate(names, start=1)
    ]
