"""The exceptions of oppspot_runner.

    OppspotError                   everything that this package raises on purpose
    |-- ConfigurationError         a setting, a flag or an installation that cannot work
    |   `-- SettingError           a setting whose value is not usable
    |-- DatabaseError              the database is away, or holds something we cannot use
    |   `-- SchemaError            migrations missing, too new, or refused to adopt
    |-- NotFoundError              no such task, agent, stream, run or runner
    |-- InvalidInputError          a value from outside that breaks a stated rule
    |   |-- CycleError             agents that wait for each other
    |   `-- UnknownAgentTypeError  no agent of that type is registered
    |-- ConflictError              the row is in a state that forbids the request
    |-- LeaseLostError             this attempt no longer owns its task
    |-- BudgetHeldError            others hold what is left of a budget: ctx.llm waits for it
    |-- CallError                  a call of an agent to the outside failed; `code` says how
    |   |-- RateLimitExceededError   too many calls; ToolRateLimitError is one for tools
    |   |-- SourceError              a source of the outside world did not answer as it should
    |   |   |-- SourceDownError            it cannot be reached, or has an error of its own
    |   |   |-- AccessDeniedError          it does not let us
    |   |   |-- BadCallError               it does not understand what was asked
    |   |   |-- MalformedAnswerError       what came cannot be read
    |   |   |-- AnswerRefusedError         what came, or the way to it, breaks a rule of ours
    |   |   `-- SourceNotConfiguredError   a key that it needs is not set
    |   `-- CodedError               one whose code is of base/codes.py
    |       |-- ModelError           of a language model (llm/errors.py)
    |       |-- BudgetExceededError  it might cost more than a budget has left
    |       |-- PriceUnknownError    nobody knows what it costs, and a budget minds
    |       |-- ToolError            a tool that could not be used
    |       |   |-- ToolNotFoundError       there is no such tool
    |       |   |-- ToolNotPermittedError   the caller may not use it
    |       |   `-- ToolExecutionError      it was called and failed
    |       |       |-- ToolArgumentsError  ... because of its arguments
    |       |       |-- ToolTimeoutError    ... because it took too long
    |       |       `-- ToolEndUnknownError ... or not: nobody knows, and it must not be made twice
    |       `-- HttpError            a call of another service without an answer that we took
    |           |-- HttpRefusedError   it breaks a rule of ours
    |           `-- HttpFailedError    the other side did not answer, or not in time
    `-- AgentSignal                raised by agents to end an attempt in a particular way
        |-- Retry                  try again, uses a retry
        |-- Snooze                 try again later, uses no retry
        `-- Fail                   give up, no retry
            |-- EventTimeoutError    what the agent waited for did not come in time
            `-- ChildrenFailedError  some of what the agent spawned did not complete

CodedError, those of budgets and tools are in base/tool_errors.py, HttpError in
connectors/http/errors.py.
SoftTimeLimitError (agents/work_time.py) and Suspended (base/waiting.py) stand apart: they are a
cancellation and a wait, not errors.

`str(error)` says what happened and why; `error.hint` says what to do next, where that is known.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, TypeVar

C = TypeVar("C", bound="CallError")


class OppspotError(Exception):
    """Something that oppspot_runner refuses or could not do."""

    hint: str | None

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        if hint:
            self.add_note(hint)  # whoever meets the error as a traceback reads it there

    def one_line(self) -> str:
        """What happened, why, and what to do next, in one line."""
        text = " ".join(str(self).split())
        return f"{text.rstrip('.')}. {self.hint}" if self.hint else text


class ConfigurationError(OppspotError):
    """A setting, a flag or an installation that cannot work."""


class SettingError(ConfigurationError):
    """A setting is not usable: `field` of Settings, which is `name` in the environment."""

    def __init__(self, field: str, name: str, fault: str) -> None:
        super().__init__(f"{name} {fault}")
        self.field = field
        self.fault = fault


class DatabaseError(OppspotError):
    """The database is away, or holds something we cannot use."""


class SchemaError(DatabaseError):
    """The schema is missing, too new, or cannot be adopted."""


class NotFoundError(OppspotError):
    """No such task, agent, stream, run or runner."""


class InvalidInputError(OppspotError):
    """A value from outside that breaks a stated rule."""


class CycleError(InvalidInputError):
    """Agents that wait for each other; `cycle` names them, the first one again at the end."""

    def __init__(self, cycle: list[str]) -> None:
        super().__init__(
            "the agents wait for each other: " + " -> ".join(cycle),
            hint="Remove one of these dependencies.",
        )
        self.cycle = cycle


class UnknownAgentTypeError(InvalidInputError):
    """No agent of that type is registered."""

    def __init__(self, agent_type: str, known: list[str]) -> None:
        super().__init__(
            f"unknown agent type {agent_type!r}; known: {', '.join(known) or 'none'}",
            hint="Load the module that defines it with --import, or correct the agent's row.",
        )


class ConflictError(OppspotError):
    """The row is in a state that forbids the request."""


class LeaseLostError(OppspotError):
    """This attempt no longer owns its task: another runner has it, or somebody took it back."""


class CallError(OppspotError):
    """A call of an agent to the outside, a model or a tool, that failed.

    `code` is stable and for programs. An attempt that ends with such an error fails for good unless
    `retried`; with `retry_after_s`, what the other side asked for in seconds, it is snoozed that
    long, which holds no slot and uses no retry.
    """

    code: str = "CALL_FAILED"
    retried: bool = False

    def __init__(
        self, message: str, *, hint: str | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s

    def __reduce__(self) -> tuple[Any, ...]:
        """As any error that is to cross to another process, whatever its class is made with."""
        return _remade, (type(self), str(self), vars(self))


def _remade(kind: type[C], message: str, known: dict[str, Any]) -> C:
    error = kind.__new__(kind, message)
    vars(error).update(known)
    return error


class RateLimitExceededError(CallError):
    """Too many calls in a while, by the count of the other side or by a limit of ours."""

    code = "RATE_LIMIT_EXCEEDED"
    retried = True


class SourceError(CallError):
    """A source, a service of the outside world, did not answer as it should.

    The message names the source and its host, never a path, a query or a key: `source` is its name,
    `status` what it answered with, None where there was no answer.
    """

    def __init__(
        self,
        message: str,
        *,
        source: str,
        status: int | None = None,
        hint: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, hint=hint, retry_after_s=retry_after_s)
        self.source = source
        self.status = status


class SourceDownError(SourceError):
    """The source cannot be reached, is slow, or has an error of its own, also after three tries.

    With `retry_after_s` its breaker is open, or it said itself when to come again.
    """

    code = "SOURCE_DOWN"
    retried = True


class AccessDeniedError(SourceError):
    """The source does not let us: a key is wrong, or robots.txt keeps us out."""

    code = "ACCESS_DENIED"


class BadCallError(SourceError):
    """The source does not understand what was asked."""

    code = "BAD_CALL"


class MalformedAnswerError(SourceError):
    """What the source answered cannot be read, also when it was asked twice."""

    code = "MALFORMED_ANSWER"
    retried = True

    @classmethod
    def beginning(cls, source: str, status: int, content: bytes) -> MalformedAnswerError:
        """The error for an answer that is no JSON, with how it begins."""
        shown = " ".join(content[:200].decode("utf-8", "replace").split())
        return cls(
            f"{source} answered with what is no JSON: {shown!r}", source=source, status=status
        )


class AnswerRefusedError(SourceError):
    """What came, or the way to it, breaks a rule of ours; `code` is that of the rule."""

    def __init__(self, message: str, *, source: str, code: str, hint: str | None = None) -> None:
        super().__init__(message, source=source, hint=hint)
        self.code = code


class SourceNotConfiguredError(SourceError):
    """A setting that the source needs is missing; the hint names it."""

    code = "SOURCE_NOT_CONFIGURED"


class AgentSignal(OppspotError):
    """Raised by agents to end an attempt in a particular way."""


class Retry(AgentSignal):
    """Try again. Counts as a retry; `after` overrides the back-off."""

    def __init__(
        self, reason: str = "the agent asked for a retry", *, after: timedelta | float | None = None
    ) -> None:
        super().__init__(reason)
        self.after_s = after.total_seconds() if isinstance(after, timedelta) else after


class Snooze(AgentSignal):
    """Try again at `until`, or `after` some time. Uses no retry and holds no slot meanwhile."""

    def __init__(
        self,
        until: datetime | None = None,
        *,
        after: timedelta | float | None = None,
        reason: str = "the agent asked to be snoozed",
    ) -> None:
        super().__init__(reason)
        if (until is None) == (after is None):
            raise InvalidInputError("Snooze wants either `until` or `after`")
        if until is not None and until.tzinfo is None:
            raise InvalidInputError("Snooze(until=...) wants a time with a time zone")
        self.until = until
        self.after_s = after.total_seconds() if isinstance(after, timedelta) else after


class Fail(AgentSignal):
    """Give up at once: the task fails with this reason and is not retried."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


class EventTimeoutError(Fail, TimeoutError):
    """What an agent waited for did not come in time; raised in the agent.

    An agent that lets it through has failed: another attempt would find the same.
    """


class ChildrenFailedError(Fail):
    """Some of the tasks that an agent spawned did not complete; each had its own retries."""
