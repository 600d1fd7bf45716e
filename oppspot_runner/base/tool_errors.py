"""Errors with a code: what a call of a tool, or of another service, can end with.

`error.code` is for programs and models, `error.retried` says whether the same call may succeed
later. All codes: base/codes.py. The tree is drawn in base/errors.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from difflib import get_close_matches

from oppspot_runner.base.codes import Code
from oppspot_runner.base.errors import CallError, OppspotError, RateLimitExceededError


class CodedError(CallError):
    """A failed call with one of the codes of base/codes.py.

    `unsent`: although the code alone does not tell, the other side was not asked for anything.
    """

    unsent: bool = False

    def __init__(
        self,
        code: Code,
        message: str,
        *,
        hint: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint, retry_after_s=retry_after_s)
        self.reason = code
        self.code = code.name
        self.retried = code.retried


class BudgetExceededError(CodedError):
    """A call was not made: with what it may cost, a budget would be exceeded."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(Code.BUDGET_EXCEEDED, message, hint=hint)


class BudgetHeldError(OppspotError):
    """What is left of a budget is held by other calls; `until` is when to ask again.

    No CallError: `ctx.llm` makes a wait of it, which holds no slot.
    """

    def __init__(self, message: str, until: datetime | None = None) -> None:
        super().__init__(message)
        self.until = until


class PriceUnknownError(CodedError):
    """A call was not made: nobody knows its price, and a budget denies such calls."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(Code.PRICE_UNKNOWN, message, hint=hint)


class ToolError(CodedError):
    """A tool that could not be used; `tool_name` says which."""

    def __init__(
        self,
        tool_name: str,
        code: Code,
        message: str,
        *,
        hint: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(code, message, hint=hint, retry_after_s=retry_after_s)
        self.tool_name = tool_name


class ToolNotFoundError(ToolError):
    """No tool of that name can be used."""

    def __init__(self, tool_name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = get_close_matches(tool_name, names, 1)
        super().__init__(
            tool_name,
            Code.TOOL_NOT_FOUND,
            f"there is no tool {tool_name[:100]!r}; known: {', '.join(names) or 'none'}",
            hint=f"Did you mean {near[0]}?" if near else None,
        )


class ToolNotPermittedError(ToolError):
    """The security context does not permit the tool."""

    def __init__(self, tool_name: str, needed: str) -> None:
        super().__init__(
            tool_name,
            Code.TOOL_NOT_PERMITTED,
            f"the tool {tool_name} is not permitted here",
            hint=f"The permissions of the security context need {needed!r}.",
        )


class ToolRateLimitError(ToolError, RateLimitExceededError):
    """There were too many calls of the tool; after `retry_after_s` the next one may be made."""

    def __init__(self, tool_name: str, retry_after_s: float) -> None:
        super().__init__(
            tool_name,
            Code.RATE_LIMIT_EXCEEDED,
            f"there were too many calls of {tool_name}",
            hint=f"The next one may be made in {retry_after_s:.1f} s.",
            retry_after_s=retry_after_s,
        )


class ToolExecutionError(ToolError):
    """A tool was called and failed; the code says how.

    Tools raise it themselves for what they refuse, with a code of their own choice.
    """

    def __init__(
        self,
        tool_name: str,
        code: Code,
        message: str,
        *,
        hint: str | None = None,
        retry_after_s: float | None = None,
        unsent: bool = False,
    ) -> None:
        super().__init__(tool_name, code, message, hint=hint, retry_after_s=retry_after_s)
        self.unsent = unsent


class ToolArgumentsError(ToolExecutionError):
    """The arguments do not fit the tool's schema, or are too large."""

    def __init__(self, tool_name: str, fault: str) -> None:
        super().__init__(
            tool_name, Code.TOOL_ARGUMENTS_INVALID, f"bad arguments for {tool_name}: {fault}"
        )


class ToolTimeoutError(ToolExecutionError):
    """The tool took longer than its time limit."""

    def __init__(self, tool_name: str, limit_s: float) -> None:
        super().__init__(
            tool_name,
            Code.TOOL_TIMEOUT,
            f"the tool {tool_name} did not end within {limit_s:g} s",
        )


class ToolEndUnknownError(ToolExecutionError):
    """A call that must not be made twice was begun, and nobody knows whether it was made."""

    def __init__(self, tool_name: str, step: str, attempt: int, why: str) -> None:
        super().__init__(
            tool_name,
            Code.TOOL_END_UNKNOWN,
            f"the call {step!r}, begun by attempt {attempt}, may have been made: {why}",
            hint="Look whether it was; then `oppspot-runner tools settle` says so, and the task can"
            " be retried.",
        )
