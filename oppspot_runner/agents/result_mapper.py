"""Result mappers: what saves the results of one kind of agent, found by the platform's name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from oppspot_runner.agents.context import Context
from oppspot_runner.base.errors import ConfigurationError

_mappers: dict[str, type[ResultMapper]] = {}


class ResultMapper(ABC):
    """Saves the results of one kind of agent. Give it to an agent class as `mapper`.

    Naming `platform` registers it for `get_result_mapper` when its module is imported.
    """

    platform: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Registers a class that names its own platform. Raises ConfigurationError for a second."""
        super().__init_subclass__(**kwargs)
        if not cls.__dict__.get("platform"):
            return
        known = _mappers.setdefault(cls.platform, cls)
        if (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise ConfigurationError(
                f"two result mappers are for {cls.platform!r}: {known.__qualname__} and"
                f" {cls.__qualname__}",
                hint="Give one of them another platform.",
            )
        _mappers[cls.platform] = cls

    @abstractmethod
    async def save_results(self, ctx: Context, tx: Any, results: dict[str, Any]) -> bool:
        """Writes `results` by `tx`, the connection of the finishing transaction.

        What it writes is there exactly once, or not at all. False or an exception rolls back and
        is an error of the attempt.
        """


def get_result_mapper(platform: str) -> ResultMapper:
    """A mapper for `platform`. Raises ConfigurationError with the known platforms."""
    if platform not in _mappers:
        raise ConfigurationError(
            f"there is no result mapper for {platform!r}; known: {', '.join(sorted(_mappers))}",
            hint="Import the module that defines it.",
        )
    return _mappers[platform]()
