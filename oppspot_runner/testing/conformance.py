"""What every backend promises, as tests: `class TestMine(BackendConformance)` runs them for yours.

A real runner hands real tasks to the backend. Between the two stands a witness, which sees each
call and each outcome.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from oppspot_runner.app.client import AsyncClient
from oppspot_runner.app.wiring import build_runner
from oppspot_runner.backends.backend import Backend, BackendSurroundings, Briefing, Ended
from oppspot_runner.base.errors import ConflictError
from oppspot_runner.base.outcome import Done, Fail, Outcome, Retry
from oppspot_runner.db.pool import Database
from oppspot_runner.queue import producer
from oppspot_runner.queue.client import TaskState
from oppspot_runner.runner.config import RunnerConfig
from oppspot_runner.streams import directory
from oppspot_runner.testing.conformance_agents import HUGE  # its import makes the agents known

if TYPE_CHECKING:
    from oppspot_runner.testing.databases import Databases

Factory = Callable[[BackendSurroundings], Backend]
NAME = "tested"  # the isolation that leads to the backend
SLOTS = 4
WITHIN_S = 30.0
LOOK_S = 0.05
QUICK = RunnerConfig(slots=SLOTS, poll_s=0.5, lease_s=6, grace_s=0.5)


class Witness:
    """A backend that passes on what it is asked, and writes down what it saw."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.submitted: list[UUID] = []
        self.briefing: Briefing | None = None  # the last one
        self.ended: list[Ended] = []
        self.heard = asyncio.Event()
        self.took_one = asyncio.Event()
        self.room_at_start: int | None = None

    async def start(self) -> None:
        await self.backend.start()
        self.room_at_start = self.backend.capacity()

    def capacity(self) -> int | None:
        room = self.backend.capacity()
        assert room is None or room >= 0, "a backend has no room of less than nothing"
        return room

    async def submit(self, handle: UUID, briefing: Briefing) -> None:
        self.submitted.append(handle)
        self.briefing = briefing
        await self.backend.submit(handle, briefing)
        self.took_one.set()

    async def outcomes(self) -> AsyncIterator[Ended]:
        async for ended in self.backend.outcomes():
            self.ended.append(ended)
            self.heard.set()
            yield ended

    async def cancel(self, handle: UUID) -> None:
        await self.backend.cancel(handle)

    async def adopt(self, handles: Collection[UUID]) -> frozenset[UUID]:
        return await self.backend.adopt(handles)

    async def stop(self) -> None:
        await self.backend.stop()


class Bench:
    """A running runner whose bodies go to the backend, by way of `witness`."""

    def __init__(self, client: AsyncClient, witness: Witness) -> None:
        self.client = client
        self.witness = witness
        self._agents: dict[str, UUID] = {}

    async def put(self, agent_type: str, time_limit: float = 60, **payload: Any) -> UUID:
        """A task for one of the agents of this suite, with a row of its own."""
        row = await self.client.run(
            directory.create_agent(
                agent_type=agent_type,
                name=f"{agent_type} {uuid4()}",
                configuration={"isolation": NAME, "time_limit": time_limit},
            )
        )
        return await self.client.run(producer.enqueue(row, payload))

    async def end_of(self, task: UUID) -> TaskState:
        """The task when it has ended."""
        return await self.client.wait(task, WITHIN_S)

    async def outcome_of(self, agent_type: str, **payload: Any) -> Outcome:
        """How the backend said that the body of a new task ended."""
        before = len(self.witness.ended)
        self.witness.heard.clear()
        task = await self.put(agent_type, **payload)
        async with asyncio.timeout(WITHIN_S):
            await self.witness.heard.wait()
        self.witness.heard.clear()
        await self.client.cancel(task)  # one that waits for its retry, say
        (ended,) = self.witness.ended[before:]
        assert ended.handle == self.witness.submitted[-1]
        assert ended.result is not None, "the lease was not lost"
        return ended.result.outcome

    async def began(self, task: UUID) -> None:
        """Waits until the body has shown its first progress."""
        async with asyncio.timeout(WITHIN_S):
            while (await self.client.get(task)).progress is None:
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await self.witness.heard.wait()


