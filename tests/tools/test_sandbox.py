"""The sandbox: who may call what, how often, and that every call is recorded."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import ValidationError

from oppspot_runner.base.errors import InvalidInputError, RateLimitExceededError
from oppspot_runner.base.rate import RateLimit
from oppspot_runner.base.tool_errors import (
    ToolNotFoundError,
    ToolNotPermittedError,
)
from oppspot_runner.connectors.http.policy import HttpPolicy
from oppspot_runner.tools.rates import ProcessCallLimiter
from oppspot_runner.tools.registry import ToolRegistry
from oppspot_runner.tools.sandbox import ToolSandbox
from oppspot_runner.tools.security import SecurityContext
from oppspot_runner.tools.tool_base import ToolBase, ToolCall
from tests.tools.conftest import Trail

SUM = {"operation": "add", "a": 1, "b": 2}
# As it is printed.
PRINTED: dict[str, Any] = {
    "user_id": "user-uuid",
    "organization_id": "org-uuid",
    "permissions": ["tool:calculator", "tool:http_request"],
    "rate_limit": {"calculator": 100, "http_request": 50},
    "sandbox": True,
}


async def test_a_call_is_answered_in_the_shape_of_results(sandbox: ToolSandbox) -> None:
    done = await sandbox.aexecute("calculator", SUM)
    assert list(done) == ["success", "result", "tool_name", "timestamp"]
    assert (done["success"], done["result"]["result"]) == (True, "3")


def test_code_without_a_loop_calls_it_too(sandbox: ToolSandbox) -> None:
    assert sandbox.execute("calculator", SUM)["result"]["result"] == "3"
    assert sandbox.execute("calculator", SUM)["result"]["result"] == "3"


async def test_the_printed_context_permits_what_it_names(sandbox: ToolSandbox) -> None:
    context = SecurityContext.model_validate(PRINTED)
    assert (await sandbox.aexecute("calculator", SUM, context))["success"] is True


@pytest.mark.parametrize(
    ("permissions", "permitted"),
    [
        ([], False),
        (["tool:http_request"], False),
        (["calculator"], False),
        (["tool:calculator_2"], False),
        (["tool:calculator"], True),
        (["tool:*"], True),
    ],
)
async def test_what_is_not_permitted_is_refused(
    permissions: list[str], permitted: bool, sandbox: ToolSandbox
) -> None:
    context = SecurityContext(permissions=frozenset(permissions))
    answer = await sandbox.aexecute("calculator", SUM, context)
    assert answer.get("code") == (None if permitted else "TOOL_NOT_PERMITTED")


async def test_the_error_names_the_permission_that_is_missing(sandbox: ToolSandbox) -> None:
    with pytest.raises(ToolNotPermittedError, match="not permitted") as refused:
        await sandbox.call("calculator", SUM, SecurityContext())
    assert refused.value.hint == "The permissions of the security context need 'tool:calculator'."


@pytest.mark.parametrize(
    "wrong", [{"sandbox": False}, {"rate_limit": {"calculator": -1}}, {"permision": ["tool:*"]}]
)
def test_a_context_that_means_something_else_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SecurityContext.model_validate({**PRINTED, **wrong})


async def test_a_rate_limit_holds_and_says_when_to_come_back(sandbox: ToolSandbox) -> None:
    sandbox.set_rate_limit("calculator", max_calls=2, window_seconds=60)
    for _ in range(2):
        assert (await sandbox.aexecute("calculator", SUM))["success"] is True
    answer = await sandbox.aexecute("calculator", SUM)
    assert (answer["code"], answer["tool_name"]) == ("RATE_LIMIT_EXCEEDED", "calculator")
    with pytest.raises(RateLimitExceededError) as refused:
        await sandbox.call("calculator", SUM)
    assert refused.value.retry_after_s is not None
    assert 0 < refused.value.retry_after_s <= 60
    assert refused.value.retried is True
    assert (await sandbox.aexecute("http_request", {"url": "x"}))["code"] == "URL_MALFORMED"


async def test_calls_at_once_do_not_slip_through_a_limit(sandbox: ToolSandbox) -> None:
    sandbox.set_rate_limit("calculator", max_calls=7, window_seconds=60)
    answers = await asyncio.gather(*(sandbox.aexecute("calculator", SUM) for _ in range(20)))
    assert sum(answer["success"] for answer in answers) == 7


async def test_the_limit_of_a_context_is_that_of_its_user(sandbox: ToolSandbox) -> None:
    def of(user: str) -> SecurityContext:
        return SecurityContext.model_validate(
            {**PRINTED, "user_id": user, "rate_limit": {"calculator": 1}}
        )

    assert (await sandbox.aexecute("calculator", SUM, of("ann")))["success"] is True
    refused = await sandbox.aexecute("calculator", SUM, of("ann"))
    assert refused["code"] == "RATE_LIMIT_EXCEEDED"
    assert (await sandbox.aexecute("calculator", SUM, of("bob")))["success"] is True


async def test_in_no_window_there_are_more_calls_than_the_limit() -> None:
    times = [0.0, 4.0, 5.0, 9.9, 10.0, 10.1, 14.0, 20.0]
    clock = iter(times)
    limiter = ProcessCallLimiter(lambda: next(clock))
    limit = RateLimit(2, 10)
    waits = [await limiter.take("a", limit) for _ in times[:-1]]
    assert waits == [0, 0, 5.0, pytest.approx(0.1), 0, pytest.approx(3.9), 0]
    assert await limiter.take("b", RateLimit(0, 10)) == 10


@pytest.mark.parametrize(
    ("calls", "window"), [(-1, 60), (10_000_000, 60), (1, 0), (1, -5), (1, float("nan"))]
)
def test_a_limit_that_is_none_is_refused(calls: int, window: float, sandbox: ToolSandbox) -> None:
    with pytest.raises(InvalidInputError):
        sandbox.set_rate_limit("calculator", calls, window)


def test_a_limit_for_a_tool_that_is_not_there_is_refused(sandbox: ToolSandbox) -> None:
    with pytest.raises(ToolNotFoundError):
        sandbox.set_rate_limit("calculater", 1, 60)


async def test_an_unknown_tool_is_an_answer_too(sandbox: ToolSandbox, trail: Trail) -> None:
    answer = await sandbox.aexecute("nothing", {})
    assert (answer["success"], answer["tool_name"], answer["code"]) == (
        False,
        "nothing",
        "TOOL_NOT_FOUND",
    )
    assert trail.uses[0].code == "TOOL_NOT_FOUND"


async def test_every_call_is_recorded_without_its_secrets(
    sandbox: ToolSandbox, trail: Trail
) -> None:
    context = SecurityContext.model_validate(PRINTED)
    await sandbox.aexecute("calculator", SUM, context)
    await sandbox.aexecute("calculator", {**SUM, "api_key": "s3cr3t"}, context)
    good, bad = trail.uses
    assert (good.tool_name, good.arguments, good.code) == ("calculator", SUM, None)
    assert (good.organization_id, good.user_id) == ("org-uuid", "user-uuid")
    assert bad.code == "TOOL_ARGUMENTS_INVALID"
    assert bad.arguments["api_key"] == "[redacted]"
    assert good.took_s >= 0
    assert good.at <= bad.at


async def test_a_call_that_is_cancelled_is_recorded_as_such(
    tools: ToolRegistry, trail: Trail
) -> None:
    begun = asyncio.Event()

    class Waiting(ToolBase):
        async def run(self, arguments: Any, call: ToolCall) -> None:
            begun.set()
            await asyncio.Event().wait()

    tools.register(Waiting("waiting", "Waits."))
    sandbox = ToolSandbox(tools, http=HttpPolicy(), audit=trail)
    task = asyncio.get_running_loop().create_task(sandbox.call("waiting", {}))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert trail.uses[0].code == "INTERRUPTED"


async def test_a_call_that_cannot_be_recorded_has_no_result(tools: ToolRegistry) -> None:
    class Broken:
        async def record(self, use: object) -> None:
            raise OSError("the record cannot be written")

    sandbox = ToolSandbox(tools, http=HttpPolicy(), audit=Broken())
    with pytest.raises(OSError, match="cannot be written"):
        await sandbox.aexecute("calculator", SUM)


def test_what_the_operator_opens_is_in_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    from oppspot_runner.base.settings import load_settings

    monkeypatch.setenv("OPPSPOT_REACHABLE_NETWORKS", "10.1.0.0/16, fd00::/8")
    monkeypatch.setenv("OPPSPOT_REACHABLE_PORTS", "443, 9000")
    monkeypatch.setenv("OPPSPOT_UNVERIFIED_TLS", "true")
    policy = HttpPolicy.of(load_settings())
    assert [str(one) for one in policy.networks] == ["10.1.0.0/16", "fd00::/8"]
    assert (policy.ports, policy.unverified_tls) == ({443, 9000}, True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPPSPOT_REACHABLE_NETWORKS", "10.1.2.3/8"),
        ("OPPSPOT_REACHABLE_NETWORKS", "everything"),
        ("OPPSPOT_REACHABLE_PORTS", "0"),
        ("OPPSPOT_REACHABLE_PORTS", "https"),
    ],
)
def test_a_setting_that_opens_something_unclear_is_refused(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from oppspot_runner.base.errors import SettingError
    from oppspot_runner.base.settings import load_settings

    monkeypatch.setenv(name, value)
    with pytest.raises(SettingError, match=name):
        load_settings()


class Shelf:
    """Keeps results in a dict, and for how long each was to be kept."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, Any]] = {}
        self.ttls: list[float] = []

    async def get(self, key: str) -> dict[str, Any] | None:
        return self.kept.get(key)

    async def put(self, key: str, kept: dict[str, Any], ttl_s: float) -> None:
        self.kept[key] = kept
        self.ttls.append(ttl_s)


