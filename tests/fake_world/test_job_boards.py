"""The made job boards answer in the shapes of the real ones, and show what is open now."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from oppspot_runner.testing.world import Board, Content, Job, World
from oppspot_runner.testing.world.world import NOW
from oppspot_runner.websites.careers import board_at
from tests.fake_world.asking import Got, ask

DAY = timedelta(days=1)
PLACES = {
    "greenhouse": "/greenhouse/quay/jobs?content=true",
    "lever": "/lever/quay?mode=json",
    "lever_eu": "/lever-eu/quay?mode=json",
    "ashby": "/ashby/quay",
}
JOBS = (
    Job("1", "Open", NOW - DAY),
    Job("2", "Closed tomorrow", NOW - DAY, NOW + DAY),
    Job("3", "Of tomorrow", NOW + DAY, description="<p>Books & more</p>"),
)
each_service = pytest.mark.parametrize("service", PLACES)


def titles(got: Got) -> list[Any]:
    jobs = got.json if isinstance(got.json, list) else got.json["jobs"]
    return sorted(one.get("title") or one["text"] for one in jobs)


@each_service
def test_a_board_shows_what_is_open_until_it_is_gone(service: str) -> None:
    board = Board(service, "quay", "Quay Books", JOBS)
    with World(Content(boards=[board])) as world:
        first = ask(world, PLACES[service])
        assert titles(first) == ["Closed tomorrow", "Open"]
        again = ask(world, PLACES[service], {"If-None-Match": first.headers["etag"]})
        assert again.status == 304
        world.clock.advance(DAY)
        assert titles(ask(world, PLACES[service])) == ["Of tomorrow", "Open"]
        world.boards[service, "quay"] = replace(board, gone=world.clock.now)
        assert ask(world, PLACES[service]).status == 404


@each_service
def test_the_address_of_a_job_names_its_board(service: str) -> None:
    with World(Content(boards=[Board(service, "quay", "Quay Books", JOBS)])) as world:
        got = ask(world, PLACES[service]).json
    job = (got if isinstance(got, list) else got["jobs"])[0]
    url = job.get("absolute_url") or job.get("hostedUrl") or job.get("jobUrl")
    named = board_at(url)
    assert named is not None
    assert (named.service, named.token) == (service.removesuffix("_eu"), "quay")


def test_greenhouse_tells_the_name_of_a_board_and_escapes_what_is_html() -> None:
    board = Board("greenhouse", "quay", "Quay Books", (replace(JOBS[2], published=NOW),))
    with World(Content(boards=[board])) as world:
        assert ask(world, "/greenhouse/quay").json["name"] == "Quay Books"
        (job,) = ask(world, PLACES["greenhouse"]).json["jobs"]
        assert "content" not in ask(world, "/greenhouse/quay/jobs").json["jobs"][0]
    assert job["content"] == "&lt;p&gt;Books &amp; more&lt;/p&gt;"


def test_lever_gives_pages() -> None:
    jobs = tuple(Job(str(one), f"Job {one}", NOW - one * DAY) for one in range(3))
    with World(Content(boards=[Board("lever", "quay", "Quay Books", jobs)])) as world:
        assert titles(ask(world, "/lever/quay?skip=1&limit=1")) == ["Job 1"]
        assert ask(world, "/lever/quay?skip=3").json == []
        assert ask(world, "/lever/quay?skip=x").status == 400


def test_sites_of_the_made_world_link_the_boards_that_it_has(world: World) -> None:
    linked = set()
    for name, site in world.content.sites.items():
        careers = site.pages.get("/careers")
        if careers is not None and 'href="https' in str(careers.body):
            address = str(careers.body).partition('href="')[2].partition('"')[0]
            board = board_at(address)
            assert board is not None, name
            linked.add((board.service, board.token))
    assert 30 < len(set(world.boards) & linked) < len(linked)  # some links lead nowhere
    assert set(world.boards) - linked == {("ashby", "fenwickpay"), ("lever", "thistleadvisory")}
