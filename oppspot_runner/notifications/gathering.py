"""Gathers what happened into messages, and hands those that are due to tasks.

All of one look is a transaction: events go away as they are counted, and a message gets its task as
it is closed. So a crash loses none and doubles none. Runners take turns at the lock on the rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from oppspot_runner.base.jsonsafe import clean, dumps
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Connection, Database
from oppspot_runner.notifications.bundle import Bundle
from oppspot_runner.notifications.message import message
from oppspot_runner.notifications.rules import Happening, Rule

LOOK = statement("notifications/look")
LOCK_RULES = statement("notifications/lock_rules")
NOTE_LOSSES = statement("notifications/note_losses")
TAKE_EVENTS = statement("notifications/take_events")
OPEN = statement("notifications/open")
SAVE = statement("notifications/save")
DUE = statement("notifications/due")
SEND = statement("notifications/send")
PRUNE = statement("notifications/prune")

MOST_EVENTS = 1000  # in one transaction


@dataclass(frozen=True)
class Look:
    """Whether something happened, seconds until a message is due, and whether a delivery waits."""

    happened: bool
    due_s: float | None
    ready: bool

    @property
    def is_to_gather(self) -> bool:
        """Whether events are to be counted, or a message to be closed."""
        return self.happened or (self.due_s is not None and self.due_s <= 0)


async def look(connection: Connection) -> Look:
    """How things stand: one short statement, which is all where no rule asks for anything."""
    row = await (await connection.execute(LOOK)).fetchone()
    assert row is not None
    return Look(**row)


async def gather(database: Database) -> None:
    """Takes in what happened, at most 1,000 events, and hands on what is due."""
    async with database.transaction() as connection:
        rules = [Rule(**row) for row in await _rows(connection, LOCK_RULES)]
        await connection.execute(NOTE_LOSSES)
        events = await _rows(connection, TAKE_EVENTS, {"most": MOST_EVENTS})
        if events:
            await _take_in(connection, rules, [Happening(**row) for row in events])
        for row in await _rows(connection, DUE):
            await _send(connection, row)


async def prune(connection: Connection) -> int:
    """Forgets messages whose tasks are gone, at most 1,000; how many."""
    return (await connection.execute(PRUNE)).rowcount


async def _take_in(
    connection: Connection, rules: Sequence[Rule], happenings: Sequence[Happening]
) -> None:
    opened = {row.pop("rule_id"): Bundle(**row) for row in await _rows(connection, OPEN)}
    changed: dict[UUID, Bundle] = {}
    for happening in happenings:
        for rule in rules:
            if rule.wants(happening):
                fresh = Bundle(happening.at, happening.at)
                bundle = changed.setdefault(rule.id, opened.get(rule.id, fresh))
                bundle.add(happening)
    if changed:
        bundles = [{"rule_id": rule_id, **asdict(one)} for rule_id, one in changed.items()]
        await connection.execute(SAVE, {"bundles": dumps(clean(bundles))})


async def _send(connection: Connection, row: DictRow) -> None:
    fields = ("first_at", "last_at", "count", "examples", "shares")
    told = message(row["name"], row["event"], Bundle(**{name: row[name] for name in fields}))
    payload = {
        "notification": row["id"],
        "channel": row["channel"],
        "target": row["target"],
        "secret": row["secret"],
        **asdict(told),
    }
    params = {"id": row["id"], "rule_id": row["rule_id"], "payload": dumps(clean(payload))}
    await connection.execute(SEND, params)


async def _rows(
    connection: Connection, query: Any, params: Mapping[str, Any] | None = None
) -> list[DictRow]:
    return await (await connection.execute(query, params)).fetchall()
