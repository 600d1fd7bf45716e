"""How a body ended that ran elsewhere, on its way back through the database: as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter

from oppspot_runner.agents.definition import Agent
from oppspot_runner.backends.backend import Result
from oppspot_runner.backends.judging import judged_error
from oppspot_runner.backends.typed_json import UnportableError, pack, unpack
from oppspot_runner.base.jsonsafe import clean, dumps
from oppspot_runner.base.outcome import Cancel, Done, Fail, Outcome, Release, Retry, Snooze
from oppspot_runner.queue.handoffs import Taken
from oppspot_runner.queue.settlement import Metrics

OWN = ("ctx", "input")  # attributes of an agent that the runner has itself
OVER = Release("the task had ended before its batch began")
MOST_BYTES = 64 * 1024 * 1024  # what is larger belongs in a table or a file of its own
KINDS: dict[str, TypeAdapter[Any]] = {
    kind.__name__: TypeAdapter(kind) for kind in (Done, Retry, Snooze, Fail, Cancel, Release)
}


def as_whole_batch(
    taken: Taken, result: Result, counted: Sequence[Metrics]
) -> tuple[Result, list[Metrics]]:
    """A result, and what was counted, of the tasks that a worker found, as that of all tasks that
    were handed on together: those who wait take their part by its place.

    Nobody waits for the parts of the others.
    """
    each = taken.in_places(result.each, OVER) if result.each else ()
    return replace(result, each=tuple(each)), taken.in_places(counted, {})


def to_json(result: Result, metrics: Sequence[Metrics] = ()) -> dict[str, Any]:
    """A result as JSON values, with what each of its tasks has done, in numbers.

    A value that cannot come back is an error of the attempt; nothing is raised.
    """
    try:
        written = _written(result)
    except UnportableError as error:
        written = _written(Result(Fail(f"{_culprit(result)} cannot leave the worker: {error}")))
    except Exception as error:  # noqa: BLE001 - whatever the values of a result do
        written = _written(Result(judged_error(error)))
    return {**written, "metrics": [clean(one) for one in metrics]}


def from_json(written: Mapping[str, Any]) -> Result:
    """The result that `to_json` wrote, without its saver; one that cannot be read is an error."""
    try:
        return Result(
            _outcome(written["outcome"]),
            unpack(written["value"]),
            state=unpack(written["state"]),
            each=tuple(_outcome(one) for one in written["each"]),
            metrics=tuple(written["metrics"]),
        )
    except Exception as error:  # noqa: BLE001 - whatever another version of the code wrote
        return Result(Retry(f"what the worker returned cannot be read: {error}"))


def _written(result: Result) -> dict[str, Any]:
    outcome, value, state = result.outcome, None, None
    if result.saver is not None and isinstance(outcome, Done):
        outcome = Done()  # judged from the value, after it was saved
        value, state = pack(result.value), pack(_state(result.saver))
    written = {
        "outcome": _fields(outcome),
        "each": [_fields(one) for one in result.each],
        "value": value,
        "state": state,
    }
    size = len(dumps(written))
    if size > MOST_BYTES:
        raise UnportableError(f"{size:,} bytes are too large (most: {MOST_BYTES:,})")
    return written


def _state(saver: Agent) -> dict[str, Any]:
    return {key: value for key, value in vars(saver).items() if key not in OWN}


def _culprit(result: Result) -> str:
    for name, value in _state(result.saver).items() if result.saver else ():
        try:
            pack(value)
        except UnportableError:
            return f"the agent's attribute {name!r}"
    return "the result"


def _fields(outcome: Outcome) -> list[Any]:
    return [type(outcome).__name__, clean(outcome)]


def _outcome(written: Sequence[Any]) -> Outcome:
    kind, fields = written
    outcome: Outcome = KINDS[kind].validate_python(fields)
    return outcome
