"""Texts that want to be more than text are shown as text, in every answer and on every page."""

from __future__ import annotations

import json
import re
from urllib.parse import urljoin

import httpx2

from oppspot_runner.api.application import build_application
from oppspot_runner.api.state import ApiState
from oppspot_runner.app.client import AsyncClient
from oppspot_runner.db.pool import Database
from tests.api.domain import build
from tests.api.nasty import EACH_OFTEN, NASTY, Faults, add_rows, make_nasty
from tests.api.planting import known_ids, plant

ENDLESS = re.compile(r"/events$|/changes$")  # streams that do not end
PARAMETER = re.compile(r"{(\w+)}")
MOST_LINKS = 20
LONG = 2_000  # an address with more may be refused


async def test_what_wants_to_be_more_than_text_stays_text(
    state: ApiState, api: httpx2.AsyncClient, db: Database, dsn: str
) -> None:
    plant(dsn)
    domain = await build(db, companies=EACH_OFTEN)
    await AsyncClient(db).run_stream(domain.stream_id)
    add_rows(dsn)
    assert make_nasty(dsn) > 50
    ids = known_ids(dsn)
    ids["fingerprint"] = [
        row["fingerprint"]
        for row in await db.fetch_all("SELECT fingerprint FROM dead_letter_tasks")
    ][:5]
    there = {"stream_id": [str(domain.stream_id)], "company_id": await in_stream(db)}
    addresses = [
        filled(route.path, ids, there)
        for route in build_application(state).known
        if "GET" in (route.methods or ()) and not ENDLESS.search(route.path)
    ]
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
