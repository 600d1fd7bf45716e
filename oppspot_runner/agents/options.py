"""How an agent wants to be run: the keys of `@agent(...)` and of `ai_agents.configuration`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from oppspot_runner.base.backoff import Backoff
from oppspot_runner.base.errors import ConfigurationError

Isolation = Literal["inline", "thread"]


class AgentOptions(BaseModel):
    """Run options of one agent type. Durations given as numbers are seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    time_limit: timedelta = Field(timedelta(minutes=30), gt=timedelta(0))
    soft_time_limit: timedelta | None = None
    max_retries: int = Field(3, ge=0, le=1000)
    backoff: Backoff = Backoff()
    isolation: Isolation | None = None  # None: `async def` inline, `def` in a thread
    task_type: str | None = Field(None, min_length=1, max_length=200)

    def overridden(self, configuration: dict[str, Any]) -> AgentOptions:
        """These options with the ones that the agent's row sets; the row wins.

        Raises ConfigurationError naming the key when the row's value is unusable.
        """
        known = {key: configuration[key] for key in type(self).model_fields if key in configuration}
        if not known:
            return self
        if isinstance(known.get("backoff"), dict):
            known["backoff"] = _backoff(known["backoff"])
        current = {key: getattr(self, key) for key in type(self).model_fields}
        try:
            return type(self).model_validate({**current, **known})
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            raise ConfigurationError(
                f"the agent's configuration has an unusable {key}: {first['msg']}"
            ) from None


def _backoff(given: dict[str, Any]) -> Backoff:
    names = {"first": "first_s", "most": "most_s"}
    try:
        return Backoff(**{names.get(key, key): value for key, value in given.items()})
    except TypeError as error:
        raise ConfigurationError(
            f"the agent's configuration has an unusable backoff: {error}",
            hint="Its keys are first, factor, most (seconds) and jitter.",
        ) from None
