"""What happens when the key of a task is taken, also by somebody at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest

from oppspot_runner.app.client import Client
from oppspot_runner.base.errors import ConflictError, InvalidInputError
from tests.client.conftest import one

LATER = datetime(2099, 1, 1, tzinfo=UTC)
CHOICES = ("skip", "replace", "raise")


def begin(look: psycopg.Connection[Any], task: UUID) -> None:
    """Lets a task be on, as a claim would."""
    look.execute(
        "UPDATE agent_tasks SET status = 'processing', runner_id = 1, attempt = attempt + 1,"
        " run_token = nextval('agent_tasks_run_token_seq'), started_at = oppspot_now()"
        " WHERE id = %s",
        (task,),
    )


def come_back(look: psycopg.Connection[Any], task: UUID) -> None:
    """Lets a task that is on wait for a retry, with a step that it need not repeat."""
    look.execute(
        "INSERT INTO agent_steps (task_id, name, seq, result, attempt) VALUES (%s, 's', 0, '1', 1)",
        (task,),
    )
    look.execute(
        "UPDATE agent_tasks SET status = 'pending', run_token = NULL, runner_id = NULL,"
        " retry_count = 2, error_message = 'no' WHERE id = %s",
        (task,),
    )


def test_skip_returns_the_task_that_has_the_key(client: Client, agent: UUID) -> None:
    first = client.enqueue(agent, {"n": 1}, unique_key="k")
    assert client.enqueue(agent, {"n": 2}, unique_key="k", on_conflict="skip") == first
    assert client.get(first).payload == {"n": 1}


def test_replace_gives_a_waiting_task_what_is_new(client: Client, agent: UUID) -> None:
    first = client.enqueue(agent, {"n": 1}, unique_key="k", at=LATER, task_type="slow")
    before = client.get(first)
    same = client.enqueue(
        agent,
        {"n": 2},
        unique_key="k",
        on_conflict="replace",
        priority=9,
        max_retries=7,
        limit_key="new",
    )
    state = client.get(first)
    assert same == first
    assert (state.payload, state.priority, state.max_retries) == ({"n": 2}, 9, 7)
    assert (state.task_type, state.created_at) == ("slow", before.created_at)
    assert state.limit_key == "new"
    assert state.scheduled_for < LATER


def test_a_replaced_task_that_was_parked_is_in_line(
    client: Client, look: psycopg.Connection[Any], agent: UUID
) -> None:
    task = client.enqueue(agent, unique_key="k", at=LATER)
    other = client.enqueue(agent)
    client.enqueue(agent, unique_key="k", on_conflict="replace")
    line = look.execute("SELECT id FROM agent_tasks WHERE NOT parked ORDER BY ready_seq").fetchall()
    assert line == [(other,), (task,)]
    client.enqueue(agent, unique_key="k", on_conflict="replace", at=LATER)
    assert one(look, "SELECT parked FROM agent_tasks WHERE id = %s", task) is True


def test_a_replaced_task_keeps_its_place_in_line(
    client: Client, look: psycopg.Connection[Any], agent: UUID
) -> None:
    first, second = client.enqueue(agent, unique_key="k"), client.enqueue(agent)
    client.enqueue(agent, {"n": 2}, unique_key="k", on_conflict="replace")
    line = look.execute("SELECT id FROM agent_tasks ORDER BY ready_seq").fetchall()
    assert line == [(first,), (second,)]


def test_a_task_that_waits_for_a_retry_starts_over_when_it_is_replaced(
    client: Client, look: psycopg.Connection[Any], agent: UUID
) -> None:
    task = client.enqueue(agent, {"n": 1}, unique_key="k")
    begin(look, task)
    come_back(look, task)
    client.enqueue(agent, {"n": 2}, unique_key="k", on_conflict="replace")
    state = client.get(task)
    assert (state.retry_count, state.error_message, state.attempt) == (0, None, 1)
    assert one(look, "SELECT count(*) FROM agent_steps") == 0


def test_a_replay_starts_over_when_it_is_replaced(
    client: Client, look: psycopg.Connection[Any], agent: UUID
) -> None:
    first = client.enqueue(agent, {"n": 1}, unique_key="k")
    begin(look, first)
    come_back(look, first)
    look.execute("UPDATE agent_tasks SET status = 'failed'")
    look.execute(
        "INSERT INTO agent_steps (task_id, name, seq, result, attempt) VALUES (%s, 't', 0, '2', 1)",
        (first,),
    )
    second = client.replay(first, from_step="t")
    steps = "SELECT count(*) FROM agent_steps WHERE task_id = %s"
    assert one(look, steps, second) == 1
    assert client.enqueue(agent, {"n": 2}, unique_key="k", on_conflict="replace") == second
    assert one(look, steps, second) == 0


def test_a_task_that_runs_is_not_replaced(
    client: Client, look: psycopg.Connection[Any], agent: UUID
) -> None:
    task = client.enqueue(agent, {"n": 1}, unique_key="k")
    begin(look, task)
    with pytest.raises(ConflictError, match=f"task {task} has the unique_key 'k' already and runs"):
        client.enqueue(agent, {"n": 2}, unique_key="k", on_conflict="replace")
    assert client.get(task).payload == {"n": 1}


def test_a_refused_replacement_leaves_no_lock_on_the_task_that_runs(
    client: Client, look: psycopg.Connection[Any], dsn: str, agent: UUID
) -> None:
    task = client.enqueue(agent, unique_key="k")
    begin(look, task)
    with psycopg.connect(dsn) as mine:
        with pytest.raises(ConflictError):
            Client(mine).enqueue(agent, unique_key="k", on_conflict="replace")
        look.execute("SELECT FROM agent_tasks FOR UPDATE NOWAIT")
        Client(mine).enqueue(agent)


def test_a_task_of_a_run_is_not_replaced(
    client: Client, look: psycopg.Connection[Any], agent: UUID
) -> None:
    stream = client.create_stream("Leads")
    client.assign_agents_to_stream(stream, [{"agent_id": str(agent)}])
    task = client.enqueue(agent, unique_key="k", stream_id=stream)
    run = one(look, "SELECT open_stream_run(%s, %s, %s, '{}', 5, NULL)", stream, agent, task)
    look.execute("UPDATE agent_tasks SET run_id = %s", (run,))
    with pytest.raises(ConflictError, match=f"already and is part of run {run}"):
        client.enqueue(agent, unique_key="k", stream_id=stream, on_conflict="replace")


def test_a_task_of_another_agent_or_stream_is_not_replaced(client: Client, agent: UUID) -> None:
    task = client.enqueue(agent, {"n": 1}, unique_key="k")
    other = client.create_agent(agent_type="other")
    with pytest.raises(ConflictError, match="is for another agent, stream or organisation"):
        client.enqueue(other, {"n": 2}, unique_key="k", on_conflict="replace")
    stream = client.create_stream("Leads")
    with pytest.raises(ConflictError, match="is for another agent, stream or organisation"):
        client.enqueue(agent, {"n": 2}, unique_key="k", stream_id=stream, on_conflict="replace")
    assert client.get(task).payload == {"n": 1}


def test_raise_names_the_key_and_the_task(
    client: Client, look: psycopg.Connection[Any], agent: UUID
) -> None:
    task = client.enqueue(agent, unique_key="it's")
    with pytest.raises(ConflictError) as caught:
        client.enqueue(agent, unique_key="it's", on_conflict="raise")
    assert str(caught.value) == f"task {task} has the unique_key 'it''s' already and waits"
    assert "another on_conflict" in caught.value.one_line()
    begin(look, task)
    with pytest.raises(ConflictError, match="already and runs"):
        client.enqueue(agent, unique_key="it's", on_conflict="raise")
    look.execute("UPDATE agent_tasks SET status = 'completed'")
    assert client.enqueue(agent, unique_key="it's", on_conflict="raise") != task


def test_another_choice_is_refused_by_name(client: Client, agent: UUID) -> None:
    with pytest.raises(InvalidInputError, match="on_conflict is 'merge', not skip, replace or"):
        client.enqueue(agent, on_conflict="merge")  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="on_conflict is 'merge', not skip, replace or"):
        client.enqueue_many(agent, [{}], on_conflict="merge")  # type: ignore[arg-type]


def test_among_many_the_last_of_a_key_replaces(client: Client, agent: UUID) -> None:
    first = client.enqueue(agent, {"n": 0}, unique_key="a")
    made = client.enqueue_many(
        agent,
        [{"n": 1}, {"n": 2}, {"n": 3}, {"n": 4}, {"n": 5}],
        unique_keys=["a", "b", None, "a", "b"],
        on_conflict="replace",
    )
    assert [made[0], made[3]] == [first, first]
    assert made[1] == made[4] != made[2]
    assert [client.get(made[place]).payload["n"] for place in (0, 1, 2)] == [4, 5, 3]


def test_among_many_one_that_cannot_be_replaced_leaves_all_as_it_was(
    client: Client, look: psycopg.Connection[Any], agent: UUID
) -> None:
    waits = client.enqueue(agent, {"n": 1}, unique_key="waits")
    begin(look, client.enqueue(agent, unique_key="runs"))
    keys = ["new", "waits", "runs"]
    with pytest.raises(ConflictError, match="the unique_key 'runs' already and runs"):
        client.enqueue_many(agent, [{"n": 2}] * 3, unique_keys=keys, on_conflict="replace")
    with pytest.raises(ConflictError, match="the unique_key 'waits' already and waits"):
        client.enqueue_many(agent, [{"n": 2}] * 3, unique_keys=keys, on_conflict="raise")
    assert client.get(waits).payload == {"n": 1}
    assert one(look, "SELECT count(*) FROM agent_tasks") == 2


def test_a_key_given_twice_is_refused_with_raise(
    client: Client, look: psycopg.Connection[Any], agent: UUID
) -> None:
    with pytest.raises(ConflictError, match="has the unique_key 'a' already and waits"):
        client.enqueue_many(agent, [{}, {}], unique_keys=["a", "a"], on_conflict="raise")
    assert one(look, "SELECT count(*) FROM agent_tasks") == 0


class Sessions:
    """Calls in threads that wait for a transaction of ours."""

    def __init__(self, look: psycopg.Connection[Any]) -> None:
        self.look = look
        self.errors: list[Exception] = []
        self.threads: list[threading.Thread] = []

    def start(self, call: Callable[[], Any]) -> None:
        def run() -> None:
            try:
                call()
            except Exception as error:
                self.errors.append(error)

        self.threads.append(threading.Thread(target=run))
        self.threads[-1].start()
        self._until_it_waits()

    def join(self) -> None:
        for thread in self.threads:
            thread.join(20)
        assert not any(thread.is_alive() for thread in self.threads)

    def _until_it_waits(self) -> None:
        query: LiteralString = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0"
        )
        while one(self.look, query) < len(self.threads):
            assert self.threads[-1].is_alive(), self.errors


@pytest.fixture
def sessions(look: psycopg.Connection[Any]) -> Sessions:
    return Sessions(look)


@pytest.mark.parametrize("choice", CHOICES)
def test_a_key_that_somebody_is_about_to_take_is_waited_for(
    choice: Any, dsn: str, agent: UUID, client: Client, sessions: Sessions
) -> None:
    ids: list[UUID] = []
    with psycopg.connect(dsn) as mine:
        first = Client(mine).enqueue(agent, {"n": 1}, unique_key="k")
        sessions.start(
            lambda: ids.append(client.enqueue(agent, {"n": 2}, unique_key="k", on_conflict=choice))
        )
        mine.commit()
        sessions.join()
    assert client.get(first).payload == {"n": 2 if choice == "replace" else 1}
    if choice == "raise":
        assert "already and waits" in str(sessions.errors)
    else:
        assert (ids, sessions.errors) == ([first], [])


@pytest.mark.parametrize("choice", CHOICES)
def test_a_key_that_becomes_free_meanwhile_is_taken(
    choice: Any, dsn: str, agent: UUID, client: Client, sessions: Sessions
) -> None:
    ids: list[UUID] = []
    first = client.enqueue(agent, unique_key="k")
    with psycopg.connect(dsn) as mine:
        mine.execute("UPDATE agent_tasks SET status = 'cancelled'")
        sessions.start(
            lambda: ids.append(client.enqueue(agent, unique_key="k", on_conflict=choice))
        )
        mine.commit()
        sessions.join()
    assert sessions.errors == []
    assert ids != [first]
    assert client.get(ids[0]).status == "pending"


@pytest.mark.parametrize("choice", CHOICES)
def test_a_key_that_becomes_free_between_write_and_look_is_taken(
    choice: Any, agent: UUID, client: Client, look: psycopg.Connection[Any]
) -> None:
    first = client.enqueue(agent, unique_key="k")
    if choice == "replace":
        begin(look, first)
    look.execute(
        "CREATE FUNCTION end_first() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " UPDATE agent_tasks SET status = 'completed' WHERE status <> 'completed' AND id = ("
        " SELECT min(id::text)::uuid FROM agent_tasks); RETURN NULL; END $$"
    )
    look.execute(
        "CREATE TRIGGER end_first AFTER INSERT ON agent_tasks"
        " FOR EACH STATEMENT EXECUTE FUNCTION end_first()"
    )
    second = client.enqueue(agent, unique_key="k", on_conflict=choice)
    assert second != first
    assert client.get(second).status == "pending"


def test_a_task_that_is_claimed_meanwhile_is_not_replaced(
    dsn: str, agent: UUID, client: Client, sessions: Sessions
) -> None:
    task = client.enqueue(agent, {"n": 1}, unique_key="k")
    with psycopg.connect(dsn) as mine:
        begin(mine, task)
        sessions.start(
            lambda: client.enqueue(agent, {"n": 2}, unique_key="k", on_conflict="replace")
        )
        mine.commit()
        sessions.join()
    assert "already and runs" in str(sessions.errors)
    assert client.get(task).payload == {"n": 1}


@pytest.mark.parametrize(
    ("choice", "existing"), [("skip", False), ("replace", False), ("replace", True)]
)
def test_two_with_the_same_keys_in_opposite_order_do_not_wait_in_a_circle(
    choice: Any, existing: bool, dsn: str, agent: UUID, client: Client, sessions: Sessions
) -> None:
    keys = [f"k{number}" for number in range(9)]
    if existing:
        client.enqueue_many(agent, [{}] * 9, unique_keys=keys)

    def bring(order: list[str]) -> None:
        with Client(dsn, schema="public") as theirs:
            theirs.enqueue_many(agent, [{"n": 1}] * 9, unique_keys=order, on_conflict=choice)

    # Both are held up in the middle: without an order each would have a half that the other wants.
    with psycopg.connect(dsn) as mine:
        Client(mine).enqueue(agent, unique_key="k4", on_conflict=choice)
        sessions.start(lambda: bring(keys))
        sessions.start(lambda: bring(keys[::-1]))
        mine.rollback()
        sessions.join()
    assert sessions.errors == []
    with psycopg.connect(dsn) as look:
        assert one(look, "SELECT count(*) FROM agent_tasks") == 9
