"""Agents, streams and assignments through the client."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from oppspot_runner.app.client import Client
from oppspot_runner.base.cron import cron_expression
from oppspot_runner.base.errors import CycleError, InvalidInputError, NotFoundError
from oppspot_runner.streams import assignments, directory
from tests.client.conftest import one

# Bad values are refused before anybody connects.
NOWHERE = Client("postgresql://nobody@192.0.2.1/none", schema="public")


def test_an_agent_is_created_as_the_documents_show(client: Client) -> None:
    client.create_agent(
        agent_type="scout_agent",
        name="Daily Signal Scout",
        schedule_cron="0 9 * * *",
        configuration={"signals": ["job_posting", "funding_round"], "threshold": 0.7},
    )
    (row,) = client.run(directory.list_agents())
    assert row["name"] == "Daily Signal Scout"
    assert row["configuration"] == {"signals": ["job_posting", "funding_round"], "threshold": 0.7}
    assert (row["schedule_cron"], row["schedule_timezone"], row["is_active"]) == (
        "0 9 * * *",
        "UTC",
        True,
    )


def test_a_configuration_that_an_agent_with_a_model_cannot_use_is_not_kept(
    client: Client,
) -> None:
    for bad in ({"temperature": 3}, {"tools": {"calculator": 7}}, {"prompt": "a", "role": 1}):
        field = list(bad)[-1]
        with pytest.raises(InvalidInputError, match=f"cannot be used: {field}"):
            NOWHERE.create_agent(agent_type="llm", configuration=bad)
    hot = {"variants": [{"name": "hot", "configuration": {"temperature": 3}}]}
    with pytest.raises(InvalidInputError, match="cannot be used: temperature"):
        NOWHERE.create_agent(agent_type="llm", configuration=hot)
    agent = client.create_agent(agent_type="llm", configuration={"temperature": 0.2})
    with pytest.raises(InvalidInputError, match="there is no 'promt'"):
        client.update_agent(agent, configuration={"promt": "x"})
    client.update_agent(agent, configuration={"prompt": "x"})
    other = client.create_agent(agent_type="scout_agent", configuration={"temperature": 3})
    client.update_agent(other, configuration={"promt": "x"})


def test_a_configuration_that_no_runner_could_use_is_not_kept(client: Client) -> None:
    unusable: dict[str, Any] = {
        "labels": ["a place"],
        "rate": "often",
        "concurrency": "3",
        "time_limit": 1e13,  # a deadline that no calendar has
        "backoff": {"frist": 3},
    }
    for key, value in unusable.items():
        with pytest.raises(InvalidInputError, match=f"the agent's configuration .*{key}"):
            NOWHERE.create_agent(agent_type="mine", configuration={"x": 1, key: value})
    agent = client.create_agent(agent_type="mine", configuration={"labels": ["gpu"]})
    with pytest.raises(InvalidInputError, match="labels: a list is wanted"):
        client.update_agent(agent, configuration={"labels": "gpu"})
    with pytest.raises(InvalidInputError, match=r"soft_time_limit \(90 s\) must be below"):
        client.update_agent(agent, configuration={"soft_time_limit": 90, "time_limit": 60})
    with pytest.raises(InvalidInputError, match="memory_limit needs isolation='process'"):
        client.update_agent(agent, configuration={"memory_limit": "1GB", "isolation": "thread"})
    # These depend on what the code says: its runner looks.
    fits_perhaps = {"soft_time_limit": 3600, "memory_limit": "1GB", "batch": 3}
    client.update_agent(agent, configuration=fits_perhaps)


@pytest.mark.parametrize(
    ("own", "said"),
    [({"time_limit": -1}, "time_limit"), ({"labels": ["gpu"]}, "labels cannot differ")],
)
def test_a_variant_that_no_runner_could_use_is_not_kept(own: dict[str, Any], said: str) -> None:
    variants = [{"name": "a"}, {"name": "b", "configuration": own}]

    with pytest.raises(InvalidInputError, match=said):
        NOWHERE.create_agent(agent_type="mine", configuration={"variants": variants})


@pytest.mark.parametrize(
    "cron", ["*/5 * * * *", "0 9 * * 1-5", "0 0 9 * * *", "@daily", " @hourly "]
)
def test_cron_expressions_of_five_or_six_fields_and_words_are_taken(cron: str) -> None:
    assert cron_expression(cron) == cron.strip()


@pytest.mark.parametrize(
    ("cron", "message"),
    [
        ("61 * * * *", "'61 .+' is not a cron expression"),
        ("* * * *", "has 4 fields, not 5 or 6"),
        ("0 0 1 1 * 0 2030", "has 7 fields, not 5 or 6"),
        ("0 0 30 2 *", "names a day that never comes"),
        ("@reboot", "is not a cron expression"),
        ("soon", "has 1 field,"),
        ("H H * * *", "is not a cron expression"),
    ],
)
def test_a_bad_cron_expression_is_refused(cron: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        NOWHERE.create_agent(agent_type="x", schedule_cron=cron)


@pytest.mark.parametrize("zone", ["Europe/Lodnon", "../etc/passwd", "", "America", "\x00"])
def test_a_bad_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(InvalidInputError, match="is not a time zone"):
        NOWHERE.create_agent(agent_type="x", schedule_cron="@daily", schedule_timezone=zone)


def test_a_nearly_right_time_zone_gets_a_hint() -> None:
    with pytest.raises(InvalidInputError) as caught:
        NOWHERE.create_agent(agent_type="x", schedule_timezone="Europe/Lodnon")
    assert caught.value.hint == "Did you mean Europe/London?"


def test_an_agent_without_a_type_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="agent_type is empty"):
        NOWHERE.create_agent(agent_type=" ")
    with pytest.raises(InvalidInputError, match="the configuration is a list"):
        NOWHERE.create_agent(agent_type="x", configuration=[1])  # type: ignore[arg-type]


def test_an_update_changes_what_is_given_and_nothing_else(client: Client, agent: UUID) -> None:
    client.update_agent(agent, schedule_cron="@daily", description="Mails", is_active=False)
    client.update_agent("Daily digest", configuration={"x": 1}, description="")
    (row,) = client.run(directory.list_agents())
    assert (row["name"], row["schedule_cron"], row["is_active"]) == (
        "Daily digest",
        "@daily",
        False,
    )
    assert (row["configuration"], row["description"]) == ({"x": 1}, None)
    client.update_agent(agent, schedule_cron="")
    assert client.run(directory.list_agents())[0]["schedule_cron"] is None
    with pytest.raises(InvalidInputError, match="nothing is given"):
        client.update_agent(agent)
    with pytest.raises(NotFoundError):
        client.update_agent("nobody", name="x")


def test_an_agent_may_have_a_parent(client: Client, agent: UUID) -> None:
    child = client.create_agent(agent_type="child", parent="Daily digest")
    rows = {row["id"]: row["parent_id"] for row in client.run(directory.list_agents())}
    assert rows == {agent: None, child: agent}


def three(client: Client) -> tuple[UUID, list[str]]:
    stream = client.create_stream("Leads", goal_criteria={"location": ["UK"]})
    for name in ("find", "enrich", "score"):
        client.create_agent(agent_type=name, name=name.title())
    return stream, ["Find", "Enrich", "Score"]


def chain(client: Client) -> UUID:
    stream, (find, enrich, score) = three(client)
    client.assign_agents_to_stream(
        stream,
        [
            {
                "agent_id": find,
                "assignment_role": "primary",
                "execution_order": 1,
                "auto_execute": True,
            },
            {"agent_id": enrich, "execution_order": 2, "depends_on_agent_ids": [find]},
            {"agent_id": score, "execution_order": 3, "depends_on_agent_ids": [enrich]},
        ],
    )
    return stream


def test_agents_are_assigned_with_roles_order_and_dependencies(client: Client) -> None:
    rows = client.run(assignments.list_assignments(chain(client)))
    assert [(row["agent_name"], row["assignment_role"], row["depends_on"]) for row in rows] == [
        ("Find", "primary", []),
        ("Enrich", None, ["Find"]),
        ("Score", None, ["Enrich"]),
    ]
    assert all(row["is_active"] and row["auto_execute"] for row in rows)


def test_assigning_again_changes_what_is_given_and_keeps_the_rest(client: Client) -> None:
    stream = chain(client)
    client.assign_agents_to_stream(
        stream, [{"agent_id": "Enrich", "auto_execute": False, "depends_on_agent_ids": []}]
    )
    rows = client.run(assignments.list_assignments(stream))
    assert len(rows) == 3
    assert rows[1]["agent_name"] == "Enrich"
    assert (rows[1]["auto_execute"], rows[1]["execution_order"], rows[1]["depends_on"]) == (
        False,
        2,
        [],
    )


def test_agents_that_wait_for_each_other_are_refused_and_nothing_is_written(
    client: Client, look: psycopg.Connection[Any]
) -> None:
    stream = chain(client)
    with pytest.raises(CycleError, match="the agents wait for each other: ") as caught:
        client.assign_agents_to_stream(
            stream,
            [
                {"agent_id": "Score", "assignment_role": "scoring"},
                {"agent_id": "Find", "depends_on_agent_ids": ["Score"]},
            ],
        )
    cycle = caught.value.cycle
    assert cycle[0] == cycle[-1]
    assert set(cycle) == {"Find", "Enrich", "Score"}
    assert (
        one(look, "SELECT count(*) FROM stream_agent_assignments WHERE assignment_role = 'scoring'")
        == 0
    )


def test_an_agent_that_waits_for_itself_is_a_cycle(client: Client) -> None:
    stream, _ = three(client)
    with pytest.raises(CycleError, match="Find -> Find"):
        client.assign_agents_to_stream(
            stream, [{"agent_id": "Find", "depends_on_agent_ids": ["Find"]}]
        )


def test_a_bad_assignment_is_refused_with_its_reason(
    client: Client, look: psycopg.Connection[Any]
) -> None:
    stream, _ = three(client)
    refusals: list[tuple[dict[str, Any], str]] = [
        ({"agent_id": "Enrich", "depends_on_agent_ids": ["Find"]}, "Enrich depends on Find, which"),
        ({"agent_id": "Enrich", "depends_on_agent_ids": ["Nobody"]}, "there is no agent 'Nobody'"),
        ({"agent_id": "Nobody"}, "there is no agent 'Nobody'"),
        ({"agent_id": "Find", "depend_on": []}, "assignment 1: depend_on: Extra"),
        ({"agent_id": "Find", "execution_order": "soon"}, "assignment 1: execution_order"),
        ({}, "assignment 1: agent_id: Field required"),
    ]
    for assignment, message in refusals:
        with pytest.raises((InvalidInputError, NotFoundError), match=message):
            client.assign_agents_to_stream(stream, [assignment])
    assert one(look, "SELECT count(*) FROM stream_agent_assignments") == 0


def test_an_agent_given_twice_or_of_another_organisation_is_refused(
    client: Client, look: psycopg.Connection[Any]
) -> None:
    stream, _ = three(client)
    with pytest.raises(InvalidInputError, match="agent find is given twice"):
        client.assign_agents_to_stream(stream, [{"agent_id": "Find"}, {"agent_id": "find"}])
    org = one(look, "INSERT INTO organizations (name) VALUES ('Other') RETURNING id")
    client.create_agent(agent_type="theirs", name="Theirs", org_id=org)
    with pytest.raises(InvalidInputError, match=f"Theirs belongs to organisation {org}"):
        client.assign_agents_to_stream(stream, [{"agent_id": "Theirs"}])
    with pytest.raises(NotFoundError, match="there is no stream"):
        client.assign_agents_to_stream(uuid4(), [{"agent_id": "Find"}])


def test_a_trigger_puts_the_agent_in_line_for_its_stream(client: Client) -> None:
    stream = chain(client)
    task = client.trigger_agent(
        stream, "Find", {"x": 1}, execution_config={"limit": 5}, force_execute=True, priority=8
    )
    state = client.get(task)
    assert (state.stream_id, state.agent_name, state.priority) == (stream, "Find", 8)
    assert state.payload == {"x": 1, "execution_config": {"limit": 5}, "force_execute": True}


def test_only_an_assigned_agent_can_be_triggered(client: Client, agent: UUID) -> None:
    stream = chain(client)
    with pytest.raises(NotFoundError, match="Daily digest is not assigned to stream"):
        client.trigger_agent(stream, agent)


def test_a_whole_stream_is_run(client: Client, look: psycopg.Connection[Any]) -> None:
    run = client.run_stream(chain(client), {"x": 1}, priority=7, requested_by="ann")
    nodes = look.execute(
        "SELECT a.name, n.status FROM stream_run_nodes n JOIN ai_agents a ON a.id = n.agent_id"
        " WHERE n.run_id = %s ORDER BY n.level",
        (run,),
    ).fetchall()
    assert nodes == [("Find", "queued"), ("Enrich", "waiting"), ("Score", "waiting")]


def test_a_stream_without_agents_is_not_run(client: Client) -> None:
    with pytest.raises(NotFoundError, match="has no agents that run by themselves"):
        client.run_stream(client.create_stream("Empty"))


def test_streams_and_agents_are_found_by_name_or_by_the_first_characters_of_their_ids(
    client: Client, agent: UUID
) -> None:
    stream = client.create_stream("Leads")
    for name in ("Leads", str(stream), str(stream)[:18], stream):
        assert client.run(directory.find_stream(name)) == stream
    for name in ("Daily digest", "digest", str(agent), str(agent)[:18].upper(), agent):
        assert client.run(directory.find_agent(name)) == agent
    for name in ("nope", "beef", str(uuid4())):
        with pytest.raises(NotFoundError, match="there is no stream"):
            client.run(directory.find_stream(name))
        with pytest.raises(NotFoundError, match="there is no agent"):
            client.run(directory.find_agent(name))


def test_a_prefix_or_name_of_two_streams_is_refused_with_both_ids(client: Client) -> None:
    first, second = client.create_stream("Leads"), client.create_stream("Leads")
    with pytest.raises(InvalidInputError, match=f"may be any of {first}, {second}"):
        client.run(directory.find_stream("Leads"))
    with pytest.raises(InvalidInputError, match=f"may be any of {first}, {second}"):
        client.run(directory.find_stream(str(first)[:4]))
