"""What all pages share: errors as pages, questions before actions, what is told after them."""

from __future__ import annotations

from uuid import uuid4

import httpx2
import pytest
from fastapi import Request

from oppspot_runner.api.access import COOKIE
from oppspot_runner.api.application import build_application
from oppspot_runner.api.dashboard import charts, flash, words
from oppspot_runner.api.dashboard.asking import NOT_LOCAL
from oppspot_runner.api.state import ApiState

HTML = {"accept": "text/html"}


async def test_errors_are_pages_for_people_and_json_for_programs(api: httpx2.AsyncClient) -> None:
    page = await api.get("/nowhere", headers=HTML)
    assert page.status_code == 404
    assert "<h1>Not there</h1>" in page.text
    assert (await api.get("/nowhere")).json()["code"] == "NOT_FOUND"
    no_character = await api.get("/audit?kind=%00", headers=HTML)
    assert "<h1>Not understood</h1>" in no_character.text
    program = await api.get(f"/api/v1/tasks/{uuid4()}", headers=HTML)
    assert program.json()["code"] == "NOT_FOUND"


async def test_nobody_is_led_to_log_in_and_back(state: ApiState) -> None:
    state.open_access = False
    transport = httpx2.ASGITransport(app=build_application(state))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.get("/?days=2", headers=HTML)
    assert answer.status_code == 303
    assert answer.headers["location"] == "./login?next=%3Fdays%3D2"


async def test_whose_token_ended_hears_why_that_nothing_was_done_and_comes_back(
    state: ApiState,
) -> None:
    state.open_access = False
    transport = httpx2.ASGITransport(app=build_application(state))
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://localhost", follow_redirects=True, headers=HTML
    ) as client:
        client.cookies.set(COOKIE, "opr_ended")
        looked = await client.get("/tasks?q=1")
        acted = await client.post(
            f"/tasks/{uuid4()}/cancel",
            data={"sure": "yes", "back": "tasks?status=failed"},
            headers={"origin": "http://localhost"},
        )
    why = "the token is unknown"
    assert f'data-kind="wrong">{why}' in looked.text
    assert f'data-kind="wrong">Nothing was done: {why}' in acted.text
    assert 'name="next" value="tasks?status=failed"' in acted.text


@pytest.mark.parametrize("elsewhere", ["//evil.example", "/\\evil", "http://evil.example", "\tx"])
def test_no_form_leads_to_another_place(elsewhere: str) -> None:
    assert NOT_LOCAL.search(elsewhere)
    assert not NOT_LOCAL.search("tasks/1?at=12:30")


@pytest.mark.parametrize("cookie", ["", "%%%", "bnVsbA==", "WzFd", "eyJhIjoxfQ=="])
def test_a_flash_that_is_none_of_ours_is_none(cookie: str) -> None:
    headers = [(b"cookie", f"{flash.COOKIE}={cookie}".encode())]
    assert flash.of(Request({"type": "http", "headers": headers})) is None


def test_json_is_escaped_and_without_secrets() -> None:
    shown = words.json_markup({"<b>": "</script>", "api_key": "abc", "n": [1, True, None]})
    assert "<b>" not in shown
    assert "</script>" not in shown
    assert "abc" not in shown
    assert '<span class="j-number">1</span>' in shown


def test_a_single_failure_among_thousands_is_seen_in_a_chart() -> None:
    chart = charts.bars([("now", {"completed": 5_000, "failed": 1})])
    (column,) = chart.columns
    assert [part.kind for part in column.parts] == ["completed", "failed"]
    assert column.parts[1].height == 2
    assert min(part.y for part in column.parts) >= 0
