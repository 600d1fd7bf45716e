"""`tasks explain`: each reason on a situation made for it, with what to do about it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from psycopg.conninfo import make_conninfo

from oppspot_runner.agents.registry import Registry
from tests.cli.conftest import CommandLine, Rows


def reasons(cli: CommandLine, *words: str) -> dict[str, dict[str, Any]]:
    """The reasons that `tasks explain` gives, by their codes."""
    found = cli.json("tasks", "explain", *words)
    return {one["code"]: one for one in found["reasons"]}


def test_a_task_that_is_due_later_says_when_and_how_to_run_it_now(
    cli: CommandLine, rows: Rows
) -> None:
    rows.runner()
    task = rows.task(rows.agent(), scheduled_for="2099-01-01Z")
    (found,) = reasons(cli, task).values()
    assert found["code"] == "parked"
    assert "due at 2099-01-01 00:00:00Z" in found["text"]
    rows(found["fix"])
    assert set(reasons(cli, task)) == {"in_line"}


def test_a_task_that_waits_for_its_retry_says_what_went_wrong_and_how_to_try_it_now(
    cli: CommandLine, rows: Rows
) -> None:
    rows.runner()
    task = rows.task(rows.agent(), scheduled_for="2099-01-01Z", retry_count=1, attempt=1)
    rows(
        "INSERT INTO agent_executions (task_id, attempt, status, error_message)"
        " VALUES (%s, 1, 'failed', 'timed out')",
        task,
    )
    found = reasons(cli, task)["parked"]
    assert "its last attempt: timed out" in found["text"]
    assert found["fix"] == f"oppspot-runner tasks retry {task}"
    assert cli(*found["fix"].split()[1:]).code == 0
    assert set(reasons(cli, task)) == {"in_line"}


def test_a_task_that_waits_for_money_says_which_budget(cli: CommandLine, rows: Rows) -> None:
    rows.runner()
    task = rows.task(rows.agent(), scheduled_for="2099-01-01Z")
    rows(
        "INSERT INTO agent_executions (task_id, attempt, status, error_message)"
        " VALUES (%s, 1, 'cancelled', 'waited: for money: the budget of agent 7 has 1 USD')",
        task,
    )
    found = reasons(cli, task)["money"]
    assert found["text"].endswith(": the budget of agent 7 has 1 USD")
    assert cli(*found["fix"].split()[1:]).code == 0


@pytest.mark.parametrize("scope", ["agent", "type", "org"])
def test_a_pause_is_named_with_its_reason_and_the_command_that_ends_it(
    cli: CommandLine, rows: Rows, scope: str
) -> None:
    rows.runner()
    org = str(rows.value("INSERT INTO organizations (name) VALUES ('Ours') RETURNING id"))
    agent = rows.agent()
    rows("UPDATE ai_agents SET org_id = %s", org)
    task = rows.task(agent)
    key = {"agent": agent, "type": "digest", "org": org}[scope]
    assert cli("pause", f"--{scope}", key, "--reason", "too dear").code == 0
    found = reasons(cli, task)
    assert set(found) == {"paused"}
    name = {"agent": "agent Digest", "type": "type digest", "org": "organisation Ours"}[scope]
    assert found["paused"]["text"].startswith(f"the {name} is paused since")
    assert "(too dear)" in found["paused"]["text"]
    assert cli(*found["paused"]["fix"].split()[1:]).code == 0
    assert set(reasons(cli, task)) == {"in_line"}


def test_an_open_breaker_is_named_with_its_error_and_closed_by_resume(
    cli: CommandLine, rows: Rows
) -> None:
    runner = rows.runner()
    agent = rows.agent()
    task, other = rows.task(agent), rows.task(agent)
    opened = (
        "INSERT INTO agent_breakers (agent_id, failures, open_s, opened_at, last_error)"
        " VALUES (%s, 5, 3600, oppspot_now() - interval '1 minute', 'no route')"
    )
    rows(opened, agent)
    found = reasons(cli, task)["breaker_open"]
    assert "the agent Digest is open after 5 errors in a row" in found["text"]
    assert "one task is tried in 59 min" in found["text"]
    assert found["text"].endswith("the last error: no route")
    rows.begin(other, runner)
    assert (
        f"half-open after 5 errors in a row: task {other} is the try"
        in (reasons(cli, task)["breaker_open"]["text"])
    )
    (shown,) = cli("status", "--json").json["breakers"]
    assert (shown["agent_name"], shown["state"], shown["failures"]) == ("Digest", "half-open", 5)
    assert f"half-open after 5 errors in a row, task {other} tries" in (
        " ".join(cli("status").out.split())
    )
    assert cli("limits", "list").out == "No limit.\n"
    assert cli(*found["fix"].split()[1:]).code == 0
    assert set(reasons(cli, task)) == {"in_line"}


def test_an_agent_that_waits_is_named_with_what_for_and_ended_by_the_signal(
    cli: CommandLine, rows: Rows
) -> None:
    rows.runner()
    agent = rows.agent()
    stream = rows.value("INSERT INTO streams (name) VALUES ('s') RETURNING id")
    rows(
        "INSERT INTO stream_agent_assignments (stream_id, agent_id) VALUES (%s, %s)", stream, agent
    )
    run = rows.value("SELECT run_stream(%s)", stream)
    task = str(rows.value("SELECT id FROM agent_tasks"))
    rows(
        "INSERT INTO task_waits (task_id, attempt, kind, name, run_id, since)"
        " VALUES (%s, 0, 'event', 'approval', %s, '2026-01-02Z')",
        *(task, run),
    )
    rows("UPDATE agent_tasks SET scheduled_for = '9999-01-01Z'")
    found = reasons(cli, task)
    assert set(found) == {"waiting"}
    assert found["waiting"]["text"] == (
        "its agent waits for the event approval since 2026-01-02 00:00:00Z, and holds no slot"
    )
    assert "1 for an event" in cli("status").out
    assert cli("status", "--json").json["waiting"] == {"event": 1}
    assert "waits for the event approval" in " ".join(cli("runs", "show", str(run)).out.split())
    assert "waits for the event" in cli("tasks", "list").out
    sent = cli(*found["waiting"]["fix"].split()[1:], "--payload", '{"by": "ann"}')
    assert (sent.code, sent.out) == (0, f"Sent 'approval' to run {run}.\n")
    assert set(reasons(cli, task)) == {"in_line"}
    assert rows("SELECT name, payload FROM run_signals") == [
        {"name": "approval", "payload": {"by": "ann"}}
    ]


def test_a_sleep_is_named_with_its_end(cli: CommandLine, rows: Rows) -> None:
    rows.runner()
    task = rows.task(rows.agent(), scheduled_for="2099-01-01Z")
    rows(
        "INSERT INTO task_waits (task_id, attempt, kind, due_at)"
        " VALUES (%s, 0, 'time', '2099-01-01Z')",
        task,
    )
    found = reasons(cli, task)["waiting"]
    assert "waits for its time since" in found["text"]
    assert "until 2099-01-01 00:00:00Z at the latest" in found["text"]
    assert found["fix"] is None


def test_runners_that_all_pause_are_named(cli: CommandLine, rows: Rows) -> None:
    runner = rows.runner(state="paused")
    found = reasons(cli, rows.task(rows.agent()))
    assert set(found) == {"runners_paused"}
    assert f"runner {runner} is paused" in found["runners_paused"]["text"]
    assert found["runners_paused"]["fix"] == "oppspot-runner resume"


def test_a_type_that_no_runner_takes_is_named_with_those_that_are(
    cli: CommandLine, rows: Rows
) -> None:
    rows.runner()
    rows("UPDATE task_runners SET task_types = '{fast}'")
    task = rows.task(rows.agent(), task_type="slow")
    found = reasons(cli, task)
    assert set(found) == {"type_not_served"}
    assert "the type slow; served: fast" in found["type_not_served"]["text"]
    assert found["type_not_served"]["fix"] == "oppspot-runner start --task-type slow"


def test_without_any_runner_the_last_one_is_named(cli: CommandLine, rows: Rows) -> None:
    task = rows.task(rows.agent())
    assert reasons(cli, task)["no_runner"]["text"] == "no runner is alive"
    dead = rows.runner(beat_age_s=60, lease_s=-30)
    rows.begin(rows.task(rows.agent("Other")), dead)
    assert f"the last one, runner {dead} on far (pid 7)" in reasons(cli, task)["no_runner"]["text"]


def test_an_agent_type_that_no_live_runner_knows_is_said_before_the_task_fails(
    cli: CommandLine, rows: Rows, registry: Registry, live_runner: int
) -> None:
    rows("INSERT INTO task_pauses (scope, key) VALUES ('type', 'nobody_knows')")
    task = rows.task(rows.agent(agent_type="nobody_knows"))
    found = reasons(cli, task)["unknown_agent_type"]
    assert "no live runner knew the agent type 'nobody_knows'" in found["text"]
    assert found["fix"].startswith("oppspot-runner start --import")


def test_a_runner_says_which_agents_it_knows(
    cli: CommandLine, rows: Rows, registry: Registry
) -> None:
    runner = rows.runner()
    rows("UPDATE task_runners SET agent_types = '{digest,scout}' WHERE id = %s", runner)
    assert set(reasons(cli, rows.task(rows.agent()))) == {"in_line"}


def test_an_inactive_agent_and_a_missing_one_are_said(cli: CommandLine, rows: Rows) -> None:
    rows.runner()
    agent = rows.agent()
    rows("UPDATE ai_agents SET is_active = false")
    task = rows.task(agent)
    found = reasons(cli, task)
    assert set(found) == {"agent_inactive", "in_line"}
    assert cli(*found["agent_inactive"]["fix"].split()[1:]).code == 0
    assert set(reasons(cli, task)) == {"in_line"}
    rows("UPDATE ai_agents SET is_active = false")
    forced = rows.task(agent, payload='{"force_execute": true}')
    assert set(reasons(cli, forced)) == {"in_line"}
    nobody = rows.value("INSERT INTO agent_tasks (agent_id) VALUES (NULL) RETURNING id")
    assert "no_agent" in reasons(cli, str(nobody))


def test_a_task_that_took_down_two_runners_runs_alone(cli: CommandLine, rows: Rows) -> None:
    rows.runner()
    task = rows.task(rows.agent(), crash_count=2)
    assert "lost 2 times" in reasons(cli, task)["runs_alone"]["text"]


def busy(rows: Rows, runner: int, agent: str, **columns: Any) -> str:
    """A task that is on."""
    task = rows.task(agent, **columns)
    rows.begin(task, runner)
    return task


@pytest.mark.parametrize("scope", ["agent", "type", "org"])
def test_a_limit_that_is_reached_is_named_with_those_who_run(
    cli: CommandLine, rows: Rows, scope: str
) -> None:
    runner, agent = rows.runner(), rows.agent()
    org = str(rows.value("INSERT INTO organizations (name) VALUES ('Ours') RETURNING id"))
    rows("UPDATE ai_agents SET org_id = %s", org)
    key, name = {"agent": (agent, "Digest"), "type": ("digest", "digest"), "org": (org, org)}[scope]
    rows("INSERT INTO task_limits (scope, key, concurrency) VALUES (%s, %s, 1)", scope, key)
    task = rows.task(agent)
    assert set(reasons(cli, task)) == {"in_line"}
    running = busy(rows, runner, agent)
    found = reasons(cli, task)
    assert set(found) == {"capped"}
    whose = f"the {'organisation' if scope == 'org' else scope} {name}"
    assert found["capped"]["text"] == (
        f"{whose} may run 1 at once, and 1 run (the longest: {running})"
    )
    rows.connection.execute(found["capped"]["fix"].encode())
    assert set(reasons(cli, task)) == {"in_line"}


def test_limits_of_a_configuration_are_mended_there_and_replace_those_of_code(
    cli: CommandLine, rows: Rows
) -> None:
    runner, agent = rows.runner(), rows.agent()
    rows(
        "INSERT INTO task_limits (scope, key, concurrency, source)"
        " VALUES ('type', 'digest', 1, 'code')"
    )
    busy(rows, runner, agent)
    task = rows.task(agent)
    assert "the type digest may run 1 at once" in reasons(cli, task)["capped"]["text"]
    rows("UPDATE ai_agents SET configuration = '{\"concurrency\": 2}'")
    assert set(reasons(cli, task)) == {"in_line"}
    busy(rows, runner, agent)
    found = reasons(cli, task)["capped"]
    assert "the agent Digest may run 2 at once, and 2 run" in found["text"]
    rows.connection.execute(found["fix"].encode())
    assert rows.value("SELECT configuration FROM ai_agents") == {"concurrency": 3}
    assert set(reasons(cli, task)) == {"in_line"}


def test_a_key_without_room_is_named(cli: CommandLine, rows: Rows) -> None:
    runner, agent = rows.runner(), rows.agent()
    rows("INSERT INTO task_limits (scope, key, concurrency) VALUES ('key', '*', 1)")
    running = busy(rows, runner, agent, limit_key="acme")
    busy(rows, runner, agent, limit_key="other")
    task = rows.task(agent, limit_key="acme")
    rows("SELECT arrange_keys('{acme}')")
    found = reasons(cli, task)
    assert set(found) == {"capped"}
    assert found["capped"]["text"] == (
        f"the key acme may run 1 at once, and 1 run (the longest: {running})"
    )
    rows("UPDATE agent_tasks SET status = 'cancelled' WHERE id = %s", running)
    assert reasons(cli, task)["capped"]["text"].startswith("its key acme had no room; a runner")


@pytest.mark.parametrize(
    ("rate", "pace", "wait"),
    [(0.5, "30/m", "2.0 s"), (2.0, "2/s", "500 ms"), (1 / 7200, "12/d", "2 h")],
)
def test_a_rate_says_when_the_next_may_start(
    cli: CommandLine,
    dsn: str,
    monkeypatch: pytest.MonkeyPatch,
    rows: Rows,
    rate: float,
    pace: str,
    wait: str,
) -> None:
    rows.runner(lease_s=3000)
    agent = rows.agent()
    task = rows.task(agent)
    now = rows.value("SELECT oppspot_now()")
    rows(
        "INSERT INTO task_limits (scope, key, rate, burst, tokens, refilled_at)"
        " VALUES ('agent', %s, %s, 1, 0, %s)",
        agent,
        rate,
        now,
    )
    monkeypatch.setenv(
        "DATABASE_URL", make_conninfo(dsn, options=f"-coppspot.now={now.isoformat()}")
    )
    found = reasons(cli, task)["rate_limited"]
    assert found["text"] == f"the agent Digest may start {pace}; the next may in {wait}"
    rows.connection.execute(found["fix"].encode())
    assert rows.value("SELECT rate FROM task_limits") == rate * 2


def test_a_task_that_its_runner_holds_back_says_for_what(cli: CommandLine, rows: Rows) -> None:
    task = busy(rows, rows.runner(), rows.agent(), crash_count=2)
    rows("UPDATE agent_tasks SET held = true")
    found = reasons(cli, task)
    assert set(found) == {"runs_alone"}
    assert "waits for its other tasks to end" in found["runs_alone"]["text"]


def test_a_task_in_line_says_how_many_are_before_it(cli: CommandLine, rows: Rows) -> None:
    rows.runner()
    agent, other = rows.agent(), rows.agent("Other", "other")
    rows.task(other, priority=9)
    rows.task(other, priority=1)
    rows.task(agent)
    task = rows.task(agent)
    paused = rows.agent("Paused", "paused")
    rows.task(paused, priority=10)
    rows("INSERT INTO task_pauses (scope, key) VALUES ('agent', %s)", paused)
    found = reasons(cli, task)["in_line"]
    assert found["text"] == "2 tasks are before it; 3 of 3 slots are free"


def test_behind_a_task_that_runs_alone_no_slot_is_free(cli: CommandLine, rows: Rows) -> None:
    runner, agent = rows.runner(), rows.agent()
    busy(rows, runner, agent, crash_count=2)
    found = reasons(cli, rows.task(agent))["in_line"]
    assert found["text"] == (
        "nothing is before it and 0 of 3 slots are free"
        f" (a task that took down two runners has runner {runner} for itself): it is next"
    )


def test_where_organisations_share_those_with_less_are_named(
    cli: CommandLine, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPPSPOT_FAIR_SHARE", "true")
    runner, agent = rows.runner(), rows.agent()
    busy, small, heavy, low, idle = (
        rows.value("INSERT INTO organizations (name) VALUES (%s) RETURNING id", name)
        for name in ("Busy", "Small", "Heavy", "Low", "Idle")
    )
    rows(
        "INSERT INTO task_limits (scope, key, weight) VALUES ('org', %s, 3), ('org', %s, 0.1)",
        str(heavy),
        str(low),
    )
    for org in (busy, heavy, heavy):
        rows.begin(rows.task(agent, org_id=org), runner)
    task = rows.task(agent, org_id=busy)
    assert "fair_share" not in reasons(cli, task)  # nobody else waits
    for org in (small, heavy, low):
        rows.task(agent, org_id=org)
    rows.task(agent, org_id=idle, priority=4)
    found = reasons(cli, task)
    assert set(found) == {"fair_share", "in_line"}
    assert found["fair_share"]["text"] == (
        "organisations share fairly, and others have fewer running tasks for their weight: "
        "its own has 1; Small 0, Heavy 2"
    )
    rows("UPDATE task_runners SET slots = 4")
    assert set(reasons(cli, task)) == {"in_line"}  # a slot is free: all get their turn


def test_a_long_line_is_not_counted_to_its_end(cli: CommandLine, rows: Rows) -> None:
    rows.runner()
    agent = rows.agent()
    rows(
        "INSERT INTO agent_tasks (agent_id, priority)"
        " SELECT %s, 5 + n %% 3 FROM generate_series(1, 3000) n",
        agent,
    )
    task = rows.task(agent)
    assert "at least 1000 tasks are before it" in reasons(cli, task)["in_line"]["text"]


def test_a_running_task_says_where_and_how_far_it_is(cli: CommandLine, rows: Rows) -> None:
    runner, task = rows.runner(), rows.task(rows.agent())
    rows.begin(task, runner)
    rows('UPDATE agent_tasks SET progress = \'{"done": 1, "total": 4}\'')
    found = reasons(cli, task)["running"]
    assert f"runner {runner} on far (pid 7) runs it" in found["text"]
    assert found["text"].endswith("1/4")
    rows("SELECT cancel_task(%s, 'wrong list')", task)
    assert "asked to end: wrong list" in reasons(cli, task)["cancelling"]["text"]


def test_a_runner_that_is_silent_and_one_that_is_lost_are_told_apart(
    cli: CommandLine, rows: Rows
) -> None:
    runner, task = rows.runner(beat_age_s=20), rows.task(rows.agent())
    rows.begin(task, runner)
    assert "its lease ends" in reasons(cli, task)["runner_silent"]["text"]
    rows("UPDATE task_runners SET lease_until = oppspot_now() - interval '5 s'")
    assert "and no runner is alive" in reasons(cli, task)["runner_lost"]["text"]
    rows.runner()
    found = reasons(cli, task)["runner_lost"]
    assert f"runner {runner} on far (pid 7), which ran it, was lost" in found["text"]
    assert "a runner takes it within its next poll" in found["text"]
    rows("DELETE FROM task_runners WHERE id = %s", runner)
    assert "is gone" in reasons(cli, task)["runner_lost"]["text"]
    rows("UPDATE agent_tasks SET runner_id = 0")
    assert "its body runs elsewhere" in reasons(cli, task)["runner_lost"]["text"]


def test_an_ended_task_says_how(cli: CommandLine, rows: Rows) -> None:
    agent = rows.agent()
    failed = rows.task(agent, error_message="ValueError: no", status="failed")
    found = reasons(cli, failed)["failed"]
    assert found["text"].endswith("ago: ValueError: no")
    assert found["fix"] == f"oppspot-runner tasks retry {failed}"
    unfit = rows.task(
        agent, error_message="bad payload for x: path: it is missing", status="failed"
    )
    again = f"oppspot-runner dead-letters requeue {unfit} --payload '{{...}}'"
    assert reasons(cli, unfit)["failed"]["fix"] == again
    done = rows.task(agent, status="completed")
    assert reasons(cli, done)["completed"]["fix"] is None
    cancelled = rows.task(agent)
    cli("tasks", "cancel", cancelled, "--reason", "wrong list")
    assert reasons(cli, cancelled)["cancelled"]["text"].endswith("ago: wrong list")


class Chain:
    """A stream with three agents after each other, and a run of it."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.agents = [rows.agent(name, name.lower()) for name in ("Find", "Enrich", "Score")]
        stream = rows.value("INSERT INTO streams (name) VALUES ('Leads') RETURNING id")
        for place, agent in enumerate(self.agents):
            rows(
                "INSERT INTO stream_agent_assignments (stream_id, agent_id, depends_on_agent_ids)"
                " VALUES (%s, %s, %s::uuid[])",
                stream,
                agent,
                self.agents[max(place - 1, 0) : place],
            )
        self.run = str(rows.value("SELECT run_stream(%s)", stream))

    def task(self, agent: str) -> str:
        return str(
            self.rows.value(
                "SELECT task_id FROM stream_run_nodes WHERE run_id = %s AND agent_id = %s",
                self.run,
                agent,
            )
        )