class Counting(ToolBase):
    """Says how often it ran; fails when it is asked to."""

    ran = 0

    async def run(self, arguments: Any, call: ToolCall) -> int:
        self.ran += 1
        if arguments.get("fail"):
            raise ValueError("as asked")
        return self.ran


async def test_a_result_that_stays_right_is_kept_by_organisation_tool_and_arguments(
    tools: ToolRegistry,
) -> None:
    tools.register(Counting("counting", "Counts.", cached_for_s=60))
    shelf = Shelf()
    sandbox = ToolSandbox(tools, http=HttpPolicy(), cache=shelf)
    acme = SecurityContext(organization_id="acme", permissions=frozenset({"tool:*"}))
    calls: list[tuple[dict[str, Any], SecurityContext | None]] = [
        ({"a": 1, "b": 2}, None),
        ({"b": 2, "a": 1}, None),
        ({"a": 1}, None),
        ({"a": 1, "b": 2}, acme),
        ({"a": 1, "b": 2}, acme),
    ]
    assert [await sandbox.call("counting", *one) for one in calls] == [1, 1, 2, 3, 3]
    assert shelf.ttls == [60] * 3
    assert (await sandbox.aexecute("calculator", SUM))["success"] is True
    assert len(shelf.kept) == 3


async def test_an_error_is_not_kept(tools: ToolRegistry) -> None:
    tools.register(Counting("counting", "Counts.", cached_for_s=60))
    shelf = Shelf()
    sandbox = ToolSandbox(tools, http=HttpPolicy(), cache=shelf)
    for _ in range(2):
        assert (await sandbox.aexecute("counting", {"fail": 1}))["success"] is False
    assert (await sandbox.aexecute("counting", {1: 2, "a": {1}}))["success"] is False
    assert shelf.kept == {}


async def test_what_is_kept_needs_a_permission_too(tools: ToolRegistry) -> None:
    tools.register(Counting("counting", "Counts.", cached_for_s=60))
    sandbox = ToolSandbox(tools, http=HttpPolicy(), cache=Shelf())
    assert (await sandbox.aexecute("counting", {}))["success"] is True
    refused = await sandbox.aexecute("counting", {}, SecurityContext())
    assert refused["code"] == "TOOL_NOT_PERMITTED"
