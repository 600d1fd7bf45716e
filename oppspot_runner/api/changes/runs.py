"""Changes of runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from oppspot_runner.api.bodies.runs import StartGraph
from oppspot_runner.api.changing import Change
from oppspot_runner.workflow import runs


async def start_graph(change: Change, new: StartGraph) -> UUID:
    """Starts an agent and those below it; the run. Raises what `run_graph` raises."""
    made = await change.client.run_graph(
        new.root,
        new.payload,
        strategy=new.strategy,
        max_parallel=new.max_parallel,
        priority=new.priority,
        requested_by=new.requested_by or change.actor.name,
    )
    told = {"root": new.root, "strategy": new.strategy}
    await change.record("run.start", "run", made, after=told)
    return made


async def approve(change: Change, run_id: UUID, agent: UUID | None = None) -> int:
    """Lets agents start that wait for an approval: that one, or all; how many.

    Raises NotFoundError.
    """
    approved = await change.client.approve_run(run_id, agent)
    if approved:
        await change.record("run.approve", "run", run_id, after={"agent": _id(agent)})
    return approved


async def cancel(
    change: Change, run_id: UUID, reason: str | None = None, agent: UUID | None = None
) -> list[dict[str, Any]]:
    """Cancels a run, or an agent of it with all below; the tasks concerned.

    Raises NotFoundError.
    """
    before = await runs.get_run(change.database, run_id)
    tasks = await change.client.cancel_run(run_id, reason, agent=agent)
    after = await runs.get_run(change.database, run_id)
    told = {"status": after["status"], "reason": reason, "agent": _id(agent)}
    await change.record(
        "run.cancel", "run", run_id, before={"status": before["status"]}, after=told
    )
    return tasks


async def rerun(change: Change, run_id: UUID, from_agent: UUID | None = None) -> UUID:
    """Does an ended run again, in a run of its own, all of it or from an agent on; that run.

    Raises NotFoundError, and ConflictError while it is on.
    """
    made = await change.client.rerun_run(run_id, from_agent, requested_by=change.actor.name)
    told = {"run_id": str(made), "from_agent": _id(from_agent)}
    await change.record("run.rerun", "run", run_id, after=told)
    return made


async def signal(
    change: Change, run_id: UUID, name: str, payload: Mapping[str, Any] | None = None
) -> UUID:
    """Sends a signal to a run that is on; its id. Raises NotFoundError and ConflictError."""
    made = await change.client.signal_run(run_id, name, payload)
    await change.record("run.signal", "run", run_id, after={"name": name, "payload": payload})
    return made


def _id(agent: UUID | None) -> str | None:
    return None if agent is None else str(agent)
