"""Tools of one's own: as classes, as functions, from packages; and what a call of one ends with."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from oppspot_runner.app.tools import load_tools
from oppspot_runner.base.codes import Code
from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.tool_errors import ToolExecutionError, ToolNotFoundError
from oppspot_runner.connectors.http.client import GuardedClient
from oppspot_runner.tools import function
from oppspot_runner.tools.configuration import ToolConfiguration
from oppspot_runner.tools.function import FunctionTool, tool
from oppspot_runner.tools.registry import ToolRegistry, registry
from oppspot_runner.tools.tool_base import ToolBase, ToolCall

CALL = ToolCall(GuardedClient())


class CustomTool(ToolBase):
    """As it is printed."""

    def __init__(self) -> None:
        super().__init__(name="custom_tool", description="Custom tool description")

    def _execute_impl(self, arguments: dict[str, Any]) -> Any:
        return {"result": "success"}


class Words(BaseModel):
    text: str
    most: int = 3


class Doing(ToolBase):
    """Does what it is given; async when that is a coroutine function."""

    def __init__(self, work: Any, **options: Any) -> None:
        super().__init__("doing", "Does it.", **options)
        self.work = work

    async def run(self, arguments: Any, call: ToolCall) -> Any:
        return await self.work(arguments)


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> ToolRegistry:
    """A registry of its own for what `@tool` registers."""
    made = ToolRegistry()
    monkeypatch.setattr(function, "registry", made)
    return made


def test_a_class_as_it_is_printed_is_executed() -> None:
    done = CustomTool().execute({"anything": 1})
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", done.pop("timestamp"))
    assert done == {"success": True, "result": {"result": "success"}, "tool_name": "custom_tool"}


def test_its_class_is_found_by_name_and_nothing_is_imported_for_it(tools: ToolRegistry) -> None:
    assert isinstance(tools.find_class("CustomTool"), CustomTool)
    assert "custom_tool" in tools.known()
    for name in ("os.system", "CustomToll", "oppspot_runner.tools.calculator.CalculatorTool"):
        with pytest.raises(ToolNotFoundError):
            tools.find_class(name)


def test_tools_of_servers_are_among_those_that_were_not_meant() -> None:
    wanted = ToolConfiguration.of({"tools": ["weather__forcast"]})
    with pytest.raises(ToolNotFoundError) as refused:
        wanted.chosen(ToolRegistry(), {"weather__forecast": CustomTool()})
    assert refused.value.hint == "Did you mean weather__forecast?"


def test_a_class_name_that_two_modules_have_is_not_guessed(
    tools: ToolRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ToolBase.classes, "Twice", {"a": CustomTool, "b": Doing})
    with pytest.raises(ConfigurationError, match="several modules"):
        tools.find_class("Twice")


async def test_inside_of_a_loop_execute_says_what_to_do() -> None:
    with pytest.raises(ConfigurationError, match="event loop") as refused:
        CustomTool().execute({})
    assert refused.value.hint == "Await aexecute."
    assert (await CustomTool().aexecute({}))["success"] is True


async def test_a_plain_one_runs_in_a_thread_and_an_async_one_in_the_loop() -> None:
    class Plain(CustomTool):
        def _execute_impl(self, arguments: dict[str, Any]) -> Any:
            return threading.current_thread() is threading.main_thread()

    class Async(CustomTool):
        async def _execute_impl(self, arguments: dict[str, Any]) -> Any:
            return threading.current_thread() is threading.main_thread()

    assert (await Plain().aexecute({}, CALL))["result"] is False
    assert (await Async().aexecute({}, CALL))["result"] is True


async def test_a_model_checks_the_arguments_and_fills_in_defaults() -> None:
    class Modelled(CustomTool):
        def __init__(self) -> None:
            super().__init__()
            self.arguments = Words

        def _execute_impl(self, arguments: dict[str, Any]) -> Any:
            return arguments

    assert Modelled().schema()["required"] == ["text"]
    assert (await Modelled().aexecute({"text": "a"}, CALL))["result"] == {"text": "a", "most": 3}
    refused = await Modelled().aexecute({"text": 5, "most": "s3cr3t"}, CALL)
    assert refused["code"] == "TOOL_ARGUMENTS_INVALID"
    assert "text: Input should be a valid string" in refused["error"]
    assert "s3cr3t" not in refused["error"]


deep: dict[str, Any] = {}
for _ in range(50):
    deep = {"a": deep}


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        "text",
        None,
        {"a": "\x00"},
        {"a": "\x1b[2J"},
        {"a\x07": 1},
        {"a": ["\ud800"]},
        {"a": float("nan")},
        {"a": {1}},
        {"a": "b" * 3_000_000},
        deep,
    ],
    ids=lambda value: repr(value)[:30],
)
async def test_arguments_that_are_no_fit_json_never_reach_a_tool(arguments: Any) -> None:
    refused = await CustomTool().aexecute(arguments, CALL)
    assert (refused["success"], refused["code"]) == (False, "TOOL_ARGUMENTS_INVALID")
    assert len(refused["error"]) < 200


async def test_text_of_several_lines_in_any_script_is_fit() -> None:
    given = {"body": "Grüße\r\n\t日本 👩\u200d👩\n"}
    assert (await CustomTool().aexecute(given, CALL))["success"] is True


async def boom(_: Any) -> None:
    raise ValueError("password=s3cr3t is wrong" + "!" * 5_000)


async def own(_: Any) -> None:
    raise ToolExecutionError("doing", Code.DOMAIN_NOT_ALLOWED, "mine", hint="Do.")


async def leaves(_: Any) -> None:
    sys.exit(3)


async def late(_: Any) -> None:
    raise TimeoutError("of the tool itself")


async def never(_: Any) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("work", "code", "said"),
    [
        (boom, "TOOL_EXECUTION_FAILED", "ValueError: password=[redacted] is wrong!"),
        (own, "DOMAIN_NOT_ALLOWED", "mine. Do."),
        (leaves, "TOOL_EXECUTION_FAILED", "SystemExit: 3"),
        (late, "TOOL_EXECUTION_FAILED", "TimeoutError: of the tool itself"),
        (never, "TOOL_TIMEOUT", "the tool doing did not end within 0.05 s"),
    ],
)
async def test_every_failure_has_the_one_shape(work: Any, code: str, said: str) -> None:
    time_limit_s = 0.05 if work is never else 60
    failed = await Doing(work, time_limit_s=time_limit_s).aexecute({}, CALL)
    assert list(failed) == ["success", "error", "tool_name", "code", "timestamp"]
    assert (failed["success"], failed["tool_name"], failed["code"]) == (False, "doing", code)
    assert failed["error"].startswith(said)
    assert len(failed["error"]) < 1_100


async def test_who_cancels_is_obeyed() -> None:
    task = asyncio.get_running_loop().create_task(Doing(never).aexecute({}, CALL))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_result_that_json_cannot_hold_is_made_fit() -> None:
    async def odd(_: Any) -> Any:
        return {"a": float("nan"), "b": {1}, "c": "x\x00"}

    assert (await Doing(odd).aexecute({}, CALL))["result"] == {"a": None, "b": [1], "c": "x"}


async def test_a_function_is_a_tool_with_the_schema_of_its_parameters(
    registered: ToolRegistry,
) -> None:
    @tool("repeat", time_limit_s=5)
    async def repeat(text: str, call: ToolCall, times: int = 2) -> str:
        """Says a text
        several times.

        Not for the model.
        """
        assert call is CALL
        return text * times

    found = registered.find("repeat")
    assert isinstance(found, FunctionTool)
    assert (found.description, found.time_limit_s) == ("Says a text several times.", 5)
    schema = found.schema()
    assert (set(schema["properties"]), schema["required"]) == ({"text", "times"}, ["text"])
    assert (await found.aexecute({"text": "ab"}, CALL))["result"] == "abab"
    assert (await found.aexecute({"text": "a", "else": 1}, CALL))[
        "code"
    ] == "TOOL_ARGUMENTS_INVALID"
    assert await repeat("a", CALL, 3) == "aaa"


async def test_a_plain_function_may_take_models(registered: ToolRegistry) -> None:
    @tool("count", description="Counts.")
    def count(words: Words) -> int:
        return len(words.text.split()[: words.most])

    assert (await count.aexecute({"words": {"text": "a b c d"}}, CALL))["result"] == 3


def untyped(text) -> None:  # type: ignore[no-untyped-def]
    """Has no type."""


def starred(*texts: str) -> None:
    """Has no names."""


def silent(text: str) -> None: ...


def lost(text: NoSuchType) -> None:  # type: ignore[name-defined]  # noqa: F821
    """Has a type that nobody knows."""


@pytest.mark.parametrize("body", [untyped, starred, silent, lost])
def test_a_function_that_cannot_be_a_tool_says_why(body: Any, registered: ToolRegistry) -> None:
    with pytest.raises(ConfigurationError):
        tool("bad")(body)
    assert registered.known() == []


@pytest.mark.parametrize("name", ["", "1a", "a b", "a.b", "ä", "a" * 65, "a\n"])
def test_a_name_that_no_provider_takes_is_refused(name: str, tools: ToolRegistry) -> None:
    with pytest.raises(ConfigurationError, match="no name of a tool"):
        tools.register(ToolBase(name, "No."))


def test_two_tools_of_one_name_are_refused_and_the_same_again_is_not(tools: ToolRegistry) -> None:
    tools.register(CustomTool)
    tools.register(CustomTool())
    with pytest.raises(ConfigurationError, match="two tools are called 'custom_tool'"):
        tools.register(ToolBase("custom_tool", "Another one."))


def test_what_is_no_tool_is_refused(tools: ToolRegistry) -> None:
    with pytest.raises(ConfigurationError, match="is no tool"):
        tools.register(dict)  # type: ignore[arg-type]


def test_an_unknown_name_is_told_with_the_nearest_one() -> None:
    with pytest.raises(ToolNotFoundError) as missing:
        registry.find("calculater")
    assert (missing.value.code, missing.value.tool_name) == ("TOOL_NOT_FOUND", "calculater")
    assert missing.value.hint == "Did you mean calculator?"


def test_tools_of_other_packages_are_found_by_their_entry_points(
    tools: ToolRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "their_tools.py").write_text(
        "from oppspot_runner import ToolBase\n\n\nclass Theirs(ToolBase):\n"
        "    def __init__(self):\n        super().__init__('theirs', 'Theirs.')\n"
    )
    info = tmp_path / "their_tools-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-tools\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[oppspot_runner.tools]\ntheirs = their_tools:Theirs\ngone = nowhere:Tool\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    problems = tools.load_entry_points()
    assert "theirs" in tools.known()
    assert len(problems) == 1
    assert "gone" in problems[0]
    # A runner does the same, for all of its agents.
    monkeypatch.setattr("oppspot_runner.tools.registry.registry", tools)
    assert load_tools() == problems


def test_no_two_codes_are_one() -> None:
    assert len(Code.__members__) == len(list(Code))
    assert all(re.fullmatch(r"[A-Z]+(_[A-Z]+)*", name) for name in Code.__members__)


def test_without_the_extra_whoever_needs_it_is_told() -> None:
    program = (
        "import importlib.util\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name: None if name == 'httpx2' else find(name)\n"
        "import oppspot_runner\n"
        "try:\n    oppspot_runner.ToolSandbox\n"
        "except oppspot_runner.OppspotError as error:\n    print(error.one_line())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == (
        "calling other services needs httpx2. Install it: pip install 'oppspot-runner[http]'.\n"
    )
