"""Why no runner takes a waiting task: none lives, or none that lives may take it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from oppspot_runner.app.holds import Reason
from oppspot_runner.base.task import HEALTH_CHECK
from oppspot_runner.base.wording import ago

Row: TypeAlias = dict[str, Any]


def of_runners(task: Row, runners: Sequence[Row]) -> Iterator[Reason]:
    """What is in the way. `runners` are rows of runners/list, `task` is one of explain/task."""
    alive = [row for row in runners if row["alive"]]
    serving = [row for row in alive if _serves(row, task["task_type"])]
    labelled = [row for row in serving if set(task["labels"]) <= set(row["labels"])]
    if not alive:
        yield _no_runner(runners)
    elif not serving:
        yield _type_not_served(task, alive)
    elif not labelled:
        yield _lacks_labels(task["labels"], serving)
    elif not (fit := _fit(task, runners)):
        yield _too_old(task, labelled)
    elif not able_runners(task, runners):
        states = ", ".join(f"{row['id']} is {row['state']}" for row in fit)
        resume = any(row["state"] != "stopping" for row in fit)
        fix = "oppspot-runner resume" if resume else "oppspot-runner start"
        yield Reason("runners_paused", f"no runner that may take it does so: runner {states}", fix)
    if labelled and task["agent_type"] and not any(_knows(row, task) for row in labelled):
        yield Reason(
            "unknown_agent_type",
            f"no live runner knew the agent type {task['agent_type']!r} when it started: "
            "the task fails when one of them takes it",
            "oppspot-runner start --import MODULE_WITH_THE_AGENT",
            holds=False,
        )


def able_runners(task: Row, runners: Sequence[Row]) -> list[Row]:
    """The runners that take such tasks now."""
    return [row for row in _fit(task, runners) if row["state"] == "running"]


def free_slots(task: Row, runners: Sequence[Row]) -> int:
    """How many slots that may run it are free."""
    able = able_runners(task, runners)
    return sum(max(row["slots"] - row["running"], 0) for row in able if not row["alone"])


def _fit(task: Row, runners: Sequence[Row]) -> list[Row]:
    """Live runners that may take it, in whatever state. Where some know its agent type, the others
    leave it to them."""
    fit = [
        row
        for row in runners
        if row["alive"]
        and _serves(row, task["task_type"])
        and set(task["labels"]) <= set(row["labels"])
        and task["needs_protocol"] <= row["protocol"]
    ]
    return [row for row in fit if _knows(row, task)] or fit


def _serves(row: Row, task_type: str) -> bool:
    if task_type.startswith(f"{HEALTH_CHECK}:"):
        return task_type == f"{HEALTH_CHECK}:{row['id']}"
    return row["task_types"] is None or task_type in row["task_types"]


def _knows(row: Row, task: Row) -> bool:
    return row["agent_types"] is None or task["agent_type"] in row["agent_types"]


def _type_not_served(task: Row, alive: Sequence[Row]) -> Reason:
    served = sorted({one for row in alive for one in row["task_types"] or ()})
    others = f"; served: {', '.join(served)}" if served else ""
    return Reason(
        "type_not_served",
        f"no live runner takes tasks of the type {task['task_type']}{others}",
        f"oppspot-runner start --task-type {task['task_type']}",
    )


def _lacks_labels(asked: Sequence[str], serving: Sequence[Row]) -> Reason:
    offered = {label for row in serving for label in row["labels"]}
    nobody_has = [label for label in asked if label not in offered]
    what = ", ".join(nobody_has)
    text = f"no live runner that serves its type has the label {what}"
    if len(nobody_has) > 1:
        text = f"no live runner that serves its type has any of the labels {what}"
    elif not nobody_has:
        text = f"no live runner that serves its type has all of the labels {', '.join(asked)}"
    others = f"; there are: {', '.join(sorted(offered))}" if offered else ""
    return Reason(
        "labels_not_offered",
        f"{text}, for which its agent asks{others}",
        f"oppspot-runner start --labels {','.join(asked)}",
    )


def _too_old(task: Row, labelled: Sequence[Row]) -> Reason:
    versions = ", ".join(sorted({row["version"] for row in labelled}))
    return Reason(
        "runners_too_old",
        f"it was written for protocol {task['needs_protocol']}, and live runners are of older "
        f"releases: {versions}",
        "pip install --upgrade oppspot-runner, and start the runners anew",
    )


def _no_runner(runners: Sequence[Row]) -> Reason:
    lost = [row for row in runners if not row["alive"]]
    last = min(lost, key=lambda row: row["heartbeat_age_s"], default=None)
    more = ""
    if last is not None:
        more = (
            f"; the last one, runner {last['id']} on {last['host']} (pid {last['pid']}), "
            f"was heard of {ago(last['heartbeat_age_s'])}"
        )
    return Reason("no_runner", f"no runner is alive{more}", "oppspot-runner start")
