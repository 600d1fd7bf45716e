"""Every knob of a runner itself; `Settings` has those of sources and services, too."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from oppspot_runner.base.labels import Label

PREFIX = "OPPSPOT_"
DAY_S = 86_400
MOST_PORT = 65_536


def split(value: object) -> object:
    """The words of a text that has commas between them; anything else as it is."""
    if isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    return value


def split_each(value: object) -> object:
    """The words of one such text or of several, as a name that is given has no comma itself."""
    if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return split(",".join(value))
    return split(value)


Words = Annotated[list[str], NoDecode, BeforeValidator(split)]


class RunnerSettings(BaseSettings):
    """What a runner is told. Names in the environment: OPPSPOT_ and the field's name."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True, populate_by_name=True
    )

    database_url: SecretStr | None = Field(
        None,
        validation_alias=AliasChoices("database_url", "DATABASE_URL"),
        description="Connection string of Postgres. Unset: a private one is started on demand.",
    )
    direct_url: SecretStr | None = Field(
        None,
        description="Connection string that leads past a pooler to the same database, for "
        "listening and for migrations. Unset: DATABASE_URL.",
    )
    connections: int | None = Field(
        None,
        ge=4,
        le=1000,
        description="Most connections of a runner for its work; two more are for its heartbeat and "
        "for listening. Unset: 5, and one for each of its slots up to 20.",
    )
    schema_name: str = Field(
        "public",
        validation_alias=AliasChoices("schema_name", "OPPSPOT_SCHEMA"),
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,62}$",
        description="Schema of our tables, to keep them apart from others of the same name.",
    )
    poll_interval: float = Field(
        5.0,
        ge=0.05,
        le=3600,
        description="Seconds between two looks for work when nothing wakes the runner.",
    )
    concurrency: int = Field(
        3, ge=1, le=10_000, description="Agents that one runner runs at the same time."
    )
    lease: float = Field(
        30.0,
        ge=1,
        le=3600,
        description="Seconds after which a runner that does not answer is taken for dead.",
    )
    grace: float = Field(
        30.0,
        ge=0,
        le=86_400,
        description="Seconds that running tasks get to end after a stop; then they are given back.",
    )
    worker_lost: float = Field(
        15.0,
        ge=1,
        le=3600,
        description="Seconds after which a worker of another system, such as Celery, that says "
        "nothing of the agent it runs is taken for dead. The same for runners and workers.",
    )
    blocked_limit: float = Field(
        60.0,
        ge=1,
        le=86_400,
        description="Seconds that an agent may block the event loop, in which nothing else of the "
        "runner moves. Then the other tasks are given back and the runner starts anew.",
    )
    most_hanging: int = Field(
        10,
        ge=1,
        le=10_000,
        description="Agents that were cut off and still run, each with its memory and a share of "
        "the processor. With so many the runner drains and starts anew.",
    )
    task_types: Words = Field(
        [],
        description="Task types that this runner serves, separated by commas. Empty: all.",
    )
    labels: Annotated[list[Label], NoDecode, BeforeValidator(split)] = Field(
        [],
        description="What this runner offers, such as gpu or eu, separated by commas. Agents that "
        "ask for labels are only run by runners that have them all.",
    )
    fair_share: bool = Field(
        False,
        description="Among tasks of one priority, organisations with less running go first.",
    )
    ageing: float = Field(
        0.0,
        ge=0,
        le=31_536_000,
        description="Seconds of waiting after which a task's priority rises by one. 0: never.",
    )
    import_: Annotated[list[str], NoDecode, BeforeValidator(split_each)] = Field(
        [],
        validation_alias=AliasChoices("import_", "OPPSPOT_IMPORT"),
        description="Python modules with agents of your own, separated by commas.",
    )
    log: Literal["console", "json"] | None = Field(
        None, description="Form of log lines. Unset: console on a terminal, else json."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least level that is logged. DEBUG=true means debug."
    )
    retention: float = Field(
        30.0,
        gt=0,
        le=36_500,
        description="Days that completed and cancelled tasks are kept. Failed ones stay.",
    )
    history_retention: float = Field(
        90.0, gt=0, le=36_500, description="Days that attempts are kept in agent_executions."
    )
    event_retention: float = Field(
        7.0,
        gt=0,
        le=36_500,
        description="Days that events of runs are kept. Outputs stay as long as attempts do.",
    )
    audit_retention: float = Field(
        365.0,
        gt=0,
        le=36_500,
        description="Days that the record is kept of who changed what by HTTP.",
    )
    open_access: bool = Field(
        False,
        description="HTTP wants no token of anybody: who reaches it may do everything. Else none "
        "is wanted only where it is served to this machine alone, until there is a first one.",
    )
    people_retention: float = Field(
        365.0,
        gt=0,
        le=36_500,
        description="Days that people and contacts are kept whom no register and no import has "
        "named again.",
    )
    reachable_networks: Words = Field(
        [],
        description="Networks such as 10.1.0.0/16 that tools and agents may call by HTTP although "
        "they are not on the public internet, separated by commas.",
    )
    reachable_ports: Annotated[list[int], NoDecode, BeforeValidator(split)] = Field(
        [80, 443, 8080, 8443],
        description="Ports that tools and agents may call by HTTP, separated by commas.",
    )
    unverified_tls: bool = Field(
        False,
        description="Whether a call by HTTP may ask not to verify the certificate of the host.",
    )
    embedded_folder: Path | None = Field(
        None,
        description="Folder of the private Postgres. Unset: under XDG_DATA_HOME.",
    )

    @field_validator("reachable_networks")
    @classmethod
    def _check_networks(cls, value: list[str]) -> list[str]:
        for text in value:
            ip_network(text)
        return value

    @field_validator("reachable_ports")
    @classmethod
    def _check_ports(cls, value: list[int]) -> list[int]:
        if not all(0 < port < MOST_PORT for port in value):
            raise ValueError("a port is a number from 1 to 65535")
        return value

    @field_validator("log_level", "log", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value
