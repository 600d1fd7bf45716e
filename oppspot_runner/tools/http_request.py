"""`http_request`: calls other services, through the guarded client and nothing else."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from oppspot_runner.connectors.http.client import HttpResponse
from oppspot_runner.connectors.http.outgoing import Outgoing
from oppspot_runner.tools.tool_base import ToolBase, ToolCall

MOST_TIMEOUT_S = 300
KEY_HEADER = "Idempotency-Key"
REPEATABLE = {"GET", "HEAD", "OPTIONS"}
TIME_LIMIT_S = MOST_TIMEOUT_S + 10.0  # after the client's own limit, which says more
# What a model has no use for, and what another service gave to us alone.
NOT_SHOWN = {"set-cookie", "set-cookie2", "www-authenticate", "proxy-authenticate"}

Parameter = str | int | float | bool | None


class HttpArguments(BaseModel):
    """What to request. Only one of `data` and `json` is given."""

    model_config = ConfigDict(extra="forbid")

    method: Literal["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"] = "GET"
    url: str = Field(description="A complete http or https URL of an allowed domain.")
    headers: dict[str, str] = Field(default_factory=dict)
    params: dict[str, Parameter | list[Parameter]] = Field(
        default_factory=dict, description="Parameters that are added to the URL."
    )
    data: dict[str, Parameter | list[Parameter]] | str | None = Field(
        None, description="The fields of a form, or text that is sent as it is."
    )
    json_value: JsonValue = Field(None, alias="json", description="A value that is sent as JSON.")
    timeout: Annotated[int, Field(ge=1, le=MOST_TIMEOUT_S)] = Field(
        30, description="Seconds for all of it, redirects included."
    )
    max_redirects: Annotated[int, Field(ge=0, le=20)] = 5
    verify_ssl: bool = Field(True, description="False needs the leave of the operator.")
    follow_redirects: bool = True

    @model_validator(mode="after")
    def _has_one_body(self) -> HttpArguments:
        if self.data is not None and self.json_value is not None:
            raise ValueError("data and json cannot both be given")
        return self


class HttpRequestTool(ToolBase):
    """Makes one request to an allowed domain; answers with what came, whatever its status."""

    def __init__(self) -> None:
        super().__init__(
            "http_request",
            "Makes an HTTP request to an allowed domain and answers with status and body.",
            HttpArguments,
            time_limit_s=TIME_LIMIT_S,
        )

    def repeats(self, arguments: Any) -> bool:
        """Whether the method only asks for something."""
        given = arguments if isinstance(arguments, dict) else {}
        return given.get("method", "GET") in REPEATABLE

    async def run(self, arguments: HttpArguments, call: ToolCall) -> dict[str, Any]:
        """`{"status_code", "url", "redirects", "headers", "body"}`; JSON bodies are read."""
        answer = await call.http.send(
            Outgoing(
                arguments.method,
                arguments.url,
                headers=_with_key(arguments.headers, call.key),
                params=arguments.params,
                data=arguments.data,
                json=arguments.json_value,
                timeout_s=arguments.timeout,
                max_redirects=arguments.max_redirects,
                follow_redirects=arguments.follow_redirects,
                verify_tls=arguments.verify_ssl,
            )
        )
        return {
            "status_code": answer.status,
            "url": answer.url,
            "redirects": answer.redirects,
            "headers": {k: v for k, v in answer.headers.items() if k not in NOT_SHOWN},
            "body": _body(answer),
        }


def _with_key(headers: dict[str, str], key: str | None) -> dict[str, str]:
    """`headers` with the idempotency key of the call, unless the caller gave one."""
    if key is None or any(name.lower() == KEY_HEADER.lower() for name in headers):
        return headers
    return {**headers, KEY_HEADER: key}


def _body(answer: HttpResponse) -> Any:
    kind = answer.headers.get("content-type", "").partition(";")[0].strip()
    if kind == "application/json" or kind.endswith("+json"):
        try:
            return answer.json()
        except ValueError:
            pass
    return answer.text
