"""Agents, as requests and answers have them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from oppspot_runner.agents.llm_options import LlmOptions
from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.base.redact import REDACTED, redact

# Fields of a request that are keys of the configuration.
OF_CONFIGURATION = (
    "model",
    "role",
    "instructions",
    "tools",
    "custom_tools",
    "temperature",
    "max_tokens",
    "api_key_env",
)
MOST_KEY = 1_000  # characters
MOST_LEVELS = 100  # of a configuration
DEFAULT_MODEL: str = LlmOptions.model_fields["model"].default

ApiKey = Annotated[
    SecretStr | None,
    Field(
        min_length=1,
        max_length=MOST_KEY,
        description="Key of the model's provider, for this agent alone. It is stored encrypted, "
        "and in no answer.",
    ),
]


class _Configured(BaseModel):
    """What can be said of an agent when it is made and later."""

    model_config = ConfigDict(extra="forbid")

    description: str | None = None
    configuration: dict[str, Any] | None = Field(
        None, description="What its code wants to know; the fields below are keys of it."
    )
    model: str | None = None
    role: str | None = None
    instructions: str | None = None
    tools: dict[str, bool] | list[str] | None = None
    custom_tools: dict[str, Any] | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    api_key_env: str | None = Field(
        None, description="Variable of the runner that holds the key of the model's provider."
    )
    api_key: ApiKey = None

    def configured(self, old: Mapping[str, Any]) -> dict[str, Any] | None:
        """The whole configuration, which was `old`; None where it does not change.

        A field that is null takes its key away. Raises InvalidInputError for one that is given
        twice, and for a configuration that is deeper than MOST_LEVELS.
        """
        fields = self.model_dump(include=set(OF_CONFIGURATION), exclude_unset=True)
        if self.configuration is None and not fields:
            return None
        whole = dict(old if self.configuration is None else self.configuration)
        if "api_key" in whole:
            raise InvalidInputError(
                "a configuration is no place for a key", hint="Give api_key beside configuration."
            )
        if _is_deep(whole, MOST_LEVELS):
            raise InvalidInputError(f"the configuration has more than {MOST_LEVELS} levels")
        if _is_masked(whole):
            raise InvalidInputError(
                f"the configuration holds {REDACTED}, which stands for a secret in answers",
                hint="Give the value itself, or change single fields and leave configuration out.",
            )
        for name, value in fields.items():
            if self.configuration is not None and self.configuration.get(name, value) != value:
                raise InvalidInputError(f"{name} and configuration.{name} differ: give one")
            whole[name] = value
            if value is None:
                del whole[name]
        return whole


class NewAgent(_Configured):
    """An agent to be made. Its name is by default its type."""

    name: str | None = None
    agent_type: str = "llm"
    is_active: bool = True
    schedule_cron: str | None = None
    schedule_timezone: str = "UTC"
    parent_id: UUID | None = None
    org_id: UUID | None = Field(None, description="For operators: whose it is.")


class ChangedAgent(_Configured):
    """What is to change of an agent; the rest stays. An empty schedule or description is none."""

    name: str | None = None
    agent_type: str | None = None
    is_active: bool | None = None
    schedule_cron: str | None = None
    schedule_timezone: str | None = None


class AgentBody(BaseModel):
    """An agent as it is configured. Secrets in its configuration are masked."""

    id: UUID
    org_id: UUID | None
    name: str | None
    agent_type: str | None
    description: str | None
    model: str | None
    configuration: dict[str, Any]
    api_key_stored: bool
    is_active: bool
    schedule_cron: str | None
    schedule_timezone: str | None
    parent_id: UUID | None
    created_at: datetime | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> AgentBody:
        """The agent of a row of agents/list.sql."""
        shown = {name: row[name] for name in cls.model_fields if name in row}
        configuration = row["configuration"]
        return cls.model_validate(
            {
                **shown,
                "model": model_of(row["agent_type"], configuration),
                "configuration": redact(configuration),
            }
        )


class Performance(BaseModel):
    """How an agent fared in the newest 10,000 tasks; numbers of all its time are in the view
    agent_performance."""

    tasks: int
    completed: int
    failed: int
    success_rate: float | None = Field(description="Of those that ended; null where none did.")
    p50_ms: int | None
    p95_ms: int | None
    cost_usd: float | None = Field(description="Of a task, on average.")
    last_at: datetime | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Performance:
        """Of a row of agents/performance.sql."""
        ended = row["completed"] + row["failed"]
        rate = row["completed"] / ended if ended else None
        return cls.model_validate({**row, "success_rate": rate})


class AgentShown(AgentBody):
    """An agent, and how it fared lately; null where it did nothing."""

    performance: Performance | None

    @classmethod
    def with_performance(
        cls, row: Mapping[str, Any], performance: Mapping[str, Any] | None
    ) -> AgentShown:
        """The agent of a row, with a row of agents/performance.sql."""
        fared = None if performance is None else Performance.of(performance)
        return cls(**AgentBody.of(row).model_dump(), performance=fared)


class AgentDeleted(BaseModel):
    """The agent is gone."""

    id: UUID
    deleted: bool = True


class AgentType(BaseModel):
    """A type that an agent can have: code that this process knows."""

    agent_type: str
    description: str
    input_schema: dict[str, Any] | None


class AgentTypes(BaseModel):
    """The types that this process knows."""

    items: list[AgentType]


class AgentToolBody(BaseModel):
    """A tool that the configuration of an agent names."""

    name: str
    description: str
    enabled: bool


class AgentToolsBody(BaseModel):
    """The tools of an agent."""

    agent_id: UUID
    tools: list[AgentToolBody]
    total_tools: int


def _is_masked(value: Any) -> bool:
    return value == REDACTED or any(map(_is_masked, _parts(value)))


def _is_deep(value: Any, most: int) -> bool:
    return most < 0 or any(_is_deep(part, most - 1) for part in _parts(value))


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def model_of(agent_type: str | None, configuration: Mapping[str, Any]) -> str | None:
    """The model that an agent with this configuration asks; None where it names none."""
    inside = configuration.get("parameters")
    named = configuration.get("model") or (isinstance(inside, dict) and inside.get("model"))
    if isinstance(named, str):
        return named
    return DEFAULT_MODEL if agent_type == "llm" else None
