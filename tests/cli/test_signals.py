"""`signals list|show|act|dismiss` as people type them."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from oppspot_runner.cli.main import main

WORLD = """
    WITH o AS (
        INSERT INTO organizations (id) VALUES ('00000000-0000-0000-0000-00000000000a')
    ), c AS (
        INSERT INTO companies (name, name_norm) VALUES ('Acme Ltd', 'acme'), ('Other', 'other')
        RETURNING id, name
    ), s AS (
        INSERT INTO streams (name) VALUES ('Leads') RETURNING id
    ), i AS (
        INSERT INTO stream_items (stream_id, company_id) SELECT s.id, c.id FROM s, c
        WHERE c.name = 'Acme Ltd'
    ), b AS (
        INSERT INTO buying_signals (company_id, signal_type, title, detected_at, sources, data)
        SELECT c.id, kind, c.name || ' ' || kind, now() - CASE kind WHEN 'expansion'
            THEN interval '9 days' ELSE interval '0' END, '{feed}', '{"amount": 5000000}'
        FROM c, unnest('{funding_round,expansion}'::text[]) kind RETURNING id, title, company_id
    ), g AS (
        INSERT INTO signal_sightings
            (signal_id, company_id, signal_type, source, key, url, confidence)
        SELECT id, company_id, 'x', 'feed', title, 'https://news.example/1', 84 FROM b
    )
    SELECT title, id::text FROM b
"""


class Desk:
    """Somebody at the command line, and the signals by their titles."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        with psycopg.connect(dsn) as connection:
            self.signals = dict(connection.execute(WORLD).fetchall())

    def __call__(self, *words: str) -> Result:
        return CliRunner().invoke(main, ["signals", *words], env={"DATABASE_URL": self.dsn})

    def listed(self, *words: str) -> list[str]:
        rows: list[dict[str, Any]] = json.loads(self("list", *words, "--json").stdout)
        return sorted(row["title"] for row in rows)


@pytest.fixture
def desk(dsn: str) -> Desk:
    return Desk(dsn)


def test_signals_are_listed_by_what_people_ask_for(desk: Desk) -> None:
    assert desk.listed() == sorted(desk.signals)
    acme = ["Acme Ltd expansion", "Acme Ltd funding_round"]
    assert desk.listed("--company", "acme") == desk.listed("--stream", "Leads") == acme
    assert desk.listed("--type", "expansion", "--stream", "Leads") == acme[:1]
    assert desk.listed("--since", "7d", "--company", "acme") == acme[1:]
    assert desk.listed("--status", "expired") == []
    assert "There are no such signals." in desk("list", "--status", "expired").stdout
    assert "Acme Ltd" in desk("list").stdout


def test_a_signal_is_shown_acted_upon_and_dismissed(desk: Desk) -> None:
    signal = desk.signals["Acme Ltd funding_round"]
    shown = desk("show", signal).stdout
    for said in ("https://news.example/1", "84%", "worth today", "0.50 of 1", "5000000"):
        assert said in shown
    assert "acted upon" in desk("act", signal).stdout
    assert desk.listed("--status", "acted_upon") == ["Acme Ltd funding_round"]
    assert "false positive" in desk("dismiss", signal).stdout
    after = json.loads(desk("show", signal, "--json").stdout)
    assert (after["status"], after["effect"]) == ("false_positive", None)
    assert after["decided_by"]
    assert after["decided_at"]


def test_a_signal_that_is_not_there_is_told_in_a_line(desk: Desk) -> None:
    ended = desk("act", "0000-nothing")
    assert ended.exit_code == 1
    assert "there is no signal '0000-nothing'" in ended.stderr


def test_a_signal_says_whose_it_is_where_several_organisations_see_the_same(desk: Desk) -> None:
    owner = "00000000-0000-0000-0000-00000000000a"
    with psycopg.connect(desk.dsn) as connection:
        connection.execute("UPDATE buying_signals SET org_id = %s", (owner,))
    assert owner in desk("show", desk.signals["Other expansion"]).stdout
