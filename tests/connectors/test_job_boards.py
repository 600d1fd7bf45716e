"""Job boards: whole, without what is no job, and with what cannot be read counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from oppspot_runner.base.errors import MalformedAnswerError
from oppspot_runner.base.web import Parameter, Web
from oppspot_runner.connectors.ashby import Ashby
from oppspot_runner.connectors.greenhouse import Greenhouse
from oppspot_runner.connectors.job_boards import Board, JobService
from oppspot_runner.connectors.lever import MOST_PAGES, Lever
from oppspot_runner.signals.jobs import Job
from oppspot_runner.signals.sighting import Posting
from tests.connectors.answering import Answering

AT = datetime(2026, 10, 20, 9, 11, 32, tzinfo=UTC)
GREENHOUSE = {
    "id": 4_000_000_000_000,
    "internal_job_id": 5,
    "title": " Data\n Engineer ",
    "updated_at": "2026-11-01T00:00:00Z",
    "first_published": "2026-10-20T05:11:32-04:00",
    "location": {"name": "Leeds"},
    "absolute_url": "https://acme.example/jobs?gh_jid=4",
    "departments": [{"id": 1, "name": "Data"}, {"id": 2, "name": "All"}],
    "content": "&lt;p&gt;Snowflake&lt;/p&gt;",
    "company_name": "Acme",
}
LEVER = {
    "id": "a-1",
    "text": "Data Engineer",
    "categories": {"location": "Leeds", "team": "Data", "allLocations": ["Leeds"]},
    "createdAt": 1_792_487_492_000,
    "hostedUrl": "https://jobs.lever.co/acme/a-1",
    "descriptionPlain": "You are kind.",
    "lists": [{"text": "You know", "content": "<li>Snowflake</li>"}, {"text": None}],
    "additionalPlain": "Acme is small.",
}
ASHBY = {
    "id": "a-1",
    "title": "Data Engineer",
    "department": "Data",
    "location": "Leeds",
    "isListed": True,
    "publishedAt": "2026-10-20T09:11:32.000+00:00",
    "jobUrl": "https://jobs.ashbyhq.com/acme/a-1",
    "descriptionPlain": "Snowflake",
}


def in_jobs(items: Any) -> Any:
    return {"jobs": items, "meta": {"total": 3}}


def as_given(items: Any) -> Any:
    return items


# By service: how it is asked, where, a job of it, what is around jobs, how it calls a title.
SERVICES: dict[str, tuple[Callable[[Web], JobService], str, dict[str, Any], Any, str]] = {
    "greenhouse": (Greenhouse, "acme/jobs", GREENHOUSE, in_jobs, "title"),
    "lever": (Lever, "acme", LEVER, as_given, "text"),
    "ashby": (Ashby, "acme", ASHBY, in_jobs, "title"),
}
each_service = pytest.mark.parametrize("name", SERVICES)


async def board_of(name: str, *items: Any) -> Board | None:
    make, path, _, around, _ = SERVICES[name]
    return await make(Answering({path: around(list(items))}).web()).board("acme")


@each_service
async def test_a_job_says_what_and_where_it_is_and_since_when(name: str) -> None:
    given = SERVICES[name][2]
    board = await board_of(name, given)
    assert board is not None
    url = given.get("absolute_url") or given.get("hostedUrl") or given.get("jobUrl")
    number = str(given["id"])
    assert [one.posting for one in board.jobs] == [
        Posting(name, "acme", number, "Data Engineer", "Data", "Leeds", url, AT)
    ]
    assert "Snowflake" in board.jobs[0].description
    assert board.names == ({"Acme"} if name == "greenhouse" else set())


@each_service
@pytest.mark.parametrize("value", [None, "", {}])
@pytest.mark.parametrize("what", ["id", "title"])
async def test_a_job_that_lacks_something_is_left_out_and_counted(
    name: str, what: str, value: Any
) -> None:
    _, _, given, _, title = SERVICES[name]
    bad = {**given, (title if what == "title" else what): value}
    board = await board_of(name, bad, given, "no job", {**given, "id": "b-2"})
    assert board is not None
    assert (len(board.jobs), board.drifted) == (2, 2)


@each_service
@pytest.mark.parametrize("number", ["x" * 81, "a\x00", "a b", "\udc80"])
async def test_a_number_that_is_none_is_left_out_and_counted(name: str, number: str) -> None:
    given = SERVICES[name][2]
    board = await board_of(name, given, {**given, "id": number})
    assert board is not None
    assert (len(board.jobs), board.drifted) == (1, 1)


@each_service
@pytest.mark.parametrize("when", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59-05:00", 0])
async def test_a_day_that_is_none_is_not_known(name: str, when: Any) -> None:
    dates = dict.fromkeys(["first_published", "createdAt", "publishedAt"], when)
    board = await board_of(name, {**SERVICES[name][2], **dates})
    assert board is not None
    assert [one.posting.published_at for one in board.jobs] == [None]


@each_service
async def test_what_is_not_required_may_be_missing_new_or_of_another_shape(name: str) -> None:
    _, _, given, _, title = SERVICES[name]
    least = {"id": "1", title: "Engineer"}
    odd = {key: {"odd": [1]} for key in given} | {**least, "id": "2", "internal_job_id": 1}
    board = await board_of(name, least, odd, {**given, "id": "3", "news": {"a": 1}})
    assert board is not None
    assert [one.posting.external_id for one in board.jobs] == ["1", "2", "3"]
    assert board.jobs[1] == Job(Posting(name, "acme", "2", "Engineer"))


@each_service
async def test_jobs_none_of_which_can_be_read_are_no_answer(name: str) -> None:
    with pytest.raises(MalformedAnswerError, match="another shape"):
        await board_of(name, {"id": 1}, {"id": 2})


@each_service
@pytest.mark.parametrize("answer", [3, "jobs", {"jobs": {}}, {"ok": False}])
async def test_an_answer_of_another_shape_is_told_as_such(name: str, answer: Any) -> None:
    make, path, *_ = SERVICES[name]
    with pytest.raises(MalformedAnswerError):
        await make(Answering({path: answer}).web()).board("acme")


@each_service
async def test_a_board_that_is_not_there_is_none(name: str) -> None:
    assert await SERVICES[name][0](Answering().web()).board("acme") is None


async def test_an_empty_board_is_one_but_at_ashby_where_unknown_ones_look_so() -> None:
    assert await board_of("greenhouse") == Board(())
    assert await board_of("lever") == Board(())
    assert await board_of("ashby") is None


async def test_what_lever_says_of_a_job_is_in_several_places() -> None:
    board = await board_of("lever", LEVER)
    assert board is not None
    assert board.jobs[0].description.split("\n") == [
        "You are kind.",
        "You know",
        "<li>Snowflake</li>",
        "Acme is small.",
    ]


async def test_posts_without_a_job_and_jobs_that_are_not_shown_are_left_out() -> None:
    unlisted = await board_of("ashby", ASHBY, {**ASHBY, "id": "b", "isListed": False})
    prospects = await board_of("greenhouse", GREENHOUSE, {**GREENHOUSE, "internal_job_id": None})
    for board in (unlisted, prospects):
        assert board is not None
        assert (len(board.jobs), board.drifted) == (1, 0)


@pytest.mark.parametrize(("count", "calls"), [(0, 1), (99, 1), (100, 2), (250, 3)])
async def test_lever_gives_its_jobs_in_pages(count: int, calls: int) -> None:
    def page(params: Mapping[str, Parameter]) -> Any:
        begin = int(params["skip"] or 0)
        return [{**LEVER, "id": f"{one}"} for one in range(count)][begin : begin + 100]

    asked = Answering({"acme": page})
    board = await Lever(asked.web()).board("acme")
    assert board is not None
    assert [one.posting.external_id for one in board.jobs] == [str(one) for one in range(count)]
    assert len(asked.paths) == calls


async def test_a_board_that_does_not_end_is_no_answer() -> None:
    asked = Answering({"acme": [{**LEVER, "id": str(one)} for one in range(100)]})
    with pytest.raises(MalformedAnswerError, match="more than 3000"):
        await Lever(asked.web()).board("acme")
    assert len(asked.paths) == MOST_PAGES


@pytest.mark.parametrize("token", ["acme labs", "acme%20labs"])
async def test_a_token_is_one_part_of_the_path_however_it_is_written(token: str) -> None:
    asked = Answering({"acme%20labs": {"jobs": [ASHBY]}})
    assert await Ashby(asked.web()).board(token)
    assert await Greenhouse(asked.web()).board("a/../b?c") is None
    assert asked.paths[-1] == "a%2F..%2Fb%3Fc/jobs"
