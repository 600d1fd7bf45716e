"""The queue as it should be, in plain Python: the rows of a real one are compared with it.

It knows no lock, no transaction and no index, only what each operation means.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from oppspot_runner.base.outcome import Cancel, Done, Fail, Outcome, Release, Retry, Snooze
from tests.queue.crew import BEAT_S, Runner

MOST_CRASHES = 3


@dataclass
class Row:
    """A task. `place` is its number in line, which the real queue draws (see `Model.drew`).

    `put_back`: it waits at a place of before, where a runner may not look for a while.
    """

    id: UUID
    due: datetime
    pausable: frozenset[tuple[str, str]]
    task_type: str = "agent_execution"
    priority: int = 5
    most_errors: int = 3
    key: str | None = None
    status: str = "pending"
    parked: bool = False
    place: int = 0
    put_back: bool = False
    token: int | None = None
    runner: int | None = None
    started: datetime | None = None
    finished: datetime | None = None
    attempt: int = 0
    errors: int = 0
    crashes: int = 0
    held: bool = False
    asked_to_end: bool = False
    executions: dict[int, str] = field(default_factory=dict)

    def becomes(self, status: str, now: datetime) -> None:
        """Nobody's from now on."""
        self.status, self.token, self.runner, self.held = status, None, None, False
        self.parked = status == "pending" and self.due > now
        self.finished = None if status == "pending" else now


