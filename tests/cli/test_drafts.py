"""`drafts list|show|approve|reject|sent|withdraw` as people type them."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from oppspot_runner.cli.main import main

WORLD = """
    WITH c AS (
        INSERT INTO companies (name, name_norm, employees, tech)
        VALUES ('Acme Ltd', 'acme', 75, '{HubSpot,Segment}') RETURNING id
    ), f AS (
        INSERT INTO facts (company_id, field, value, source, confidence, observed_at)
        SELECT id, field, value::jsonb, 'website', 0.9, now() - interval '1 day'
        FROM c, (VALUES ('employees', '75'), ('tech', '["HubSpot", "Segment"]')) v (field, value)
    )
    INSERT INTO drafts (company_id, channel, language, tone, subject, body, recipient_email,
        claims, facts, written_by, prompt_hash)
    SELECT id, channel, 'en', 'direct', 'Acme', 'Acme has 75 employees. Acme uses HubSpot.',
        'info@acme.example', %s, %s, 'template', channel
    FROM c, unnest('{email,call,linkedin}'::text[]) channel
    RETURNING id, company_id
"""
CLAIMS = [
    {"text": "Acme has 75 employees", "fact_ids": ["F1"]},
    {"text": "Acme uses HubSpot", "fact_ids": ["F2"]},
]


def fact(fact_id: str, kind: str, text: str, **more: Any) -> dict[str, Any]:
    known = {"source": "website", "source_url": "https://acme.example", "confidence": 0.9}
    times = {"observed_at": "2020-01-01T00:00:00Z", "good_until": "2999-01-01T00:00:00Z"}
    return {"id": fact_id, "kind": kind, "text": text, **known, **times, **more}


FACTS = [
    fact("F1", "employees", "Acme has 75 employees."),
    fact("F2", "tech", "Acme uses HubSpot.", names=["HubSpot"]),
]


class Desk:
    """Somebody at the command line, and the drafts on the desk."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        rows = self.sql(WORLD, json.dumps(CLAIMS), json.dumps(FACTS))
        self.company = str(rows[0][1])
        self.email, self.call, self.linkedin = (str(row[0]) for row in rows)

    def sql(self, query: str, *values: Any) -> list[Any]:
        with psycopg.connect(self.dsn) as connection:
            cursor = connection.execute(query, values)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def __call__(self, *words: str) -> Result:
        return CliRunner().invoke(main, ["drafts", *words], env={"DATABASE_URL": self.dsn})

    def refused(self, *words: str) -> str:
        ended = self(*words)
        assert ended.exit_code == 1
        return ended.stderr


@pytest.fixture
def desk(dsn: str) -> Desk:
    return Desk(dsn)


def test_a_draft_is_listed_shown_approved_and_sent(desk: Desk) -> None:
    listed = json.loads(desk("list", "--channel", "email", "--company", "acme", "--json").stdout)
    assert [(row["id"], row["status"]) for row in listed] == [(desk.email, "draft")]
    shown = desk("show", desk.email).stdout
    for said in ("Acme uses HubSpot", "https://acme.example", "90%", "info@acme.example"):
        assert said in shown
    assert "Do not approve" not in shown
    assert f"drafts sent {desk.email}" in desk("approve", desk.email).stdout
    assert "sent elsewhere" in desk("sent", desk.email).stdout
    (row,) = json.loads(desk("list", "--status", "sent_elsewhere", "--json").stdout)
    assert row["decided_by"]
    assert row["decided_at"]


def test_a_draft_is_rejected_or_withdrawn_with_a_reason(desk: Desk) -> None:
    assert desk("reject", desk.email, "--reason", "too stiff").exit_code == 0
    assert desk("withdraw", desk.call).exit_code == 0
    rows = {row[0]: row[1:] for row in desk.sql("SELECT channel, status, reason FROM drafts")}
    assert rows == {
        "email": ("rejected", "too stiff"),
        "call": ("withdrawn", None),
        "linkedin": ("draft", None),
    }
    assert "the draft is rejected: it cannot become approved" in desk.refused("approve", desk.email)
    assert "nobody has approved the draft yet" in desk.refused("sent", desk.linkedin)
    assert "there is no draft" in desk.refused("show", "ffffffff")


def test_what_holds_no_more_is_not_approved_and_the_reason_is_told(desk: Desk) -> None:
    desk.sql("UPDATE companies SET tech = '{HubSpot,Segment,Stripe}'")
    desk.sql('UPDATE facts SET value = \'["HubSpot", "Segment", "Stripe"]\' WHERE field = \'tech\'')
    assert desk("approve", desk.linkedin).exit_code == 0
    desk.sql("UPDATE companies SET employees = 90")
    desk.sql("UPDATE facts SET value = '90' WHERE field = 'employees'")
    told = "this holds no more: Acme has 75 employees."
    assert told in desk.refused("approve", desk.email)
    assert told in desk("show", desk.email).stdout
    assert told in desk.refused("sent", desk.linkedin)


def test_a_claim_that_rests_on_what_nobody_can_read_is_not_approved(desk: Desk) -> None:
    desk.sql('UPDATE drafts SET facts = \'[5, {"id": "F1"}]\'')
    assert "this holds no more: fact F1" in desk.refused("approve", desk.email)
    assert "this holds no more: fact F2" in desk("show", desk.email).stdout


@pytest.mark.parametrize(
    ("kind", "told"),
    [("email", "info@acme.example is not"), ("company", "Acme Ltd is not")],
)
def test_who_asked_not_to_be_written_to_since_is_not_approved(
    desk: Desk, kind: str, told: str
) -> None:
    value = desk.company if kind == "company" else "info@acme.example"
    desk.sql("INSERT INTO suppressions (kind, value) VALUES (%s, %s)", kind, value)
    assert told in desk.refused("approve", desk.email)
    assert desk("reject", desk.email).exit_code == 0
