"""`limits`: what people set is what claims keep to, and what they see of it."""

from __future__ import annotations

import pytest

from tests.cli.conftest import CommandLine, Rows

CONFIGURED = '{"concurrency": 2, "rate": "30/m"}'


def configured(rows: Rows, name: str = "Finder") -> str:
    agent = rows.agent(name, "finder")
    rows("UPDATE ai_agents SET configuration = %s WHERE id = %s", CONFIGURED, agent)
    return agent


def test_limits_of_all_scopes_are_set_and_listed(cli: CommandLine, rows: Rows) -> None:
    agent = rows.agent("Finder", "finder")
    org = str(rows.value("INSERT INTO organizations (name) VALUES ('Acme') RETURNING id"))
    said = cli("limits", "set", "--agent", "Finder", "--concurrency", "2", "--rate", "100/m")
    assert (said.code, said.out) == (0, "The limit of agent Finder is 2 at once, 100/m.\n")
    cli.json("limits", "set", "--org", org.upper(), "--weight", "3", "--concurrency", "7")
    cli.json("limits", "set", "--type", "finder", "--rate", "1.5/s", "--burst", "20")
    said = cli("limits", "set", "--key", "*", "--concurrency", "1")
    assert said.out == "The limit of each key is 1 at once.\n"
    rows.begin(rows.task(agent, limit_key="shop.example"), rows.runner())

    found = cli.json("limits", "list")
    assert [(one["scope"], one["key"], one["name"], one["running"]) for one in found] == [
        ("agent", agent, "Finder", 1),
        ("key", "*", None, None),
        ("org", org, "Acme", 0),
        ("type", "finder", None, 1),
    ]
    assert [(one["rate"], one["burst"], one["tokens"]) for one in found] == [
        ("100/m", None, 2.0),
        (None, None, None),
        (None, None, None),
        ("90/m", 20.0, 20.0),
    ]
    assert found[0]["starts_per_second"] == pytest.approx(100 / 60)
    assert {one["source"] for one in found} == {"user"}
    table = [line.split() for line in cli("limits", "list").out.splitlines()]
    assert table[0] == [
        "scope",
        "name",
        "at",
        "once",
        "running",
        "rate",
        "burst",
        "left",
        "weight",
        "source",
    ]
    assert table[1:] == [
        ["agent", "Finder", "2", "1", "100/m", "2.0", "user"],
        ["key", "*", "(each", "key)", "1", "user"],
        ["org", "Acme", "7", "0", "3", "user"],
        ["type", "finder", "1", "90/m", "20", "20.0", "user"],
    ]


def test_a_limit_replaces_the_one_before_and_is_removed(cli: CommandLine, rows: Rows) -> None:
    cli.json("limits", "set", "--key", "shop.example", "--concurrency", "1")
    cli.json("limits", "set", "--key", "shop.example", "--concurrency", "0")
    assert rows.value("SELECT concurrency FROM task_limits") == 0
    assert cli.json("limits", "remove", "--key", "shop.example")["removed"] is True
    said = cli("limits", "remove", "--key", "shop.example")
    assert (said.code, said.out) == (0, "There is no limit of key shop.example.\n")
    assert cli("limits", "list").out == "No limit.\n"
    assert cli.json("limits", "list") == []


def test_a_limit_of_what_nothing_is_called_yet_holds_and_says_so(
    cli: CommandLine, rows: Rows
) -> None:
    said = cli("limits", "set", "--type", "digset", "--concurrency", "2")
    assert said.out == (
        "The limit of type digset is 2 at once. Note: nothing has the type digset yet.\n"
    )
    assert rows.value("SELECT key FROM task_limits") == "digset"
    assert cli.json("limits", "set", "--key", "any", "--concurrency", "2")["known"] is True


