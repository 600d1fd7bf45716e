"""Why a task may not start yet: its time has not come, its agent is paused or fails. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from oppspot_runner.base.waiting import FOR_MONEY
from oppspot_runner.base.wording import ago, awaited, moment, span

NEXT_POLL = "a runner takes it within its next poll"


@dataclass(frozen=True)
class Reason:
    """Why a task is where it is. `holds`: it cannot start while this is so."""

    code: str
    text: str
    fix: str | None = None
    holds: bool = True


def parked(task: dict[str, Any]) -> Reason:
    """Of a task that is due later; `task` is a row of explain/task."""
    due_s = task["due_in_s"]
    if due_s is None:
        return Reason("parked", "it is due at no time", task["run_now"])
    due = f"it is due at {moment(task['scheduled_for'])}"
    if due_s <= 0:
        text = f"{due}, {ago(-due_s)}, and {NEXT_POLL}"
        return Reason("parked", text, "oppspot-runner status")
    last = task["last_error"]
    wait = f"waited: {FOR_MONEY}"
    if last is not None and last.startswith(wait):
        text = f"its agent waits for money, and asks again in {span(due_s)}"
        return Reason("money", f"{text}: {last.removeprefix(wait)}", "oppspot-runner costs budgets")
    why = "" if last is None else f"; its last attempt: {last}"
    return Reason("parked", f"{due}, in {span(due_s)}{why}", task["run_now"])


def waiting(task: dict[str, Any]) -> Reason:
    """Of a task whose agent waits for something; `task` is a row of explain/task."""
    text = f"its agent waits for {awaited(task)}, and holds no slot"
    if task["children"] is not None:
        text = f"{text}; {task['children']}"
    return Reason("waiting", text, task["end_wait"])


def paused(pause: dict[str, Any]) -> Reason:
    """Of what somebody paused; `pause` is a row of explain/pauses."""
    why = f" ({pause['reason']})" if pause["reason"] else ""
    return Reason(
        "paused",
        f"{whose(pause)} is paused {when(pause['paused_at'], 'since')}{why}",
        f"oppspot-runner resume --{pause['scope']} {pause['key']}",
    )


def held_back(breaker: dict[str, Any]) -> Reason:
    """Of an agent after errors in a row; `breaker` is a row of breakers/list."""
    if breaker["probe_id"] is not None:
        then = f"task {breaker['probe_id']} is the try that decides"
    elif breaker["next_try_s"] > 0:
        then = f"one task is tried in {span(breaker['next_try_s'])}"
    else:
        then = f"one task is tried: {NEXT_POLL}"
    return Reason(
        "breaker_open",
        f"the breaker of the agent {breaker['agent_name'] or breaker['agent_id']} is "
        f"{breaker['state']} after {breaker['failures']} errors in a row: {then}; "
        f"the last error: {breaker['last_error']}",
        f"oppspot-runner resume --agent {breaker['agent_id']}",
    )


def whose(row: dict[str, Any]) -> str:
    """What a pause or a limit is on."""
    return f"the {'organisation' if row['scope'] == 'org' else row['scope']} {row['name']}"


def when(time: Any, word: str = "at") -> str:
    """`word` and a time; nothing where there is none."""
    return f"{word} {moment(time)}" if time is not None else ""
