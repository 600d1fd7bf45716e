"""`ctx.llm`: the language models, as the agent of a task asks them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from oppspot_runner.agents.ports import ModelCalls
from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.steps import Step
from oppspot_runner.base.tool_errors import BudgetHeldError
from oppspot_runner.base.waiting import FOR_MONEY, Awaited
from oppspot_runner.llm.kept_answers import answer_of, fingerprint, is_usable
from oppspot_runner.llm.messages import ModelRequest, Reply, UserMessage

MODEL_STEP = "model"


class Once(Protocol):
    """Context.once."""

    def __call__(
        self,
        name: str,
        work: Callable[[Step], Awaitable[Any]],
        *,
        fingerprint: str | None = None,
        usable: Callable[[Any], bool] = ...,
    ) -> Awaitable[Any]: ...


class LanguageModels:
    """Asks models on behalf of a task. An answer is a step: it is paid for once.

    `wait` ends the attempt until there may be money; `default` is the model of the configuration.
    """

    def __init__(
        self,
        calls: ModelCalls,
        once: Once,
        wait: Callable[[str, Awaited], Awaitable[Any]],
        default: Any,
        retries: int,
    ) -> None:
        self._calls = calls
        self._once = once
        self._wait = wait
        self._default = default
        self._retries = retries

    async def ask(
        self,
        asked: ModelRequest | str,
        *,
        model: str | None = None,
        step: str = MODEL_STEP,
        goes_on: bool = False,
    ) -> Reply:
        """The answer of `model`, by default the one that the agent's configuration names.

        A text is asked as the one message of a user. What an earlier attempt was answered is not
        asked again. An answer that fits no schema is one as well, but counts after an error of the
        attempt only when the caller `goes_on` with such answers, as by giving them back to the
        model. The words of a new answer go to those who follow the run, as they come. While what is
        left of a budget is held by others, the attempt ends and goes on later, as in sleep_until.
        Raises ModelError, BudgetExceededError, PriceUnknownError, ConfigurationError (no model).
        """
        name = model or self._default
        if not isinstance(name, str):
            raise ConfigurationError(
                "no model is named", hint="Give `model`, or set it in the agent's configuration."
            )
        request = ModelRequest([UserMessage(asked)]) if isinstance(asked, str) else asked

        async def ask(step: Step) -> Any:
            try:
                return await self._calls.ask(name, request, step=step)
            except BudgetHeldError as wait:
                return await self._wait(f"{FOR_MONEY}{wait}", Awaited(False, until=wait.until))

        answer = await self._once(
            step,
            ask,
            fingerprint=fingerprint(name, request),
            usable=lambda kept: goes_on or is_usable(kept, self._retries),
        )
        if isinstance(answer, Reply):
            return answer
        await self._calls.replayed()
        return answer_of(answer)
