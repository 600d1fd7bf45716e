"""What runners and producers send all day costs a few pages, whatever is in the tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from json import dumps
from typing import Any, LiteralString
from uuid import UUID

import pytest

from oppspot_runner.queue.claiming import NO_FLOORS
from tests.plans.busy import WORN, fill, worn
from tests.plans.conftest import Session, connected, explain
from tests.plans.test_plans import CLAIM, KNOWING, ends, run

NO_STATISTICS = "DELETE FROM pg_statistic WHERE starelid >= 16384"
Params = dict[str, Any]


@dataclass(frozen=True)
class Hot:
    """`most` are the pages that it may touch; `params` are asked before, in its transaction."""

    name: LiteralString
    most: int
    params: Callable[[Session], Params]


def one(session: Session, query: LiteralString) -> Any:
    row = session.execute(query).fetchone()
    assert row is not None
    return row[0]


def tokens(session: Session) -> list[tuple[UUID, int]]:
    """Some tasks that runner 1 runs."""
    of_1 = "SELECT id, run_token FROM agent_tasks WHERE status = 'processing' AND runner_id = 1"
    return session.execute(of_1).fetchall()[:3]


def attempt(session: Session) -> Params:
    task, token = tokens(session)[0]
    return {"task_id": task, "run_token": token}


def calling(session: Session) -> Params:
    """A call of a model under a budget of its task."""
    task, token = tokens(session)[0]
    session.execute(
        "INSERT INTO budgets (scope, scope_id, limit_usd) VALUES ('task', %s, 9)", (task,)
    )
    call = {"id": str(UUID(int=1)), "task_id": str(task), "run_token": token, "attempt": 1}
    named = {"step": "model", "seq": 7, "model": "mock:echo", "estimate_usd": "0.01"}
    limit = {"per_task": 9, "unpriced": "deny", "dropped": []}
    return {"call": dumps({**call, **named}), "task_id": task, **limit}


def called(session: Session) -> Params:
    """The end of a call that is open, with an answer to keep."""
    begun = {**calling(session), "dropped": []}
    row = session.execute(
        "SELECT id, task_id, run_token FROM model_calls WHERE status = 'started' AND task_id = %s",
        (begun["task_id"],),
    ).fetchone()
    assert row is not None
    call = dict(zip(("id", "task_id", "run_token"), map(str, row), strict=True))
    kinds = ("input", "output", "cached", "cache_written", "reasoning")
    spent = {"status": "finished", "cost_usd": "0.005", **{f"{one}_tokens": 1 for one in kinds}}
    step = {"attempt": 1, "seq": 7, **STEP}
    return {"call": dumps({**call, **spent}), "task_id": row[1], **step}


def all_kept(session: Session) -> Params:
    """No day is left to sum up, also if one of UTC ended a moment ago."""
    while one(session, "SELECT keep_model_costs('-infinity')"):
        pass
    return {"keep_s": 90 * 86_400}


def lately(session: Session) -> Params:
    """The last 30 days, from this time of the day on."""
    since = one(session, "SELECT oppspot_now() - interval '30 days'")
    return {"since": since, "first": since.date(), "until": None, "by": "model", "most": 50}


def today_unkept(session: Session) -> Params:
    """Since midnight, where no day was summed up yet: after an upgrade, or while a call is open."""
    session.execute("UPDATE model_cost_days_until SET day = '-infinity'")
    since = one(session, "SELECT date_trunc('day', oppspot_now(), 'UTC')")
    return {"since": since, "first": since.date(), "until": None, "by": "model", "most": 1}


def handed_over(session: Session) -> Params:
    """An attempt of runner 1 without a body elsewhere yet."""
    task, token = session.execute(
        "SELECT id, run_token FROM agent_tasks t WHERE runner_id = 1 AND status = 'processing'"
        " AND NOT EXISTS (SELECT FROM task_handoffs h WHERE h.task_id = t.id) LIMIT 1"
    ).fetchall()[0]
    none = {"companions": [], "companion_tokens": []}
    of = {"task_id": task, "run_token": token, "runner_id": 1, **none}
    return {"handle": UUID(int=1), "backend": "celery", "ticket": "{}", **of}


def elsewhere(session: Session) -> Params:
    """A body that a worker runs for runner 1."""
    handle = one(session, "SELECT handle FROM task_handoffs WHERE runner_id = 1 LIMIT 1")
    return {"handle": handle, "runner_id": 1, "result": "{}"}


def waiting_elsewhere(session: Session) -> Params:
    """A body that no worker has begun."""
    handle = elsewhere(session)["handle"]
    session.execute(
        "UPDATE task_handoffs SET started_at = NULL, beat_at = NULL WHERE handle = %s", (handle,)
    )
    return {"handle": handle, "worker": "x"}


def hundred_elsewhere(session: Session) -> Params:
    rows = session.execute("SELECT handle FROM task_handoffs WHERE runner_id = 1").fetchall()
    return {"handles": [handle for (handle,) in rows[:100]]}


def one_died(session: Session) -> Params:
    """A runner with 67 bodies elsewhere is dead."""
    session.execute("UPDATE task_runners SET lease_until = oppspot_now() WHERE id = 2")
    return {"runner_id": 1, "backends": ["celery"]}


def ten_left(session: Session) -> Params:
    """A runner that is gone left ten bodies to the next one."""
    session.execute(
        "WITH h AS (UPDATE task_handoffs SET runner_id = NULL WHERE handle IN"
        " (SELECT handle FROM task_handoffs WHERE runner_id = 2 LIMIT 10) RETURNING task_id)"
        " UPDATE agent_tasks t SET runner_id = 0 FROM h WHERE t.id = h.task_id"
    )
    return {"runner_id": 1, "backends": ["celery"]}


def with_tokens(session: Session) -> Params:
    return {"runner_id": 1, "tokens": [token for _, token in tokens(session)]}


def ended(session: Session) -> Params:
    query = "SELECT id FROM agent_tasks WHERE status = 'completed' LIMIT 1"
    return {"task_id": one(session, query)}


def waiting(session: Session) -> Params:
    query = "SELECT id FROM agent_tasks WHERE status = 'pending' LIMIT 1"
    return {"task_id": one(session, query), "reason": None}


def backing_off(session: Session) -> Params:
    """A task that waits after the error of its first attempt."""
    task = one(session, "SELECT id FROM agent_tasks WHERE status = 'pending' AND parked LIMIT 1")
    session.execute("UPDATE agent_tasks SET attempt = 1 WHERE id = %s", (task,))
    session.execute(
        "INSERT INTO agent_executions (task_id, attempt, status) VALUES (%s, 1, 'failed')", (task,)
    )
    return {"task_id": task}


def node(session: Session) -> Params:
    """A node of a run whose task ends."""
    query = "SELECT run_id, agent_id FROM stream_run_nodes WHERE status = 'queued' LIMIT 1"
    ((run_id, agent_id),) = session.execute(query).fetchall()
    return {"run_id": run_id, "agent_id": agent_id, "task_id": UUID(int=1)}


def settled(state: str) -> Callable[[Session], Params]:
    def params(session: Session) -> Params:
        of = node(session)
        keys = {"run_ids": [of["run_id"]], "agent_ids": [of["agent_id"]]}
        return {**keys, "states": [state], "execution_ids": [None]}

    return params


def assigned(session: Session) -> Params:
    stream = one(session, "SELECT id FROM streams LIMIT 1")
    return {"stream_id": stream, "agent_id": one(session, "SELECT id FROM ai_agents LIMIT 1")}


def said(session: Session) -> Params:
    """Three events of an attempt that belongs to a run."""
    task, token = tokens(session)[0]
    session.execute("UPDATE agent_tasks SET run_id = %s WHERE id = %s", (told(session), task))
    words = {"types": ["output_chunk"] * 3, "data": ['{"chunk": "x"}'] * 3}
    return {"task_ids": [task] * 3, "tokens": [token] * 3, **words}


def told(session: Session) -> UUID:
    """A run with events."""
    run_id = one(session, "SELECT id FROM stream_runs WHERE last_event > 0 LIMIT 1")
    assert isinstance(run_id, UUID)
    return run_id


def followed(session: Session) -> Params:
    runs = session.execute("SELECT id FROM stream_runs WHERE last_event > 0 LIMIT 10").fetchall()
    return {"run_ids": [run_id for (run_id,) in runs], "address": "x"}


def new_run(session: Session) -> Params:
    given = {"payload": "{}", "priority": 5, "requested_by": None}
    given |= {"chain": True, "traceparent": None}
    return {**attempt(session), **assigned(session), **given}


def new_task(session: Session) -> Params:
    names = "scheduled_for stream_id max_retries requested_by task_type org_id limit_key"
    agent = str(assigned(session)["agent_id"])
    given = {"payload": "{}", "priority": 5, "unique_key": "key", "on_conflict": "skip"}
    return {**dict.fromkeys(names.split()), "agent": agent, **given}


def with_floors(session: Session) -> Params:
    """A claim by a runner that knows how far it is in priority 8."""
    floor = one(session, "SELECT max(ready_seq) FROM agent_tasks WHERE status = 'cancelled'")
    return {**CLAIM, "floors": [*NO_FLOORS[:2], floor, *NO_FLOORS[3:]]}


def also(params: Callable[[Session], Params], **more: Any) -> Callable[[Session], Params]:
    return lambda session: {**params(session), **more}


def always(**params: Any) -> Callable[[Session], Params]:
    return lambda _: params


STEP = {"name": "x", "result": "{}", "position": 0, "fingerprint": ""}
HOT = (
    Hot("queue/claim", 300, always(**CLAIM)),
    Hot("queue/claim_limited", 300, always(**CLAIM)),
    Hot("queue/hold_limits", 20, always()),
    Hot("queue/promote", 30, always()),
    Hot("queue/rescue", 250, always(runner_id=1)),
    Hot("queue/finish", 600, lambda session: ends(run(session, 10, runner=1))),
    Hot("queue/hold", 20, also(attempt, runner_id=1)),
    Hot("queue/begin", 60, attempt),
    Hot("queue/progress", 60, also(attempt, progress="{}")),
    Hot("queue/save_step", 60, also(attempt, seq=1, **STEP)),
    Hot("queue/steps", 20, ended),
    Hot("money/begin_call", 200, calling),
    Hot("money/end_call", 200, called),
    Hot("money/lose_calls", 200, always()),
    Hot("money/keep_day", 10, all_kept),
    Hot("handoffs/put", 20, handed_over),
    Hot("handoffs/take", 20, waiting_elsewhere),
    Hot("handoffs/beat", 30, elsewhere),
    Hot("handoffs/end", 25, elsewhere),
    Hot("handoffs/drop", 15, elsewhere),
    Hot("handoffs/read", 200, hundred_elsewhere),
    Hot(
        "handoffs/tasks",
        40,
        lambda s: {f"{k}s": [v] for k, v in zip(("task_id", "token"), tokens(s)[0], strict=True)},
    ),
    Hot("handoffs/adopt", 200, always(runner_id=1, backends=["celery"])),
    Hot("handoffs/adopt", 1_600, one_died),
    Hot("handoffs/adopt", 450, ten_left),
    Hot("handoffs/sweep", 250, always()),
    Hot("handoffs/sweep", 800, one_died),
    Hot("handoffs/prune", 6_000, always()),  # looks at each of 1,300 bodies elsewhere, seldom
    Hot("handoffs/leave", 720, always(runner_id=1)),
    Hot("queue/give_back", 300, with_tokens),
    Hot("queue/is_drained", 30, always(**KNOWING.params())),
    Hot("queue/is_ready", 20, always()),
    Hot("notifications/look", 40, always()),
    Hot("queue/prune_tasks", 15_000, always(after=UUID(int=0), keep_s=86_400)),
    Hot("queue/fold_tallies", 30, always()),
    Hot(
        "runners/beat",
        300,
        always(runner_id=1, state="running", lag_ms=0, hanging=0, silent_beats=2.0),
    ),
    Hot("runners/note_running", 300, also(with_tokens, older_than_s=-1)),
    Hot("runners/desired", 200, always(runner_id=1)),
    Hot("runners/set_waiting", 40, always(runner_id=1, waiting=True)),
    Hot("tasks/enqueue", 300, new_task),
    Hot("tasks/get", 30, ended),
    Hot("tasks/get", 40, backing_off),
    Hot("tasks/whole", 60, ended),
    Hot("tasks/cancel", 60, waiting),
    Hot("tasks/retry", 300, ended),
    Hot("tasks/retry", 200, backing_off),
    Hot("workflow/open_run", 300, new_run),
    Hot("workflow/settle_nodes", 600, settled("completed")),
    Hot("workflow/settle_nodes", 600, settled("failed")),
    Hot("run_events/add", 150, said),
    Hot("run_events/read", 60, lambda session: {"run_id": told(session), "after": 90}),
    Hot("run_events/follow", 200, followed),
    Hot("workflow/count_executions", 40, lambda s: {f"{k}s": [v] for k, v in assigned(s).items()}),
    Hot("workflow/upstream", 60, node),
    Hot("workflow/expire_approvals", 20, always()),
)
# What people look at. Where Postgres does not know when calls were made, it reads all to find those
# of today: a runner sees that a table has grown, and has it analyzed.
LOOKS = (
    Hot("money/breakdown", 200, lately),
    Hot("money/costs", 300, lately),
    Hot("money/breakdown", 200, today_unkept),
    Hot("money/costs", 300, today_unkept),
)
# Under a held snapshot most cost the same. These read the index entries of what ended since, once
# each; who waits for nothing but a claim is served by floors.
SINCE = {
    "queue/promote": WORN // 5,
    "queue/claim_limited": WORN * 11 // 10,
    **dict.fromkeys(
        (
            *("queue/give_back", "queue/is_drained", "queue/is_ready", "notifications/look"),
            *("runners/beat", "runners/desired", "runners/note_running"),
        ),
        WORN // 3,
    ),
}
WORN_HOT = (
    Hot("queue/claim", 300, with_floors),
    *(
        Hot(hot.name, hot.most + SINCE.get(hot.name, 0), hot.params)
        for hot in HOT
        if hot.name != "queue/claim"
    ),
)


def costly(dsn: str, state: str, statements: Sequence[Hot], prepare: str = "") -> Iterator[str]:
    """What touches more than it may, under a plan for these values or for any."""
    with connected(dsn) as session:
        for hot, generic in product(statements, (False, True)):
            if prepare:
                session.execute(prepare)  # type: ignore[arg-type]
            plan = explain(session, hot.name, hot.params(session), generic=generic, warm=True)
            session.rollback()
            if plan.buffers > hot.most:
                kind = "generic" if generic else "custom"
                yield f"{state}: {hot.name} ({kind}) touches {plan.buffers} pages\n{plan}"
    # What was rolled back fills index pages; whoever meets a full one clears it, and pays for all.
    with connected(dsn, autocommit=True) as session:
        session.execute("VACUUM task_handoffs")


@pytest.mark.slow
@pytest.mark.ci_slice
# What others change in the catalog of the server makes this session read its part of it again.
@pytest.mark.whole_server
@pytest.mark.timeout(600)
def test_hot_statements_touch_few_pages(dsn: str) -> None:
    fill(dsn)
    found = [*costly(dsn, "statistics of another day", HOT)]
    with connected(dsn, autocommit=True) as session:
        session.execute("VACUUM ANALYZE")
    found += costly(dsn, "analyzed", HOT + LOOKS)
    found += costly(dsn, "never analyzed", HOT, NO_STATISTICS)
    with worn(dsn):
        found += costly(dsn, "under a held snapshot", WORN_HOT + LOOKS)
    assert not found, "\n\n".join(found)
