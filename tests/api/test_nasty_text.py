"""What people put into columns by SQL is shown, in every answer and on every page: texts that want
to be more than text as text, JSON of shapes that nobody expects as far as it can be read."""

from __future__ import annotations

import json
import re
from urllib.parse import urljoin
from uuid import UUID

import httpx2
import pytest

from oppspot_runner.api.application import build_application
from oppspot_runner.api.state import ApiState
from oppspot_runner.app.client import AsyncClient
from oppspot_runner.db.pool import Database
from tests.api.domain import build
from tests.api.nasty import EACH_OFTEN, NASTY, ODD, Faults, add_rows, make_nasty, make_odd
from tests.api.planting import known_ids, plant

ENDLESS = re.compile(r"/events$|/changes$")  # streams that do not end
PARAMETER = re.compile(r"{(\w+)}")
MOST_LINKS = 20
UNUSABLE = re.compile(r"(goal_criteria|target_metrics): wanted an object")
LONG = 2_000  # an address with more may be refused


@pytest.mark.slow
async def test_what_wants_to_be_more_than_text_stays_text(
    state: ApiState, api: httpx2.AsyncClient, db: Database, dsn: str
) -> None:
    stream_id = await plant_all(db, dsn)
    assert make_nasty(dsn) > 50
    addresses = await known_addresses(state, db, dsn, stream_id)
    seen, text, faults = set(addresses), "", []
    to_follow = MOST_LINKS
    while addresses:
        address = addresses.pop(0)
        answer = await api.get(address)
        if answer.status_code == 422 and len(address) > LONG:
            continue
        if answer.status_code >= 300:
            faults.append(f"{address}: {answer.status_code} {answer.text[:300]}")
        elif "json" in answer.headers["content-type"]:
            text += json.dumps(answer.json(), ensure_ascii=False)
        elif "html" in answer.headers["content-type"]:
            page = Faults(answer.text)
            text += page.text
            faults += [f"{address}: {fault}" for fault in page.found]
            links = {urljoin(address, link) for link in page.links if "://" not in link}
            new = sorted(link for link in links - seen if link.startswith("/"))[:to_follow]
            to_follow -= len(new)
            seen.update(new)
            addresses += new
    assert not faults, "\n".join(faults[:40])
    shown = text.replace('\\"', '"').replace("\\\\", "\\")
    missing = [
        one[:60] for one in NASTY if " ".join(one.split())[:60] not in " ".join(shown.split())
    ]
    assert not missing


@pytest.mark.slow
async def test_json_of_any_shape_breaks_nothing(
    state: ApiState, api: httpx2.AsyncClient, db: Database, dsn: str
) -> None:
    addresses = await known_addresses(state, db, dsn, await plant_all(db, dsn))
    faults = []
    for turn in (0, len(ODD) // 2):  # lists show all values in each turn
        assert make_odd(dsn, turn) > 20
        for address in addresses:
            answer = await api.get(address)
            is_told = answer.status_code == 422 and UNUSABLE.search(answer.text)
            if answer.status_code >= 300 and not is_told:
                faults.append(f"{address}: {answer.status_code} {answer.text[:300]}")
    assert not faults, "\n".join(faults[:40])


async def plant_all(db: Database, dsn: str) -> UUID:
    """Plants rows of each kind; the stream that has companies."""
    plant(dsn)
    domain = await build(db, companies=EACH_OFTEN)
    await AsyncClient(db).run_stream(domain.stream_id)
    add_rows(dsn)
    return domain.stream_id


async def known_addresses(state: ApiState, db: Database, dsn: str, stream_id: UUID) -> list[str]:
    """The addresses of everything that there is to read."""
    ids = known_ids(dsn)
    ids["fingerprint"] = [
        row["fingerprint"]
        for row in await db.fetch_all("SELECT fingerprint FROM dead_letter_tasks")
    ][:5]
    there = {"stream_id": [str(stream_id)], "company_id": await in_stream(db)}
    paths = [
        route.path
        for route in build_application(state).known
        if "GET" in (route.methods or ()) and not ENDLESS.search(route.path)
    ]
    ways = (ids, {**ids, **there})
    return sorted({filled(path, way, there) for path in paths for way in ways})


async def in_stream(db: Database) -> list[str]:
    """Companies of a stream."""
    return [str(row["company_id"]) for row in await db.fetch_all("SELECT * FROM stream_items")]


def filled(path: str, ids: dict[str, list[str]], related: dict[str, list[str]]) -> str:
    """The path with ids of rows that are there in it; `related` ones where it names two things."""
    names = set(PARAMETER.findall(path))
    known = {**ids, **related} if len(names) > 1 else ids
    assert all(known.get(name) for name in names), f"{path}: no such rows in tests/api/planting.py"
    return path.format(**{name: known[name][0] for name in names})


def test_what_came_out_of_data_is_seen() -> None:
    for page in (*NASTY[:3], NASTY[5], "49nasty", "<a href=' javascript:x'>", "<p style=x>"):
        assert Faults(page).found, page
    assert not Faults("<p title='&lt;nasty-tag&gt;'>{{7*7}}nasty</p>").found


async def test_numbers_and_times_that_python_cannot_hold_hide_nothing_else(
    api: httpx2.AsyncClient, db: Database
) -> None:
    """Progress with a number that is infinite in Python, and a history that others wrote."""
    task = await db.fetch_one(
        "INSERT INTO agent_tasks (task_type, progress) VALUES "
        "('x', (repeat('9', 400) || '.5')::jsonb) RETURNING id"
    )
    assert task is not None
    for attempt, at in enumerate(("infinity", "-infinity", "20000-01-01Z", "0044-03-15 BC")):
        await db.execute(
            "INSERT INTO agent_executions (task_id, attempt, status, started_at, metrics) "
            "VALUES (%s, %s, 'failed', %s, '1.5')",
            (task["id"], attempt, at),
        )
    listed = (await api.get("/api/v1/tasks")).text
    shown = await api.get(f"/api/v1/tasks/{task['id']}")
    page = await api.get(f"/tasks/{task['id']}")
    (item,) = json.loads(listed, parse_constant=lambda word: f"no JSON: {word}")["items"]
    assert item["progress"] is None
    assert [one["started_at"] for one in shown.json()["attempts"]] == [None] * 4
    assert page.status_code == 200
