"""What a returned value or an exception of an agent means, as an outcome."""

from __future__ import annotations

import inspect
import os
import traceback
from itertools import islice
from pathlib import Path
from sysconfig import get_path
from typing import Any

from oppspot_runner.agents.waiting import LAST_TIME
from oppspot_runner.agents.work_time import SoftTimeLimitError
from oppspot_runner.backends import memory
from oppspot_runner.base import errors
from oppspot_runner.base.outcome import Done, Fail, Outcome, Retry, Snooze
from oppspot_runner.base.waiting import single, suspension

MOST_FRAMES, MOST_TRACED = 20, 8_000  # frames and letters of a traceback
MOST_OF_GROUP = 3  # errors of a group that are told
CANCELLED_ITSELF = "the agent cancelled itself"
RETURNED = "returned"  # the kind of an error that is a value
LIBRARIES = tuple(  # ours among them: what runs the agents is not what went wrong in them
    f"{one}{os.sep}"
    for one in (Path(__file__).parents[1], get_path("stdlib"), get_path("platstdlib"))
)
INSTALLED = {"site-packages", "dist-packages"}


def judged_value(value: Any) -> Outcome:
    """What a returned value means: an object is the output, {"error": ...} is an error, and an
    exception is what it would be if it were raised."""
    if value is None:
        return Done({})
    if isinstance(value, BaseException):
        return judged_error(value)
    if isinstance(value, type) and issubclass(value, BaseException):
        return Fail(f"the agent returned the class {value.__name__}, not an exception of it")
    if inspect.isgenerator(value) or inspect.isasyncgen(value) or inspect.iscoroutine(value):
        return Fail(f"the agent returned a {type(value).__name__}: use return, not yield")
    if hasattr(value, "model_dump"):
        value = value.model_dump(mode="json")
    if not isinstance(value, dict):
        return Done({"result": value})
    if not value.get("error"):
        return Done(value)
    if value.get("retry") is False:
        return Fail(str(value["error"]), output=value, kind=RETURNED)
    return Retry(str(value["error"]), output=value, kind=RETURNED)


def judged_error(error: BaseException, *, memory_limit: int | None = None) -> Outcome:
    """What an exception of an agent means, which had that limit."""
    match error:
        case BaseException() if (wait := suspension(error)) is not None:
            return Snooze(f"waited: {wait}", until=wait.until or LAST_TIME)
        case errors.Fail():
            return Fail(error.one_line())
        case errors.Snooze():
            return Snooze(f"snoozed: {error}", until=error.until, after_s=error.after_s)
        case errors.Retry():
            return Retry(str(error), after_s=error.after_s)
        case errors.CallError():
            return judged_call(error)
        case SoftTimeLimitError():
            text = str(error)
        case SystemExit():
            text = f"the agent called exit({error.code!r})"
        case KeyboardInterrupt():
            text = "the agent raised KeyboardInterrupt"
        case MemoryError() if memory_limit is not None:
            text = memory.exceeded(memory_limit)
        case _:
            text = told(error)
    return Retry(text, kind=type(error).__name__)


def judged_call(error: errors.CallError) -> Outcome:
    """What it means that a call to the outside failed and the agent did not catch it."""
    reason = f"{error.code}: {error.one_line()}"
    if not error.retried:
        return Fail(reason, kind=error.code)
    if error.retry_after_s is not None:
        return Snooze(reason, after_s=error.retry_after_s)
    return Retry(reason, kind=error.code)


def told(error: BaseException) -> str:
    """Type, message and place of an error: what people read first in `error_message`.

    A group, as task groups raise it, says what is in it: its own words name no reason.
    """
    within = islice(single(error), MOST_OF_GROUP)
    return "; ".join([_told(error), *(_told(one) for one in within if one is not error)])


def traced(error: BaseException) -> str | None:
    """Where an exception came from that an agent did not mean: the traceback as text, its beginning
    where it is long. None for one by which an agent says how it ends."""
    if (
        isinstance(error, errors.OppspotError)
        or not isinstance(error, Exception)
        or suspension(error)
    ):
        return None
    try:
        text = "".join(traceback.format_exception(error, limit=-MOST_FRAMES))
    except Exception:  # noqa: BLE001 - as above
        return None
    return text if len(text) <= MOST_TRACED else f"{text[:MOST_TRACED]}…"


def _told(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - an error that cannot even be told must not stop the runner
        text = "an error that cannot be shown"
    return f"{type(error).__name__}: {text}{_place(error)}"


def _place(error: BaseException) -> str:
    """The innermost line of the agent's own code: in a library's file nobody has to look.

    Agents may be installed, too: where nothing is more its own, the line is that of a package.
    """
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return ""
    foreign = [one for one in frames if not one.filename.startswith(("<frozen", *LIBRARIES))]
    own = [one for one in foreign if INSTALLED.isdisjoint(Path(one.filename).parts)]
    frame = (own or foreign or frames)[-1]
    return f" (line {frame.lineno} of {frame.name} in {Path(frame.filename).name})"
