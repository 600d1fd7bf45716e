"""The form of OpenAI's Chat Completions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.llm.scripted import Answer, Asked, Call

STOPS = {"end": "stop", "tools": "tool_calls", "length": "length", "filtered": "content_filter"}
FAULTS: dict[str, tuple[int, str, str | None, str]] = {
    "rate_limit": (429, "requests", "rate_limit_exceeded", "Rate limit reached for requests"),
    "server_error": (500, "server_error", None, "The server had an error"),
    "overloaded": (503, "server_error", "server_is_overloaded", "The engine is overloaded"),
    "context": (
        400,
        "invalid_request_error",
        "context_length_exceeded",
        "This model's maximum context length is 128000 tokens",
    ),
    "auth": (401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided"),
    "unknown_model": (404, "invalid_request_error", "model_not_found", "The model does not exist"),
    "refused": (400, "invalid_request_error", None, "Invalid value for temperature"),
    "quota": (429, "insufficient_quota", "insufficient_quota", "You exceeded your quota"),
}


class OpenAI:
    """POST /v1/chat/completions."""

    prefix = "openai"
    model = "gpt-4o"
    base_path = "/v1"

    def understand(self, path: str, headers: dict[str, str], body: dict[str, Any]) -> Asked:
        assert path == "/v1/chat/completions", path
        if body.get("stream"):
            assert body["stream_options"]["include_usage"], "a stream is not counted otherwise"
        said = body["messages"]
        form = body.get("response_format", {})
        return Asked(
            model=body["model"],
            key=headers.get("authorization", "").removeprefix("Bearer "),
            instructions="".join(
                one["content"] for one in said if one["role"] in {"system", "developer"}
            ),
            turns=[_turn(one) for one in said if one["role"] not in {"system", "developer"}],
            tools=[
                (
                    one["function"]["name"],
                    one["function"]["description"],
                    one["function"]["parameters"],
                )
                for one in body.get("tools", [])
            ],
            temperature=body.get("temperature"),
            max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
            schema=form.get("json_schema", {}).get("schema"),
            stream=body.get("stream") or False,
        )

    def answer(self, answer: Answer, model: str) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": answer.text or None}
        if answer.calls:
            message["tool_calls"] = [_call(call) for call in answer.calls]
        choice = {"index": 0, "message": message, "finish_reason": STOPS[answer.stop]}
        return {
            **_head(model, "chat.completion"),
            "choices": [choice],
            "usage": _usage(answer),
        }

    def events(self, answer: Answer, model: str) -> Iterator[bytes]:
        head = _head(model, "chat.completion.chunk")

        def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            return _event({**head, "choices": [choice], "usage": None})

        yield chunk({"role": "assistant", "content": ""})
        for piece in answer.pieces():
            yield chunk({"content": piece})
        for index, call in enumerate(answer.calls):
            whole = _call(call)
            given = whole["function"]["arguments"]
            first = {**whole, "index": index, "function": {"name": call.name, "arguments": ""}}
            yield chunk({"tool_calls": [first]})
            for half in (given[: len(given) // 2], given[len(given) // 2 :]):
                yield chunk({"tool_calls": [{"index": index, "function": {"arguments": half}}]})
        yield chunk({}, STOPS[answer.stop])
        yield _event({**head, "choices": [], "usage": _usage(answer)})
        yield b"data: [DONE]\n\n"

    def fault(self, kind: str) -> tuple[int, dict[str, Any]]:
        status, type_, code, message = FAULTS[kind]
        return status, {"error": {"message": message, "type": type_, "param": None, "code": code}}

    def fault_in_stream(self, kind: str) -> bytes:
        return _event(self.fault(kind)[1])


def _head(model: str, kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1_790_000_000, "model": model}


def _usage(answer: Answer) -> dict[str, Any]:
    return {
        "prompt_tokens": answer.input,
        "completion_tokens": answer.output,
        "total_tokens": answer.input + answer.output,
        "prompt_tokens_details": {"cached_tokens": answer.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": answer.reasoning, "audio_tokens": 0},
    }


def _call(call: Call) -> dict[str, Any]:
    given = "{no json" if call.broken else json.dumps(call.arguments)
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": given}}


def _event(data: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


def _turn(message: dict[str, Any]) -> tuple[str, Any, Any]:
    if message["role"] == "tool":
        return ("tool", message["content"], message["tool_call_id"])
    calls = [
        (one["id"], one["function"]["name"], json.loads(one["function"]["arguments"]))
        for one in message.get("tool_calls") or []
    ]
    if message["role"] == "assistant":
        return ("assistant", message.get("content") or "", calls)
    return ("user", message["content"], None)
