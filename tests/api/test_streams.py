"""Streams by HTTP: their companies, agents, runs."""

from __future__ import annotations

from uuid import uuid4

import httpx2

from oppspot_runner.api.reads.graph import run_graph
from oppspot_runner.app.client import AsyncClient
from oppspot_runner.db.pool import Database
from tests.api.domain import all_pages, build


async def test_what_is_in_a_stream_is_read_page_by_page(
    api: httpx2.AsyncClient, db: Database
) -> None:
    domain = await build(db)
    url = f"/api/v1/streams/{domain.stream_id}"
    by_place = await all_pages(api, f"{url}/items")
    assert [row["position"] for row in by_place] == [1, 2, 3, 4, 5]
    assert by_place[1]["signals"][0]["title"] == "raised money"
    assert by_place[0]["score_reasons"][0]["points"] == 4.9
    await db.execute(
        "UPDATE stream_items SET quality_score = NULL, priority = NULL, "
        "score_confidence = NULL, scored_at = NULL WHERE position = 1"
    )
    by_score = await all_pages(api, f"{url}/items", by="score")
    assert [row["position"] for row in by_score] == [2, 3, 4, 5, 1]
    for wanted, places in (
        ({"priority": ["critical"]}, [2]),
        ({"min_score": 4.6}, [2, 3, 4]),
        ({"words": "COMPANY 3"}, [3]),
        ({"with_signals": True}, [2]),
        ({"stage": "full"}, []),
    ):
        found = await all_pages(api, f"{url}/items", **wanted)
        assert [row["position"] for row in found] == places, wanted
    insights = await all_pages(api, f"{url}/insights")
    assert [row["title"] for row in insights] == ["insight 3", "insight 2", "insight 1"]
    explained = (await api.get(f"{url}/items/{by_place[2]['company_id']}")).json()
    assert (explained["quality_score"], explained["stale"]) == (4.7, True)
    for bad in ("%00", "x" * 201):
        assert (await api.get(f"{url}/items?words={bad}")).status_code == 422
    for cursor in ("WyJ4IiwieSJd", "WyIxZTk5OTk5OTk5OSIsIngiXQ"):
        assert (await api.get(f"{url}/items", params={"cursor": cursor})).status_code == 422
    assert (await api.get(f"/api/v1/streams/{uuid4()}/items")).status_code == 404


async def test_streams_come_newest_first(api: httpx2.AsyncClient, db: Database) -> None:
    client = AsyncClient(db)
    made = [str(await client.create_stream(f"Stream {n}")) for n in range(5)]
    await db.execute("UPDATE streams SET created_at = NULL WHERE id = %s", [made[2]])
    rows = await all_pages(api, "/api/v1/streams")
    assert [row["id"] for row in rows] == [made[4], made[3], made[1], made[0], made[2]]
    assert [row["name"] for row in await all_pages(api, "/api/v1/streams", words="EAM 3")] == [
        "Stream 3"
    ]


async def test_the_graph_of_a_stream_and_of_a_run(api: httpx2.AsyncClient, db: Database) -> None:
    domain = await build(db)
    finder, scorer = str(domain.finder), str(domain.scorer)
    url = f"/api/v1/streams/{domain.stream_id}"
    plan = (await api.get(f"{url}/plan")).json()
    assert (plan["fit"], [one["level"] for one in plan["agents"]]) == (True, [0, 1])
    graph = (await api.get(f"{url}/graph")).json()
    assert graph["levels"] == [[finder], [scorer]]
    assert graph["edges"] == [{"source": finder, "target": scorer, "waits": True}]
    run = await AsyncClient(db).run_stream(domain.stream_id)
    await db.execute(
        "UPDATE agent_tasks SET retry_count = 1, error_message = 'it broke', progress = "
        '\'{"done": 1, "total": 2, "message": "half"}\' WHERE run_id = %s',
        [run],
    )
    await db.execute(
        "INSERT INTO agent_executions (task_id, agent_id, attempt, status, started_at) "
        "SELECT id, agent_id, 1, 'failed', created_at FROM agent_tasks WHERE run_id = %s",
        [run],
    )
    first, second = (await run_graph(db, run)).nodes
    assert (first.status, second.status) == ("pending", "waiting")
    assert (first.error, first.retry_count, len(first.attempts)) == ("it broke", 1, 1)
    assert first.progress is not None
    assert first.progress.message == "half"


async def test_a_stream_is_made_changed_and_given_agents(
    api: httpx2.AsyncClient, db: Database
) -> None:
    made = (await api.post("/api/v1/streams", json={"name": "New"})).json()
    url = f"/api/v1/streams/{made['id']}"
    changed = await api.patch(url, json={"goal_criteria": {"location": ["GB"]}})
    assert (changed.json()["name"], changed.json()["goal_criteria"]) == (
        "New",
        {"location": ["GB"]},
    )
    client = AsyncClient(db)
    ids = [str(await client.create_agent(agent_type="noop", name=name)) for name in "ABC"]
    for agent, needs in ((0, []), (1, [ids[0]]), (2, [ids[1]])):
        body = {"agent_id": ids[agent], "depends_on_agent_ids": needs}
        assert (await api.post(f"{url}/agents", json=body)).status_code == 200
    refused = await api.patch(f"{url}/agents/{ids[0]}", json={"depends_on_agent_ids": [ids[2]]})
    assert refused.status_code == 422
    assert "A -> B -> C -> A" in refused.json()["error"]
    assert (await api.delete(f"{url}/agents/{ids[1]}")).status_code == 409
    assert (await api.delete(f"{url}/agents/{ids[2]}")).status_code == 204
    assert (await api.patch(f"{url}/agents/{ids[2]}", json={})).status_code == 404
    listed = (await api.get(f"{url}/agents")).json()["items"]
    assert [(row["agent_name"], row["depends_on"]) for row in listed] == [("A", []), ("B", ["A"])]
    started = await api.post(f"{url}/run", json={"payload": {"days": 1}})
    run = await client.get_run(started.json()["run_id"])
    assert [node.agent_name for node in run.nodes] == ["A", "B"]
    for bad in ({}, {"name": "a\x00b"}, {"name": ""}, {"nonsense": 1}):
        assert (await api.patch(url, json=bad)).status_code == 422, bad
    recorded = await db.fetch_all("SELECT action, before, after FROM audit_log ORDER BY id")
    assert [row["action"] for row in recorded] == [
        "stream.create",
        "stream.update",
        *["stream.assign"] * 3,
        "stream.unassign",
        "stream.run",
    ]
    update, unassign = recorded[1], recorded[5]
    assert (update["before"]["goal_criteria"], update["after"]["goal_criteria"]) == (
        {},
        {"location": ["GB"]},
    )
    assert (unassign["before"]["agent_name"], unassign["after"]) == ("C", None)
