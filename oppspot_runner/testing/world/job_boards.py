"""What a job board shows at a time."""

from __future__ import annotations

from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from oppspot_runner.testing.world.content import Board, Job
from oppspot_runner.testing.world.scene import Scene


def board_of(scene: Scene, service: str, token: str) -> Board | None:
    """The board; None where there is none, or not any more."""
    board = scene.boards.get((service, token))
    is_gone = board is not None and board.gone is not None and board.gone <= scene.clock.now
    return None if is_gone else board


def shown(board: Board, now: datetime) -> list[Job]:
    """The jobs that are there now, newest first."""
    there = [
        one
        for one in board.jobs
        if one.published <= now and (one.closed is None or one.closed > now)
    ]
    return sorted(there, key=lambda one: (one.published, one.id), reverse=True)


def long_id(board: Board, job: Job) -> str:
    """The id of a job where ids are UUIDs."""
    return str(uuid5(NAMESPACE_URL, f"{board.service} {board.token} {job.id}"))
