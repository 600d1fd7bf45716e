"""One trial: runners at work, a producer, and one fault again and again; then the count."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from tests.chaos.checker import Case, Violation, is_lost, violations
from tests.chaos.fault import Decision, Fault
from tests.chaos.fleet import SLOTS
from tests.chaos.ledger import Ledger
from tests.chaos.network import refusal
from tests.chaos.producer import Producer
from tests.chaos.rows import Rows
from tests.chaos.scripts import Script, scripts
from tests.chaos.server import SUPERUSER, Postgres
from tests.chaos.world import World

RUNNERS = 3
POLL_S = 1.0
LOOK_S = 0.1
NETWORKS = "each runner was in a network namespace of its own"
NO_NETWORKS = "a proxy held everything back, for network namespaces are refused here"


@dataclass(frozen=True)
class Size:
    """How much: injections, tasks for each of them, how long the last of it may take."""

    injections: int
    tasks_each: int
    runners: int = RUNNERS
    drain_s: float = 90.0


@dataclass(frozen=True)
class Result:
    """What a trial came to."""

    fault: str
    skipped: str | None = None
    remark: str | None = None
    injected: int = 0
    tasks: int = 0
    accepted: int = 0
    lost: int = 0
    dropped: int = 0
    seconds: float = 0.0
    violations: list[Violation] = field(default_factory=list)


def decisions(fault: Fault, seed: int, size: Size) -> list[tuple[float, Decision]]:
    """All that the fault decides, each with the pause before it: the same for the same seed."""
    chance = Random(f"{seed} {fault.name}")
    return [(chance.uniform(0.1, 0.6), fault.decide(chance)) for _ in range(size.injections)]


def work(fault: Fault, seed: int, size: Size) -> list[Script]:
    """All tasks of the trial: the same for the same seed."""
    chance = Random(f"{seed} {fault.name} tasks")
    return scripts(chance, size.injections * size.tasks_each, fault.special)


def database_of(fault: Fault, seed: int) -> str:
    """Name of the database of a trial, which stays when the trial is over."""
    return f"chaos_{fault.name}_{seed}"


async def trial(fault: Fault, server: Postgres, folder: Path, *, seed: int, size: Size) -> Result:
    """Runs the whole trial in a database of its own."""
    reason = fault.missing()
    if reason is not None:
        return Result(fault.name, skipped=reason)
    begun = time.monotonic()
    code, settings = fault.program(folder), _settings(fault, folder)
    refused = refusal() if fault.networks else None
    networks = fault.networks and refused is None
    name = database_of(fault, seed)
    async with World(
        server, name, folder, code=code, settings=settings, networks=networks
    ) as world:
        await fault.prepare(world)
        await asyncio.gather(*(world.fleet.start() for _ in range(size.runners)))
        await _break_it(fault, world, seed, size)
        await _drain(world, size.drain_s)
        await world.fleet.end(fault.grace_s + fault.stop_s)
    remark = None
    if fault.networks:
        remark = NETWORKS if networks else f"{NO_NETWORKS}: {refused}"
    return replace(_counted(fault, world, time.monotonic() - begun), remark=remark)


def _settings(fault: Fault, folder: Path) -> dict[str, str]:
    return {
        "OPPSPOT_LEASE": str(fault.lease_s),
        "OPPSPOT_POLL_INTERVAL": str(POLL_S),
        "OPPSPOT_GRACE": str(fault.grace_s),
        "OPPSPOT_CONCURRENCY": str(SLOTS),
        "OPPSPOT_LOG_LEVEL": "warning",
        **fault.environment(folder),
    }


async def _break_it(fault: Fault, world: World, seed: int, size: Size) -> None:
    """Sends the tasks in portions, and breaks something while each is being worked on."""
    producer = Producer(world, Random(f"{seed} pauses"))
    left = work(fault, seed, size)
    for number, (pause_s, decision) in enumerate(decisions(fault, seed, size), start=1):
        if not world.fleet.living():
            break  # the checker will have seen enough
        portion, left = left[: size.tasks_each], left[size.tasks_each :]
        async with asyncio.TaskGroup() as both:
            both.create_task(producer.send(portion))
            await asyncio.sleep(pause_s)
            world.tell("injected", number=number, decision=decision)
            await fault.inject(world, **decision)
    await producer.close()


async def _drain(world: World, at_most_s: float) -> None:
    """Waits until all tasks ended. What has not by then is for the checker to find."""
    until = time.monotonic() + at_most_s
    while time.monotonic() < until and await world.open_tasks():
        await asyncio.sleep(LOOK_S)


def _counted(fault: Fault, world: World, seconds: float) -> Result:
    case = Case(Ledger.read(world.ledger), Rows.read(world.server.dsn(world.database, SUPERUSER)))
    lost = [one for one in case.rows.attempts if is_lost(one)]
    found = violations(case)
    if fault.gentle and lost:
        found.append(Violation("nobody is taken for dead", f"{len(lost)} attempts were lost"))
    return Result(
        fault.name,
        injected=len(case.ledger.of("injected")),
        tasks=len(case.rows.tasks),
        accepted=sum(one["status"] == "completed" for one in case.rows.attempts),
        lost=len(lost),
        dropped=len(case.ledger.of("dropped")),
        seconds=seconds,
        violations=found,
    )
