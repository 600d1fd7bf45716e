"""Does each thing on the real queue and on the model, and compares what they answer."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import psycopg

from oppspot_runner.base.errors import ConflictError, LeaseLostError
from oppspot_runner.base.outcome import Outcome
from oppspot_runner.base.steps import Step
from oppspot_runner.base.task import Task
from oppspot_runner.queue import client, control, members, producer, store
from oppspot_runner.queue.abilities import Abilities
from oppspot_runner.queue.claiming import FULL_EVERY_S
from oppspot_runner.queue.control import Scope
from oppspot_runner.queue.journal import TaskJournal
from oppspot_runner.queue.members import Membership
from tests.queue.crew import BEAT_S, LEASE_S, Runner
from tests.queue.model import Model, Row
from tests.queue.real import EMPTY, RealQueue
from tests.queue.telling import facts, told

R = TypeVar("R")
START = datetime(2030, 1, 1, tzinfo=UTC)
TICK = timedelta(milliseconds=1)
TYPES: tuple[tuple[str, ...], ...] = ((), ("slow", "agent_execution"), ("slow",))
SESSIONS = len(TYPES) + 1  # one for each runner, the last for people
KEEP_S = 60.0
STATUSES = ("pending", "processing", "completed", "failed", "cancelled")
INSERT = """
    INSERT INTO agent_tasks (agent_id, scheduled_for, task_type, priority, max_retries)
    VALUES (%(agent)s, %(due)s, %(task_type)s, %(priority)s, %(most_errors)s) RETURNING id
