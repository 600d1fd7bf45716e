"""Takes secrets out of what is logged, stored as an error or shown: by key, and inside text."""

from __future__ import annotations

import re
from typing import Any

SECRET_NAME = re.compile(
    r"(?i)(api[_-]?key|authorization|passw(or)?d|passwd|secret|token$|_token|credential|cookie|dsn)"
)
NOT_SECRET = {"run_token", "tokens", "max_tokens", "tokens_used"}
# Of a scheme only the end is looked for: without a bound, a long word takes minutes.
URL_PASSWORD = re.compile(r"(?P<start>[a-z][a-z0-9+.-]{0,30}://[^\s:/@]*:)[^\s@/]+(?=@)")
WORD_SECRET = re.compile(
    r"(?i)(?P<start>\b(?:password|passwd|api[_-]?key|secret|authorization)\s*[=:]\s*"
    r"(?:bearer\s+|basic\s+)?)(?:'[^']*'|\"[^\"]*\"|[^\s,;&'\"]+)"
)
REDACTED = "[redacted]"
MOST_DEPTH = 100  # deeper than what comes from outside may be


def redact(value: Any, depth: int = 0) -> Any:
    """`value` without what looks like a secret: by the name of a key, or inside text."""
    if isinstance(value, str):
        shown = URL_PASSWORD.sub(rf"\g<start>{REDACTED}", value)
        return WORD_SECRET.sub(rf"\g<start>{REDACTED}", shown)
    if depth >= MOST_DEPTH:
        return value
    if isinstance(value, dict):
        return {
            key: REDACTED if is_secret_name(key) and item else redact(item, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [redact(item, depth + 1) for item in value]
    return value


def is_secret_name(name: Any) -> bool:
    """Whether a key of that name holds a secret."""
    return isinstance(name, str) and name not in NOT_SECRET and bool(SECRET_NAME.search(name))
