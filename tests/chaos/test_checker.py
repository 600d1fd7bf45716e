"""The checker on made-up trials: silent on a right one, loud on each one that is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.chaos.checker import Case, violations
from tests.chaos.ledger import Ledger
from tests.chaos.rows import Row, Rows
from tests.chaos.scripts import DIAMOND, Script

pytestmark = pytest.mark.ci_slice

STREAM = "the stream"
LOST = "the runner on host (pid 7) was lost"


class Tale:
    """A trial as it might have gone; tokens and times count up."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.rows = Rows()
        self.rows.stats.update(dict.fromkeys(("completed", "failed", "total"), 0))

    def told(self, what: str, **facts: Any) -> None:
        self.events.append({"what": what, "at": len(self.events), **facts})

    def task(self, script: Script, *ends: str, agent: str = "", run: str | None = None) -> Row:
        """A task of `script` with attempts that ended so: completed, failed, lost, snoozed."""
        if not run or agent == "top":
            self.told("committed", scripts=[script.told()])
        task = {
            "id": f"{script.key} {agent}".strip(),
            "unique_key": script.key if not run or agent == "top" else None,
            "status": script.status,
            "attempt": len(ends),
            "retry_count": max(ends.count("failed") - (script.status == "failed"), 0),
            "crash_count": ends.count("lost"),
            "run_id": run,
            "stream_id": STREAM if run else None,
            "error_message": None,
            "agent": agent or script.kind,
        }
        self.rows.tasks.append(task)
        for number, end in enumerate(ends, start=1):
            self._attempt(task, number, end, script.effects)
        self.rows.stats[script.status] += 1
        self.rows.stats["total"] += 1
        return task

    def _attempt(self, task: Row, number: int, end: str, effects: int) -> None:
        whose = {"task": task["id"], "token": len(self.events) + 1000}
        self.told("began", attempt=number, **whose)
        status = {"lost": "failed", "snoozed": "cancelled"}.get(end, end)
        self.rows.attempts.append(
            {
                "task": task["id"],
                "attempt": number,
                "status": status,
                "error_message": LOST if end == "lost" else None,
                "stream_id": task["stream_id"],
                "token": whose["token"] if end == "completed" else None,
                "agent": task["agent"],
            }
        )
        if end == "completed":
            self.told("returned", attempt=number, **whose)
            self.rows.effects.extend([whose] * effects)
        if end != "lost":
            final = number == task["attempt"]
            self.told("finished", status=task["status"] if final else "pending", **whose)

    def diamond(self) -> None:
        script = Script("a diamond", "diamond", 5, effects=1, stream=0)
        for agent in DIAMOND:
            row = self.task(script, "completed", agent=agent, run="a run")
            node = {"run_id": "a run", "run_status": "completed", "status": "completed"}
            self.rows.nodes.append({**node, "task": row["id"], "agent": agent})
            self.rows.assignments.append(
                {"stream_id": STREAM, "agent": agent, "total_executions": 1}
            )

    def event(self, what: str, place: int = 0) -> dict[str, Any]:
        return [event for event in self.events if event["what"] == what][place]

    def found(self) -> set[str]:
        return {one.what for one in violations(Case(Ledger(self.events), self.rows))}


@pytest.fixture
def tale() -> Tale:
    """A trial in which everything went right, though not smoothly."""
    made = Tale()
    made.task(Script("saving", "saves", 5, effects=1), "lost", "completed")
    made.task(Script("stumbling", "stumbles", 5, errors=1, effects=1), "failed", "completed")
    made.task(Script("snoozing", "snoozes", 5), "snoozed", "completed")
    made.task(Script("giving up", "gives_up", 5, status="failed", errors=1), "failed")
    steps = made.task(Script("stepping", "steps", 5), "completed")
    for what in ("ran", "kept"):
        made.told(what, task=steps["id"], attempt=1, step="pay")
    made.diamond()
    return made


