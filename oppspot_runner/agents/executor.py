"""`AgentExecutor`: one agent that thinks with a model, without a runner and without a database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any

from pydantic import ValidationError

from oppspot_runner.agents.conversation import Conversation
from oppspot_runner.agents.history import read_history
from oppspot_runner.agents.llm_options import read_options
from oppspot_runner.agents.prompts import prompt
from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.settings import Settings, load_settings
from oppspot_runner.base.validation import unusable
from oppspot_runner.llm.access import key_in_environment
from oppspot_runner.llm.messages import JsonObject, ToolSpec
from oppspot_runner.llm.model import LanguageModel
from oppspot_runner.llm.models import Models
from oppspot_runner.tools.configuration import ToolConfiguration
from oppspot_runner.tools.registry import registry
from oppspot_runner.tools.sandbox import ToolSandbox
from oppspot_runner.tools.security import SecurityContext


class LLMModel(StrEnum):
    """Names of models. Every other name that is understood can be given as text."""

    CLAUDE_HAIKU = "claude-haiku"
    CLAUDE_SONNET = "claude-sonnet"
    CLAUDE_OPUS = "claude-opus"
    CLAUDE_SONNET_4 = "claude-sonnet-4-20250514"
    CLAUDE_OPUS_4 = "claude-opus-4-20250514"
    GPT_6_LUNA = "gpt-6-luna"
    GPT_6_SOL = "gpt-6.1-sol"
    GEMINI_FLASH = "gemini-3.8-flash"
    GEMINI_1_5_PRO = "gemini-1.5-pro"
    MOCK_ECHO = "mock:echo"
    MOCK_SCRIPT = "mock:script"


class AgentExecutor:
    """Executes an agent: asks `model`, calls the agent's tools, until there is an answer.

    `agent_config` has the keys of an agent's configuration (docs/guides/llm-agents.md). `tools` are
    its tools by name, `sandbox` is where they are called; `security_context` says for whom, and
    what they may do. Keys of providers come from the settings.

    Raises ConfigurationError, ToolNotFoundError and UnknownModelError for what cannot work. For one
    event loop at a time; any number of executions may go on in it at once.
    """

    def __init__(
        self,
        agent_config: Mapping[str, Any],
        model: LLMModel | str,
        *,
        security_context: SecurityContext | Mapping[str, Any] | None = None,
        settings: Settings | None = None,
    ) -> None:
        self.agent_config = dict(agent_config)
        self.model = model
        self.options = read_options(agent_config)
        for needs, given in (
            ("limits.cost_usd", self.options.limits.cost_usd),
            ("cached_for_s", self.options.cached_for_s),
        ):
            if given is not None:
                raise ConfigurationError(
                    f"{needs} cannot be kept by an executor: it has no database",
                    hint="Run the agent as a task.",
                )
        configured = ToolConfiguration.of(self.agent_config)
        tools = configured.chosen(registry, {})
        self.tools = {name: tools.find(name) for name in tools.known()}
        self.sandbox = ToolSandbox(tools)
        for domain in configured.allowed_domains:
            self.sandbox.add_allowed_domain(domain)
        for name, rate in configured.rate_limits.items():
            self.sandbox.set_rate_limit(name, rate.max_calls, rate.window_seconds)
        self.security_context = (
            SecurityContext(permissions=configured.permitted(tools))
            if security_context is None
            else _security(security_context)
        )
        self._models = Models(settings or load_settings())
        self._models.names.find(str(model))
        self._executions = 0

    async def aexecute(
        self, input: str, *, history: Sequence[Mapping[str, Any]] = ()
    ) -> JsonObject:
        """The answer to `input`, with all that led to it, as JSON values.

        Its keys: `response`, `tool_results`, `conversation_history`, `tokens_used`, `cost_usd`
        (None where a price is unknown), `state` (completed; truncated by max_tokens; filtered), and
        `output` where the agent has an output schema. `history` is the conversation_history to go
        on with.

        Raises ModelError, such as ContextLengthExceededError, and ConversationLimitError.
        """
        before = read_history(history)
        asked = prompt(self.options, description=input, has_tools=bool(self.tools))
        specs = [ToolSpec(one.name, one.description, one.schema()) for one in self.tools.values()]
        async with self._connections():
            conversation = Conversation(
                self._found_model().ask,
                self._call,
                self.options.request(asked.instructions, specs, before),
                self.options.limits,
            )
            return conversation.results(await conversation.run(asked.text))

    def execute(self, input: str, *, history: Sequence[Mapping[str, Any]] = ()) -> Any:
        """As `aexecute`, for code without an event loop. Inside of one it has to be awaited."""
        execution = self.aexecute(input, history=history)
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(execution)
        return execution

    def _found_model(self) -> LanguageModel:
        variable = self.options.api_key_env
        key = None if variable is None else key_in_environment(variable)
        return self._models.find(str(self.model), api_key=key, script=self.options.script)

    async def _call(self, name: str, arguments: JsonObject) -> JsonObject:
        return await self.sandbox.aexecute(name, arguments, self.security_context)

    @asynccontextmanager
    async def _connections(self) -> AsyncIterator[None]:
        """While executions go on they share connections, which are closed after the last one."""
        self._executions += 1
        try:
            yield
        finally:
            self._executions -= 1
            if self._executions == 0:
                await self._models.close()
                await self.sandbox.aclose()


def _security(given: SecurityContext | Mapping[str, Any]) -> SecurityContext:
    try:
        return SecurityContext.model_validate(given)
    except ValidationError as error:
        raise unusable(error, "the security context") from None
