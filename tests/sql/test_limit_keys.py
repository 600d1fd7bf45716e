"""The key that an agent's configuration names, and what becomes of keys and limits that change."""

from __future__ import annotations

import pytest

from tests.sql.conftest import Psql

DOMAIN = """, configuration = '{"limit_key": "domain"}'"""
KEYS = "SELECT coalesce(limit_key, '-') FROM agent_tasks ORDER BY ready_seq"


@pytest.mark.parametrize(
    ("payload", "key"),
    [
        ('{"domain": "a.example"}', "a.example"),
        ('{"domain": 17}', "17"),
        ('{"domain": ""}', "-"),
        ('{"domain": null}', "-"),
        ('{"domain": ["a.example"]}', "-"),
        ('{"domain": true}', "-"),
        ("{}", "-"),
        (f'{{"domain": "{"x" * 300}"}}', "x" * 200),
    ],
)
def test_the_field_that_the_agent_names_is_the_key(psql: Psql, payload: str, key: str) -> None:
    psql.agent(columns=DOMAIN)
    psql.value(f"SELECT enqueue_task('Digest', '{payload}')")
    assert psql.value(KEYS) == key


def test_a_key_that_is_given_wins_and_other_agents_have_none(psql: Psql) -> None:
    psql.agent(columns=DOMAIN)
    psql.agent("Other", "other")
    payload = """'{"domain": "a.example"}'"""
    psql.value(f"SELECT enqueue_task('Digest', {payload}, limit_key => 'own')")
    psql.value(f"SELECT enqueue_task('Other', {payload})")
    assert psql(KEYS).rows == ["own", "-"]


@pytest.mark.parametrize(
    "configuration", ["NULL", '\'{"limit_key": {"a": 1}}\'', "'[\"limit_key\"]'"]
)
def test_a_configuration_that_names_no_field_gives_no_key(psql: Psql, configuration: str) -> None:
    psql.agent(columns=f", configuration = {configuration}")
    psql.value("""SELECT enqueue_task('Digest', '{"domain": "a.example"}')""")
    assert psql.value(KEYS) == "-"


def test_tasks_of_a_chain_have_the_keys_that_their_agents_name(psql: Psql) -> None:
    first, second = psql.agent("A", "a", DOMAIN), psql.agent("B", "b")
    stream = psql.stream(first, second)
    psql.value(f"""SELECT run_stream('{stream}', '{{"domain": "a.example"}}')""")
    assert psql.value(KEYS) == "a.example"


def test_a_task_out_of_line_is_back_in_it_when_its_key_changes(psql: Psql) -> None:
    agent = psql.agent()
    psql(
        "INSERT INTO agent_tasks (agent_id, limit_key, blocked)"
        f" SELECT '{agent}', k, true FROM unnest('{{a,b,c}}'::text[]) k"
    )
    psql("UPDATE agent_tasks SET limit_key = NULL WHERE limit_key = 'a'")
    psql("UPDATE agent_tasks SET limit_key = 'new' WHERE limit_key = 'b'")
    psql("UPDATE agent_tasks SET limit_key = 'c' WHERE limit_key = 'c'")
    assert psql(f"{KEYS.replace('coalesce', 'blocked || coalesce')}").rows == [
        "false-", "falsenew", "truec",
    ]  # fmt: skip


def test_digits_of_other_scripts_are_no_rate_and_no_error(psql: Psql) -> None:
    if psql.value("SELECT count(*) FROM pg_collation WHERE collname = 'und-x-icu'") == "0":
        pytest.skip("this Postgres is built without ICU, whose digits are not only those of ASCII")
    assert psql.value("SELECT limit_rate('10/s' COLLATE \"und-x-icu\")") == "10"
    assert psql.value("SELECT limit_rate('\u0663/s' COLLATE \"und-x-icu\") IS NULL") == "t"


def test_limits_go_with_the_configuration_and_the_agent_that_they_are_of(psql: Psql) -> None:
    limited = """, configuration = '{"concurrency": 1}'"""
    for name in ("A", "B"):
        psql.agent(name, name, limited)
    psql.agent("C", "c")
    psql(
        "INSERT INTO task_limits (scope, key, concurrency)"
        " SELECT 'agent', id::text, 1 FROM ai_agents WHERE name = 'C'"
    )
    names = (
        "SELECT coalesce(a.name, '?') FROM task_limits l"
        " LEFT JOIN ai_agents a ON a.id::text = l.key ORDER BY 1"
    )
    assert psql(names).rows == ["A", "B", "C"]
    psql("UPDATE ai_agents SET configuration = NULL WHERE name = 'A'")
    psql("DELETE FROM ai_agents WHERE name = 'C'")
    assert psql(names).rows == ["B"]
