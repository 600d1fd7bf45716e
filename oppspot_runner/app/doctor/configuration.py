"""The settings of this process: names that mean nothing, and values that fight each other."""

from __future__ import annotations

from collections.abc import Iterator

from oppspot_runner.app.database import given_dsn
from oppspot_runner.app.doctor.finding import Finding
from oppspot_runner.base.settings import Settings, unknown_variables
from oppspot_runner.base.wording import span


def look_at_settings(settings: Settings) -> list[Finding]:
    """Whether every OPPSPOT_ name means something, and whether they agree."""
    found = [*_unknown(), *_contradictions(settings)]
    return found or [Finding("settings", "ok", "every name is known, and they agree")]


def _unknown() -> Iterator[Finding]:
    for name, near in unknown_variables().items():
        fix = f"unset {name}" + (f"; export {near}=...  # if that was meant" if near else "")
        yield Finding("settings", "warn", f"{name} means nothing to oppspot-runner", fix)


def _contradictions(settings: Settings) -> Iterator[Finding]:
    if settings.poll_interval > settings.lease:
        poll, lease = span(settings.poll_interval), span(settings.lease)
        yield Finding(
            "settings",
            "warn",
            f"OPPSPOT_POLL_INTERVAL ({poll}) is longer than OPPSPOT_LEASE ({lease}): tasks of a "
            "runner that hangs wait for the sum of both",
            f"export OPPSPOT_POLL_INTERVAL={settings.lease / 6:g}",
        )
    if settings.history_retention < settings.retention:
        yield Finding(
            "settings",
            "warn",
            f"attempts are kept for {settings.history_retention:g} days, their tasks for "
            f"{settings.retention:g}: the older ones have no history",
            f"export OPPSPOT_HISTORY_RETENTION={settings.retention:g}",
        )
    if given_dsn(settings) is not None and settings.embedded_folder is not None:
        yield Finding(
            "settings",
            "warn",
            "OPPSPOT_EMBEDDED_FOLDER is of no use beside DATABASE_URL: no private Postgres is used",
            "unset OPPSPOT_EMBEDDED_FOLDER",
        )
