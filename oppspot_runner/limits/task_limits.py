"""Limits on tasks, as people set them and as the code of agent types brings them.

Claims keep to them (queue/claim_limited); here they are only written and shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from psycopg.rows import DictRow

from oppspot_runner.base.errors import ConflictError, InvalidInputError
from oppspot_runner.base.payload import plain_text, whole_number
from oppspot_runner.base.rate import starts_per_second
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database

SET = statement("limits/set")
REMOVE = statement("limits/remove")
LIST = statement("limits/list")
PUBLISH = statement("limits/publish")

Scope = Literal["agent", "type", "org", "key"]
EVERY_KEY = "*"
MOST_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class Limit:
    """`concurrency` tasks at once, `rate` such as "10/s", `burst` starts at once; None = any."""

    concurrency: int | None = None
    rate: str | None = None
    burst: int | None = None
    weight: float = 1.0

    def columns(self) -> dict[str, float | None]:
        """The values of a row. Raises InvalidInputError naming the one that is unusable."""
        if self.concurrency is not None:
            whole_number(self.concurrency, "the concurrency", least=0, most=MOST_AT_ONCE)
        if self.burst is not None:
            whole_number(self.burst, "the burst", least=1, most=MOST_AT_ONCE)
            if self.rate is None:
                raise InvalidInputError("a burst means nothing without a rate")
        if not 0 < self.weight <= MOST_AT_ONCE:
            raise InvalidInputError(f"the weight is {self.weight}, not above 0")
        return {
            "concurrency": self.concurrency,
            "rate": None if self.rate is None else starts_per_second(self.rate),
            "burst": self.burst,
            "weight": self.weight,
        }


async def set_limit(database: Database, scope: Scope, key: str, limit: Limit) -> None:
    """From now on `limit` holds for `key`, in place of what was set before.

    `key` is the id of an agent or an organisation as text, a task_type or agent_type, a limit_key,
    or "*" for each limit_key. Raises InvalidInputError, and ConflictError where the agent's own
    configuration says its limits.
    """
    plain_text(key, f"the {scope}", most=200)
    columns = limit.columns()
    if limit == Limit():
        raise InvalidInputError(
            "that limits nothing", hint="`oppspot-runner limits remove` takes a limit away."
        )
    if scope == "key" and limit.rate is not None:
        raise InvalidInputError("tasks of a key can be limited in number, not in rate")
    if scope != "org" and limit.weight != 1:
        raise InvalidInputError("only organisations have a weight")
    if await database.fetch_one(SET, {"scope": scope, "key": key, **columns}) is None:
        raise _configured(scope, key)


async def remove_limit(database: Database, scope: Scope, key: str) -> bool:
    """Takes away what people set; False when there is no limit.

    Raises ConflictError where it follows a configuration, or the code of an agent type.
    """
    plain_text(key, f"the {scope}", most=200)
    row = await database.fetch_one(REMOVE, {"scope": scope, "key": key})
    if row is not None and row["source"] == "configuration":
        raise _configured(scope, key)
    if row is not None and row["source"] == "code":
        raise ConflictError(
            f"the limits of {scope} {key} are in the code of its agents",
            hint="Set others, which then count: `oppspot-runner limits set`.",
        )
    return row is not None


async def list_limits(database: Database) -> list[DictRow]:
    """All limits with what runs under each now and the tokens that its bucket holds."""
    return await database.fetch_all(LIST)


def _configured(scope: Scope, key: str) -> ConflictError:
    return ConflictError(
        f"the limits of {scope} {key} are in its configuration",
        hint="Change the keys concurrency and rate there: `oppspot-runner agents update`.",
    )


async def publish(database: Database, declared: Mapping[str, Limit]) -> None:
    """Makes what the code of agent types says known to all runners.

    `declared` has all types of this process, also those without limits. What people set for a
    type stays as it is.
    """
    columns = {agent_type: limit.columns() for agent_type, limit in declared.items()}
    limited = [name for name, limit in declared.items() if limit != Limit()]
    await database.execute(
        PUBLISH,
        {
            "known": list(columns),
            "types": limited,
            "concurrencies": [columns[name]["concurrency"] for name in limited],
            "rates": [columns[name]["rate"] for name in limited],
        },
    )