@pytest.fixture
def chain(rows: Rows) -> Chain:
    return Chain(rows)


def test_an_agent_of_a_run_that_has_no_task_yet_names_whom_it_waits_for(
    cli: CommandLine, rows: Rows, chain: Chain
) -> None:
    runner, first = rows.runner(), chain.task(chain.agents[0])
    rows.begin(first, runner)
    found = reasons(cli, chain.run, "--agent", "Enrich")["waiting_for"]
    assert found["text"] == "it waits for Find, whose task is processing"
    assert found["fix"] == f"oppspot-runner tasks explain {first}"
    behind = reasons(cli, first, "--agent", "Score")["waiting_for"]
    assert behind["text"] == "it waits for Enrich, which waits itself"
    assert "waiting_for" in cli(*behind["fix"].split()[1:]).out
    assert set(reasons(cli, first, "--agent", "Find")) == {"running"}


def test_an_agent_that_was_skipped_names_the_failure(
    cli: CommandLine, rows: Rows, chain: Chain
) -> None:
    first = chain.task(chain.agents[0])
    rows(
        "UPDATE agent_tasks SET error_message = 'no key', status = 'failed' WHERE id = %s",
        first,
    )
    found = reasons(cli, chain.run, "--agent", "Score")["skipped"]
    assert found["text"] == "Score was skipped, because Find failed: no key"
    assert found["fix"] == f"oppspot-runner tasks retry {first}"
    assert "Find failed at" in reasons(cli, chain.run, "--agent", "Find")["failed"]["text"]


