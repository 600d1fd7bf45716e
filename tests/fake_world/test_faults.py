"""What goes wrong when a test says so, in Python and over HTTP, and what the log has of it."""

from __future__ import annotations

import socket
from http.client import IncompleteRead
from threading import Thread

import pytest

from oppspot_runner.testing.world import Fault, World
from tests.fake_world.asking import ask, register

COMPANY = "company/10000007"


def test_a_fault_happens_so_often_below_its_prefix_and_nowhere_else(world: World) -> None:
    world.fault("/ch/", status=503, times=2)
    assert ask(world, "/hn/maxitem.json").status == 200
    assert [register(world, COMPANY).status for _ in range(3)] == [503, 503, 200]


def test_without_a_number_of_times_it_is_one_and_none_is_until_the_reset(world: World) -> None:
    world.fault("/hn/", status=500)
    assert [ask(world, "/hn/maxitem.json").status for _ in range(2)] == [500, 200]
    world.fault("/hn/", status=500, times=None)
    assert {ask(world, "/hn/maxitem.json").status for _ in range(5)} == {500}
    world.reset()
    assert ask(world, "/hn/maxitem.json").status == 200


def test_faults_happen_in_the_order_in_which_they_were_put(world: World) -> None:
    world.fault("/hn/", status=500)
    world.fault("/hn/", status=429, headers={"Retry-After": "2"})
    first, second = (ask(world, "/hn/maxitem.json") for _ in range(2))
    assert (first.status, second.status, second.headers["retry-after"]) == (500, 429, "2")


def test_errors_of_servers_are_pages(world: World) -> None:
    world.fault("/ch/", status=502)
    got = register(world, COMPANY)
    assert got.headers["content-type"] == "text/html"
    assert "<h1>502 Bad Gateway</h1>" in got.text


def test_a_body_and_headers_take_the_place_of_the_right_ones(world: World) -> None:
    world.fault("/hn/", body="<html>", headers={"Content-Type": "text/html"})
    got = ask(world, "/hn/maxitem.json")
    assert (got.status, got.body, got.headers["content-type"]) == (200, b"<html>", "text/html")


def test_an_answer_that_breaks_off_says_how_long_it_would_have_been(world: World) -> None:
    world.fault("/hn/", truncate=3)
    with pytest.raises(IncompleteRead) as caught:
        ask(world, "/hn/topstories.json")
    assert caught.value.partial == b"[41"


def test_a_redirect_leads_where_the_test_says(world: World) -> None:
    world.fault("/ch/", redirect="http://169.254.169.254/")
    got = register(world, COMPANY)
    assert (got.status, got.headers["location"]) == (302, "http://169.254.169.254/")


def test_a_web_site_has_its_faults_by_its_name_whatever_way_it_is_asked(world: World) -> None:
    world.fault("/site/harbourledger/", status=500, times=2)
    by_host = ask(world, "/about", host="www.harbourledger.localhost")
    assert (by_host.status, ask(world, "/site/harbourledger/").status) == (500, 500)


def test_the_log_has_each_request_once_with_its_headers(world: World) -> None:
    ask(world, "/algolia/search?query=a", {"X-Mark": "1"}, host="localhost")
    ask(world, "/about", host="harbourledger.localhost")
    first, second = world.log
    assert (first.method, first.path, first.query) == ("GET", "/algolia/search", "query=a")
    assert (first.headers["x-mark"], first.at) == ("1", world.clock.now)
    assert second.path == "/site/harbourledger/about"
    assert second.host == f"harbourledger.localhost:{world.port}"
    assert world.seen("/site/") == [second]
    world.reset()
    assert world.log == []


def test_other_processes_put_faults_and_read_the_log_over_http(world: World) -> None:
    given = {"prefix": "/hn/", "status": 503, "times": 1}
    assert ask(world, "/_fault", post=given).json == {"added": True}
    assert ask(world, "/hn/maxitem.json").status == 503
    (seen,) = ask(world, "/_log").json
    assert (seen["path"], seen["method"]) == ("/hn/maxitem.json", "GET")
    ask(world, "/_reset", post={})
    assert ask(world, "/_log").json == []


@pytest.mark.parametrize("given", ["{", "[]", {"prefix": "ch"}, {"prefix": "/a", "wrong": 1}, {}])
def test_what_is_no_fault_is_refused(given: object, world: World) -> None:
    got = ask(world, "/_fault", post=given)
    assert got.status == 400
    assert "no fault" in got.json["error"]
    assert ask(world, "/hn/maxitem.json").status == 200


def test_a_fault_of_python_that_is_none_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="slash"):
        Fault("ch")
    with World() as world, pytest.raises(ValueError, match="no fault"):
        world.fault("/ch/", slow=True)


@pytest.mark.parametrize("fault", [{"drip": True}, {"delay_s": 3_600}])
def test_the_world_ends_while_an_answer_takes_its_time(fault: dict[str, object]) -> None:
    with World() as world:
        world.fault("/hn/", **fault)
        asked = socket.create_connection(("127.0.0.1", world.port), timeout=10)
        asked.sendall(b"GET /hn/topstories.json HTTP/1.1\r\nHost: x\r\n\r\n")
        while not world.log:
            pass
    with asked:
        while asked.recv(1_000):
            pass


def test_a_dripping_answer_comes_bit_by_bit(world: World) -> None:
    world.fault("/hn/", drip=True)
    assert ask(world, "/hn/maxitem.json").body == b"41001501"


def test_a_client_that_goes_away_harms_nobody(world: World) -> None:
    world.fault("/site/", drip=True)
    with socket.create_connection(("127.0.0.1", world.port), timeout=10) as asked:
        asked.sendall(b"GET /site/harbourledger/ HTTP/1.1\r\nHost: x\r\n\r\n")
        asked.recv(10)
    assert ask(world, "/hn/maxitem.json").status == 200


def test_many_ask_at_once(world: World) -> None:
    threads = [Thread(target=ask, args=(world, "/hn/maxitem.json")) for _ in range(40)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(world.log) == 40


def test_what_is_nowhere_is_not_found(world: World) -> None:
    assert ask(world, "/nowhere").status == 404
