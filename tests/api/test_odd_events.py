"""Events that somebody wrote into a run by SQL: page and stream show them, whatever they bring."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import httpx2
import pytest

from oppspot_runner.app.client import AsyncClient
from oppspot_runner.base.jsonsafe import CUT_MARK
from oppspot_runner.db.pool import Database
from oppspot_runner.workflow import run_events

RUN = "INSERT INTO stream_runs (status, open_nodes) VALUES ('running', 1) RETURNING id"
ADD = """
    SELECT add_run_events(
        ARRAY[(%s, 0, 'log', NULL, NULL, NULL, NULL, %s::jsonb, NULL)::run_events])
"""
INFINITE, UNREADABLE = "9" * 309 + ".5", "9" * 5_000


def nested(levels: int, inside: str = "1") -> str:
    return "[" * levels + inside + "]" * levels


def strictly(text: str) -> Any:
    """JSON as browsers read it: they know no infinity."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (f'{{"message": "x", "n": {INFINITE}}}', {"message": "x", "n": None}),
        (f'{{"n": {UNREADABLE}}}', {"unreadable": f'{{"n": {UNREADABLE}}}'[:200]}),
        ('{"message": "x", "agent_id": "none", "attempt": {"a": 1}}', {"message": "x"}),
        ('{"message": "x", "seq": 9, "type": "y", "run_id": 1}', {"message": "x"}),
        ('{"message": "\\r\\n\\ndata: y\\u2028"}', {"message": "\r\n\ndata: y\u2028"}),
        (f'{{"n": {nested(99)}}}', {"n": json.loads(nested(99))}),
        (f'{{"n": {nested(260)}}}', {"n": json.loads(nested(100, f'"{CUT_MARK}"'))}),
        (f'{{"n": {nested(800)}}}', {"n": json.loads(nested(100, f'"{CUT_MARK}"'))}),
    ],
)
async def test_it_is_shown_alike(
    api: httpx2.AsyncClient, db: Database, data: str, shown: dict[str, Any]
) -> None:
    run = await db.fetch_one(RUN)
    assert run is not None
    await db.execute(ADD, (run["id"], data))
    url = f"/api/v1/runs/{run['id']}/events"
    page = await api.get(url, headers={"Accept": "application/json"})
    assert page.status_code == 200, page.text
    (in_page,) = strictly(page.text)["items"]
    (event,) = (await AsyncClient(db).run(run_events.read(UUID(str(run["id"]))))).events
    assert not {"\r", "\n"} & set(event.as_json)
    in_stream = strictly(event.as_json)
    head = {"seq": 1, "type": "log", "run_id": str(run["id"])}
    for one in (in_page, in_stream):
        del one["created_at"]
        assert {name: value for name, value in one.items() if name not in run_events.WHOSE} == {
            **shown,
            **head,
        }
        assert not any(one.get(name) for name in run_events.WHOSE)
