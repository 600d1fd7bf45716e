"""Bodies in child processes, which can be ended whatever they do, and die for themselves alone.

Children are warm: one that ended its body takes the next one, so there are as many as there were
bodies at once. One that is cut off, dies, or is worn out is replaced when the next one is needed.
"""

from __future__ import annotations

import asyncio
import pickle
import sys
from dataclasses import fields
from typing import Any

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.stores import Stores
from oppspot_runner.backends import memory
from oppspot_runner.backends.backend import Briefing, Result
from oppspot_runner.backends.border import Answer, BorderError, Call, Ended, LogLine, Ticket
from oppspot_runner.backends.children import Child, ChildEndedError, Children
from oppspot_runner.backends.importable import place_of
from oppspot_runner.backends.judging import judged_error, told
from oppspot_runner.backends.local import LocalBackend
from oppspot_runner.base.errors import Fail, LeaseLostError, OppspotError
from oppspot_runner.base.outcome import Retry

# The fields of a Context that are plain data; the others are asked for across the border.
FACTS = (
    "task",
    "agent",
    "stream",
    "payload",
    "goal_context",
    "upstream",
    "deadline",
    "execution_config",
    "force_execute",
    "work_time",
)
STORES = frozenset(one.name for one in fields(Stores))
PORTS = STORES | {"journal", "_model_calls", "_tool_calls", "http"}
LOOK_S = 0.25  # a child may take this long over its memory limit where the system does not stop it


class Processes(LocalBackend):
    """Runs bodies in child processes. Cancelled, it kills the child with all that it started."""

    def __init__(self) -> None:
        super().__init__()
        self._children = Children()
        self._idle: list[Child] = []

    async def run(self, briefing: Briefing) -> Result:
        try:
            ticket = ticket_for(briefing)
            child = await self._child()
        except (Fail, ChildEndedError) as error:
            return Result(judged_error(error))
        ended: Ended | None = None
        try:
            ended = await Errand(child, briefing, self._children).run(ticket)
        finally:
            if ended is not None and not ended.worn_out:
                self._idle.append(child)
            else:
                await self._children.kill(child)
        return _result(ended, briefing)

    async def stop(self) -> None:
        await super().stop()
        for child in self._idle:
            child.channel.writer.close()
        self._idle.clear()
        await self._children.stop()

    async def _child(self) -> Child:
        while self._idle:
            child = self._idle.pop()
            if not child.ended.done():
                return child
            child.channel.writer.close()
        return await self._children.bear()


class Errand:
    """One body in one child, seen from the runner: answers its calls until it ended."""

    def __init__(self, child: Child, briefing: Briefing, children: Children) -> None:
        self.child = child
        self.contexts = [one.ctx for one in briefing.members]
        self.most_bytes = briefing.options.memory_limit
        self.children = children
        self._why_killed: str | None = None

    async def run(self, ticket: Ticket) -> Ended:
        """How the body ended; a child that ends before it is an error of the attempt."""
        async with asyncio.TaskGroup() as group:
            started: set[asyncio.Task[None]] = set()
            if self.most_bytes is not None:
                started.add(group.create_task(self._watch_memory(self.most_bytes)))
            try:
                await self.child.send(ticket)
                while not isinstance(message := await self.child.receive(), Ended):
                    if isinstance(message, Call):
                        started.add(group.create_task(self._answer(message)))
                    else:
                        self._log(message)
                return message
            except ChildEndedError as error:
                return Ended(Retry(self._why_killed or str(error)), worn_out=True)
            except BorderError as error:
                return Ended(Retry(f"what the child process sent: {error}"), worn_out=True)
            finally:
                for task in started:
                    task.cancel()

    async def _answer(self, call: Call) -> None:
        try:
            port = port_of(self.contexts[call.member], call.port)
            answer = Answer(
                call.number, await getattr(port, call.method)(*call.args, **call.kwargs)
            )
        except Exception as error:  # noqa: BLE001 - raised on the other side
            answer = Answer(call.number, error=portable(error))
        try:
            await self.child.send(answer)
        except BorderError as error:
            await self.child.send(Answer(call.number, error=RuntimeError(str(error))))

    def _log(self, line: LogLine) -> None:
        for ctx in self.contexts:
            if line.run_token == ctx.run_token:
                getattr(ctx.log, line.method)(line.event, **line.fields)

    async def _watch_memory(self, most_bytes: int) -> None:
        used = 0
        while used <= most_bytes:
            await asyncio.sleep(LOOK_S)
            used = memory.resident(self.child.pid)
        self._why_killed = memory.exceeded(most_bytes)
        await self.children.kill(self.child)


def ticket_for(briefing: Briefing) -> Ticket:
    """What a child is told of a body. Raises Fail for an agent that it could not find."""
    module, name = place_of(briefing.definition)
    return Ticket(
        module=module,
        name=name,
        agent_type=briefing.definition.agent_type,
        options=briefing.options,
        facts=[_facts(one.ctx) for one in briefing.members],
        log_level=briefing.ctx.log.get_effective_level(),
        sys_path=sys.path,
    )


def _facts(ctx: Context) -> dict[str, Any]:
    return {field: getattr(ctx, field) for field in FACTS} | {"sources": ctx.http.sources}


def port_of(ctx: Context, name: str) -> Any:
    """What a child means by a name: the attempt's journal, models, tools, or a store."""
    if name not in PORTS:
        raise RuntimeError(f"there is no {name} to be asked")
    return getattr(ctx, name)


def portable(error: Exception) -> Exception:
    """`error` if it can be made again on the other side, else its words."""
    try:
        made = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    except Exception:  # noqa: BLE001 - whatever the error's own code does
        made = None
    if isinstance(error, OppspotError) and type(made) is type(error):
        return error
    return RuntimeError(told(error))


def _result(ended: Ended, briefing: Briefing) -> Result:
    if ended.outcome is None:
        raise LeaseLostError("the task was lost while its child process ran")
    result = Result(ended.outcome, ended.value, each=ended.each, state=ended.state)
    return result.with_saver(briefing)
