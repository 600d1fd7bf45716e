"""Takes secrets out of what is logged, stored as an error or shown: by key, and inside text."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

SECRET_NAME = re.compile(
    r"(?i)(api[_-]?key|authorization|passw(or)?d|passwd|passphrase|(^|_)pwd$|(^|_)auth$|private[_-]?key"
    r"|secret|token$|_token|credential|cookie|dsn)"
)
NOT_SECRET = {"run_token", "tokens", "max_tokens", "tokens_used", "api_key_env"}
# The scheme is not looked for: these characters are found at once in texts of any length.
# A password may have an @ of its own.
URL_PASSWORD = re.compile(r"(?P<start>://[^\s:/@]*:)[^\s@/]+(?:@[^\s@/?#]+)*(?=@)")
# Quotes have backslashes where JSON is quoted. A token is one with `=` or as a key of JSON only:
# "unexpected token: <" is what parsers say.
WORD_SECRET = re.compile(
    r"(?i)(?P<start>(?:(?:password|passwd|api[_-]?key|secret(?:[_-]\w{1,40})?|authorization)\\*['\"]?"
    r"\s*[=:]|(?<!run_)token(?:\\*['\"])?\s*=|(?<!run_)token\\*['\"]\s*:)\s*"
    r"(?:bearer\s+|basic\s+)?)"
    r"(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\\+\"[^\"]*\"|\\+'[^']*'|[^\s,;&'\"]+)"
)
# A header with all its cookies.
COOKIES = re.compile(
    r"(?i)(?P<start>\b(?:set-)?cookie\\*['\"]?\s*[=:]\s*\\*['\"]?)[^\s=;,'\"]+=[^\r\n'\"]*"
)
# Our tokens, and keys of services that we call, are known by their beginning, wherever they stand.
KEY = re.compile(r"\b(?:opr_|sk-(?=[\w-]{0,200}\d)|AIza|xox[a-z]-)[\w-]{16,}")
REDACTED = "[redacted]"
NAMES = ("name", "key")  # of what stands beside it as `value`: headers and variables are listed so
# A parameter of a URL by which its holder is let in, as those of storage services.
SECRET_PARAMETER = re.compile(r"(?i)sig(nature)?$|^key$|[-_]key$")
LONGEST_KNOWN = 64  # characters of a name or text of which is kept what it is
MOST_DEPTH = 100  # deeper than what comes from outside may be


def redact(value: Any, depth: int = 0) -> Any:
    """`value` without what looks like a secret: by the name of a key, or inside text."""
    if isinstance(value, str):
        return _masked(value)
    if depth >= MOST_DEPTH and isinstance(value, dict | list | tuple):
        return REDACTED  # what nobody looked through is not shown
    if isinstance(value, dict):
        named = any(is_secret_name(value.get(key)) for key in NAMES)
        return {
            key: REDACTED
            if item and (is_secret_name(key) or (named and key == "value"))
            else redact(item, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [redact(item, depth + 1) for item in value]
    return value


def redact_url(url: str) -> str:
    """A URL that may be shown and stored: without a user, a password, and secret parameters."""
    parts = urlsplit(url)
    known = parse_qsl(parts.query, keep_blank_values=True)
    if any(map(_is_secret_parameter, (name for name, _ in known))):
        shown = [(n, REDACTED if _is_secret_parameter(n) else value) for n, value in known]
        parts = parts._replace(query=urlencode(shown, safe="[]", quote_via=quote))
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _is_secret_parameter(name: str) -> bool:
    return is_secret_name(name) or bool(SECRET_PARAMETER.search(name))


def _masked(text: str) -> str:
    return _masked_short(text) if len(text) <= LONGEST_KNOWN else _masked_long(text)


@lru_cache(4096)
def _masked_short(text: str) -> str:
    # Names and states are mostly the same few, too.
    return _masked_long(text)


def _masked_long(text: str) -> str:
    shown = URL_PASSWORD.sub(rf"\g<start>{REDACTED}", text) if "://" in text else text
    if any(beginning in shown for beginning in ("opr_", "sk-", "AIza", "xox")):
        shown = KEY.sub(REDACTED, shown)
    folded = shown.lower()
    if "cookie" in folded:
        shown = COOKIES.sub(rf"\g<start>{REDACTED}", shown)
    if any(word in folded for word in ("passw", "secret", "auth", "key", "token")):
        return WORD_SECRET.sub(rf"\g<start>{REDACTED}", shown)  # takes long
    return shown


def is_secret_name(name: Any) -> bool:
    """Whether a key of that name holds a secret."""
    if not isinstance(name, str) or name in NOT_SECRET:
        return False
    return _is_known(name) if len(name) <= LONGEST_KNOWN else bool(SECRET_NAME.search(name))


@lru_cache(4096)
def _is_known(name: str) -> bool:
    # Keys are mostly the same few, and each row of each list has them.
    return bool(SECRET_NAME.search(name))
