"""The rules behind `tasks explain` for an agent of a run that has no task (yet). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from oppspot_runner.app.reasons import Reason, was, when
from oppspot_runner.base.wording import progress


def of_node(node: dict[str, Any], above: Sequence[dict[str, Any]]) -> list[Reason]:
    """Why an agent of a run has no task yet, or will get none. `above`: rows of explain/above."""
    name = node["agent_name"]
    if node["status"] == "waiting":
        return [_waiting_for(node, one) for one in above]
    if node["status"] == "skipped":
        return [
            Reason(
                "skipped",
                f"{name} was skipped, because {one['agent_name']} {_ended_as(one)}",
                f"oppspot-runner tasks retry {one['task_id']}",
            )
            for one in above
            if one["status"] in ("failed", "cancelled")
        ]
    task = f"oppspot-runner tasks show {node['task_id']}"
    return [Reason(node["status"], f"{name} {node['status']} {when(node['finished_at'])}", task)]


def _waiting_for(node: dict[str, Any], parent: dict[str, Any]) -> Reason:
    name = parent["agent_name"]
    if parent["status"] == "waiting":
        text = f"it waits for {name}, which waits itself"
        fix = f"oppspot-runner tasks explain {node['run_id']} --agent {parent['agent_id']}"
        return Reason("waiting_for", text, fix)
    done = progress(parent["progress"])
    state = f"{parent['task_status'] or 'gone'}{f' ({done})' if done else ''}"
    fix = f"oppspot-runner tasks explain {parent['task_id']}"
    return Reason("waiting_for", f"it waits for {name}, whose task is {state}", fix)


def _ended_as(parent: dict[str, Any]) -> str:
    error = f": {parent['error_message']}" if parent["error_message"] else ""
    return f"{was(parent['status'])}{error}"
