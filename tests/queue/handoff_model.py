"""Bodies that run elsewhere as they should be, in plain Python, on top of the queue's model."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tests.queue.crew import Runner
from tests.queue.model import Model, Row

NOBODY = 0  # the runner of what was left to any other one


@dataclass
class Body:
    """One that was handed on: the attempts whose body it is, and who waits for it."""

    handle: UUID
    attempts: dict[UUID, int]  # tasks and their tokens, in the order of the batch
    backend: str
    runner: int | None
    begun_at: datetime | None = None
    worker: str | None = None
    beat_at: datetime | None = None
    result: int | None = None

    @property
    def is_batch(self) -> bool:
        return len(self.attempts) > 1


class HandoffModel(Model):
    """Also knows which runner has which backends, and all bodies that there is a row of."""

    def __init__(self, now: datetime) -> None:
        super().__init__(now)
        self.backends: dict[int, Collection[str]] = {}
        self.bodies: dict[UUID, Body] = {}

    def wanted(self, body: Body) -> list[Row]:
        """The tasks for which it still runs."""
        owned = (self.owned(task, token) for task, token in body.attempts.items())
        return [row for row in owned if row is not None]

    def bodies_of(self, row: Row) -> Iterator[Body]:
        for body in self.bodies.values():
            if row.token is not None and row.token in body.attempts.values():
                yield body

    def lives(self, runner: int | None) -> bool:
        found = None if runner is None else self.runners.get(runner)
        return found is not None and found.lease_until > self.now

    # The runner that waits.

    def put(self, runner: int, handle: UUID, attempts: dict[UUID, int], backend: str) -> bool:
        first = next(iter(attempts))
        row = self.owned(first, attempts[first])
        if row is None or row.runner != runner:
            return False
        self.bodies[handle] = Body(handle, attempts, backend, runner)
        return True

    def drop(self, runner: int, handle: UUID) -> bool:
        body = self.bodies.get(handle)
        if body is None or body.runner != runner or not self.lives(runner):
            return False
        del self.bodies[handle]
        return True

    def leave_bodies(self, runner: int) -> set[int]:
        left = [b for b in self.bodies.values() if b.runner == runner and not b.is_batch]
        for body in left:
            body.runner = None
        return {token for body in left for token in body.attempts.values()}

    def give_back(self, runner: Runner, tokens: Sequence[int]) -> int:
        """What has a body elsewhere is not put back: somebody goes on with it."""
        for row in self.rows.values():
            if row.runner == runner.id and row.token in tokens:
                for body in self.bodies_of(row):
                    if not body.is_batch:
                        row.runner, body.runner = NOBODY, None
        return super().give_back(runner, tokens)

    # The worker.

    def take(self, handle: UUID, worker: str) -> Body | None:
        body = self.bodies.get(handle)
        if body is None or body.begun_at is not None or not self.wanted(body):
            return None
        body.begun_at = body.beat_at = self.now
        body.worker = worker
        return body

    def beat_body(self, handle: UUID) -> bool:
        body = self.bodies.get(handle)
        if body is None or body.begun_at is None or body.result is not None:
            return False
        if wanted := bool(self.wanted(body)):
            body.beat_at = self.now
        return wanted

    def end(self, handle: UUID, result: int) -> bool:
        body = self.bodies.get(handle)
        if body is None or body.result is not None:
            return False
        body.result = result
        return True

    # Any runner, for all.

    def is_elsewhere(self, row: Row) -> bool:
        return any(True for _ in self.bodies_of(row))

    def is_cared_for(self, row: Row, dead: Collection[int]) -> bool:
        able = [r for r in self.runners if self.lives(r) and r not in dead]
        known = {backend for runner in able for backend in self.backends[runner]}
        return any(not body.is_batch and body.backend in known for body in self.bodies_of(row))

    def adopt(self, by: int) -> dict[UUID, Row]:
        found: dict[UUID, Row] = {}
        for body in self.bodies.values():
            for row in self.wanted(body):
                is_left = row.runner != by and not self.lives(row.runner)
                if is_left and not body.is_batch and body.backend in self.backends[by]:
                    row.runner = body.runner = by
                    found[body.handle] = row
        return found

    def sweep(self, *, everywhere: bool) -> int:
        """A look sees only bodies that ended, and those that no living runner waits for."""
        gone = [
            body.handle
            for body in self.bodies.values()
            if not self.wanted(body)
            and (everywhere or body.result is not None or not self.lives(body.runner))
        ]
        for handle in gone:
            del self.bodies[handle]
        return len(gone)
