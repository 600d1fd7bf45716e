"""How an agent wants to be run: the keys of `@agent(...)` and of `ai_agents.configuration`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ByteSize,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from oppspot_runner.base.backoff import Backoff
from oppspot_runner.base.breaker import Breaker
from oppspot_runner.base.errors import ConfigurationError, InvalidInputError
from oppspot_runner.base.labels import Label
from oppspot_runner.base.rate import starts_per_second
from oppspot_runner.base.validation import unusable

Isolation = str  # inline, thread, process, or the name of an installed backend
TIME_LIMIT = timedelta(minutes=30)
SOFT_TIME_LIMIT = timedelta(minutes=25)
LONGEST = timedelta(days=365_000)  # a deadline beyond the year 9999 cannot be reckoned
LEAST_MEMORY = 64_000_000  # Python and this package take most of it
# Keys whose value is an object in a row: its class, other names of fields, and what it may hold.
OBJECTS: dict[str, tuple[type, dict[str, str], str]] = {
    "backoff": (
        Backoff,
        {"first": "first_s", "most": "most_s"},
        "first, factor, most (seconds) and jitter",
    ),
    "breaker": (Breaker, {}, "failures and open_s (seconds); false means none"),
}
# What code may say that allows a row the most.
MOST_PERMISSIVE: dict[str, Any] = {"time_limit": LONGEST, "isolation": "process"}


class AgentOptions(BaseModel):
    """Run options of one agent type. Durations given as numbers are seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    time_limit: timedelta = Field(default=TIME_LIMIT, gt=timedelta(0), le=LONGEST)
    # None: see soft_limit_s
    soft_time_limit: timedelta | None = Field(default=None, gt=timedelta(0), lt=LONGEST)
    max_retries: int = Field(default=3, ge=0, le=1000)
    backoff: Backoff = Backoff()
    # None: `async def` inline, `def` in a thread
    isolation: Isolation | None = Field(default=None, min_length=1, max_length=100)
    memory_limit: ByteSize | None = Field(default=None, ge=LEAST_MEMORY)
    recycle_after: int = Field(default=1000, ge=1)
    recycle_memory: ByteSize | None = Field(default=None, ge=1)
    task_type: str | None = Field(default=None, min_length=1, max_length=200)
    # Strict, as the database reads it.
    concurrency: int | None = Field(default=None, ge=0, le=1_000_000, strict=True)
    breaker: Breaker | Literal[False] = Breaker()
    rate: str | None = None  # starts in a while, as "10/s" or "100/m"
    labels: tuple[Label, ...] = ()  # only runners that have all of them take its tasks
    # The code takes lists, of at most that many.
    batch: int | None = Field(default=None, ge=1, le=1000)

    @field_validator("rate")
    @classmethod
    def _is_rate(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                starts_per_second(value)
            except InvalidInputError as error:
                raise ValueError(error.one_line()) from None
        return value

    @model_validator(mode="after")
    def _soft_comes_first(self) -> AgentOptions:
        if self.soft_time_limit is not None and self.soft_time_limit >= self.time_limit:
            soft_s, hard_s = self.soft_time_limit.total_seconds(), self.time_limit.total_seconds()
            raise ValueError(
                f"soft_time_limit ({soft_s:g} s) must be below time_limit ({hard_s:g} s)"
            )
        return self

    @model_validator(mode="after")
    def _only_processes_have_limits(self) -> AgentOptions:
        if self.memory_limit is not None and self.isolation != "process":
            raise ValueError("memory_limit needs isolation='process': no other place can keep it")
        return self

    @property
    def soft_limit_s(self) -> float | None:
        """Seconds after which the agent is told to end; None: it is not told.

        25 minutes by default; an agent with a time_limit of its own has none unless it says so.
        """
        if self.soft_time_limit is not None:
            return self.soft_time_limit.total_seconds()
        return SOFT_TIME_LIMIT.total_seconds() if self.time_limit == TIME_LIMIT else None

    def overridden(self, configuration: dict[str, Any]) -> AgentOptions:
        """These options with the ones that the agent's row sets; the row wins.

        Raises ConfigurationError naming the key when the row's value is unusable.
        """
        known = {key: configuration[key] for key in type(self).model_fields if key in configuration}
        if not known:
            return self
        if (known.get("batch", self.batch) is None) != (self.batch is None):
            takes = "one task at a time" if self.batch is None else "lists: give it a number"
            raise ConfigurationError(
                f"the agent's configuration cannot be used: batch: the agent's code takes {takes}"
            )
        known = {key: _readable(key, value) for key, value in known.items()}
        current = {key: getattr(self, key) for key in type(self).model_fields}
        return made_options("the agent's configuration", **{**current, **known})


def made_options(where: str, **given: Any) -> AgentOptions:
    """Options from what was given; ConfigurationError says `where` and the key that is unusable."""
    try:
        return AgentOptions.model_validate(given)
    except ValidationError as error:
        raise unusable(error, where) from None


def check_options(configuration: Mapping[str, Any]) -> None:
    """Raises ConfigurationError that names a key which would be unusable whatever the code says."""
    given = {
        key: _readable(key, configuration[key])
        for key in AgentOptions.model_fields
        if key in configuration
    }
    made_options("the agent's configuration", **{**MOST_PERMISSIVE, **given})


def _readable(key: str, given: Any) -> Any:
    """The value of a row as the field of the options takes it."""
    if key not in OBJECTS or not isinstance(given, dict):
        return given
    kind, names, keys = OBJECTS[key]
    try:
        return kind(**{names.get(str(name), str(name)): value for name, value in given.items()})
    except (TypeError, InvalidInputError) as error:
        raise ConfigurationError(
            f"the agent's configuration has an unusable {key}: {error}",
            hint=f"Its keys are {keys}.",
        ) from None
