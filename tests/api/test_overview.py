"""The overview as a page."""

from __future__ import annotations

import httpx2


async def test_the_overview_is_a_page(api: httpx2.AsyncClient) -> None:
    answer = await api.get("/")
    assert answer.status_code == 200, answer.text
    assert "<h1>Overview</h1>" in answer.text
    assert (await api.get("/static/dashboard.css")).status_code == 200
