"""`ctx.tools`: the tools that an agent may call, each call a step."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from typing import Any, Protocol

from oppspot_runner.agents.ports import ToolCalls
from oppspot_runner.base.jsonsafe import clean, clean_text
from oppspot_runner.base.steps import Step
from oppspot_runner.base.waiting import Awaited
from oppspot_runner.llm.messages import ToolSpec

MOST_NAME = 100  # of a tool that a model made up


class Once(Protocol):
    """Context.once."""

    def __call__(
        self,
        name: str,
        work: Callable[[Step], Awaitable[dict[str, Any]]],
        *,
        fingerprint: str | None = None,
    ) -> Awaitable[dict[str, Any]]: ...


class AgentTools:
    """The tools of an agent, as its configuration has them.

    `wait` ends the attempt until something that a call waits for has come.
    """

    def __init__(
        self, calls: ToolCalls, once: Once, wait: Callable[[str, Awaited], Awaitable[Any]]
    ) -> None:
        self._calls = calls
        self._once = once
        self._wait = wait

    async def call(self, name: str, arguments: Any = None) -> dict[str, Any]:
        """Calls a tool; its answer, in the shape of results or of errors, is a step.

        So a later attempt gets the same answer, also where it is a failure: what a model has seen
        stays as it was. Raises ToolEndUnknownError for a call that may have been made before and
        must not be made twice.
        """
        return await self._answer(name, arguments, raising=False)

    async def result(self, name: str, arguments: Any = None) -> Any:
        """What a tool returns; its errors are raised, and only results are remembered.

        An agent that lets an error through is retried where the same call may succeed later.
        """
        return (await self._answer(name, arguments, raising=True))["result"]

    async def _answer(self, name: str, arguments: Any, *, raising: bool) -> dict[str, Any]:
        given = {} if arguments is None else clean(arguments)

        async def work(step: Step) -> dict[str, Any]:
            made = await self._calls.call(name, given, step=step, raising=raising)
            answer: dict[str, Any] = made.result
            return answer if made.over else await self._wait(f"for the tool {name}", made)

        step_name = f"tool {clean_text(name, most=MOST_NAME)}"
        return await self._once(step_name, work, fingerprint=_fingerprint(given))

    async def specs(self, names: Sequence[str] | None = None) -> list[ToolSpec]:
        """What a model is told of the agent's tools, or of those with these `names`.

        Raises ToolNotFoundError for a name that the agent does not have.
        """
        return [ToolSpec(**one) for one in await self._calls.specs(names)]


def _fingerprint(arguments: Any) -> str:
    return sha256(json.dumps(arguments, sort_keys=True).encode()).hexdigest()[:32]