"""


class Agent(NamedTuple):
    id: UUID
    type: str
    org: UUID | None


class Both:
    """`loop` is where `real` was opened. Runners go by the numbers of their sessions."""

    backends: tuple[tuple[str, ...], ...] = ((),) * len(TYPES)

    def __init__(self, loop: asyncio.Runner, real: RealQueue) -> None:
        self.loop, self.real, self.model = loop, real, self.new_model()
        self.real.now = START
        self.do(real.sql(EMPTY))
        self.attempts: list[tuple[int, Task]] = []  # who claimed what, the latest last
        self.looked_everywhere: dict[int, datetime] = {}
        self.crew = [self.join(one) for one in range(len(TYPES))]

    def new_model(self) -> Model:
        return Model(START)

    def do(self, work: Coroutine[Any, Any, R]) -> R:
        return self.loop.run(work)

    def wait(self, for_s: float = 0.0) -> None:
        """Every thing has a time of its own."""
        self.model.now += timedelta(seconds=for_s) + TICK
        self.real.now = self.model.now

    def owned(self, task: Task) -> bool:
        return self.model.owned(task.id, task.run_token) is not None

    # Tasks come in.

    def insert(self, agent: Agent, due: datetime | None, promised: bool, **values: Any) -> None:
        (made,) = self.do(self.real.sql(INSERT, {"agent": agent.id, "due": due, **values}))
        values["priority"] = values["priority"] or 5
        row = self.add(made["id"], agent, due or self.model.now, **values)
        if promised:
            self.do(self.real.promise(row.id))
            row.executions[1] = "queued"

    def enqueue(
        self, agent: Agent, key: str | None, many: int, due: datetime, priority: int
    ) -> None:
        options: dict[str, Any] = {"priority": priority, "scheduled_for": due}
        if key is None:
            made = self.do(self.real.run(producer.enqueue_many(agent.id, [{}] * many, **options)))
        else:
            made = [self.do(self.real.run(producer.enqueue(agent.id, unique_key=key, **options)))]
        if self.model.key_is_taken(key):
            assert self.model.rows[made[0]].key == key
            return
        for task in made:
            self.add(task, agent, due, key=key, priority=priority)

    def add(self, task: UUID, agent: Agent, due: datetime, **values: Any) -> Row:
        kind = values.get("task_type", "agent_execution")
        keys = {("agent", str(agent.id)), ("type", agent.type), ("type", kind)}
        keys |= {("org", str(agent.org))} if agent.org else set()
        row = Row(task, due, frozenset(keys), **values)
        self.model.insert(row)
        return row

    # Runners work.

    def claim(self, one: int, limit: int) -> None:
        """Those at the head of the line; one that was put back may be passed over for a while."""
        _, runner = self.crew[one]
        line = self.model.line(runner.types)
        tasks = self.do(self.real.claim(one, limit))
        given = [task.id for task in tasks]
        if not self.looks_everywhere(one, short=len(tasks) < limit):
            line = [row for row in line if not row.put_back or row.id in given]
        assert given == [row.id for row in line[:limit]]
        used = {before.run_token for _, before in self.attempts}
        for task in tasks:
            assert task.run_token not in used
            row = self.model.rows[task.id]
            self.model.claim(runner, row, task.run_token)
            assert (task.attempt, task.retry_count) == (row.attempt, row.errors)
            self.attempts.append((one, task))

    def looks_everywhere(self, one: int, *, short: bool) -> bool:
        """Whether this claim of a runner must have: now and then, and after one that was short."""
        now, since = self.model.now, self.looked_everywhere.get(one)
        must = since is None or now - since > timedelta(seconds=FULL_EVERY_S)
        if must:
            self.looked_everywhere[one] = now
        elif short:
            del self.looked_everywhere[one]
        return must

    def finish(self, one: int, ends: Mapping[UUID, tuple[Task, Outcome]]) -> None:
        """In one transaction."""
        member = self.crew[one][0]
        written = self.do(self.real.finish(one, member, list(ends.values())))
        finish = partial(self.model.finish, member.id)
        in_order = sorted(ends.values(), key=lambda end: end[0].id)
        assert written == {t.id for t, end in in_order if finish(t.id, t.run_token, end)}

    def write(self, one: int, task: Task) -> None:
        """Progress, a step, and the fence before an end that saves something."""
        ours, database = self.owned(task), self.do(self.real.at(one))
        journal = TaskJournal(database, task, through=self.real.once)
        for write in (journal.progress(1, 2, "half"), journal.remember(Step("step", 0), [1])):
            try:
                self.do(write)
            except LeaseLostError:
                assert not ours
            else:
                assert ours
        member, runner = self.crew[one]
        held = self.do(self.real.on(one, store.hold, task, member.id))
        assert (held is not None) == (ours and self.model.rows[task.id].runner == runner.id)

    def begin(self, one: int, task: Task) -> None:
        """Of a task that runs alone."""
        assert self.do(self.real.on(one, store.begin, task)) == self.owned(task)
        self.model.begin(task.id, task.run_token)

    def give_back(self, one: int, task: Task) -> None:
        member, runner = self.crew[one]
        given = self.do(self.real.on(one, store.give_back, member.id, [task.run_token]))
        assert given == self.model.give_back(runner, [task.run_token])

    # Runners live, and look after each other.

    def join(self, one: int) -> tuple[Membership, Runner]:
        joining = self.real.register(one, TYPES[one], self.backends[one])
        member, now = self.do(joining), self.model.now
        runner = Runner(member.id, TYPES[one], now, now + timedelta(seconds=LEASE_S))
        assert member.id not in self.model.runners, "an id of before came back"
        self.model.runners[member.id] = runner
        self.looked_everywhere.pop(one, None)
        return member, runner

    def leave_and_join_again(self, one: int) -> None:
        member, runner = self.crew[one]
        if runner.holds_lock:
            self.listen_or_fall_deaf(one)
        self.do(self.real.on(one, members.leave, member.id))
        self.model.leave(runner)
        self.crew[one] = self.join(one)

    def beat(self, one: int) -> None:
        _, runner = self.crew[one]
        unknown = self.unknown(one)
        known = {task.run_token for who, task in self.attempts if who == one} - unknown
        beat = self.real.beat(one, sorted(known), BEAT_S)
        held = {(token, token in beat.cancelled) for token in beat.held} if beat else None
        assert held == self.model.beat(runner, unknown)

    def unknown(self, one: int) -> set[int]:
        """Tokens that are the runner's by the table, of which it runs nothing."""
        return set()

    def listen_or_fall_deaf(self, one: int) -> None:
        member, runner = self.crew[one]
        if runner.holds_lock:
            self.do(self.real.lose_session(one, member))
            runner.holds_lock = False
        else:
            assert self.do(self.real.show_lock(one, member))
            runner.shows_lock = runner.holds_lock = True

    def rescue(self, one: int) -> None:
        member, runner = self.crew[one]
        saved, next_s = self.do(self.real.on(one, store.rescue, member.id))
        assert {(task.id, task.status) for task in saved} == self.model.rescue(runner)
        others = [other for other in self.model.runners.values() if other is not runner]
        suspects = [o.suspect_at for o in others if o.suspect_at and not o.is_dead(self.model.now)]
        assert next_s == self.seconds_until(min(suspects, default=None))

    def promote(self, one: int) -> None:
        promoted = self.do(self.real.on(one, store.promote))
        expected, next_due = self.model.promote()
        assert promoted == store.Promoted(expected, self.seconds_until(next_due), None)
        drained = self.do(self.real.on(one, store.is_drained, Abilities(TYPES[one])))
        assert drained == self.model.is_drained(TYPES[one])

    def prune(self, one: int) -> None:
        begin: dict[str, Any] = {"after": store.FIRST_ID, "keep_s": KEEP_S}
        _, gone = self.do(self.real.on(one, store.prune_tasks, **begin))
        assert gone == self.model.prune(KEEP_S)

    def fold(self, one: int) -> None:
        self.do(self.real.on(one, store.fold_tallies))

    def seconds_until(self, time: datetime | None) -> float | None:
        return None if time is None else (time - self.model.now).total_seconds()

    # People interfere.

    def cancel(self, row: Row) -> None:
        assert self.do(self.real.run(client.cancel(row.id))) == self.model.cancel(row)

    def set_pending(self, row: Row) -> None:
        refused = row.finished is not None and self.model.key_is_taken(row.key)
        update = "UPDATE agent_tasks SET status = 'pending' WHERE id = %s"
        try:
            self.do(self.real.sql(update, [row.id]))
        except psycopg.errors.UniqueViolation:
            assert refused
        else:
            assert not refused
            self.model.set_pending(row)

    def retry(self, row: Row) -> None:
        refused = row.finished is not None and self.model.key_is_taken(row.key)
        try:
            changed = self.do(self.real.run(client.retry(row.id)))
        except ConflictError:
            assert refused
        else:
            assert not refused
            assert changed == self.model.retry(row)

    def reschedule(self, row: Row, due: datetime) -> None:
        update = "UPDATE agent_tasks SET scheduled_for = %s WHERE id = %s"
        self.do(self.real.sql(update, [due, row.id]))
        self.model.reschedule(row, due)

    def pause_or_resume(self, scope: Scope, key: str) -> None:
        people = self.do(self.real.at(-1))
        if (scope, key) in self.model.pauses:
            assert self.do(control.resume(people, scope, key))
        else:
            self.do(control.pause(people, scope, key))
        self.model.pauses ^= {(scope, key)}

    # Both must agree on everything.

    def compare(self) -> None:
        """The whole table, and the totals."""
        seen, totals = self.do(self.real.seen())
        told_of = {row["id"]: row for row in seen}
        assert told_of.keys() == self.model.rows.keys()
        last = max((row.place for row in self.model.rows.values()), default=0)
        for row in self.model.drew:
            row.place, before = told_of[row.id]["ready_seq"], last
            last = max(last, row.place)
            assert row.place > before, row
        self.model.drew.clear()
        for task, row in self.model.rows.items():
            assert facts(told_of[task]) == told(row), row
        counts = Counter(row.status for row in self.model.rows.values())
        assert totals == {**dict.fromkeys(STATUSES, 0), **counts, "total": counts.total()}
