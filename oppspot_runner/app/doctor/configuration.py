"""The settings of this process: names that mean nothing, and values that fight each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from oppspot_runner.app.database import given_dsn
from oppspot_runner.app.doctor.finding import Finding
from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.settings import Settings, unknown_variables
from oppspot_runner.base.wording import span
from oppspot_runner.companies.industry_table import load_industries


def look_at_settings(settings: Settings) -> list[Finding]:
    """Whether every OPPSPOT_ name means something, whether they agree, and files can be read."""
    found = [*_unknown(), *_contradictions(settings), *_unreadable(settings)]
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


def _unreadable(settings: Settings) -> Iterator[Finding]:
    """Files that agents need in the middle of their work."""
    files: list[tuple[str, Path | None, Callable[[Path], object]]] = [
        ("OPPSPOT_FINGERPRINTS", settings.fingerprints, _read_fingerprints),
        ("OPPSPOT_INDUSTRIES", settings.industries, load_industries),
    ]
    for name, path, read in files:
        if path is None:
            continue
        try:
            read(path)
        except ConfigurationError as error:
            yield Finding("settings", "fail", f"{name}: {error}", f"unset {name}  # or correct it")


def _read_fingerprints(path: Path) -> None:
    """Does nothing without the extra `http`: no web site is read then."""
    with suppress(ModuleNotFoundError):
        from oppspot_runner.websites.fingerprint_files import load_fingerprints

        load_fingerprints(path)
