"""Secrets, written down or where they are: `env:NAME`, `file:/path`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from oppspot_runner.base.errors import ConfigurationError

HINTS = {
    "env": "Put it in the environment of the runners; of .env only settings are read.",
    "file": "Put it there.",
}


def read_secret(reference: str, what: str, environment: Mapping[str, str] | None = None) -> str:
    """The secret itself, or what is at `env:NAME` or in `file:/path`.

    Raises ConfigurationError that says `what` is missing there.
    """
    kind, colon, place = reference.partition(":")
    if not colon or kind not in {"env", "file"}:
        return reference
    if kind == "env":
        value = (os.environ if environment is None else environment).get(place, "")
    else:
        value = _file(Path(place), what)
    if not value.strip():
        raise ConfigurationError(f"{what} is not in {kind}:{place}", hint=HINTS[kind])
    return value.strip()


def _file(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        told = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigurationError(f"cannot read {what} in {path}: {told}") from None