def test_limits_of_a_configuration_are_changed_there(cli: CommandLine, rows: Rows) -> None:
    agent = configured(rows)
    (shown,) = cli.json("limits", "list")
    assert (shown["concurrency"], shown["rate"]) == (2, "30/m")
    assert shown["source"] == "configuration"
    for words in (["set", "--concurrency", "9"], ["remove"]):
        refused = cli("limits", words[0], "--agent", "Finder", *words[1:])
        assert refused.code == 1
        assert refused.err == (
            f"error: the limits of agent {agent} are in its configuration."
            " Change the keys concurrency and rate there: `oppspot-runner agents update`.\n"
        )
    assert rows.value("SELECT concurrency FROM task_limits") == 2
    assert cli("agents", "update", "Finder", "--configuration", "{}").code == 0
    assert cli.json("limits", "list") == []


def test_limits_of_code_can_be_outdone_and_not_removed(cli: CommandLine, rows: Rows) -> None:
    rows(
        "INSERT INTO task_limits (scope, key, concurrency, source)"
        " VALUES ('type', 'bot', 1, 'code')"
    )
    refused = cli("limits", "remove", "--type", "bot")
    assert refused.code == 1
    assert "are in the code of its agents. Set others" in refused.err
    assert cli("limits", "set", "--type", "bot", "--concurrency", "5").code == 0
    assert rows("SELECT concurrency, source FROM task_limits") == [
        {"concurrency": 5, "source": "user"}
    ]


def test_agents_with_a_number_of_their_own_do_not_count_under_that_of_their_code(
    cli: CommandLine, rows: Rows
) -> None:
    rows(
        "INSERT INTO task_limits (scope, key, concurrency, source)"
        " VALUES ('type', 'finder', 1, 'code')"
    )
    runner = rows.runner()
    for agent in (configured(rows), rows.agent("Plain", "finder")):
        rows.begin(rows.task(agent), runner)
    running = {one["scope"]: one["running"] for one in cli.json("limits", "list")}
    assert running == {"agent": 1, "type": 1}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--concurrency", "1"], "give one of --agent, --type, --org and --key. See `oppspot"),
        (["--type", "a", "--key", "b", "--concurrency", "1"], "give one of --agent"),
        (["--type", "a"], "how much? Give --concurrency, --rate or --weight. See `oppspot"),
        (["--type", "a", "--concurrency", "-1"], "Invalid value for '--concurrency': -1 is not in"),
        (["--type", "a", "--rate", "10"], "Invalid value for '--rate': '10' is no rate. A rate"),
        (["--type", "a", "--rate", "1/s", "--burst", "0"], "Invalid value for '--burst'"),
        (["--org", "a", "--weight", "0"], "Invalid value for '--weight'"),
    ],
)
def test_wrong_usage_is_told_in_a_line(cli: CommandLine, words: list[str], message: str) -> None:
    ended = cli("limits", "set", *words)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"error: {message}")
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--agent", "nobody", "--concurrency", "1"], "there is no agent 'nobody'. An agent is"),
        (["--org", "Acme", "--concurrency", "1"], "the organisation is not a uuid: 'Acme'"),
        (["--type", "", "--concurrency", "1"], "the type is empty"),
        (["--key", "k" * 201, "--concurrency", "1"], "the key has 201 characters, more than 200"),
        (["--key", "k", "--rate", "1/s"], "tasks of a key can be limited in number, not in rate"),
        (["--type", "a", "--weight", "2"], "only organisations have a weight"),
        (["--type", "a", "--burst", "2"], "a burst means nothing without a rate"),
        (["--org", "1" * 32, "--weight", "1"], "that limits nothing. `oppspot-runner limits rem"),
        (["--org", "1" * 32, "--weight", "nan"], "the weight is nan, not above 0"),
    ],
)
def test_what_cannot_be_a_limit_is_told_in_a_line_and_sets_none(
    cli: CommandLine, rows: Rows, words: list[str], message: str
) -> None:
    ended = cli("limits", "set", *words)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"error: {message}")
    assert ended.err.count("\n") == 1
    assert rows("SELECT * FROM task_limits") == []
