"""The life of a child process: takes one body after the other across the border and runs it.

The body runs in the main thread, because that is where signals arrive. When the runner is gone, the
child ends itself with its whole group: see ChildBorder.
"""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from typing import Any, NoReturn

import structlog

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.options import AgentOptions
from oppspot_runner.agents.stores import OF_STREAM, Stores
from oppspot_runner.agents.web import WebAccess
from oppspot_runner.agents.work_time import WorkTime
from oppspot_runner.backends import memory
from oppspot_runner.backends.backend import Briefing, Result
from oppspot_runner.backends.border import BorderError, Ended, Ticket, framed
from oppspot_runner.backends.child_border import OF_MEMBER, ChildBorder, RemoteStore
from oppspot_runner.backends.importable import definition_at
from oppspot_runner.backends.judging import judged_error, told
from oppspot_runner.backends.main_thread import run_in_main_thread
from oppspot_runner.base.errors import LeaseLostError
from oppspot_runner.base.jsonsafe import clean
from oppspot_runner.base.outcome import Done, Fail, Outcome, Retry
from oppspot_runner.tools import threads

OWN = ("ctx", "input")  # attributes of an agent that the runner has itself
NOT_FOUND = "the agent cannot be loaded in a child process"


def live(border: socket.socket) -> NoReturn:
    """Runs bodies until the runner closes the border, or kills this process."""
    there = ChildBorder(border)
    served = 0
    while True:
        ticket = there.tickets.get()
        served += 1
        there.begin(ticket)
        there.send(_run(ticket, there, served))


def _run(ticket: Ticket, border: ChildBorder, served: int) -> bytes:
    """Runs one body; what the runner is told of its end."""
    try:
        briefing = _briefing(ticket, border)
    except BaseException as error:  # noqa: BLE001 - whatever a module does when it is imported
        return framed(Ended(Retry(f"{NOT_FOUND}: {told(error)}"), worn_out=True))
    try:
        result = run_in_main_thread(briefing, border.loop)
    except LeaseLostError:
        return framed(Ended(None, worn_out=True))
    return _crossing(result, is_worn_out(ticket.options, served, briefing.ctx.work_time))


def _briefing(ticket: Ticket, border: ChildBorder) -> Briefing:
    definition = definition_at(ticket.module, ticket.name, ticket.agent_type, ticket.options.batch)
    model = definition.input_model
    first, *others = (
        Briefing(
            definition, ticket.options, ctx, model.model_validate(ctx.payload) if model else None
        )
        for ctx in (_context(facts, border, place) for place, facts in enumerate(ticket.facts))
    )
    return replace(first, companions=tuple(others))


def _context(facts: dict[str, Any], border: ChildBorder, member: int) -> Context:
    def store(port: str) -> Any:
        return RemoteStore(border, member, port)

    missing = OF_STREAM if facts["stream"] is None else ()
    sources = facts.pop("sources")
    return Context(
        **facts,
        _log=lambda: structlog.get_logger(**{OF_MEMBER: facts["task"].run_token}),
        journal=store("journal"),
        _model_calls=store("_model_calls"),
        _tool_calls=store("_tool_calls"),
        http=WebAccess(store("http"), sources),
        stores=Stores.each(lambda name: None if name in missing else store(name)),
    )


def is_worn_out(options: AgentOptions, served: int, work_time: WorkTime) -> bool:
    """Whether this process should not run another body."""
    most_bytes = options.recycle_memory or (options.memory_limit or 0) // 2
    return (
        served >= options.recycle_after
        or threads.left_behind() > 0
        or work_time.interrupted  # in the middle of something, perhaps
        or 0 < most_bytes < memory.resident(os.getpid())
    )


def _crossing(result: Result, worn_out: bool) -> bytes:
    try:
        if result.saver is None or not isinstance(result.outcome, Done):
            each = tuple(_plain(one) for one in result.each)
            return framed(Ended(_plain(result.outcome), worn_out, each=each))
        kept = {key: value for key, value in vars(result.saver).items() if key not in OWN}
        return framed(Ended(Done(), worn_out, result.value, kept))
    except BorderError as error:
        return framed(Ended(Fail(f"{_culprit(result)} cannot leave the child: {error}"), worn_out))
    except Exception as error:  # noqa: BLE001 - whatever the values of a result do
        return framed(Ended(judged_error(error), worn_out))


def _plain(outcome: Outcome) -> Outcome:
    """`outcome` with its output in the JSON form in which it will be stored."""
    if isinstance(outcome, Done | Fail | Retry) and outcome.output is not None:
        return replace(outcome, output=clean(outcome.output))
    return outcome


def _culprit(result: Result) -> str:
    for name, value in vars(result.saver).items() if result.saver else ():
        if name not in OWN:
            try:
                framed(value)
            except BorderError:
                return f"the agent's attribute {name!r}"
    return "the result"