class BackendConformance:
    """The suite. Override the fixture `backend`; the promises are what a backend may not make."""

    outlives_its_runner = False  # adopts bodies that another runner submitted

    @pytest.fixture
    def backend(self) -> Factory:
        """What makes the backend: the function of its entry point."""
        raise NotImplementedError("override the fixture `backend`")

    @pytest.fixture
    def backend_dsn(self, _oppspot_databases: Databases) -> Iterator[str]:
        """An empty, migrated database."""
        with _oppspot_databases.one() as dsn:
            yield dsn

    @pytest.fixture
    async def bench(self, backend: Factory, backend_dsn: str) -> AsyncIterator[Bench]:
        """A runner that has no other backend."""
        async with opened(backend, backend_dsn) as made:
            yield made

    async def test_ends_are_what_the_agent_meant(self, bench: Bench) -> None:
        """Results come back as they were, errors as what they are."""
        good = await bench.outcome_of("conformance_ending", how="good")
        deep = {"text": "ä\n", "number": 1.5, "none": None, "list": [True, {"deep": 2**53}]}
        assert good == Done(deep)
        huge = await bench.outcome_of("conformance_ending", how="huge")
        assert isinstance(huge, Done)
        assert len(huge.output["text"]) == HUGE
        error = await bench.outcome_of("conformance_ending", how="error")
        assert isinstance(error, Retry)
        assert (error.kind, error.error.split(" (")[0]) == ("ValueError", "ValueError: odd")
        stubborn = await bench.outcome_of("conformance_ending", how="stubborn")
        assert isinstance(stubborn, Retry)
        assert "StubbornError: no way" in stubborn.error
        assert await bench.outcome_of("conformance_ending", how="retry") == Retry("later", 0.5)
        # What is no JSON is either stored in words, or an error; never is it lost without a word.
        odd = await bench.outcome_of("conformance_ending", how="no JSON")
        assert isinstance(odd, Done | Retry | Fail)
        assert bench.witness.capacity() == bench.witness.room_at_start

    async def test_input_is_an_object_or_the_task_fails(self, bench: Bench) -> None:
        """A payload that does not fit fails at once and names the field, and is not tried again."""
        fits = await bench.end_of(await bench.put("conformance_typed", days=4))
        assert fits.output == {"twice": 8}
        odd = await bench.end_of(await bench.put("conformance_typed", days="many"))
        assert (odd.status, odd.retry_count) == ("failed", 0)
        assert "days" in str(odd.error_message)

    async def test_bodies_at_the_same_time_do_not_mix(self, bench: Bench) -> None:
        """Each handle has one end, and each task its own output, step and progress."""
        names = [f"name {number}" for number in range(2 * SLOTS)]
        tasks = [await bench.put("conformance_telling", name=one) for one in names]
        ends = [await bench.end_of(one) for one in tasks]
        assert [one.output for one in ends] == [{"step": one} for one in names]
        told = [one.handle for one in bench.witness.ended]
        assert sorted(told) == sorted(bench.witness.submitted)
        assert bench.witness.capacity() == bench.witness.room_at_start

    async def test_a_body_that_is_cancelled_tells_no_end(self, bench: Bench) -> None:
        """Cancelled once or twice, unknown, or over: nothing is raised and nobody else is hurt."""
        beside = await bench.put("conformance_waiting", s=1, name="beside")
        task = await bench.put("conformance_waiting")
        await bench.began(task)
        await bench.client.cancel(task, "not wanted")
        assert (await bench.end_of(task)).status == "cancelled"
        assert (await bench.end_of(beside)).output == {"name": "beside"}
        for handle in (*bench.witness.submitted, uuid4()):
            await bench.witness.cancel(handle)
            await bench.witness.cancel(handle)
        assert len(bench.witness.ended) == 1
        assert bench.witness.capacity() == bench.witness.room_at_start

    async def test_a_body_that_is_cancelled_before_it_began_tells_no_end(
        self, bench: Bench
    ) -> None:
        """Submitted and cancelled in one breath, it gives its room back."""
        for _ in range(2 * SLOTS):
            bench.witness.took_one.clear()
            task = await bench.put("conformance_waiting")
            async with asyncio.timeout(WITHIN_S):
                await bench.witness.took_one.wait()
            await bench.client.cancel(task)
            assert (await bench.end_of(task)).status == "cancelled"
        assert bench.witness.ended == []
        assert isinstance(await bench.outcome_of("conformance_ending", how="good"), Done)
        assert bench.witness.capacity() == bench.witness.room_at_start

    async def test_a_time_limit_gives_the_room_back(self, bench: Bench) -> None:
        """The runner ends the body; the next one runs."""
        task = await bench.put("conformance_waiting", time_limit=1)
        ended = await bench.end_of(task)
        assert (ended.status, ended.error_message) == (
            "failed",
            "the time limit of 1 s was exceeded",
        )
        assert isinstance(await bench.outcome_of("conformance_ending", how="good"), Done)
        assert bench.witness.capacity() == bench.witness.room_at_start

    async def test_what_nobody_submitted_is_not_adopted(self, bench: Bench) -> None:
        """A body that the backend does not know is lost: its task is given back, and runs again."""
        assert await bench.witness.adopt([uuid4()]) == frozenset()

    async def test_stop_lets_go(self, backend: Factory, backend_dsn: str) -> None:
        """A runner that stops in mid-body is over, takes no more, and the next one goes on."""
        async with opened(backend, backend_dsn) as bench:
            task = await bench.put("conformance_waiting", s=2, name="stayed")
            await bench.began(task)
        assert bench.witness.briefing is not None
        with pytest.raises(ConflictError):
            await bench.witness.backend.submit(uuid4(), bench.witness.briefing)
        async with opened(backend, backend_dsn) as bench:
            ended = await bench.end_of(task)
        assert ended.output == {"name": "stayed"}
        assert (ended.attempt == 1) == self.outlives_its_runner


@asynccontextmanager
async def opened(backend: Factory, dsn: str) -> AsyncIterator[Bench]:
    """A runner on that database, stopped at the end."""
    witnesses: list[Witness] = []

    def make(surroundings: BackendSurroundings) -> Witness:
        witnesses.append(Witness(backend(surroundings)))
        return witnesses[-1]

    async with Database(dsn, max_size=10) as database, AsyncClient(dsn) as client:
        runner = build_runner(database, QUICK, backends={NAME: make})
        async with asyncio.TaskGroup() as group:
            group.create_task(runner.run())
            try:
                yield Bench(client, witnesses[0])
            finally:
                runner.stop()