def test_what_is_not_there_is_said(cli: CommandLine, rows: Rows, chain: Chain) -> None:
    nothing = str(uuid4())
    assert "there is no task" in cli("tasks", "explain", nothing).err
    assert "there is no run" in cli("tasks", "explain", nothing, "--agent", "Find").err
    stranger = rows.agent("Stranger", "stranger")
    assert "is not in run" in cli("tasks", "explain", chain.run, "--agent", "Stranger").err
    alone = rows.task(stranger)
    assert "belongs to no run" in cli("tasks", "explain", alone, "--agent", "Find").err


def test_people_read_a_sentence_and_the_command(cli: CommandLine, rows: Rows) -> None:
    task = rows.task(rows.agent())
    text = cli("tasks", "explain", task[:18]).out
    assert f"Task {task} (Digest) is pending." in text
    assert "no_runner" in text
    assert "oppspot-runner start" in text


def test_a_label_that_nobody_has_is_named_with_those_that_are_there(
    cli: CommandLine, rows: Rows
) -> None:
    agent = rows.agent()
    rows('UPDATE ai_agents SET configuration = \'{"labels": ["gpu", "eu"]}\' WHERE id = %s', agent)
    task = rows.task(agent)
    runner = rows.runner()
    texts = {
        "{}": "has any of the labels gpu, eu, for which its agent asks",
        "{eu,big}": "has the label gpu, for which its agent asks; there are: big, eu",
    }
    for labels, text in texts.items():
        rows("UPDATE task_runners SET labels = %s WHERE id = %s", labels, runner)
        found = reasons(cli, task)
        assert set(found) == {"labels_not_offered"}
        assert text in found["labels_not_offered"]["text"]
        assert found["labels_not_offered"]["fix"] == "oppspot-runner start --labels gpu,eu"
    other = rows.runner()
    rows("UPDATE task_runners SET labels = '{gpu}' WHERE id = %s", other)
    assert "has all of the labels gpu, eu" in reasons(cli, task)["labels_not_offered"]["text"]
    rows("UPDATE task_runners SET labels = '{gpu,eu}' WHERE id = %s", other)
    assert set(reasons(cli, task)) == {"in_line"}


def test_runners_of_older_releases_are_named(cli: CommandLine, rows: Rows) -> None:
    rows.runner()
    task = rows.task(rows.agent(), needs_protocol=1)
    found = reasons(cli, task)
    assert set(found) == {"runners_too_old"}
    assert (
        "protocol 1, and live runners are of older releases: 1" in found["runners_too_old"]["text"]
    )
    rows("UPDATE task_runners SET protocol = 1")
    assert set(reasons(cli, task)) == {"in_line"}


def test_a_task_waits_for_the_one_runner_that_knows_its_agent(cli: CommandLine, rows: Rows) -> None:
    knows, other = rows.runner(state="paused"), rows.runner()
    rows("UPDATE task_runners SET agent_types = '{digest}' WHERE id = %s", knows)
    rows("UPDATE task_runners SET agent_types = '{scout}' WHERE id = %s", other)
    found = reasons(cli, rows.task(rows.agent()))
    assert set(found) == {"runners_paused"}
    assert f"runner {knows} is paused" in found["runners_paused"]["text"]
