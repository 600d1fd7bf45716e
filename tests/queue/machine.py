"""Any steps in any order; after each the real queue and the model are compared."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from oppspot_runner.base import outcome as ends
from oppspot_runner.base.outcome import Outcome
from oppspot_runner.base.task import Task
from oppspot_runner.queue.control import Scope
from tests.queue.both import TYPES, Agent, Both
from tests.queue.crew import LEASE_S
from tests.queue.model import Row
from tests.queue.real import RealQueue

T = TypeVar("T")
LATELY = 6  # attempts that somebody may still want to write to

number = st.integers(0, 2**16)
slot = st.integers(0, len(TYPES) - 1)
free_slots = st.integers(0, 2)
delay_s = st.sampled_from([0.0, 0.5, 1.0, 4.0, 61.0])
some_outcome = st.one_of(
    st.just(ends.Done({"n": 1})),
    st.builds(ends.Retry, st.just("broken"), st.none() | delay_s),
    st.builds(lambda s: ends.Snooze("later", after_s=s), delay_s),
    st.sampled_from([ends.Fail("no"), ends.Cancel("asked"), ends.Release("stopping")]),
)


class QueueMachine(RuleBasedStateMachine):
    """Few rules with a choice each: of many, a run would mostly not meet those that matter.

    The numbers that rules draw choose among what there is when their turn comes.
    """

    def __init__(self, loop: asyncio.Runner, real: RealQueue, agents: list[Agent]) -> None:
        super().__init__()
        self.both = Both(loop, real)
        self.agents = agents

    @initialize(many=st.integers(2, 6))
    def begin(self, many: int) -> None:
        self.both.enqueue(self.agents[0], None, many, self.after(0), 5)
        self.fill(0, many // 2)

    def rows(self) -> list[Row]:
        return list(self.both.model.rows.values())

    def after(self, seconds: float) -> datetime:
        return self.both.model.now + timedelta(seconds=seconds)

    def row(self, pick: int) -> Row:
        """One of the tasks; every other time one that runs."""
        return choose(pick, self.rows(), [row for row in self.rows() if row.token is not None])

    def attempt(self, pick: int) -> tuple[int, Task]:
        """Who began it, and one of the latest; every other time one whose task did not end.

        That may be on, or overtaken by a later attempt.
        """
        open_tasks = {row.id for row in self.rows() if row.finished is None}
        begun = self.both.attempts
        return choose(pick, begun[-LATELY:], [one for one in begun if one[1].id in open_tasks])

    def fill(self, one: int, slots: int) -> None:
        """A runner with free slots asks at once."""
        if slots:
            self.both.compare()
            self.both.wait()
            self.both.claim(one, slots)

    @rule(
        agent=number,
        later_s=st.none() | delay_s,
        promised=st.booleans(),
        task_type=st.sampled_from(["agent_execution", "slow"]),
        priority=st.none() | st.integers(1, 10),
        most_errors=st.sampled_from([0, 1, 3]),
    )
    def insert(self, agent: int, later_s: float | None, promised: bool, **values: Any) -> None:
        self.both.wait()
        due = None if later_s is None else self.after(later_s)
        self.both.insert(choose(agent, self.agents), due, promised, **values)

    @rule(
        agent=number,
        key=st.sampled_from(["red", "blue", None]),
        many=st.integers(1, 4),
        later_s=delay_s,
        priority=st.integers(1, 10),
    )
    def enqueue(
        self, agent: int, key: str | None, many: int, later_s: float, priority: int
    ) -> None:
        self.both.wait()
        due = self.after(later_s)
        self.both.enqueue(choose(agent, self.agents), key, many, due, priority)

    @precondition(lambda self: self.both.model.line(()))
    @rule(one=slot, limit=st.integers(1, 4))
    def claim(self, one: int, limit: int) -> None:
        self.both.wait()
        self.both.claim(one, limit)

    @precondition(lambda self: any(row.token is not None for row in self.rows()))
    @rule(picks=st.lists(st.tuples(number, some_outcome), min_size=1, max_size=4), then=free_slots)
    def finish(self, picks: list[tuple[int, Outcome]], then: int) -> None:
        """Also what was finished before, or taken away."""
        self.both.wait()
        chosen = [(*self.attempt(pick), end) for pick, end in picks]
        one = chosen[0][0]
        self.both.finish(one, {task.id: (task, end) for _, task, end in chosen})
        self.fill(one, then)

    @precondition(lambda self: any(row.token is not None for row in self.rows()))
    @rule(what=st.sampled_from(["write", "begin", "give_back"]), pick=number)
    def write(self, what: str, pick: int) -> None:
        self.both.wait()
        getattr(self.both, what)(*self.attempt(pick))

    @rule(what=st.sampled_from(["beat", "listen_or_fall_deaf", "leave_and_join_again"]), one=slot)
    def live(self, what: str, one: int) -> None:
        self.both.wait()
        getattr(self.both, what)(one)

    @rule(what=st.sampled_from(["rescue", "promote", "prune", "fold"]), one=slot)
    def look_after(self, what: str, one: int) -> None:
        self.both.wait()
        getattr(self.both, what)(one)

    @rule(for_s=st.sampled_from([0.5, 1.0, 3.0, 7.0, 70.0]), one=slot)
    def let_time_pass(self, for_s: float, one: int) -> None:
        self.both.wait(for_s)
        self.both.promote(one)

    @rule(one=slot, by=slot, then=free_slots)
    def hang(self, one: int, by: int, then: int) -> None:
        """Its lease runs out while the others go on, and one of them looks after its tasks."""
        for _ in range(2):
            self.both.wait(LEASE_S / 2)
            for other in range(len(TYPES)):
                if other != one:
                    self.both.beat(other)
        self.both.rescue(by)
        self.fill(by, then)

    @precondition(lambda self: self.both.model.rows)
    @rule(
        what=st.sampled_from(["cancel", "set_pending", "retry"]),
        pick=number,
        one=slot,
        then=free_slots,
    )
    def interfere(self, what: str, pick: int, one: int, then: int) -> None:
        self.both.wait()
        getattr(self.both, what)(self.row(pick))
        self.fill(one, then)

    @precondition(lambda self: any(row.token is None for row in self.rows()))
    @rule(pick=number, later_s=delay_s)
    def reschedule(self, pick: int, later_s: float) -> None:
        self.both.wait()
        still = [row for row in self.rows() if row.token is None]
        self.both.reschedule(choose(pick, still), self.after(later_s))

    @rule(agent=number, scope=st.sampled_from(["agent", "type", "org"]), pick=number)
    def pause_or_resume(self, agent: int, scope: Scope, pick: int) -> None:
        self.both.wait()
        meant = choose(agent, self.agents)
        keys = {"agent": [meant.id], "type": [meant.type, "slow"], "org": [meant.org]}
        self.both.pause_or_resume(scope, str(choose(pick, keys[scope])))

    @invariant()
    def agree(self) -> None:
        self.both.compare()


def choose(pick: int, all_of_them: list[T], rather: list[T] | None = None) -> T:
    """One of them, the last for 0; every other time one of those that are asked for rather."""
    some = rather if rather and pick % 2 else all_of_them
    return some[-1 - pick // 2 % len(some)]
