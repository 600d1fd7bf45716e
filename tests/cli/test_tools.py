"""`tools list|settle`, `tools cache clear`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from oppspot_runner.db.pool import Database
from oppspot_runner.queue.result_cache import SharedResultCache
from tests.cli.conftest import CommandLine, Rows

MARK = """
INSERT INTO tool_calls (tool, task_id, attempt, step, seq, key)
VALUES ('email', %s, 1, 'tool email', %s, 'k') RETURNING id
"""


def test_tools_are_listed_also_those_of_modules_and_servers(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mcp.toml"
    file.write_text('[away]\ncommand = "/nowhere/at/all"\n')
    monkeypatch.setenv("OPPSPOT_MCP_SERVERS", str(file))
    monkeypatch.setenv("OPPSPOT_IMPORT", "tests.tools.samples")
    ended = cli("tools", "list", "--json")
    found = {one["name"]: one for one in ended.json}
    assert {"calculator", "email", "run_agent", "upper"} <= set(found)
    assert (found["email"]["repeatable"], found["upper"]["cached_for_s"]) == (False, 60)
    assert found["upper"]["schema"]["required"] == ["text"]
    assert "the server away cannot be connected to" in ended.err
    text = cli("tools", "list").out
    assert "Sends an e-mail." in text


def test_modules_of_the_current_folder_are_found(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tools_of_here.py").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPPSPOT_IMPORT", "tools_of_here")
    monkeypatch.setattr(sys, "path", [one for one in sys.path if one])
    assert cli("tools", "list").code == 0


def test_results_are_forgotten_all_or_of_one_tool(cli: CommandLine, dsn: str) -> None:
    async def keep() -> None:
        async with Database(dsn) as database:
            for key in ("a:1", "a:2", "b:1", "ab:1"):
                await SharedResultCache(database).put(key, {"result": 1}, 600)

    asyncio.run(keep())
    assert cli.json("tools", "cache", "clear", "--tool", "a") == {"cleared": 2}
    assert cli("tools", "cache", "clear").out == "2 result(s) forgotten.\n"


def marked(rows: Rows, *seqs: int, **columns: Any) -> str:
    """A task that failed with as many calls whose end is unknown."""
    task = rows.task(rows.agent(), status="failed", error_message="x", **columns)
    for seq in seqs:
        rows(MARK, task, seq)
    return task


def test_a_call_that_was_made_is_a_finished_step(cli: CommandLine, rows: Rows) -> None:
    task = marked(rows, 0)
    ended = cli("tools", "settle", task[:13], "--done", "--result", '{"message_id": "m"}')
    assert f"oppspot-runner tasks retry {task}" in ended.out, ended.err
    (step,) = rows("SELECT name, seq, result FROM agent_steps")
    assert (step["name"], step["seq"]) == ("tool email", 0)
    assert step["result"].pop("timestamp").endswith("Z")
    assert step["result"] == {
        "success": True,
        "result": {"message_id": "m"},
        "tool_name": "email",
    }
    assert rows("SELECT ended_at IS NULL AS open, code FROM tool_calls") == [
        {"open": False, "code": None}
    ]


def test_of_several_calls_one_is_said(cli: CommandLine, rows: Rows) -> None:
    task = marked(rows, 0, 1)
    several = cli("tools", "settle", task, "--repeat")
    assert (several.code, "Say which: tool email, tool email:1" in several.err) == (1, True)
    assert cli.json("tools", "settle", task, "--repeat", "--step", "tool email:1")["done"] is False
    assert [row["code"] for row in rows("SELECT code FROM tool_calls ORDER BY seq")] == [
        None,
        "REPEAT",
    ]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "Give --done or --repeat"),
        (["--done", "--repeat"], 2, "Give --done or --repeat"),
        (["--repeat", "--result", "1"], 2, "no --result yet"),
        (["--done", "--result", "{"], 2, "is not JSON"),
        (["--done", "--step", "other"], 1, "has no call 'other' whose end is unknown"),
    ],
    ids=str,
)
def test_what_cannot_be_said_of_a_call(
    words: list[str], code: int, said: str, cli: CommandLine, rows: Rows
) -> None:
    ended = cli("tools", "settle", marked(rows, 0), *words)
    assert (ended.code, said in ended.err) == (code, True), ended.err
    assert rows("SELECT FROM agent_steps") == []
