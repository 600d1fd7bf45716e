"""The promises, counted: what the ledger tells must be what the database holds.

Each check yields violations as (what is broken, a sentence). They know nothing of the faults.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tests.chaos.ledger import Event, Ledger
from tests.chaos.rows import Row, Rows
from tests.chaos.scripts import DIAMOND, Script

FINAL = {"completed", "failed", "cancelled"}
LOST = re.compile(r"the runner .* was lost$")  # how a rescue ends the attempt of a dead runner
CHILD_KILLED = re.compile(r".*the child process (was killed by SIGKILL|closed its connection)")
CRASHES = 3  # so many end a task, with that as its reason


@dataclass(frozen=True)
class Violation:
    what: str
    told: str


@dataclass(frozen=True)
class Case:
    """The ledger and the rows of one trial, side by side."""

    ledger: Ledger
    rows: Rows

    @cached_property
    def scripts(self) -> dict[str, Script]:
        """What was committed, by key."""
        return {
            told["key"]: Script(**told)
            for event in self.ledger.of("committed")
            for told in event["scripts"]
        }

    @cached_property
    def script_of(self) -> dict[str, Script]:
        """The script of each task, by the task's id; in a diamond that of the first task."""
        by_key = {row["unique_key"]: row for row in self.rows.tasks if row["unique_key"]}
        first = {
            by_key[key]["run_id"]: script for key, script in self.scripts.items() if key in by_key
        }
        own = {by_key[key]["id"]: script for key, script in self.scripts.items() if key in by_key}
        of_run = {
            row["id"]: of_node(first[row["run_id"]], row["agent"])
            for row in self.rows.tasks
            if row["run_id"] and row["run_id"] in first
        }
        return own | of_run

    @cached_property
    def attempts(self) -> dict[str, list[Row]]:
        return grouped(self.rows.attempts, "task")

    @cached_property
    def effects(self) -> dict[str, list[Row]]:
        return grouped(self.rows.effects, "task")

    @cached_property
    def began(self) -> dict[str, list[Event]]:
        return self.ledger.by("task", "began")

    @cached_property
    def returned(self) -> dict[str, list[Event]]:
        return self.ledger.by("task", "returned")

    def lost(self, task: str) -> list[Row]:
        """Attempts that ended because their runner was taken for dead."""
        return [row for row in self.attempts[task] if is_lost(row)]

    def is_condemned(self, task: Row) -> bool:
        """Failed by rule, because its runner was lost three times, with the evidence for it."""
        crashed = task["crash_count"] >= CRASHES and len(self.lost(task["id"])) >= CRASHES
        return bool(crashed and task["status"] == "failed")


def of_node(first: Script, agent: str) -> Script:
    """What the script of a diamond's first task means for one of its agents."""
    failed = first.fails == agent
    return Script(
        first.key,
        first.kind,
        first.priority,
        first.payload,
        status="failed" if failed else "completed",
        errors=1 if failed else 0,
        effects=0 if failed else 1,
    )


def is_lost(attempt: Row) -> bool:
    return attempt["status"] == "failed" and bool(LOST.match(attempt["error_message"] or ""))


def is_killed(attempt: Row) -> bool:
    """Whether its child process was killed, which is an error of the attempt."""
    return attempt["status"] == "failed" and bool(
        CHILD_KILLED.match(attempt["error_message"] or "")
    )


def grouped(rows: list[Row], key: str) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[key]].append(row)
    return groups


def no_task_is_lost(case: Case) -> Iterator[str]:
    """Every committed INSERT is there once, and nothing is there that nobody inserted."""
    found = Counter(row["unique_key"] for row in case.rows.tasks if row["unique_key"])
    for key in case.scripts:
        if found[key] != 1:
            yield f"{key} was committed once and is there {found[key]} times"
    for key in found.keys() - case.scripts.keys():
        yield f"{key} is there, and nobody committed it"
    for row in case.rows.tasks:
        if row["id"] not in case.script_of and row["unique_key"] is None:
            yield f"task {row['id']} belongs to no run of a committed task"


def every_task_ended(case: Case) -> Iterator[str]:
    for row in case.rows.tasks:
        if row["status"] not in FINAL:
            yield f"{named(row)} is {row['status']} after {row['attempt']} attempts"


