"""How a provider is reached: its address and its key, from the settings or where they point to."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import SecretStr

from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.secret import read_secret
from oppspot_runner.base.settings import Settings
from oppspot_runner.llm.errors import ApiKeyMissingError
from oppspot_runner.llm.names import ProviderName

# What a row of an agent may name: never the password of the database.
KEY_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*_API_KEY", re.ASCII)
HTTP_URL = re.compile(r"https?://[^\s/@]+(/[^\s@]*)?")  # no user and no password in it


@dataclass(frozen=True)
class Access:
    """The way to a provider. Its key is shown to nobody but the provider."""

    provider: ProviderName
    api_key: SecretStr
    base_url: str | None = None


def access_to(
    provider: ProviderName, settings: Settings, api_key: SecretStr | None = None
) -> Access:
    """The way to a provider by the settings, with a key of its own where one is given.

    The address always is that of the settings, so that no row can send a key elsewhere. Raises
    ApiKeyMissingError, and ConfigurationError for a setting that cannot be used.
    """
    key = api_key or _key_in_settings(provider, settings)
    base_url: str | None = getattr(settings, f"{provider}_base_url") or None
    if base_url is not None and not HTTP_URL.fullmatch(base_url):
        raise ConfigurationError(
            f"{provider.upper()}_BASE_URL is not usable",
            hint="It begins with https:// or http:// and has no user or password in it.",
        )
    return Access(provider, key, base_url)


def _key_in_settings(provider: ProviderName, settings: Settings) -> SecretStr:
    written: SecretStr | None = getattr(settings, f"{provider}_api_key")
    if not written:
        raise ApiKeyMissingError(
            f"there is no key for {provider}",
            hint=f"Set {provider.upper()}_API_KEY, or use the model mock:echo, which needs none.",
        )
    return SecretStr(read_secret(written.get_secret_value(), f"the key of {provider}"))


def key_in_environment(variable: str, environment: Mapping[str, str] | None = None) -> SecretStr:
    """The key in a variable that the configuration of an agent names as its `api_key_env`.

    Raises ConfigurationError for names that do not end in _API_KEY, ApiKeyMissingError where
    nothing is set.
    """
    if not KEY_VARIABLE.fullmatch(variable):
        raise ConfigurationError(
            f"{variable[:100]!r} is not usable as api_key_env",
            hint="Name a variable in capitals that ends in _API_KEY.",
        )
    value = (os.environ if environment is None else environment).get(variable)
    if not value:
        raise ApiKeyMissingError(
            f"{variable} is not set where this runner runs", hint=f"Set {variable} and restart it."
        )
    return SecretStr(value)
