"""The agent type `llm`: an agent that is a row, with a prompt, a model and tools.

Each answer of the model and of a tool is a step, so another attempt has the conversation again, up
to where it was, without a call. What the payload says as `input`, or as `title` and `description`,
is the task; all else that there is to know goes along as data.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.conversation import Conversation
from oppspot_runner.agents.function import agent
from oppspot_runner.agents.history import read_history, without_history
from oppspot_runner.agents.llm_options import LlmOptions, read_options
from oppspot_runner.agents.prompts import Prompt, prompt
from oppspot_runner.base.errors import ConfigurationError, Fail, InvalidInputError
from oppspot_runner.llm.messages import ModelRequest, Reply

# Keys of a payload that are for the runner.
NOT_SHOWN = {"stream_id", "goal_context", "execution_config", "force_execute", "chain"}


class LlmTask(BaseModel):
    """A payload. Keys of people's own are allowed, and shown to the model as data."""

    model_config = ConfigDict(extra="allow", frozen=True)

    input: Any = None
    title: str = Field("", validation_alias=AliasChoices("title", "task_title"))
    description: str = Field("", validation_alias=AliasChoices("description", "task_description"))
    conversation_history: list[Any] = Field(default_factory=list)


@agent("llm")
async def llm(ctx: Context, task: LlmTask) -> dict[str, Any]:
    """Has a conversation about the task; the keys of its results are those of AgentExecutor."""
    try:
        options = read_options(ctx.agent.configuration)
        tools = await ctx.tools.specs() if options.tools or options.custom_tools else []
        asked = _prompt(ctx, task, options, has_tools=bool(tools))
        history = read_history(task.conversation_history)
    except (ConfigurationError, InvalidInputError) as error:
        raise Fail(error.one_line()) from None

    async def ask(request: ModelRequest) -> Reply:
        return await ctx.llm.ask(request, model=options.model, goes_on=conversation.can_repair)

    request = options.request(asked.instructions, tools, history)
    conversation = Conversation(ask, ctx.tools.call, request, options.limits)
    return conversation.results(await conversation.run(asked.text))


def _prompt(ctx: Context, task: LlmTask, options: LlmOptions, *, has_tools: bool) -> Prompt:
    words = [task.description, task.input if isinstance(task.input, str) else ""]
    made = prompt(
        options,
        title=task.title,
        description="\n\n".join(filter(None, words)),
        data=list(_data(ctx, task)),
        has_tools=has_tools,
    )
    if not made.text.strip():
        raise Fail(
            "there is nothing to ask the model: the payload has no input, no agent has run before "
            "this one, and there is no goal"
        )
    return made


def _data(ctx: Context, task: LlmTask) -> Iterator[tuple[str, Any]]:
    """Where from, and what: in the order in which the model is to read it."""
    if goal := {key: value for key, value in ctx.goal_context.items() if value}:
        yield "goal", goal
    if task.input and not isinstance(task.input, str):
        yield "input", task.input
    own = task.model_extra or {}
    if others := {key: own[key] for key in own if key not in NOT_SHOWN}:
        yield "payload", others
    for agent_id, output in ctx.upstream.items():
        yield f"agent {agent_id}", without_history(output)
