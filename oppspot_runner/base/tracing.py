"""Which trace things belong to, in words that need no library for traces.

A trace, and the span in it that something hangs from, are named by a traceparent, as W3C Trace
Context has it. Where no traces are made, nothing here does anything; observe/spans makes them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Protocol
from uuid import UUID

WRITTEN = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

# The span that whatever happens here hangs from: of an attempt, or of who asked by HTTP.
CURRENT: ContextVar[str | None] = ContextVar("oppspot_traceparent", default=None)


def readable(text: str | None) -> str | None:
    """`text` if it is a traceparent; anything else names no trace."""
    return text if text is not None and WRITTEN.fullmatch(text) else None


def trace_id(traceparent: str | None) -> str | None:
    """The trace that a traceparent names."""
    found = WRITTEN.fullmatch(traceparent) if traceparent else None
    return found[1] if found else None


class Sending(Protocol):
    """The span of putting tasks in; they belong to `traceparent`."""

    traceparent: str

    def end(
        self,
        *,
        ids: Sequence[UUID] = (),
        run_id: UUID | None = None,
        error: BaseException | None = None,
    ) -> None:
        """It is over: `ids` are those of the tasks that were put in, `run_id` that of their run."""


BeginSending = Callable[[str], Sending | None]
_begin: BeginSending | None = None


def trace_sending(begin: BeginSending | None) -> None:
    """From now on `begin` makes a span for all that is put into a lane; None: nobody does."""
    global _begin
    _begin = begin


def begin_sending(lane: str) -> Sending | None:
    """The span of putting something into a lane; None where no traces are made."""
    return None if _begin is None else _begin(lane)
