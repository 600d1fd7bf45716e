"""Keys that single agents have for their models: kept encrypted, found for their calls."""

from __future__ import annotations

import asyncio
from uuid import UUID

from pydantic import SecretStr

from oppspot_runner.app.database import embedded_folder, given_dsn
from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.secret import read_secret
from oppspot_runner.base.settings import Settings
from oppspot_runner.db.embedded_files import own_secret
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.llm.errors import StoredKeyUnreadableError
from oppspot_runner.llm.key_ring import SETTING, KeyRing
from oppspot_runner.llm.names import ModelTable

PUT = statement("agent_keys/put")
DROP = statement("agent_keys/drop")
FIND = statement("agent_keys/find")
ALL = statement("agent_keys/all")
RENEW = statement("agent_keys/renew")


def key_ring(settings: Settings) -> KeyRing:
    """What keys are encrypted under: OPPSPOT_SECRET_KEY, for the private database a secret of its
    own. Raises ConfigurationError. Reads files.
    """
    written = settings.secret_key
    if written:
        return KeyRing(read_secret(written.get_secret_value(), SETTING))
    if given_dsn(settings) is None:
        return KeyRing(own_secret(embedded_folder(settings)))
    raise ConfigurationError(
        f"{SETTING} is not set, so no api_key can be stored",
        hint="Set it, or put the key into a variable of the runner and name that as api_key_env.",
    )


async def keep(
    database: Database, settings: Settings, agent_id: UUID, model: str, api_key: SecretStr
) -> None:
    """Stores the key that an agent has for the provider of `model`, instead of what it had.

    Raises ConfigurationError and UnknownModelError.
    """

    def sealed() -> tuple[str, str]:
        found = ModelTable.load(settings.llm_models).find(model)
        return found.provider, key_ring(settings).seal(agent_id, api_key)

    provider, token = await asyncio.to_thread(sealed)
    await drop(database, agent_id)
    await database.execute(PUT, {"agent_id": agent_id, "provider": provider, "sealed": token})


async def drop(database: Database, agent_id: UUID) -> None:
    """Takes the key of an agent away, if it has one."""
    await database.execute(DROP, {"agent_id": agent_id})


async def find(
    database: Database, settings: Settings, agent_id: UUID, provider: str
) -> SecretStr | None:
    """The key that an agent has for a provider. Raises StoredKeyUnreadableError."""
    row = await database.fetch_one(FIND, {"agent_id": agent_id, "provider": provider})
    if row is None:
        return None
    try:
        ring = await asyncio.to_thread(key_ring, settings)
    except ConfigurationError as error:
        raise StoredKeyUnreadableError(
            f"the agent's stored key cannot be read here: {error}",
            hint=f"Give this process the {SETTING} under which it was stored.",
        ) from None
    return ring.open(agent_id, row["sealed"])


async def rotate(database: Database, settings: Settings) -> int:
    """Encrypts all keys under the first secret; how many. Raises StoredKeyUnreadableError."""
    ring = await asyncio.to_thread(key_ring, settings)
    rows = await database.fetch_all(ALL)
    for row in rows:
        agent_id, old = row["agent_id"], row["sealed"]
        sealed = ring.seal(agent_id, ring.open(agent_id, old))
        await database.execute(RENEW, {"agent_id": agent_id, "old": old, "sealed": sealed})
    return len(rows)