def it_ended_as_scripted(case: Case) -> Iterator[str]:
    """The right end, after the right number of errors: no fault of ours is charged to a task."""
    for row in case.rows.tasks:
        script = case.script_of.get(row["id"])
        if script is None or row["status"] not in FINAL or case.is_condemned(row):
            continue
        if row["status"] != script.status:
            yield f"{named(row)} is {row['status']}, not {script.status}: {row['error_message']}"
        errors = [
            attempt
            for attempt in case.attempts[row["id"]]
            if attempt["status"] == "failed" and not is_lost(attempt) and not is_killed(attempt)
        ]
        if len(errors) != script.errors:
            said = "; ".join(str(attempt["error_message"]) for attempt in errors)
            yield f"{named(row)} was charged {len(errors)} errors, not {script.errors}: {said}"


def no_more_children_died_than_were_killed(case: Case) -> Iterator[str]:
    charged = sum(is_killed(attempt) for attempt in case.rows.attempts)
    killed = sum(event["number"] for event in case.ledger.of("children killed"))
    if charged > killed:
        yield f"{charged} attempts were charged with the end of their child, {killed} were killed"


def one_result_was_accepted(case: Case) -> Iterator[str]:
    """A token is accepted at most once, and so is the end of a task; the table has that one."""
    began = {event["token"]: event for event in case.ledger.of("began")}
    for token, events in case.ledger.by("token", "finished").items():
        if len(events) > 1:
            yield f"token {token} was accepted {len(events)} times"
    told = {
        task: [event for event in events if event["status"] in FINAL]
        for task, events in case.ledger.by("task", "finished").items()
    }
    for row in case.rows.tasks:
        ends = told.get(row["id"], [])
        if len(ends) > 1:
            yield f"{named(row)} ended more than once: {[end['token'] for end in ends]}"
        if ends and ends[0]["status"] != row["status"]:
            yield f"{named(row)} was told {ends[0]['status']} and is {row['status']}"
        done = [one for one in case.attempts[row["id"]] if one["status"] == "completed"]
        if len(done) != (row["status"] == "completed"):
            yield f"{named(row)} is {row['status']} with {len(done)} completed attempts"
        for attempt in done:
            begun = began.get(attempt["token"], {})
            if (begun.get("task"), begun.get("attempt")) != (row["id"], attempt["attempt"]):
                yield f"{named(row)}: the result of attempt {attempt['attempt']} is another's"
            if ends and ends[0]["token"] != attempt["token"]:
                yield f"{named(row)}: the result that is there is not the one that was accepted"


def effects_are_there_once(case: Case) -> Iterator[str]:
    for row in case.rows.tasks:
        script = case.script_of.get(row["id"])
        if script is None or row["status"] not in FINAL:
            continue
        tokens = [effect["token"] for effect in case.effects[row["id"]]]
        accepted = [
            one["token"] for one in case.attempts[row["id"]] if one["status"] == "completed"
        ]
        if tokens != accepted * script.effects:
            yield f"{named(row)} left effects of tokens {tokens}; accepted was {accepted}"
    for task in case.effects.keys() - {row["id"] for row in case.rows.tasks}:
        yield f"an effect of task {task}, which is not there"


def counters_are_the_rows(case: Case) -> Iterator[str]:
    for row in case.rows.tasks:
        attempts = case.attempts[row["id"]]
        numbers = sorted(attempt["attempt"] for attempt in attempts)
        if numbers != list(range(1, row["attempt"] + 1)):
            yield f"{named(row)} counts {row['attempt']} attempts, its rows are {numbers}"
        lost = len(case.lost(row["id"]))
        if row["crash_count"] != lost:
            yield f"{named(row)} counts {row['crash_count']} crashes, its rows are {lost}"
        errors = sum(one["status"] == "failed" for one in attempts) - lost
        last = row["status"] == "failed" and not case.is_condemned(row)  # the last one is no retry
        if row["retry_count"] != errors - last:
            yield f"{named(row)} counts {row['retry_count']} retries after {errors} errors"
    counted = Counter(row["status"] for row in case.rows.tasks)
    for status, number in case.rows.stats.items():
        real = len(case.rows.tasks) if status == "total" else counted[status]
        if number != real:
            yield f"task_runner_stats says {number} {status}, there are {real}"
    yield from _assignments_are_counted(case)


def _assignments_are_counted(case: Case) -> Iterator[str]:
    settled = Counter(
        (attempt["stream_id"], attempt["agent"])
        for attempt in case.rows.attempts
        if attempt["stream_id"] and not is_lost(attempt)
    )
    for row in case.rows.assignments:
        real = settled[row["stream_id"], row["agent"]]
        if row["total_executions"] != real:
            yield f"{row['agent']} counts {row['total_executions']} executions, its rows are {real}"


