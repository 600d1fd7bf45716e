"""What is told of runners after a request that waited for them."""

from __future__ import annotations

import httpx2
import pytest

from oppspot_runner.api.kept import Kept
from oppspot_runner.api.routes import task_runner
from oppspot_runner.api.state import ApiState
from oppspot_runner.db.pool import Database

URL = "/api/agents/task-runner"
RUNNER = """
    INSERT INTO task_runners (host, pid, version, slots, poll_s, lease_s, beat_s, lease_until)
    VALUES ('here', 1, '0', 3, 5, 30, 5, now() + interval '1 min')
"""


async def test_nobody_is_told_how_runners_stood_while_they_were_waited_for(
    state: ApiState, api: httpx2.AsyncClient, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.statuses = Kept(60)
    await db.execute(RUNNER)
    asked_meanwhile = []

    async def meanwhile(_: ApiState, __: float) -> None:
        asked_meanwhile.append((await api.get(URL)).json()["runner"]["status"])
        await db.execute("UPDATE task_runners SET state = 'stopped'")

    monkeypatch.setattr(task_runner, "pause", meanwhile)
    told = (await api.post(URL, json={"action": "stop"})).json()["runner"]
    assert (asked_meanwhile, told["status"]) == (["running"], "stopped")
    assert (await api.get(URL)).json()["runner"] == told
