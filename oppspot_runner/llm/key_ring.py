"""Encrypts the keys of single agents for the database, and decrypts them for their calls."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from uuid import UUID

from pydantic import SecretStr

from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.llm.errors import StoredKeyUnreadableError

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

BETWEEN = re.compile(r"[\s,]+")
SETTING = "OPPSPOT_SECRET_KEY"


class KeyRing:
    """The secrets of OPPSPOT_SECRET_KEY: the first encrypts, each decrypts.

    Raises ConfigurationError for secrets that are none, and where the extra is not installed.
    """

    def __init__(self, secrets: str) -> None:
        self._fernet = _fernet(BETWEEN.split(secrets.strip()))

    def seal(self, agent_id: UUID, api_key: SecretStr) -> str:
        """What may be stored of a key of that agent."""
        return self._fernet.encrypt(f"{agent_id} {api_key.get_secret_value()}".encode()).decode()

    def open(self, agent_id: UUID, sealed: str) -> SecretStr:
        """The key. Raises StoredKeyUnreadableError for what was sealed otherwise, or for others."""
        from cryptography.fernet import InvalidToken

        try:
            whose, _, api_key = self._fernet.decrypt(sealed.encode()).decode().partition(" ")
        except InvalidToken:
            raise StoredKeyUnreadableError(
                f"the stored key of agent {agent_id} was encrypted under another {SETTING} than"
                " this process has",
                hint=f"Add the old one to {SETTING}, or store the key anew.",
            ) from None
        if whose != str(agent_id):
            raise StoredKeyUnreadableError(
                f"the stored key of agent {agent_id} is that of another agent",
                hint="Store its own one.",
            )
        return SecretStr(api_key)


def _fernet(secrets: list[str]) -> MultiFernet:
    try:
        from cryptography.fernet import Fernet, MultiFernet
    except ImportError:
        raise ConfigurationError(
            "stored keys need a library that is not installed: cryptography",
            hint="pip install 'oppspot-runner[keys]'",
        ) from None
    try:
        return MultiFernet([Fernet(one) for one in secrets])
    except ValueError:
        raise ConfigurationError(
            f"{SETTING} is not usable: it takes 32 bytes in URL-safe base64, or several of them"
            " with commas between",
            hint="Make one with `openssl rand -base64 32 | tr '+/' '-_'`.",
        ) from None
