"""The form of Gemini's generateContent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.llm.scripted import SIGNATURE, Answer, Asked, Call

STOPS = {"end": "STOP", "tools": "STOP", "length": "MAX_TOKENS", "filtered": "SAFETY"}
FAULTS = {
    "rate_limit": (429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota)."),
    "server_error": (500, "INTERNAL", "An internal error has occurred."),
    "overloaded": (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    "context": (
        400,
        "INVALID_ARGUMENT",
        "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
    ),
    "auth": (403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers"),
    "unknown_model": (404, "NOT_FOUND", "models/it is not found for API version v1beta"),
    "refused": (400, "INVALID_ARGUMENT", "Unable to submit request because of temperature"),
    "quota": (429, "RESOURCE_EXHAUSTED", "You exceeded your current quota"),
}
DAILY = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}],
}


class Gemini:
    """POST /v1beta/models/{model}:generateContent, and :streamGenerateContent."""

    prefix = "gemini"
    model = "gemini-2.5-flash"
    base_path = ""

    def understand(self, path: str, headers: dict[str, str], body: dict[str, Any]) -> Asked:
        assert path.startswith("/v1beta/models/"), path
        model, _, method = path.removeprefix("/v1beta/models/").partition(":")
        assert method in {"generateContent", "streamGenerateContent?alt=sse"}, path
        config = body.get("generationConfig", {})
        turns: list[tuple[str, Any, Any]] = []
        signatures: list[str] = []
        for content in body["contents"]:
            parts = content["parts"]
            signatures += [one["thoughtSignature"] for one in parts if "thoughtSignature" in one]
            turns += (
                [_model(parts)] if content["role"] == "model" else [_user(one) for one in parts]
            )
        return Asked(
            model=model,
            key=headers.get("x-goog-api-key"),
            instructions="".join(
                one["text"] for one in body.get("systemInstruction", {}).get("parts", [])
            ),
            turns=turns,
            tools=[
                (one["name"], one["description"], one["parameters_json_schema"])
                for tool in body.get("tools") or []
                for one in tool["functionDeclarations"]
            ],
            temperature=config.get("temperature"),
            max_tokens=config.get("maxOutputTokens"),
            schema=config.get("responseJsonSchema"),
            stream=method.startswith("stream"),
            signatures=signatures,
        )

    def answer(self, answer: Answer, model: str) -> dict[str, Any]:
        parts: list[dict[str, Any]] = [{"text": answer.text}] if answer.text else []
        parts += [_call(call, answer.signed) for call in answer.calls]
        return _body(answer, model, parts, STOPS[answer.stop])

    def events(self, answer: Answer, model: str) -> Iterator[bytes]:
        for piece in answer.pieces():
            yield _event(_body(answer, model, [{"text": piece}], None))
        for call in answer.calls:
            yield _event(_body(answer, model, [_call(call, answer.signed)], None))
        yield _event(_body(answer, model, [{"text": ""}], STOPS[answer.stop]))

    def fault(self, kind: str) -> tuple[int, dict[str, Any]]:
        status, name, message = FAULTS[kind]
        error: dict[str, Any] = {"code": status, "message": message, "status": name}
        if kind == "quota":
            error["details"] = [DAILY]
        return status, {"error": error}

    def fault_in_stream(self, kind: str) -> bytes:
        return _event(self.fault(kind)[1])


def _body(
    answer: Answer, model: str, parts: list[dict[str, Any]], finish: str | None
) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    usage = {
        "promptTokenCount": answer.input,
        "candidatesTokenCount": answer.output - answer.reasoning,
        "totalTokenCount": answer.input + answer.output,
        "cachedContentTokenCount": answer.cached,
        "thoughtsTokenCount": answer.reasoning,
    }
    return {
        "candidates": [candidate],
        "usageMetadata": usage,
        "modelVersion": model,
        "responseId": "r1",
    }


def _call(call: Call, signed: bool) -> dict[str, Any]:
    given: Any = "{no json" if call.broken else call.arguments
    part: dict[str, Any] = {"functionCall": {"id": call.id, "name": call.name, "args": given}}
    return {**part, "thoughtSignature": SIGNATURE} if signed else part


def _event(data: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(data)}\r\n\r\n".encode()


def _model(parts: list[dict[str, Any]]) -> tuple[str, Any, Any]:
    calls = [one["functionCall"] for one in parts if "functionCall" in one]
    text = "".join(one.get("text", "") for one in parts)
    return ("assistant", text, [(one.get("id"), one["name"], one["args"]) for one in calls])


def _user(part: dict[str, Any]) -> tuple[str, Any, Any]:
    if "functionResponse" in part:
        result = part["functionResponse"]
        return ("tool", result["response"], result.get("id"))
    return ("user", part["text"], None)
