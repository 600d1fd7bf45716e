"""Every knob of HTTP as it is served."""

from __future__ import annotations

from ipaddress import ip_network

from pydantic import Field, field_validator

from oppspot_runner.base.runner_settings import RunnerSettings, Words


class HttpSettings(RunnerSettings):
    """Where HTTP is served, and how much of it."""

    http: str | None = Field(
        None,
        pattern=r"^((\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+)?:)?\d{1,5}$",
        description="Where HTTP is served, as 127.0.0.1:8080, or a port of this machine alone: "
        "interface, dashboard, metrics. Unset: not at all.",
    )
    http_body_limit: int = Field(
        2_097_152,
        ge=1024,
        le=1_073_741_824,
        description="Bytes that the body of a request may have.",
    )
    http_time_limit: float = Field(
        60.0,
        ge=1,
        le=3600,
        description="Seconds within which a request is answered. Streams of events go on.",
    )
    http_rate: float = Field(
        100.0,
        ge=0,
        le=1_000_000,
        description="Requests a second of one token, or of one address where none is sent, in each "
        "process; twice as many at once. Streams of events and files of the dashboard are not "
        "counted. 0: no limit.",
    )
    http_streams: int = Field(
        50,
        ge=1,
        le=100_000,
        description="Streams of events that one token may have open in each process, or all who "
        "send none together.",
    )
    http_proxies: Words = Field(
        [],
        description="Addresses or networks of reverse proxies, separated by commas, whose "
        "X-Forwarded-For and X-Forwarded-Proto are believed. Empty: nobody's.",
    )

    @field_validator("http_proxies")
    @classmethod
    def _check_proxies(cls, value: list[str]) -> list[str]:
        for text in value:
            ip_network(text)
        return value
