"""What becomes of the task of an agent that lets a failed call through."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from oppspot_runner.app.explain import explain_task
from oppspot_runner.base.settings import Settings
from oppspot_runner.connectors.sources import COMPANIES_HOUSE
from oppspot_runner.db.pool import Database
from oppspot_runner.limits.call_rates import SharedCallLimiter
from oppspot_runner.queue.dead_letters import agents_in_need
from tests.connectors.http.internet import Answer, Site, Writer, answer
from tests.docs.conftest import environment
from tests.runner.conftest import FAST, Bench
from tests.web import samples
from tests.web.conftest import KEY

TABLES = """
    SELECT format('%I.%I', n.nspname, c.relname) AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname !~ '^pg_|^information_schema$'
"""


async def asking(bench: Bench, path: str = "/company/1", **more: Any) -> UUID:
    """A task that asks the register for something."""
    row = await bench.db.fetch_one("SELECT id FROM ai_agents WHERE agent_type = 'asker'")
    asker = samples.asker.function
    agent = row["id"] if row else await bench.agent(asker, configuration='{"max_retries": 3}')
    payload = {"source": "companies_house", "path": path, **more}
    return await bench.task(agent, payload=json.dumps(payload))


async def put_off(bench: Bench, task: UUID) -> dict[str, Any]:
    """Waits until the first attempt of the task has ended; its row."""

    async def has_ended() -> bool:
        row = await bench.row(task)
        return row["status"] == "pending" and row["attempt"] == 1 and row["runner_id"] is None

    await bench.until(has_ended)
    return await bench.row(task)


async def test_a_limited_task_uses_no_retry_holds_no_slot_and_says_why(
    bench: Bench, site: Site
) -> None:
    site.answers["/ch/company/1"] = answer(429, b"", Retry_After="1800")
    site.answers["/hn/item/1.json"] = answer(200, b"{}")
    async with bench.running(replace(FAST, slots=1)):
        limited = await asking(bench)
        row = await put_off(bench, limited)
        free = await asking(bench, "item/1.json", source="hacker_news")
        (other,) = await bench.ended(free)  # in the only slot
    assert other["status"] == "completed", other["error_message"]
    assert (row["status"], row["retry_count"], row["parked"]) == ("pending", 0, True)
    (reason,) = (
        one for one in (await explain_task(bench.db, limited)).reasons if one.code == "parked"
    )
    assert "RATE_LIMIT_EXCEEDED: companies_house: 127.0.0.1 was asked too often" in reason.text
    assert "in 30 min" in reason.text


async def test_a_task_whose_turn_is_far_is_put_off_until_then_and_asks_nobody(
    bench: Bench, site: Site
) -> None:
    site.answers["/ch/company/1"] = answer(200, b"{}")
    credential = COMPANIES_HOUSE.credential(Settings())
    limiter = SharedCallLimiter(bench.db)
    await limiter.hold(f"companies_house:{credential}", COMPANIES_HOUSE.rate, 600.0)
    async with bench.running():
        task = await asking(bench)
        row = await put_off(bench, task)
        assert site.received == []
        await bench.db.execute("UPDATE tool_call_rates SET held_until = now()")
        await bench.db.execute("UPDATE agent_tasks SET scheduled_for = now()")
        (done,) = await bench.ended(task)
    assert "used up" in (await bench.attempts(task))[0]["error_message"]
    assert (done["status"], done["retry_count"], done["attempt"]) == ("completed", 0, 2)
    assert 500 < (row["scheduled_for"] - row["created_at"]).total_seconds() < 700


@pytest.mark.slow
async def test_a_host_that_is_left_alone_puts_its_tasks_off(bench: Bench, site: Site) -> None:
    site.answers["/ch/company/1"] = answer(500)
    async with bench.running():
        (first,) = [await asking(bench)]
        await bench.until(lambda: was_put_off(bench, first))
    (last,) = (await bench.attempts(first))[-1:]
    assert last["error_message"].startswith("SOURCE_DOWN: companies_house: 127.0.0.1 has failed")
    row = await bench.row(first)
    assert (row["status"], row["retry_count"], len(site.received)) == ("pending", 1, 5)


async def test_a_key_that_is_refused_fails_the_task_and_is_told_once(
    bench: Bench, site: Site
) -> None:
    site.answers["/ch/company/1"] = answer(401)
    stream = await bench.db.fetch_one("INSERT INTO streams (name) VALUES ('s') RETURNING id")
    assert stream is not None
    await bench.agent(samples.asker.function)
    payload = json.dumps({"source": "companies_house", "path": "/company/1"})
    agent = await bench.db.fetch_one("UPDATE ai_agents SET name = 'Finder' RETURNING id")
    assert agent is not None
    async with bench.running():
        rows = []
        for _ in range(2):
            task = await bench.task(agent["id"], payload=payload, stream_id=stream["id"])
            rows += await bench.ended(task)
    assert {(row["status"], row["retry_count"]) for row in rows} == {("failed", 0)}
    assert rows[0]["error_message"].startswith("ACCESS_DENIED: companies_house: 127.0.0.1")
    (insight,) = await bench.db.fetch_all("SELECT kind, title, evidence FROM stream_insights")
    assert insight == {
        "kind": "needs_attention",
        "title": "Finder needs attention: companies_house: 127.0.0.1 answered with 401",
        "evidence": {"source": "companies_house"},
    }
    (need,) = await agents_in_need(bench.db)
    assert (need["agent_name"], need["tasks"]) == ("Finder", 2)


async def was_put_off(bench: Bench, task: UUID) -> bool:
    attempts = await bench.attempts(task)
    return bool(attempts) and "has failed" in (attempts[-1]["error_message"] or "")


@pytest.mark.parametrize("isolation", ["inline", pytest.param("process", marks=pytest.mark.slow)])
async def test_no_secret_reaches_a_log_an_error_or_a_table(
    isolation: str, db: Database, dsn: str, site: Site, tmp_path: Path
) -> None:
    hidden = "hidden-in-the-address"

    async def once_too_often(writer: Writer) -> None:
        asked = sum(one.path == "/ch/often" for one in site.received)
        writer.write(answer(429, b"", Retry_After="1") if asked == 1 else answer(200, b"{}"))

    elsewhere = f"http://storage.localhost:{site.port}/file?X-Amz-Signature={hidden}"
    said: dict[str, Answer] = {
        "ok": answer(200, b"{}", Set_Cookie=f"s={hidden}", X_Auth_Token=hidden, Etag='"1"'),
        "missing": answer(404),
        "denied": answer(401, b'{"error": "Invalid Authorization"}'),
        "bad": answer(400),
        "often": once_too_often,
        "down": answer(500),
        "page": answer(200, b"<html>"),
        "away": answer(302, b"", Location=elsewhere),
        "circle": answer(302, b"", Location="/ch/circle"),
    }
    site.answers |= {f"/ch/{path}": what for path, what in said.items()}
    site.answers["/file"] = answer(200, b"{}")
    for path in said:
        payload = json.dumps({"source": "companies_house", "path": path})
        await db.execute(
            "WITH a AS (INSERT INTO ai_agents (agent_type, configuration) VALUES"
            " ('asker', jsonb_build_object('isolation', %s::text)) RETURNING id)"
            " INSERT INTO agent_tasks (agent_id, payload) SELECT id, %s FROM a",
            (isolation, payload),
        )
    log = await run_all(dsn, "-m", "oppspot_runner")
    assert {f"/ch/{path}" for path in said} <= {one.path for one in site.received}
    tables = [row["name"] for row in await db.fetch_all(TABLES)]
    rows = [str(await db.fetch_all(f"SELECT t::text FROM {name} t")) for name in tables]
    assert "http_cache" in str(tables)
    shown = "\n".join([log, *rows])
    assert "companies_house" in shown
    for secret in (KEY, b64encode(f"{KEY}:".encode()).decode(), hidden):
        assert secret not in shown


@pytest.mark.slow
async def test_without_the_extra_a_task_says_what_to_install(db: Database, dsn: str) -> None:
    await db.execute(
        "WITH a AS (INSERT INTO ai_agents (agent_type) VALUES ('asker') RETURNING id)"
        " INSERT INTO agent_tasks (agent_id, payload)"
        """ SELECT id, '{"source": "hacker_news", "path": "x"}' FROM a"""
    )
    blocked = "import sys; sys.modules |= dict.fromkeys(('httpx2', 'httpcore2', 'protego'))"
    await run_all(dsn, "-c", f"{blocked}; from oppspot_runner.__main__ import run; run()")
    row = await db.fetch_one("SELECT status, error_message FROM agent_tasks")
    assert row == {
        "status": "failed",
        "error_message": "calling other services needs httpx2 and protego."
        " Install it: pip install 'oppspot-runner[http]'.",
    }


async def run_all(dsn: str, *program: str) -> str:
    """Runs all tasks in a runner of its own, as on a command line; its log."""
    ours = {name: value for name, value in os.environ.items() if name.startswith("OPPSPOT_")}
    own = {**ours, "DATABASE_URL": dsn, "OPPSPOT_POLL_INTERVAL": "0.5", "PYTHONPATH": "."}
    runner = await asyncio.create_subprocess_exec(
        *(sys.executable, *program, "start", "--drain-and-exit"),
        *("--import", "tests.web.samples", "--log-level", "debug"),
        env=environment(**own),
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    log, _ = await asyncio.wait_for(runner.communicate(), 50)
    assert runner.returncode == 0, log.decode()
    return log.decode()