class Model:
    """All tasks, runners and pauses. `drew`: who got a new place since the last look, in order."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.rows: dict[UUID, Row] = {}
        self.runners: dict[int, Runner] = {}
        self.pauses: set[tuple[str, str]] = set()
        self.drew: list[Row] = []

    def insert(self, row: Row) -> None:
        self.rows[row.id] = row
        self._wait(row, draws=True)

    def key_is_taken(self, key: str | None) -> bool:
        keys = {row.key for row in self.rows.values() if row.status in ("pending", "processing")}
        return key is not None and key in keys

    def line(self, types: Sequence[str]) -> list[Row]:
        """Who may be claimed, in order."""
        ready = [row for row in self.rows.values() if row.status == "pending" and not row.parked]
        ready = [row for row in ready if not types or row.task_type in types]
        ready = [row for row in ready if not row.pausable & self.pauses]
        return sorted(ready, key=lambda row: (-row.priority, row.place))

    def claim(self, runner: Runner, row: Row, token: int) -> None:
        row.status, row.token, row.runner = "processing", token, runner.id
        row.started, row.attempt = self.now, row.attempt + 1
        row.held = row.crashes >= MOST_CRASHES - 1  # until it can run alone

    def owned(self, task: UUID, token: int) -> Row | None:
        """The row, while it belongs to the attempt with that token: the whole fence."""
        row = self.rows.get(task)
        return row if row is not None and row.token == token else None

    def begin(self, task: UUID, token: int) -> bool:
        row = self.owned(task, token)
        if row is not None:
            row.held, row.started = False, self.now
        return row is not None

    def finish(self, runner: int, task: UUID, token: int, outcome: Outcome) -> bool:
        if (row := self.owned(task, token)) is None or row.runner != runner:
            return False
        status, seen, wait_s, draws = "pending", "cancelled", 0.0, False
        match outcome:
            case Done():
                status = seen = "completed"
            case Cancel():
                status = seen = "cancelled"
            case Retry(after_s=after_s) if row.errors < row.most_errors:
                seen, draws = "failed", True
                wait_s = min(2.0**row.errors, 60.0) if after_s is None else after_s
                row.errors += 1
            case Retry() | Fail():
                status = seen = "failed"
            case Snooze(after_s=after_s):
                wait_s = after_s or 0.0
            case Release():
                pass
        row.executions[row.attempt] = seen
        if status == "pending" and not row.asked_to_end:
            row.due = self.now + timedelta(seconds=wait_s)
            self._wait(row, draws=draws)  # who was only put off keeps the old place
        else:
            row.becomes("cancelled" if status == "pending" else status, self.now)
        return True

    def give_back(self, runner: Runner, tokens: Sequence[int]) -> int:
        given = [r for r in self.rows.values() if r.token in tokens and r.runner == runner.id]
        for row in given:
            row.attempt -= 1  # it never began
            self._wait(row, draws=False)
        return len(given)

    def promote(self) -> tuple[int, datetime | None]:
        """How many got in line, and when the next is due."""
        parked = [row for row in self.rows.values() if row.parked]
        due = [row for row in parked if row.due <= self.now]
        for row in sorted(due, key=lambda row: (row.due, row.place)):
            self._wait(row, draws=True)
        return len(due), min((row.due for row in parked if row.parked), default=None)

    def rescue(self, by: Runner) -> set[tuple[UUID, str]]:
        dead = {r.id: r for r in self.runners.values() if r is not by and r.is_dead(self.now)}
        alive = self.runners.keys() - dead.keys()
        lost = [r for r in self.rows.values() if r.token is not None and r.runner not in alive]
        lost = [row for row in lost if not self.is_cared_for(row, dead)]
        for row in sorted(lost, key=lambda row: row.place):
            if row.held:
                row.attempt -= 1  # it never began
            else:
                row.executions[row.attempt] = "failed"
                row.crashes += not self.is_elsewhere(row)
            ends = "failed" if row.crashes >= MOST_CRASHES else "pending"
            row.becomes("cancelled" if row.asked_to_end else ends, self.now)
            self._draw(row)
        for runner in dead.values():
            runner.depose(self.now)
        return {(row.id, row.status) for row in lost}

    def is_elsewhere(self, row: Row) -> bool:
        """Whether its body runs outside of its runner, and had no part in the runner's death."""
        return False

    def is_cared_for(self, row: Row, dead: Collection[int]) -> bool:
        """Whether it is left alone, though its runner is among the `dead`, to be gone on with."""
        return False

    def beat(
        self, runner: Runner, unknown: Collection[int] = ()
    ) -> set[tuple[int | None, bool]] | None:
        """Tokens that it holds, and whether somebody wants their end; None: it comes too late.

        `unknown`: tokens that are its own by the table and that it knows nothing of.
        """
        if not runner.beat(self.now):
            return None
        held = [row for row in self.rows.values() if row.runner == runner.id]
        for row in held:
            long = row.started and row.started < self.now - timedelta(seconds=BEAT_S)
            if long and not row.held and row.token not in unknown:
                row.executions[row.attempt] = "running"
        return {(row.token, row.asked_to_end) for row in held}

    def leave(self, runner: Runner) -> None:
        if any(row.runner == runner.id for row in self.rows.values()):
            runner.depose(self.now)  # whoever rescues them needs the row
        else:
            del self.runners[runner.id]

    def cancel(self, row: Row) -> bool:
        row.asked_to_end |= row.status == "processing"
        if row.status == "pending":
            row.becomes("cancelled", self.now)
            return True
        return row.status == "processing"

    def set_pending(self, row: Row) -> None:
        """By hand."""
        if row.executions.get(row.attempt) == "running":
            row.executions[row.attempt] = "cancelled"
        if row.status == "pending":
            return
        row.crashes = 0 if row.finished else row.crashes
        row.asked_to_end = False
        self._wait(row, draws=row.due <= self.now)

    def retry(self, row: Row) -> bool:
        """By hand: what ended with all retries again, what waits after an error at once."""
        if row.finished is not None:
            row.errors, row.due = 0, self.now
            self.set_pending(row)
            return True
        failed = row.executions.get(row.attempt) == "failed"
        if backs_off := row.parked and row.due > self.now and failed:
            self.reschedule(row, self.now)
        return backs_off

    def reschedule(self, row: Row, due: datetime) -> None:
        """By hand."""
        row.due = due
        if row.status == "pending":
            self._wait(row, draws=row.parked and due <= self.now)

    def prune(self, keep_s: float) -> int:
        oldest = self.now - timedelta(seconds=keep_s)
        gone = [r.id for r in self.rows.values() if r.finished and r.finished < oldest]
        gone = [one for one in gone if self.rows[one].status != "failed"]
        for one in gone:
            del self.rows[one]
        return len(gone)

    def is_drained(self, types: Sequence[str]) -> bool:
        """Nothing of these types is due or running; retries that wait count as due."""
        mine = [row for row in self.rows.values() if not types or row.task_type in types]
        busy = (r.token or (r.parked and (r.errors or r.due <= self.now)) for r in mine)
        return not any(busy) and not self.line(types)

    def _wait(self, row: Row, *, draws: bool) -> None:
        row.put_back = row.put_back or row.token is not None
        row.becomes("pending", self.now)
        if draws:
            self._draw(row)

    def _draw(self, row: Row) -> None:
        row.put_back = False
        self.drew.append(row)
