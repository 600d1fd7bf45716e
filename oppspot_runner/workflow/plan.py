"""What a run of a stream would do, and what is wrong with it, before somebody starts one. Pure.

Nothing here decides how runs proceed: that is `sql/0016_graphs.sql`.
"""

from __future__ import annotations

import graphlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from json import dumps
from typing import Any
from uuid import UUID

Row = dict[str, Any]

ONLY_IF, APPROVED = "only if ", "after an approval"
OUTPUT = '$."output"'  # as the database writes it


@dataclass(frozen=True)
class Planned:
    """An agent at its place. `notes` say what holds it back, `faults` why it cannot run."""

    agent_id: UUID
    name: str
    agent_type: str | None
    level: int | None
    after: tuple[str, ...]
    notes: tuple[str, ...]
    faults: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """The agents of a stream by levels; those that a run leaves out have none, and come last.

    `cycle` names agents that wait for each other, the first one again at the end.
    """

    agents: tuple[Planned, ...]
    cycle: tuple[str, ...]

    @property
    def is_fit(self) -> bool:
        """Whether all of it can run."""
        runs = any(one.level is not None for one in self.agents)
        return runs and not self.cycle and not any(one.faults for one in self.agents)


def plan(rows: Sequence[Row], known_types: Collection[str] | None) -> Plan:
    """The plan for rows of directory/assignments; `known_types` None: nobody can say."""
    members = {row["agent_id"]: row for row in rows if row["is_active"] and row["auto_execute"]}
    levels, cycle = _levels(
        {one: members.keys() & {*row["depends_on_agent_ids"]} for one, row in members.items()}
    )
    agents = [_planned(row, levels.get(row["agent_id"]), members, known_types) for row in rows]
    last = len(rows)
    return Plan(
        tuple(sorted(agents, key=lambda one: last if one.level is None else one.level)),
        tuple(_name(members[one]) for one in cycle),
    )


def known_types(runners: Sequence[Row]) -> set[str] | None:
    """The agent types that live runners know; None when there is none, or one did not say."""
    told = [row["agent_types"] for row in runners if row["alive"]]
    return {one for types in told for one in types} if told and None not in told else None


def _levels(graph: dict[UUID, set[UUID]]) -> tuple[dict[UUID, int], list[UUID]]:
    """The level of each agent; or a cycle."""
    levels: dict[UUID, int] = {}
    try:
        for agent in graphlib.TopologicalSorter(graph).static_order():
            levels[agent] = max((levels[one] + 1 for one in graph[agent]), default=0)
    except graphlib.CycleError as error:
        return {}, error.args[1]
    return levels, []


def _planned(
    row: Row, level: int | None, members: Collection[UUID], known_types: Collection[str] | None
) -> Planned:
    needs = dict(zip(row["depends_on_agent_ids"], row["depends_on"], strict=True))
    return Planned(
        agent_id=row["agent_id"],
        name=_name(row),
        agent_type=row["agent_type"],
        level=level,
        after=tuple(name for one, name in needs.items() if one in members),
        notes=tuple(_notes(row, needs, members)),
        faults=tuple(_faults(row, known_types)) if row["agent_id"] in members else (),
    )


def _name(row: Row) -> str:
    return str(row["agent_name"] or row["agent_id"])


def terms(row: Row) -> Iterator[str]:
    """What was set for an agent's part in a stream besides whom it waits for, in words."""
    if row["condition"] is not None:
        yield f"{ONLY_IF}{row['condition']}"
    if row["on_failure"] != "skip":
        yield f"on a failure above: {row['on_failure']}"
    if row["requires_approval"]:
        limit = row["approval_timeout"]
        yield f"{APPROVED}{f' within {limit}' if limit is not None else ''}"
    if row["max_parallel"] is not None:
        yield f"at most {row['max_parallel']} of the run at once"
    if row["execution_frequency"] is not None:
        yield f"frequency: {row['execution_frequency']}"
    if row["schedule_options"] is not None:
        yield f"schedule options: {dumps(row['schedule_options'])}"


def _notes(row: Row, needs: Mapping[UUID, str], members: Collection[UUID]) -> Iterator[str]:
    if not row["is_active"]:
        yield "is left out: its assignment is not active"
    elif not row["auto_execute"]:
        yield "is left out: it is only started by hand"
    yield from terms(row)
    if OUTPUT in (row["condition"] or "") and not needs.keys() & members:
        yield "its condition asks for $.output, but the run has nothing before it"
    for name in (name for one, name in needs.items() if one not in members):
        yield f"does not wait for {name}, which the run leaves out"


def _faults(row: Row, known_types: Collection[str] | None) -> Iterator[str]:
    if not row["agent_is_active"]:
        yield "the agent is inactive"
    if row["agent_type"] is None:
        yield "the agent has no agent_type"
    elif known_types is not None and row["agent_type"] not in known_types:
        yield f"no live runner knows the agent type {row['agent_type']!r}"
