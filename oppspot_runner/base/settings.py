"""Every knob of the product, with unit, default and reason: one model, read from flags, the
environment, `.env`, and defaults, in that order. `.env.example` is generated from it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from dotenv import dotenv_values
from pydantic import AliasChoices, Field, SecretStr, ValidationError

from oppspot_runner.base.errors import SettingError
from oppspot_runner.base.runner_settings import PREFIX
from oppspot_runner.base.source_settings import SourceSettings


class Settings(SourceSettings):
    """Settings of one process: those of the runner, of sources, and of services that agents use."""

    anthropic_api_key: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("anthropic_api_key", "ANTHROPIC_API_KEY"),
        description="Key of Anthropic, or where it is: env:NAME or file:/path.",
    )
    anthropic_base_url: str | None = Field(
        None,
        validation_alias=AliasChoices("anthropic_base_url", "ANTHROPIC_BASE_URL"),
        description="Where Anthropic's interface is, for a proxy of your own. Unset: Anthropic.",
    )
    openai_api_key: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("openai_api_key", "OPENAI_API_KEY"),
        description="Key of OpenAI, or where it is: env:NAME or file:/path.",
    )
    openai_base_url: str | None = Field(
        None,
        validation_alias=AliasChoices("openai_base_url", "OPENAI_BASE_URL"),
        description="Where OpenAI's interface is, as https://host/v1; many other servers have the "
        "same one. Unset: OpenAI.",
    )
    gemini_api_key: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("gemini_api_key", "GEMINI_API_KEY", "GOOGLE_API_KEY"),
        description="Key of Gemini, or where it is: env:NAME or file:/path. GOOGLE_API_KEY is "
        "understood too.",
    )
    gemini_base_url: str | None = Field(
        None,
        validation_alias=AliasChoices("gemini_base_url", "GEMINI_BASE_URL"),
        description="Where Gemini's interface is, without the part of the version. Unset: Google.",
    )
    secret_key: SecretStr | None = Field(
        None,
        description="What API keys of single agents are encrypted under, or where it is: env:NAME "
        "or file:/path. 32 bytes in URL-safe base64; several with commas between, of which the "
        "first encrypts and each decrypts. Unset: none can be stored, except in the private "
        "database, whose folder has a secret of its own.",
    )
    llm_models: Path | None = Field(
        None,
        description="TOML file with names of models over those that are known. See the guide.",
    )
    llm_prices: Path | None = Field(
        None,
        description="TOML file with prices of models over those that are known. See the guide.",
    )
    smtp_host: str | None = Field(
        None,
        description="Mail server of notifications and of the tool `email`. Unset: no mail is sent.",
    )
    smtp_port: int = Field(587, gt=0, lt=65_536, description="Port of the mail server.")
    smtp_tls: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        description="How the line to the mail server is made secret: starttls (port 587), tls from "
        "the start (465), none for a server of your own machine.",
    )
    smtp_user: str | None = Field(None, description="Who logs in to the mail server, if somebody.")
    smtp_password: SecretStr | None = Field(
        None, description="His password, or where it is: env:NAME or file:/path."
    )
    email_from: str | None = Field(
        None, description="Sender of mails, as `Name <name@example.com>`. Unset: smtp_user."
    )
    slack_token: SecretStr | None = Field(
        None,
        description="Token of a Slack app with chat:write, or where it is: env:NAME or file:/path.",
    )
    slack_webhook_url: SecretStr | None = Field(
        None,
        description="Incoming webhook of Slack, used where there is no token; or where it is. It "
        "posts to its own channel, whatever a call says.",
    )
    slack_api: str = Field(
        "https://slack.com/api", description="Where Slack's interface is, for a proxy of your own."
    )
    mcp_servers: Path | None = Field(
        None,
        description="TOML file with MCP servers whose tools agents may be given. See the guide.",
    )
    celery_broker: SecretStr | None = Field(
        None,
        description="Broker of Celery, as redis://host:6379/0, or where it is: env:NAME or "
        "file:/path. Unset: no agent can run in Celery workers.",
    )
    celery_queue: str = Field(
        "oppspot", min_length=1, description="Queue of Celery that workers take agents from."
    )
    industries: Path | None = Field(
        None,
        description="TOML file with meanings of industry labels over those of the package. See "
        "`companies industries`.",
    )
    fingerprints: Path | None = Field(
        None,
        description="File, or folder of files, with fingerprints of technologies over those that "
        "are known. See the reference.",
    )
    traces: bool | None = Field(
        None,
        description="Whether spans of OpenTelemetry are sent; wants the extra `otel`. Unset: when "
        "OTEL_EXPORTER_OTLP_ENDPOINT says where to.",
    )


def load_settings(**flags: Any) -> Settings:
    """Settings with `flags` (None = not given) over environment, `.env` and defaults.

    Raises SettingError that names the first unusable value, never the value of a secret.
    """
    given = {key: value for key, value in flags.items() if value is not None and value != ()}
    if "log_level" not in given and _means_debug():
        given["log_level"] = "debug"
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0])
        name = variable_name(field)
        shown = "" if "URL" in name else f"{first['input']!r} "
        raise SettingError(field, name, f"{shown}is not usable: {first['msg']}") from None


def variable_name(field: str) -> str:
    """The environment variable of a field of Settings."""
    info = Settings.model_fields.get(field)
    if info is not None and isinstance(info.validation_alias, AliasChoices):
        return str(info.validation_alias.choices[1])  # after the field's own name
    return field if field.isupper() else PREFIX + field.upper()


def unknown_variables(environment: Mapping[str, str] | None = None) -> dict[str, str | None]:
    """OPPSPOT_ names that mean nothing, each with the nearest known one.

    Looks at the environment and `.env` unless an `environment` is given.
    """
    names = _environment() if environment is None else environment
    known = [variable_name(field) for field in Settings.model_fields]
    unknown = [name for name in names if name.startswith(PREFIX) and name not in known]
    return {name: next(iter(get_close_matches(name, known, 1)), None) for name in unknown}


def written(default: Any) -> str:
    """A default as it is written in the environment."""
    if isinstance(default, list):
        return ",".join(map(str, default))
    return "" if default is None else str(default)


def env_example() -> str:
    """The text of `.env.example`: every variable with its reason and default."""
    lines = ["# Settings of oppspot-runner. Flags win over the environment, it over this file."]
    for field, info in Settings.model_fields.items():
        default = written(info.default)
        lines += ["", f"# {info.description}", f"# {variable_name(field)}={default}"]
    return "\n".join(lines) + "\n"


def _means_debug() -> bool:
    given = _environment()
    explicit = given.get("OPPSPOT_LOG_LEVEL")
    return not explicit and given.get("DEBUG", "").lower() in {"1", "true", "yes", "on"}


def _environment() -> dict[str, str]:
    """`.env` of the current folder and the environment, which wins."""
    return {name: value or "" for name, value in dotenv_values(".env").items()} | dict(os.environ)