def test_a_trial_that_went_right_has_no_violations(tale: Tale) -> None:
    assert tale.found() == set()


def test_a_task_whose_runner_was_lost_three_times_may_fail(tale: Tale) -> None:
    condemned = tale.task(Script("condemned", "saves", 5, effects=1), "lost", "lost", "lost")
    condemned["status"] = "failed"
    tale.rows.stats.update(completed=tale.rows.stats["completed"] - 1, failed=2)
    assert tale.found() == set()


def spoiled_task(**columns: Any) -> Callable[[Tale], None]:
    return lambda tale: tale.rows.tasks[0].update(columns)


def spoiled_attempt(place: int, **columns: Any) -> Callable[[Tale], None]:
    return lambda tale: tale.rows.attempts[place].update(columns)


def accepted_again(tale: Tale) -> None:
    end = next(e for e in tale.events if e["what"] == "finished" and e["status"] == "completed")
    tale.told("finished", task=end["task"], token=end["token"] + 1, status="completed")


def accepted_twice_by_one_token(tale: Tale) -> None:
    tale.events.append(tale.event("finished"))


def step_again(tale: Tale) -> None:
    tale.told("ran", task="stepping", attempt=2, step="pay")


def child_before_its_parent(tale: Tale) -> None:
    began = next(e for e in tale.events if e["what"] == "began" and e["task"].endswith("bottom"))
    began["at"] = -1


LOSSES = "no task is lost"
ENDS = "it ended as scripted"
RESULTS = "one result was accepted"
EFFECTS = "effects are there once"
COUNTERS = "counters are the rows"
LEFT = "nothing is left behind"
CHAINS = "chains reach their end"


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda tale: tale.rows.tasks.pop(0), LOSSES),
        (lambda tale: tale.rows.tasks.append(tale.rows.tasks[0]), LOSSES),
        (lambda tale: tale.event("committed")["scripts"].clear(), LOSSES),
        (spoiled_task(status="pending"), "every task ended"),
        (spoiled_task(status="cancelled"), ENDS),
        (spoiled_attempt(0, error_message="it was our fault"), ENDS),
        (accepted_again, RESULTS),
        (accepted_twice_by_one_token, RESULTS),
        (spoiled_attempt(1, token=999), RESULTS),
        (spoiled_attempt(1, status="failed"), RESULTS),
        (lambda tale: tale.rows.effects.pop(0), EFFECTS),
        (lambda tale: tale.rows.effects.append(tale.rows.effects[0]), EFFECTS),
        (lambda tale: tale.rows.effects.append({"task": "none", "token": 1}), EFFECTS),
        (spoiled_task(attempt=3), COUNTERS),
        (spoiled_task(crash_count=0), COUNTERS),
        (spoiled_task(retry_count=1), COUNTERS),
        (lambda tale: tale.rows.attempts.append(tale.rows.attempts[0]), COUNTERS),
        (lambda tale: tale.rows.stats.update(completed=1), COUNTERS),
        (lambda tale: tale.rows.assignments[0].update(total_executions=2), COUNTERS),
        (spoiled_attempt(0, status="running"), LEFT),
        (lambda tale: tale.rows.leases.append({"id": 1, "pid": 2}), LEFT),
        (step_again, "steps are not repeated"),
        (lambda tale: tale.rows.nodes[3].update(status="waiting"), CHAINS),
        (lambda tale: tale.rows.nodes[0].update(run_status="running"), CHAINS),
        (lambda tale: tale.rows.nodes.append({**tale.rows.nodes[0], "run_id": "b"}), CHAINS),
        (child_before_its_parent, CHAINS),
        (lambda tale: tale.told("surprise", text="it would not end"), "nobody was surprised"),
    ],
)
def test_what_is_wrong_is_found(tale: Tale, spoil: Callable[[Tale], object], expected: str) -> None:
    spoil(tale)
    assert expected in tale.found()
