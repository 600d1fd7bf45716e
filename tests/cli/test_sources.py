"""`sources list|resume|forget`, and what `status` and `doctor` say of the outside world."""

from __future__ import annotations

import pytest

from oppspot_runner.base.settings import Settings
from oppspot_runner.connectors.sources import COMPANIES_HOUSE
from tests.cli.conftest import CommandLine, Rows

OPEN = """
INSERT INTO host_breakers (source, host, failures, open_s, opened_at, last_error)
VALUES ('web', 'acme.example', 5, 60, now(), 'web: acme.example did not answer in time')
"""
KEPT = """
INSERT INTO http_cache (key, source, url, status, body, expires_at)
VALUES (%s, %s, 'https://acme.example/', 200, 'abc', now() + interval '1 day')
"""
HELD = """
INSERT INTO tool_call_rates (key, calls, window_s, held_until)
VALUES (%s, 1, 33.4, now() + interval '4 minutes')
"""
STARTED = "INSERT INTO tool_call_starts (key, number, at) VALUES (%s, 1, now())"


def test_sources_say_what_they_lack_what_is_used_and_what_is_kept(
    cli: CommandLine, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPPSPOT_COMPANIES_HOUSE_API_KEY", "swordfish")
    key = COMPANIES_HOUSE.limited_by(Settings())
    rows(HELD, key)
    rows(STARTED, key)
    rows(OPEN)
    rows(KEPT, "web:1", "web")
    found = {one["name"]: one for one in cli.json("sources", "list")}
    register, pages = found["companies_house"], found["web"]
    assert (register["missing"], register["calls"], register["limit"]) == ([], 1, [60, 33.4])
    assert 230 < register["held_s"] <= 240
    assert found["companies_house_documents"]["calls"] == 1
    assert found["reddit"]["missing"][0] == "OPPSPOT_REDDIT_CLIENT_ID"
    assert (pages["answers"], pages["bytes"], pages["limit"]) == (1, 3, None)
    assert [one["host"] for one in pages["breakers"]] == ["acme.example"]
    text = " ".join(cli("sources", "list").out.split())
    assert "60 in 33.4 s" in text
    assert "held for 4 min" in text
    assert "acme.example open" in text
    assert "not set: OPPSPOT_REDDIT_CLIENT_ID" in text
    assert "hacker_news 16 in 1 s 0 0 0 ready" in text


def test_a_key_that_cannot_be_read_here_does_not_hide_the_others(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPPSPOT_COMPANIES_HOUSE_API_KEY", "env:NOT_SET_ANYWHERE")
    found = {one["name"]: one for one in cli.json("sources", "list")}
    assert found["companies_house"]["calls"] == 0
    fault = "OPPSPOT_COMPANIES_HOUSE_API_KEY is not in env:NOT_SET_ANYWHERE"
    assert found["companies_house"]["fault"] == fault
    assert fault in " ".join(cli("sources", "list").out.split())
    told = [one["text"] for one in cli("doctor", "--json").json["findings"]]
    assert f"companies_house: {fault}" in told


def test_a_host_is_called_again(cli: CommandLine, rows: Rows) -> None:
    rows(OPEN)
    assert cli.json("sources", "resume", "acme.example") == {
        "name": "acme.example",
        "resumed": True,
    }
    assert rows("SELECT * FROM host_breakers") == []
    again = cli("sources", "resume", "acme.example")
    assert (again.code, again.err) == (
        1,
        "error: acme.example is not left alone. See `oppspot-runner sources list`.\n",
    )


def test_a_source_that_said_to_wait_is_seen_and_called_again(
    cli: CommandLine, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPPSPOT_COMPANIES_HOUSE_API_KEY", "swordfish")
    rows(HELD.replace("4 minutes", "1 day"), COMPANIES_HOUSE.limited_by(Settings()))
    told = [one for one in cli("doctor", "--json").json["findings"] if one["check"] == "hosts"]
    assert {one["severity"] for one in told} == {"warn"}
    assert told[0]["fix"].startswith("oppspot-runner sources resume companies_house ")
    assert cli("sources", "resume", "companies_house").out == "companies_house is called again.\n"
    held = [one["held_s"] for one in cli.json("sources", "list")]
    assert set(held) == {0}
    assert cli("sources", "resume", "companies_house").code == 1


def test_answers_are_forgotten_all_or_of_one_source(cli: CommandLine, rows: Rows) -> None:
    for key, source in (("web:1", "web"), ("web:2", "web"), ("reddit:1", "reddit")):
        rows(KEPT, key, source)
    assert cli.json("sources", "forget", "web") == {"forgotten": 2}
    assert cli("sources", "forget").out == "1 answer(s) forgotten.\n"
    assert cli("sources", "forget", "elsewhere").code == 2


def test_hosts_that_are_left_alone_are_seen(cli: CommandLine, rows: Rows) -> None:
    rows(OPEN)
    (host,) = cli("status", "--json").json["hosts"]
    assert (host["host"], host["state"], host["failures"]) == ("acme.example", "open", 5)
    text = " ".join(cli("status").out.split())
    assert "acme.example (web): open after 5 failures, one call tries in" in text
    told = {one["check"]: one for one in cli("doctor", "--json").json["findings"]}
    assert told["hosts"]["severity"] == "warn"
    assert "did not answer in time" in told["hosts"]["text"]
    assert told["hosts"]["fix"] == "oppspot-runner sources resume acme.example"


def test_agents_that_wait_for_somebodys_help_are_seen(cli: CommandLine, rows: Rows) -> None:
    denied, fine = rows.agent("Finder"), rows.agent("Reader")
    error = "ACCESS_DENIED: companies_house: api.example answered with 401"
    for message in ("SOURCE_NOT_CONFIGURED: earlier", error):
        rows.task(denied, status="failed", error_message=message)
    for message in ("ACCESS_DENIED: web: acme.example answered with 403", "BAD_CALL: x", "no key"):
        rows.task(fine, status="failed", error_message=message)
    (need,) = cli("status", "--json").json["attention"]
    assert (need["agent_name"], need["tasks"], need["error"]) == ("Finder", 2, error)
    assert f"agent Finder: {error}" in " ".join(cli("status").out.split())
    listed = {one["name"]: one["attention"] for one in cli.json("agents", "list")}
    assert listed == {"Finder": error, "Reader": None}
    assert "ACCESS_DENIED" in cli("agents", "list").out
    told = {one["check"]: one for one in cli("doctor", "--json").json["findings"]}
    assert told["agents"]["severity"] == "warn"
    assert told["agents"]["text"] == f"Finder needs attention, 2 task(s) failed: {error}"
    assert told["agents"]["fix"].startswith(f"oppspot-runner dead-letters requeue --agent {denied}")
    rows("DELETE FROM agent_tasks WHERE status = 'failed'")
    assert cli("status", "--json").json["attention"] == []
