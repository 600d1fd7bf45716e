"""The form of Anthropic's Messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.llm.scripted import SIGNATURE, Answer, Asked

STOPS = {"end": "end_turn", "tools": "tool_use", "length": "max_tokens", "filtered": "refusal"}
FAULTS = {
    "rate_limit": (429, "rate_limit_error", "This request would exceed your rate limit"),
    "server_error": (500, "api_error", "Internal server error"),
    "overloaded": (529, "overloaded_error", "Overloaded"),
    "context": (400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
    "auth": (401, "authentication_error", "invalid x-api-key"),
    "unknown_model": (404, "not_found_error", "model: it"),
    "refused": (400, "invalid_request_error", "temperature: range: 0..1"),
    "quota": (400, "invalid_request_error", "Your credit balance is too low to access this"),
}


class Anthropic:
    """POST /v1/messages."""

    prefix = "anthropic"
    model = "claude-haiku-4-5"
    base_path = ""

    def understand(self, path: str, headers: dict[str, str], body: dict[str, Any]) -> Asked:
        assert path.partition("?")[0] == "/v1/messages", path
        assert "anthropic-version" in headers
        blocks = _blocks(body.get("system", ""))
        turns: list[tuple[str, Any, Any]] = []
        signatures: list[str] = []
        for message in body["messages"]:
            said = _blocks(message["content"])
            signatures += [one["signature"] for one in said if one["type"] == "thinking"]
            if message["role"] == "assistant":
                turns.append(_assistant(said))
            else:
                turns += [_user(one) for one in said]
        return Asked(
            model=body["model"],
            key=headers.get("x-api-key") or headers["authorization"].removeprefix("Bearer "),
            instructions="".join(block["text"] for block in blocks),
            turns=turns,
            tools=[
                (one["name"], one["description"], one["input_schema"])
                for one in body.get("tools", [])
            ],
            temperature=body.get("temperature"),
            max_tokens=body["max_tokens"],
            schema=body.get("output_config", {}).get("format", {}).get("schema"),
            stream=body.get("stream", False),
            signatures=signatures,
            cache_asked="cache_control" in json.dumps(body),
        )

    def answer(self, answer: Answer, model: str) -> dict[str, Any]:
        content: list[dict[str, Any]] = []
        if answer.signed:
            content.append({"type": "thinking", "thinking": "hm", "signature": SIGNATURE})
        if answer.text:
            content.append({"type": "text", "text": answer.text})
        for call in answer.calls:
            given = "{no json" if call.broken else call.arguments
            content.append({"type": "tool_use", "id": call.id, "name": call.name, "input": given})
        return {**_message(answer, model), "content": content, "stop_reason": STOPS[answer.stop]}

    def events(self, answer: Answer, model: str) -> Iterator[bytes]:
        start = {**_message(answer, model), "content": [], "stop_reason": None}
        start["usage"] = {**_usage(answer), "output_tokens": 1}
        yield _event("message_start", {"message": start})
        for index, (block, deltas) in enumerate(_streamed(answer)):
            yield _event("content_block_start", {"index": index, "content_block": block})
            for delta in deltas:
                yield _event("content_block_delta", {"index": index, "delta": delta})
            yield _event("content_block_stop", {"index": index})
        stop = {"stop_reason": STOPS[answer.stop], "stop_sequence": None}
        usage = {"output_tokens": answer.output}
        yield _event("message_delta", {"delta": stop, "usage": usage})
        yield _event("message_stop", {})

    def fault(self, kind: str) -> tuple[int, dict[str, Any]]:
        status, type_, message = FAULTS[kind]
        return status, {"type": "error", "error": {"type": type_, "message": message}}

    def fault_in_stream(self, kind: str) -> bytes:
        return _event("error", self.fault(kind)[1])


def _message(answer: Answer, model: str) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": model,
        "stop_sequence": None,
        "usage": _usage(answer),
    }


def _usage(answer: Answer) -> dict[str, int]:
    return {
        "input_tokens": answer.input - answer.cached - answer.cache_written,
        "cache_read_input_tokens": answer.cached,
        "cache_creation_input_tokens": answer.cache_written,
        "output_tokens": answer.output,
    }


def _streamed(answer: Answer) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Each block as it begins, and its deltas."""
    if answer.signed:
        thoughts = {"type": "thinking_delta", "thinking": "hm"}
        signature = {"type": "signature_delta", "signature": SIGNATURE}
        yield {"type": "thinking", "thinking": "", "signature": ""}, [thoughts, signature]
    if answer.text:
        deltas = [{"type": "text_delta", "text": piece} for piece in answer.pieces()]
        yield {"type": "text", "text": ""}, deltas
    for call in answer.calls:
        given = "{no json" if call.broken else json.dumps(call.arguments)
        block = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
        halves = (given[: len(given) // 2], given[len(given) // 2 :])
        yield block, [{"type": "input_json_delta", "partial_json": half} for half in halves]


def _event(kind: str, data: dict[str, Any]) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n".encode()


def _blocks(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return list(content)


def _assistant(blocks: list[dict[str, Any]]) -> tuple[str, Any, Any]:
    text = "".join(one["text"] for one in blocks if one["type"] == "text")
    calls = [(one["id"], one["name"], one["input"]) for one in blocks if one["type"] == "tool_use"]
    return ("assistant", text, calls)


def _user(block: dict[str, Any]) -> tuple[str, Any, Any]:
    if block["type"] == "tool_result":
        said = "".join(one["text"] for one in _blocks(block["content"]))
        return ("failed tool" if block.get("is_error") else "tool", said, block["tool_use_id"])
    return ("user", block["text"], None)
