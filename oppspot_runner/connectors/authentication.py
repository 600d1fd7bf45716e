"""How calls of a source show who makes them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Protocol

from pydantic import SecretStr

from oppspot_runner.base.secret import read_secret
from oppspot_runner.base.settings import Settings, variable_name
from oppspot_runner.base.web import Answer


class Send(Protocol):
    """Asks the same source for something that calls need, such as a token."""

    async def __call__(
        self, url: str, *, form: Mapping[str, str], headers: Mapping[str, str]
    ) -> Answer:
        """The answer to a POST of `form`, within limit and breaker. Raises SourceError."""
        ...


class Auth(Protocol):
    """How calls of a source show who makes them."""

    async def headers(self, send: Send) -> Mapping[str, str]:
        """The headers of the next call. Raises what `send` raises."""
        ...

    def forget(self) -> None:
        """The source did not accept the last headers: others are needed, if there are any."""
        ...


class BasicAuth:
    """A key as the user, without a password."""

    def __init__(self, key: str) -> None:
        self._value = "Basic " + b64encode(f"{key}:".encode()).decode()

    async def headers(self, _send: Send) -> Mapping[str, str]:
        return {"authorization": self._value}

    def forget(self) -> None:
        """There is no other key."""


def secret_in(settings: Settings, field: str) -> str:
    """A key of the settings, read from where it is. Raises ConfigurationError."""
    value: SecretStr | str | None = getattr(settings, field)
    if isinstance(value, SecretStr):
        return read_secret(value.get_secret_value(), variable_name(field))
    return value or ""