def nothing_is_left_behind(case: Case) -> Iterator[str]:
    for attempt in case.rows.attempts:
        if attempt["status"] not in FINAL:
            yield f"attempt {attempt['attempt']} of {attempt['task']} is left {attempt['status']}"
    for row in case.rows.leases:
        yield f"runner {row['id']} (pid {row['pid']}) is gone and its lease is alive"


def steps_are_not_repeated(case: Case) -> Iterator[str]:
    """What an attempt has kept, no later one runs again."""
    kept: dict[tuple[str, str], int] = {}
    for event in case.ledger.of("kept"):
        step = event["task"], event["step"]
        kept[step] = min(event["attempt"], kept.get(step, event["attempt"]))
    for event in case.ledger.of("ran"):
        first = kept.get((event["task"], event["step"]))
        if first is not None and event["attempt"] > first:
            yield (
                f"step {event['step']} of {event['task']} was kept by attempt {first}"
                f" and ran again in attempt {event['attempt']}"
            )


def chains_reach_their_end(case: Case) -> Iterator[str]:
    """Each diamond's run ends as scripted, each agent once, none before those it waits for."""
    runs = grouped(case.rows.nodes, "run_id")
    by_key = {row["unique_key"]: row for row in case.rows.tasks if row["unique_key"]}
    expected = {}
    for key, script in case.scripts.items():
        row = by_key.get(key)
        if script.stream is None or row is None or case.is_condemned(row):
            continue
        expected[row["run_id"]] = row
        yield from _run_is_right(case, script, row, runs.get(row["run_id"], []))
    for run_id in runs.keys() - expected.keys() - {row["run_id"] for row in by_key.values()}:
        yield f"run {run_id} belongs to no task"
    for run_id, rows in grouped([r for r in case.rows.tasks if r["run_id"]], "run_id").items():
        twice = [agent for agent, times in Counter(r["agent"] for r in rows).items() if times > 1]
        if twice:
            yield f"run {run_id} started {twice} twice"


def _run_is_right(case: Case, script: Script, row: Row, nodes: list[Row]) -> Iterator[str]:
    wanted = {agent: _node_status(script, agent) for agent in DIAMOND}
    found = {node["agent"]: node["status"] for node in nodes}
    condemned = any(
        case.is_condemned(task) for task in case.rows.tasks if task["run_id"] == row["run_id"]
    )
    if condemned:
        return
    if found != wanted:
        yield f"the run of {named(row)} has {found}, not {wanted}"
        return
    if nodes[0]["run_status"] != ("failed" if script.fails else "completed"):
        yield f"the run of {named(row)} is {nodes[0]['run_status']}"
    tasks = {node["agent"]: node["task"] for node in nodes}
    for agent, needs in DIAMOND.items():
        begun = [event["at"] for event in case.began[tasks[agent]]]
        for need in needs:
            done = [event["at"] for event in case.returned[tasks[need]]]
            if begun and (not done or min(begun) < min(done)):
                yield f"{agent} began before {need} was done in the run of {named(row)}"


def _node_status(script: Script, agent: str) -> str:
    if script.fails == agent:
        return "failed"
    below = {"top": {"left", "right", "bottom"}, "left": {"bottom"}}
    return "skipped" if agent in below.get(script.fails or "", set()) else "completed"


def nobody_was_surprised(case: Case) -> Iterator[str]:
    """Runners live until they are ended, and end when they are told to."""
    for event in case.ledger.of("surprise"):
        yield event["text"]


def named(row: Row) -> str:
    return f"{row['unique_key'] or 'a task of a run'} ({row['agent']}, {row['id']})"


CHECKS: tuple[Callable[[Case], Iterator[str]], ...] = (
    no_task_is_lost,
    every_task_ended,
    it_ended_as_scripted,
    no_more_children_died_than_were_killed,
    one_result_was_accepted,
    effects_are_there_once,
    counters_are_the_rows,
    nothing_is_left_behind,
    steps_are_not_repeated,
    chains_reach_their_end,
    nobody_was_surprised,
)


def violations(case: Case) -> list[Violation]:
    """Everything that is not as promised."""
    return [
        Violation(check.__name__.replace("_", " "), told)
        for check in CHECKS
        for told in check(case)
    ]
