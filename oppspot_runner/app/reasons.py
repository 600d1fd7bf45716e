"""The rules behind `tasks explain`: facts in, reasons out, each with what to do about it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from oppspot_runner.app.holds import NEXT_POLL, Reason, held_back, parked, paused, waiting, whose
from oppspot_runner.app.runner_reasons import able_runners, free_slots, of_runners
from oppspot_runner.base.rate import written_rate
from oppspot_runner.base.task import ALONE_FROM, HEALTH_CHECK, NOTIFICATION
from oppspot_runner.base.wording import BAD_PAYLOAD, ago, progress, span

LATE_BEATS = 2
LEFT_TO_ANY = 0  # the runner of a task that was left to whoever adopts it


@dataclass(frozen=True)
class Facts:
    """A row of explain/task, pauses, limits and the open breaker of that task, and all runners
    (`alive` or not).

    `ahead` tasks are before it in line; it is counted no further than `most_ahead`. `shares` are
    organisations that go first where runners share fairly.
    """

    task: dict[str, Any]
    pauses: Sequence[dict[str, Any]]
    limits: Sequence[dict[str, Any]]
    breakers: Sequence[dict[str, Any]]
    runners: Sequence[dict[str, Any]]
    ahead: int
    most_ahead: int
    shares: Sequence[dict[str, Any]] = ()


def of_task(facts: Facts) -> list[Reason]:
    """What holds a task, or what became of it."""
    match facts.task["status"]:
        case "pending":
            found = [
                *_of_the_task(facts),
                *_of_limits(facts),
                *of_runners(facts.task, facts.runners),
            ]
            if any(one.holds for one in found):
                return found
            return [*found, *_of_shares(facts), _in_line(facts)]
        case "processing":
            return [_running(facts)]
        case _:
            return [_ended(facts.task)]


def _of_the_task(facts: Facts) -> Iterator[Reason]:
    task = facts.task
    if task["parked"]:
        yield waiting(task) if task["waits_for"] else parked(task)
    for pause in facts.pauses:
        yield paused(pause)
    for breaker in facts.breakers:
        yield held_back(breaker)
    if task["crash_count"] >= ALONE_FROM:
        yield Reason(
            "runs_alone",
            f"its runner was lost {task['crash_count']} times while it ran: "
            "a runner takes it only when it runs nothing else",
            f"oppspot-runner tasks show {task['id']}",
            holds=False,
        )
    yield from _will_fail(task)


def _will_fail(task: dict[str, Any]) -> Iterator[Reason]:
    if not task["has_agent"]:
        text = "it has no agent, and fails when a runner takes it"
        if task["task_type"].partition(":")[0] not in (HEALTH_CHECK, NOTIFICATION):
            yield Reason("no_agent", text, "oppspot-runner agents list", holds=False)
    elif not task["is_active"] and not task["forced"]:
        yield Reason(
            "agent_inactive",
            f"the agent {task['agent_name']} is inactive: the task fails when a runner takes it",
            f"oppspot-runner agents update {task['agent_id']} --active",
            holds=False,
        )


def _of_limits(facts: Facts) -> Iterator[Reason]:
    full = False
    for row in facts.limits:
        if row["concurrency"] is not None and row["running"] >= row["concurrency"]:
            full = True
            yield _capped(row)
        if row["rate"] is not None and row["tokens"] < 1:
            pace, next_in = written_rate(row["rate"]), span(row["next_s"])
            text = f"{whose(row)} may start {pace}; the next may in {next_in}"
            yield Reason("rate_limited", text, row["more_often"])
    if facts.task["blocked"] and not full:
        text = f"its key {facts.task['limit_key']} had no room; {NEXT_POLL}"
        yield Reason("capped", text, "oppspot-runner status")


def _capped(row: dict[str, Any]) -> Reason:
    longest = f" (the longest: {', '.join(map(str, row['holders']))})" if row["holders"] else ""
    text = f"{whose(row)} may run {row['concurrency']} at once, and {row['running']} run{longest}"
    return Reason("capped", text, row["more_at_once"])


def _of_shares(facts: Facts) -> Iterator[Reason]:
    if facts.shares and free_slots(facts.task, facts.runners) == 0:
        others = ", ".join(f"{row['name']} {row['running']}" for row in facts.shares)
        yield Reason(
            "fair_share",
            "organisations share fairly, and others have fewer running tasks for their weight: "
            f"its own has {facts.shares[0]['own']}; {others}",
            "oppspot-runner limits set --org ID --weight MORE",
            holds=False,
        )


def _in_line(facts: Facts) -> Reason:
    if facts.task["task_type"] == NOTIFICATION:
        text = "it needs no slot: each runner delivers one notification at a time beside them"
        return Reason("in_line", f"{text}; {NEXT_POLL}", "oppspot-runner notifications list")
    free, able = free_slots(facts.task, facts.runners), able_runners(facts.task, facts.runners)
    slots = f"{free} of {sum(row['slots'] for row in able)} slots are free"
    if alone := ", ".join(str(row["id"]) for row in able if row["alone"]):
        slots += f" (a task that took down two runners has runner {alone} for itself)"
    fix = None if free else "oppspot-runner start --concurrency MORE"
    if facts.ahead == 0:
        when = NEXT_POLL if free else "it is next"
        return Reason("in_line", f"nothing is before it and {slots}: {when}", fix)
    more = "at least " if facts.ahead >= facts.most_ahead else ""
    many = "1 task is" if facts.ahead == 1 else f"{more}{facts.ahead} tasks are"
    return Reason("in_line", f"{many} before it; {slots}", fix)


def _running(facts: Facts) -> Reason:
    task = facts.task
    if task["lease_s"] is None or task["lease_s"] <= 0:
        return _lost(facts)
    where = f"runner {task['runner_id']} on {task['host']} (pid {task['pid']})"
    if task["heartbeat_age_s"] > LATE_BEATS * task["beat_s"]:
        return Reason(
            "runner_silent",
            f"{where} runs it, but was last heard of {ago(task['heartbeat_age_s'])}; "
            f"in {span(task['lease_s'])} its lease ends and another runner may take it over",
            "oppspot-runner status",
        )
    if task["held"]:
        return Reason(
            "runs_alone",
            f"{where} has it and waits for its other tasks to end: it runs alone, because its "
            f"runner was lost {task['crash_count']} times while it ran",
            f"oppspot-runner tasks show {task['id']}",
        )
    done = progress(task["progress"])
    text = f"{where} runs it for {span(max(task['started_s'], 0))}, attempt {task['attempt']}"
    if task["cancel_requested"]:
        return Reason("cancelling", f"{text}; it was asked to end: {task['cancel_reason']}")
    fix = f"oppspot-runner tasks cancel {task['id']}"
    return Reason("running", f"{text}{f', {done}' if done else ''}", fix, holds=False)


def _lost(facts: Facts) -> Reason:
    task = facts.task
    if task["runner_id"] == LEFT_TO_ANY:
        text = "its body runs elsewhere, and the runner that waited for its end left it"
    elif task["lease_s"] is None:
        text = f"runner {task['runner_id']}, which ran it, is gone"
    else:
        text = (
            f"runner {task['runner_id']} on {task['host']} (pid {task['pid']}), which ran it, "
            f"was lost: its lease ended {ago(-task['lease_s'])}"
        )
    if any(row["alive"] for row in facts.runners):
        return Reason("runner_lost", f"{text}; {NEXT_POLL}", "oppspot-runner status")
    return Reason("runner_lost", f"{text}, and no runner is alive", "oppspot-runner start")


def _ended(task: dict[str, Any]) -> Reason:
    text = f"it {was(task['status'])} {ago(task['finished_s'])}".rstrip()
    if task["cancel_reason"] not in (None, task["error_message"]):
        text += f" ({task['cancel_reason']})"
    if task["error_message"]:
        text += f": {task['error_message']}"
    return Reason(task["status"], text, _again(task))


def _again(task: dict[str, Any]) -> str | None:
    """What puts an ended task in line again, with another payload where that is what it lacks."""
    if task["status"] == "completed":
        return None
    if task["status"] == "failed" and (task["error_message"] or "").startswith(BAD_PAYLOAD):
        return f"oppspot-runner dead-letters requeue {task['id']} --payload '{{...}}'"
    return f"oppspot-runner tasks retry {task['id']}"


def was(status: str) -> str:
    """How a task or a node ended, after its name."""
    return "was cancelled" if status == "cancelled" else status
