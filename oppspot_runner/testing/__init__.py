"""For tests of users: a runner at their own time, and the outside world on their machine.

Names are loaded when they are first used: the plugin of pytest costs nothing where nobody wants it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oppspot_runner.testing.attempts import Attempt
    from oppspot_runner.testing.clock import Clock, Moment
    from oppspot_runner.testing.runners import AsyncRunner, Runner
    from oppspot_runner.testing.world import World

__all__ = ["AsyncRunner", "Attempt", "Clock", "Moment", "Runner", "World"]

_HOMES = {
    "AsyncRunner": "runners",
    "Attempt": "attempts",
    "Clock": "clock",
    "Moment": "clock",
    "Runner": "runners",
    "World": "world",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'oppspot_runner.testing' has no attribute {name!r}")
    return getattr(import_module(f"oppspot_runner.testing.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
