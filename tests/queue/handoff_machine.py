"""Bodies elsewhere: any steps in any order; after each what is real and the model are compared."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from oppspot_runner.base import outcome as ends
from oppspot_runner.base.outcome import Outcome
from oppspot_runner.base.task import Task
from tests.queue.both import TYPES, Agent
from tests.queue.crew import LEASE_S
from tests.queue.handoff_both import BothHandoffs, Wait
from tests.queue.machine import LATELY, choose, number, slot
from tests.queue.model import Row
from tests.queue.real import RealQueue

STAGES = ("take", "beat", "end", "see", "settle")
KINDS = ("done", "broken", "failed", "later")
VERDICTS = (
    ends.Cancel("cancelled on request"),
    ends.Retry("the time limit was exceeded", after_s=0.5),
    ends.Retry("the worker was lost", after_s=0.5),
    ends.Release("the backend lost its body"),
)


class HandoffMachine(RuleBasedStateMachine):
    """Two of the runners claim and hand bodies on, all three adopt. Workers have no number: what
    counts is the row, whoever asks."""

    def __init__(self, loop: asyncio.Runner, real: RealQueue, agents: list[Agent]) -> None:
        super().__init__()
        self.both = BothHandoffs(loop, real)
        self.agents = agents
        self.drawn = 0

    def rows(self) -> list[Row]:
        return list(self.both.model.rows.values())

    def running(self) -> list[Row]:
        return [row for row in self.rows() if row.token is not None]

    def wait(self, pick: int) -> Wait:
        """Mostly one whose body is wanted, in whose name ever."""
        waits, bodies = self.both.waits, self.both.model.bodies
        wanted = {body.handle for body in bodies.values() if self.both.model.wanted(body)}
        rather = [one for one in waits if one.handle in wanted]
        return choose(pick // 4, rather if rather and pick % 4 else waits)

    def next(self) -> int:
        self.drawn += 1
        return self.drawn

    def hand_over(self, one: int, attempts: list[tuple[int, Task]], *, together: bool) -> None:
        """As attempts do, each once. What its runner may not survive again runs alone."""
        alone = [each for each in attempts if each[1].runs_alone or not together]
        batch = [each for each in attempts if each not in alone]
        for members in [[each] for each in alone] + ([batch] if batch else []):
            task = members[0][1]
            if task.runs_alone:
                self.both.begin(one, task)
            backends = self.both.backends[one]
            handle = UUID(int=self.next())
            self.both.put(handle, members, backends[self.drawn % len(backends)])

    def fill(self, one: int, slots: int, *, together: bool = False) -> None:
        """A runner with free slots claims, and hands on what it got."""
        if slots:
            self.both.compare()
            self.both.wait()
            before = len(self.both.attempts)
            self.both.claim(one, slots)
            self.both.wait()
            self.hand_over(one, self.both.attempts[before:], together=together)

    @initialize(many=st.integers(2, 5), together=st.booleans())
    def begin(self, many: int, together: bool) -> None:
        self.both.enqueue(self.agents[0], None, many, self.both.model.now, 5)
        self.fill(0, many // 2, together=together)
        self.fill(1, many - many // 2)

    @rule(many=st.integers(1, 3), later_s=st.sampled_from([0.0, 1.0]))
    def enqueue(self, many: int, later_s: float) -> None:
        self.both.wait()
        due = self.both.model.now + timedelta(seconds=later_s)
        self.both.enqueue(self.agents[0], None, many, due, 5)

    @precondition(lambda self: self.both.model.line(()))
    @rule(one=st.integers(0, 1), limit=st.integers(1, 3))
    def claim(self, one: int, limit: int) -> None:
        self.fill(one, limit)

    @rule(one=st.integers(0, 1), many=st.integers(2, 3), deserter=st.none() | slot)
    def claim_a_batch(self, one: int, many: int, deserter: int | None) -> None:
        """Maybe one of its tasks ends before a worker begins."""
        self.enqueue(many, 0.0)
        before = len(self.both.waits)
        self.fill(one, many, together=True)
        waits = self.both.waits[before:]
        if deserter is not None and waits:
            self.both.wait()
            self.both.settle(waits[deserter % len(waits)], VERDICTS[0])

    @precondition(lambda self: self.both.model.line(()))
    @rule(one=st.integers(0, 1), limit=st.integers(1, 3))
    def claim_and_hand_nothing_on(self, one: int, limit: int) -> None:
        self.both.wait()
        self.both.claim(one, limit)

    @precondition(lambda self: self.slow())
    @rule(pick=number)
    def hand_on_at_last(self, pick: int) -> None:
        """Also what is no longer the runner's."""
        self.both.wait()
        attempt = choose(pick, self.slow())
        self.hand_over(attempt[0], [attempt], together=False)

    def slow(self) -> list[tuple[int, Task]]:
        """Attempts that are about to hand their bodies on."""
        return [a for a in self.both.attempts[-LATELY:] if a[1].run_token not in self.both.handed]

    @precondition(lambda self: self.both.waits)
    @rule(pick=number, until=st.sampled_from(STAGES), kind=st.sampled_from(KINDS))
    def go_on(self, pick: int, until: str, kind: str) -> None:
        """A body goes its way up to a point: a worker takes it, beats, ends it; somebody who waits
        sees that, and settles."""
        wait = self.wait(pick)
        for stage in STAGES[: STAGES.index(until) + 1]:
            self.both.wait()
            self.do(stage, wait, kind)
            self.both.compare()

    @precondition(lambda self: self.both.waits)
    @rule(stage=st.sampled_from(STAGES), pick=number, kind=st.sampled_from(KINDS))
    def come_late_or_twice(self, stage: str, pick: int, kind: str) -> None:
        """One message, one beat, one end, one look, one settlement: of any body, whoever asks."""
        self.both.wait()
        self.do(stage, choose(pick, self.both.waits[-2 * LATELY :]), kind)

    def do(self, stage: str, wait: Wait, kind: str) -> None:
        match stage:
            case "take":
                self.both.take(wait.handle, f"worker {self.next()}")
            case "beat":
                self.both.beat_body(wait.handle)
            case "end" if wait.handle in self.both.taken:
                self.both.end(wait.handle, self.next(), kind)
            case "see":
                self.both.see(wait)
            case "settle" if wait.seen:
                self.both.settle(wait, wait.seen.outcome)

    @precondition(lambda self: self.both.waits)
    @rule(pick=number, verdict=st.sampled_from(VERDICTS), drops=st.booleans())
    def cut_off(self, pick: int, verdict: Outcome, drops: bool) -> None:
        """Somebody who waits gives up, or waits no more, and takes the body back if it can."""
        wait = self.wait(pick)
        if drops:
            self.both.wait()
            self.both.drop(wait)
        self.both.wait()
        self.both.settle(wait, verdict)

    @precondition(lambda self: self.both.waits)
    @rule(pick=number)
    def write(self, pick: int) -> None:
        """As an attempt does, or its body."""
        self.both.wait()
        wait = self.wait(pick)
        self.both.write(wait.one, wait.task)

    @rule(
        what=st.sampled_from(["look", "miss", "rescue", "prune"]),
        one=slot,
        then=st.integers(0, 2),
    )
    def look_after(self, what: str, one: int, then: int) -> None:
        self.both.wait()
        if what in ("look", "miss"):
            self.both.look(one, told=what == "look")
        else:
            getattr(self.both, what)(one)
        self.fill(min(one, 1), then)

    @precondition(lambda self: self.ignorant())
    @rule(pick=number)
    def give_back_unknown(self, pick: int) -> None:
        self.both.wait()
        self.both.give_back_unknown(choose(pick, self.ignorant()))

    def ignorant(self) -> list[int]:
        """Runners to which something belongs that they do not run."""
        return [one for one in range(len(TYPES)) if self.both.unknown(one)]

    @rule(what=st.sampled_from(["beat", "listen_or_fall_deaf"]), one=slot)
    def live(self, what: str, one: int) -> None:
        self.both.wait()
        getattr(self.both, what)(one)

    @rule(one=slot, leaves=st.booleans(), ends=st.booleans())
    def stop(self, one: int, leaves: bool, ends: bool) -> None:
        """It leaves its bodies to others; one that is torn out of life does not."""
        self.both.wait()
        if leaves:
            self.both.leave_bodies(one)
        if ends:
            self.both.leave_and_join_again(one)

    @rule(for_s=st.sampled_from([1.0, 7.0, 20.0, 70.0]), one=slot)
    def let_time_pass(self, for_s: float, one: int) -> None:
        self.both.wait(for_s)
        self.both.promote(one)

    @rule(one=slot, by=slot, told=st.booleans(), adopts=st.booleans())
    def hang(self, one: int, by: int, told: bool, adopts: bool) -> None:
        """Its lease runs out while the others go on, and one of them looks after what it had."""
        for _ in range(2):
            self.both.wait(LEASE_S / 2)
            for other in range(len(TYPES)):
                if other != one:
                    self.both.beat(other)
        if adopts:
            self.both.look(by, told=told)

    @precondition(lambda self: self.both.model.rows)
    @rule(what=st.sampled_from(["cancel", "cancel", "set_pending", "retry"]), pick=number)
    def interfere(self, what: str, pick: int) -> None:
        self.both.wait()
        getattr(self.both, what)(
            choose(pick // 4, self.running() if pick % 4 and self.running() else self.rows())
        )

    @invariant()
    def agree(self) -> None:
        self.both.compare()
