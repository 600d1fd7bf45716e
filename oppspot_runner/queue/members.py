"""Rows of task_runners: a daemon joins, says that it lives, and leaves; people ask things of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import psycopg
from psycopg.rows import DictRow

from oppspot_runner.base.jsonsafe import dumps
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import BAD_CONTENT, Connection, Database, connect_blocking, cut

REGISTER = statement("runners/register")
NOTICE_RESTORE = statement("runners/notice_restore")
BEAT = statement("runners/beat")
NOTE_RUNNING = statement("runners/note_running")
PUBLISH_LABELS = statement("runners/publish_labels")
HOLD_LOCK = statement("runners/hold_lock")
SET_WAKE = statement("runners/set_wake")
SET_WAITING = statement("runners/set_waiting")
SET_STATE = statement("runners/set_state")
DESIRED = statement("runners/desired")
ASK = statement("runners/ask")
LEAVE = statement("runners/leave")
FORGET_DEAD = statement("runners/forget_dead")


@dataclass(frozen=True)
class Membership:
    """This process as a runner: `lock_key` is the advisory lock that proves it lives, `desired`
    what is asked of it from the start."""

    id: int
    lock_key: int
    desired: str = "run"


@dataclass(frozen=True)
class Condition:
    """How a runner says that it is: `hanging` agents were cut off and still run."""

    state: str
    lag_ms: int = 0
    hanging: int = 0


@dataclass(frozen=True)
class Beat:
    """What a heartbeat learned: what people ask, the run tokens that are (still) ours, and how many
    runners wait for the same tasks."""

    desired: str
    held: frozenset[int]
    cancelled: frozenset[int]
    crowd: int


async def register(
    database: Database, facts: dict[str, Any], before: int = 0, desired: str = "run"
) -> Membership:
    """Joins as a new runner. `facts` are the columns of runners/register.sql.

    One that starts over was the runner `before`, of which `desired` was asked when it last heard.
    """
    await database.execute(NOTICE_RESTORE)
    row = await database.fetch_one(REGISTER, {**facts, "before": before, "desired": desired})
    assert row is not None
    return Membership(row["id"], row["lock_key"], row["desired"])


async def publish_labels(database: Database, asked: Mapping[str, Sequence[str]]) -> None:
    """Makes known what labels the code of each agent type asks for. `asked` has all that we know.

    What agents ask for in their configuration stays as it is.
    """
    said = {agent_type: list(labels) for agent_type, labels in asked.items() if labels}
    params = {"labels": dumps(said), "known": list(asked)}
    await database.execute(PUBLISH_LABELS, params)


async def hold_lock(connection: Connection, lock_key: int) -> bool:
    """Takes the runner's lock on a session that lives as long as the process."""
    row = await (await connection.execute(HOLD_LOCK, {"lock_key": lock_key})).fetchone()
    return row is not None and bool(row["held"])


async def set_wake(
    database: Database, member: Membership, wake: str, *, lock_held: bool = False
) -> None:
    """Says how this runner hears of work, and whether its lock can be trusted."""
    lock_key = member.lock_key if lock_held else None
    await database.execute(SET_WAKE, {"runner_id": member.id, "wake": wake, "lock_key": lock_key})


async def set_waiting(database: Database, runner_id: int, waiting: bool) -> None:
    """Says whether the next INSERT should wake this runner."""
    await database.execute(SET_WAITING, {"runner_id": runner_id, "waiting": waiting})


async def set_state(database: Database, runner_id: int, state: str) -> None:
    """Shows a new state."""
    await database.execute(SET_STATE, {"runner_id": runner_id, "state": state})


async def asked_of(database: Database, runner_id: int) -> tuple[str, frozenset[int]] | None:
    """What people ask of the runner now, and tokens of tasks to cancel; None: its row is gone."""
    row = await database.fetch_one(DESIRED, {"runner_id": runner_id})
    return (row["desired"], frozenset(row["cancelled"])) if row else None


async def ask(
    database: Database, wanted: str, ids: Sequence[int] | None = None, host: str | None = None
) -> list[DictRow]:
    """Asks live runners (all, those of `ids` or of a host) to run, pause, idle or stop(_now)."""
    params = {"desired": wanted, "ids": list(ids) if ids is not None else None, "host": host}
    return await database.fetch_all(ASK, params)


async def leave(connection: Connection, runner_id: int) -> str | None:
    """Takes the row away; while tasks still name it only its lease ends. What was asked of it."""
    row = await (await connection.execute(LEAVE, {"runner_id": runner_id})).fetchone()
    return row["desired"] if row else None


async def forget_dead(connection: Connection) -> None:
    """Deletes rows of runners that died over a day ago."""
    await connection.execute(FORGET_DEAD)


class BeatConnection:
    """The heartbeat's own connection, for a thread of its own. Not safe to share."""

    def __init__(self, conninfo: str, database: Database, runner_id: int) -> None:
        self.conninfo = conninfo
        self.schema = database.schema
        self.runner_id = runner_id
        self._connection: psycopg.Connection[DictRow] | None = None

    def beat(
        self,
        condition: Condition,
        *,
        silent_beats: float,
        running: Sequence[int],
        running_for_s: float,
    ) -> Beat | None:
        """Renews the lease; None when it is no longer ours. It notifies a runner whose listener
        heard nothing for `silent_beats` heartbeats, one and a half or more.

        Attempts by the tokens `running` that are older than `running_for_s` become visible as
        running executions. Raises psycopg's errors; the connection is then opened anew next time.
        """
        params = {"runner_id": self.runner_id, "silent_beats": silent_beats, **asdict(condition)}
        try:
            connection = self._open()
            row = connection.execute(BEAT, params).fetchone()
            if row is not None and row["held"] and running:
                older = {
                    "runner_id": self.runner_id,
                    "tokens": list(running),
                    "older_than_s": running_for_s,
                }
                with suppress(*BAD_CONTENT):  # an odd row must not cost the lease
                    connection.execute(NOTE_RUNNING, older)
        except psycopg.Error:
            self.close()
            raise
        if row is None:
            return None
        held, cancelled = frozenset(row["held"]), frozenset(row["cancelled"])
        return Beat(row["desired"], held, cancelled, row["crowd"])

    def abort(self) -> None:
        """Ends a beat that waits for an answer; to be called from another thread."""
        if self._connection is not None:
            cut(self._connection)

    def close(self) -> None:
        """Closes the connection, if there is one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> psycopg.Connection[DictRow]:
        if self._connection is None:
            self._connection = connect_blocking(self.conninfo, self.schema)
        return self._connection
