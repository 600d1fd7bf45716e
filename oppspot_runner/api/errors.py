"""Every error in one shape: `success, error, tool_name, code, timestamp`; codes are stable.

Raise errors of base/errors.py where there is one that fits, else `ApiError`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import psycopg
import structlog
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from psycopg.errors import InsufficientPrivilege
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from oppspot_runner.base import errors
from oppspot_runner.base.tool_errors import CodedError, ToolError
from oppspot_runner.db.pool import BAD_CONTENT, DATABASE_AWAY
from oppspot_runner.db.refusals import refusal

# What the values of a request can provoke that nobody before the database has refused.
REFUSED = (*BAD_CONTENT, UnicodeEncodeError)
UNREADABLE = 400  # by which the framework says it


class ApiCode(Enum):
    """What went wrong with a request, in one word; with its status and its meaning for people."""

    UNAUTHENTICATED = (401, "no token, or one that is unknown, expired or revoked")
    FORBIDDEN = (403, "the token's scope does not reach that far")
    CROSS_SITE_REFUSED = (403, "a page of another site, or another name of this host, asked")
    NOT_FOUND = (404, "there is no such thing, or it is another organisation's")
    METHOD_NOT_ALLOWED = (405, "the address knows other methods")
    CONFLICT = (409, "the state of the thing forbids it")
    TASK_CANCELLED = (409, "the task that the request started was cancelled")
    IDEMPOTENCY_KEY_REUSED = (409, "the Idempotency-Key was used for another request")
    BODY_TOO_LARGE = (413, "the body is larger than the limit")
    UNSUPPORTED_MEDIA_TYPE = (415, "the body is not JSON")
    INVALID_INPUT = (422, "a value breaks a stated rule; `error` names it")
    TASK_FAILED = (422, "the task that the request started failed; `error` names it and says why")
    TEST_FAILED = (422, "the agent that was tested did not come to a result; `error` says why")
    NOT_CONFIGURED = (422, "a setting is missing that this needs")
    RATE_LIMIT_EXCEEDED = (429, "too many requests in a while; Retry-After says how long to wait")
    INTERNAL = (500, "a fault of ours; the log has more")
    DATABASE_AWAY = (503, "the database does not answer; ask again later")
    STARTING = (503, "this process only starts; ask again in a moment")
    RUNNER_SILENT = (503, "the runner that serves HTTP does not answer: its event loop is stuck")
    TIME_LIMIT_EXCEEDED = (503, "the answer took too long; ask for less, or again later")
    SHUTTING_DOWN = (503, "this process ends; ask again, another one answers")

    def __init__(self, status: int, meaning: str) -> None:
        self.status = status
        self.meaning = meaning


class ErrorBody(BaseModel):
    """The body of every answer that is an error."""

    model_config = ConfigDict(title="Error")

    success: bool = False
    error: str
    tool_name: str | None = None
    code: str
    timestamp: datetime


class ApiError(Exception):
    """A request that is refused."""

    def __init__(
        self, code: ApiCode, message: str, *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.headers = headers


def body_of(code: str, message: str, tool_name: str | None = None) -> dict[str, Any]:
    """The body of an error, ready for JSON."""
    body = ErrorBody(error=message, tool_name=tool_name, code=code, timestamp=datetime.now(UTC))
    return body.model_dump(mode="json")


def answer_to(error: Exception) -> tuple[int, dict[str, Any], Mapping[str, str]]:
    """Status, body and headers for an error that a request met."""
    if isinstance(error, ApiError):
        return error.code.status, body_of(error.code.name, str(error)), error.headers or {}
    if isinstance(error, RequestValidationError):
        return 422, body_of("INVALID_INPUT", _first_fault(error)), {}
    if isinstance(error, HTTPException | ClientDisconnect):
        return _of_framework(error)
    if isinstance(refused := error.__cause__ or error, InsufficientPrivilege):
        return _of_policies(refused)
    if isinstance(error, CodedError):
        tool = error.tool_name if isinstance(error, ToolError) else None
        return 422, body_of(error.code, error.one_line(), tool), {}
    if isinstance(error, errors.OppspotError):
        code = _code_of(error)
        return code.status, body_of(code.name, error.one_line()), {}
    if isinstance(error, REFUSED):
        told = refusal(error) if isinstance(error, psycopg.Error) else None
        said = told.one_line() if told else "a text holds what is no character"
        return 422, body_of("INVALID_INPUT", said), {}
    if isinstance(error, DATABASE_AWAY):
        return 503, body_of("DATABASE_AWAY", "the database does not answer"), {"Retry-After": "2"}
    structlog.get_logger().error("a request failed", exc_info=error)
    return 500, body_of("INTERNAL", "this is a fault of the server; its log has more"), {}


def _of_policies(error: InsufficientPrivilege) -> tuple[int, dict[str, Any], Mapping[str, str]]:
    if "row-level security" in str(error):
        text = "something named here is not there, or it is another organisation's"
        return 404, body_of("NOT_FOUND", text), {}
    text = "the database refuses it: this is for operators, or the role of the server lacks rights"
    return 403, body_of("FORBIDDEN", f"{text}, see `oppspot-runner doctor`"), {}


def _code_of(error: errors.OppspotError) -> ApiCode:
    kinds: dict[type[Exception], ApiCode] = {
        errors.NotFoundError: ApiCode.NOT_FOUND,
        errors.InvalidInputError: ApiCode.INVALID_INPUT,
        errors.ConflictError: ApiCode.CONFLICT,
        errors.DatabaseError: ApiCode.DATABASE_AWAY,
        errors.ConfigurationError: ApiCode.NOT_CONFIGURED,
    }
    return next((code for kind, code in kinds.items() if isinstance(error, kind)), ApiCode.INTERNAL)


def _first_fault(error: RequestValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}"


def _of_framework(
    error: HTTPException | ClientDisconnect,
) -> tuple[int, dict[str, Any], Mapping[str, str]]:
    if isinstance(error, ClientDisconnect):
        return 422, body_of("INVALID_INPUT", "the request broke off"), {}
    if error.status_code == UNREADABLE:
        why = error.__cause__ or error.detail
        return 422, body_of("INVALID_INPUT", f"the body cannot be read: {why}"), {}
    known = {code.status: code for code in reversed(ApiCode)}
    code = known.get(error.status_code, ApiCode.INVALID_INPUT)
    return error.status_code, body_of(code.name, str(error.detail)), error.headers or {}


async def answer(request: Request, error: Exception) -> Response:
    """The error as JSON."""
    status, body, headers = answer_to(error)
    return JSONResponse(body, status, dict(headers))
