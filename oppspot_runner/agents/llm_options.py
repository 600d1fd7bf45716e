"""What a configuration says of an agent that thinks with a model: one form for rows and executors.

Keys that belong to others, such as run options, are passed over; one that looks like a key from
here with a slip in it is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from string import Formatter
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from oppspot_runner.agents.conversation import Limits
from oppspot_runner.agents.options import AgentOptions
from oppspot_runner.base.errors import ConfigurationError, OppspotError
from oppspot_runner.base.validation import unusable
from oppspot_runner.llm.access import KEY_VARIABLE
from oppspot_runner.llm.messages import JsonObject, Message, ModelRequest, ToolSpec
from oppspot_runner.llm.mock import MockProvider
from oppspot_runner.llm.schema import check_schema

ONE_TEXT = ("system_prompt", "prompt", "instructions")  # names of the same
PARAMETERS = ("model", "temperature", "max_tokens")  # also in an object `parameters`
PLACEHOLDERS = ("agent_prompt", "task_title", "task_description")
Text = Annotated[str, Field(max_length=1_000_000)]


class CostLimits(Limits):
    """The limits of a row; what a task may cost is for the runner to see to (limits/budgets.py)."""

    cost_usd: Decimal | None = Field(None, ge=0)
    on_unknown_price: Literal["deny", "tokens_only", "allow"] = "deny"


class LlmOptions(BaseModel):
    """The configuration of an agent that thinks with a model.

    `instructions` are its system prompt, after `role` where that is given. `script` is for
    mock:script. What `tools` and `custom_tools` mean is for tools/configuration.py.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    model: str = Field("gemini-1.5-pro", min_length=1, max_length=200)
    temperature: float | None = Field(0.7, ge=0, le=2)
    max_tokens: int = Field(1000, ge=1)
    role: Text = ""
    instructions: Text = ""
    prompt_template: Text | None = None
    tools: Any = ()
    custom_tools: Any = ()
    limits: CostLimits = CostLimits()
    output_schema: JsonObject | None = None
    cache_prompt: bool = False
    cached_for_s: float | None = Field(None, gt=0, le=31_536_000)
    api_key_env: str | None = Field(None, pattern=f"^{KEY_VARIABLE.pattern}$")
    script: tuple[Any, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _as_one_form(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        flat = {**given, **_parameters(given)}
        texts = {name: flat.pop(name) for name in ONE_TEXT if flat.get(name) is not None}
        if len({str(text) for text in texts.values()}) > 1:
            raise ValueError(f"{' and '.join(texts)} are one and the same, but differ: give one")
        if texts:
            flat["instructions"] = next(iter(texts.values()))
        return flat

    @model_validator(mode="after")
    def _can_be_used(self) -> LlmOptions:
        try:
            MockProvider(self.script)
            placeholders(self.prompt_template or "")
            if self.output_schema is not None:
                check_schema(self.output_schema)
        except OppspotError as error:
            raise ValueError(error.one_line()) from None
        return self

    def request(
        self, instructions: str, tools: Sequence[ToolSpec], history: Sequence[Message] = ()
    ) -> ModelRequest:
        """What every call of a conversation has in common; `history` was said before it."""
        return ModelRequest(
            history,
            instructions=instructions,
            tools=tools,
            output_schema=self.output_schema,
            temperature=self.temperature,
            max_tokens=self.max_tokens,
            cache_prompt=self.cache_prompt,
            cached_for_s=self.cached_for_s,
        )


def read_options(configuration: Mapping[str, Any]) -> LlmOptions:
    """The options in a configuration. Raises ConfigurationError that names the field."""
    if "api_key" in configuration:
        raise ConfigurationError(
            "the agent's configuration cannot be used: a row is no place for a key (api_key)",
            hint="Put the key in a variable of the runner, and its name here as api_key_env.",
        )
    known = {*LlmOptions.model_fields, *ONE_TEXT, "parameters"}
    for key in configuration.keys() - known - AgentOptions.model_fields.keys():
        if near := get_close_matches(key, known, 1, cutoff=0.85):
            raise ConfigurationError(
                f"the agent's configuration cannot be used: there is no {key!r}",
                hint=f"Is {near[0]} meant?",
            )
    try:
        return LlmOptions.model_validate(configuration)
    except ValidationError as error:
        raise unusable(error) from None


def placeholders(template: str) -> set[str]:
    """The placeholders in a template. Raises ConfigurationError for one that nobody knows."""
    try:
        parts = [part[1:] for part in Formatter().parse(template) if part[1] is not None]
    except ValueError as error:
        raise ConfigurationError(
            f"prompt_template cannot be read: {error}", hint="Write {{ and }} for braces."
        ) from None
    for name, form, conversion in parts:
        if name not in PLACEHOLDERS or form or conversion:
            written = f"{name}{f'!{conversion}' if conversion else ''}{f':{form}' if form else ''}"
            raise ConfigurationError(
                f"prompt_template has the unknown placeholder {{{written}}}",
                hint=f"There are {', '.join(f'{{{one}}}' for one in PLACEHOLDERS)}.",
            )
    return {str(name) for name, *_ in parts}


def _parameters(given: Mapping[str, Any]) -> dict[str, Any]:
    inside = given.get("parameters") or {}
    if not isinstance(inside, Mapping) or not inside.keys() <= set(PARAMETERS):
        raise ValueError(f"parameters is an object with {', '.join(PARAMETERS)}")
    for key in inside.keys() & given.keys():
        if inside[key] != given[key]:
            raise ValueError(f"{key} and parameters.{key} differ: give one")
    return {key: value for key, value in inside.items() if value is not None}
