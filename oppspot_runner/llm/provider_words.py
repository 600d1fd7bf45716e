"""What a provider said when it failed, fit to be shown: short, and without the key."""

from __future__ import annotations

import math

from pydantic import SecretStr

from oppspot_runner.base.redact import REDACTED, redact

MOST_SHOWN = 300
LONGEST_WAIT_S = 86_400.0


def words_of(error: Exception, key: SecretStr) -> str:
    """Status and message of an error of a provider's library, or its type and what it says."""
    said = getattr(error, "body", None)
    while isinstance(said, dict):
        said = said.get("error") or said.get("message")
    status = getattr(error, "status_code", None)
    text = said if isinstance(said, str) else ""
    told = f"{status or ''} {text}".strip() or f"{type(error).__name__}: {error}"
    shown: str = redact(told.replace(key.get_secret_value(), REDACTED))
    return " ".join(shown.split())[:MOST_SHOWN]


def wait_of(error: Exception) -> float | None:
    """Seconds that the provider asked us to wait, at most a day; None when it did not say."""
    wait = getattr(error, "retry_after", None)
    if not isinstance(wait, int | float) or not math.isfinite(wait):
        return None
    return min(max(float(wait), 0.0), LONGEST_WAIT_S)
