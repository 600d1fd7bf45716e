"""What an answer of a source means: one to use, or which error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NoReturn

from oppspot_runner.base.codes import Code
from oppspot_runner.base.errors import (
    AccessDeniedError,
    AnswerRefusedError,
    BadCallError,
    CallError,
    MalformedAnswerError,
    RateLimitExceededError,
    SourceDownError,
)
from oppspot_runner.base.web import GONE
from oppspot_runner.connectors.http.client import HttpResponse
from oppspot_runner.connectors.http.errors import HttpError

NOT_MODIFIED = 304
IN_PLACE_S = 2.0  # longer waits hold no slot
LEAST_WAIT_S, MOST_WAIT_S = 1.0, 86_400.0  # that a source may ask for
UNSAID_WAIT_S = 30.0  # at least, where it does not say how long
NO_TIME = (ValueError, OverflowError)
EPOCH_S = 1e9  # a reset beyond that is a time, below it a number of seconds


def check_up(response: HttpResponse, source: str, host: str) -> None:
    """Raises SourceDownError for an error of the host's own, with the time if it takes long."""
    if response.status >= 500 or response.status == 408:
        wait_s = _retry_after_s(response.headers) or 0.0
        raise SourceDownError(
            _told(response, source, host),
            source=source,
            status=response.status,
            retry_after_s=wait_s if wait_s > IN_PLACE_S else None,
        )


def spent_for_s(response: HttpResponse, window_s: float) -> float | None:
    """How long no further call is welcome; None: the next one is.

    A source that was asked too often and does not say for how long is left alone for `window_s`,
    and not less than half a minute: some say so to every robot, whenever it comes.
    """
    headers = response.headers
    if response.status == 429:
        return _retry_after_s(headers) or _reset_s(headers) or max(window_s, UNSAID_WAIT_S)
    for name in ("x-ratelimit-remaining", "x-ratelimit-remain"):
        with suppress(*NO_TIME):
            if float(headers.get(name, "")) < 1:
                return _reset_s(headers)
    return None


def check_usable(
    response: HttpResponse, source: str, host: str, retry_after_s: float | None
) -> None:
    """Raises CallError for all but content, and the word that there is none, or no other.

    `retry_after_s` is how long a source that was asked too often is to be left alone.
    """
    status, told = response.status, _told(response, source, host)
    if 200 <= status < 300 or status in (*GONE, NOT_MODIFIED):
        return
    if status == 429:
        raise RateLimitExceededError(
            f"{source}: {host} was asked too often", retry_after_s=retry_after_s
        )
    if status in (401, 403):
        raise AccessDeniedError(
            told,
            source=source,
            status=status,
            hint="Look at the key of that source, if it has one.",
        )
    kind = MalformedAnswerError if status < 400 else BadCallError
    raise kind(told, source=source, status=status)


def check_json(response: HttpResponse, source: str) -> None:
    """Raises MalformedAnswerError for content that is no JSON."""
    try:
        json.loads(response.content)
    except (ValueError, RecursionError):
        raise MalformedAnswerError.beginning(source, response.status, response.content) from None


def raise_told(error: HttpError, source: str) -> NoReturn:
    """Raises what it means that there was no answer that we took."""
    told = f"{source}: {error}"
    if not error.retried:
        raise AnswerRefusedError(told, source=source, code=error.code, hint=error.hint) from error
    kind = MalformedAnswerError if error.reason is Code.RESPONSE_BROKEN else SourceDownError
    raise kind(told, source=source) from error


def is_worth_another_try(error: BaseException) -> bool:
    """Whether the same call may succeed within a moment."""
    again = isinstance(error, SourceDownError | MalformedAnswerError)
    return again and isinstance(error, CallError) and error.retry_after_s is None


def _told(response: HttpResponse, source: str, host: str) -> str:
    return f"{source}: {host} answered with {response.status}"


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    text = headers.get("retry-after", "").strip()
    with suppress(*NO_TIME):
        return _bounded(float(text) if text.isdecimal() else _seconds_until(text, headers))
    return None


def _reset_s(headers: Mapping[str, str]) -> float | None:
    with suppress(*NO_TIME):
        reset = float(headers.get("x-ratelimit-reset", ""))
        return _bounded(reset - _now(headers).timestamp() if reset > EPOCH_S else reset)
    return None


def _seconds_until(text: str, headers: Mapping[str, str]) -> float:
    when = parsedate_to_datetime(text)
    return (_aware(when) - _now(headers)).total_seconds()


def _now(headers: Mapping[str, str]) -> datetime:
    """The time by the clock that the answer was written with, else by ours."""
    with suppress(*NO_TIME):
        return _aware(parsedate_to_datetime(headers.get("date", "")))
    return datetime.now(UTC)


def _aware(when: datetime) -> datetime:
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _bounded(seconds: float) -> float:
    return min(max(LEAST_WAIT_S, seconds), MOST_WAIT_S)  # in that order nan is the least
