"""The rules behind `tasks explain` for an agent of a run that has no task (yet). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from oppspot_runner.app.holds import Reason, when
from oppspot_runner.app.reasons import was
from oppspot_runner.base.wording import progress


def of_node(node: dict[str, Any], above: Sequence[dict[str, Any]]) -> list[Reason]:
    """Why an agent of a run has no task yet, or will get none. `above`: rows of explain/above."""
    name = node["agent_name"]
    match node["status"]:
        case "waiting":
            return [_waiting_for(node, one) for one in above if not _is_over(one)]
        case "awaiting_approval":
            return [_awaiting_approval(node)]
        case "ready":
            return [_paced(node)]
        case "skipped" | "failed" | "cancelled" if node["task_id"] is None:
            own = node["reason"]
            if own is not None:
                text = f"{name} {_was(node['status'])}: {own}"
                return [Reason(node["status"], text, _rerun(node))]
            return [_because_of(node, one) for one in above if _is_over(one)]
    task = f"oppspot-runner tasks show {node['task_id']}"
    return [Reason(node["status"], f"{name} {node['status']} {when(node['finished_at'])}", task)]


def _awaiting_approval(node: dict[str, Any]) -> Reason:
    until = when(node["approve_by"], "until")
    return Reason(
        "awaiting_approval",
        f"somebody has to approve of it{f', {until}' if until else ''}",
        f"oppspot-runner runs approve {node['run_id']} {node['agent_id']}",
    )


def _paced(node: dict[str, Any]) -> Reason:
    paces = []
    if node["strategy"] != "event":
        paces.append(f"the run goes by the strategy {node['strategy']}, and others are before it")
    if node["max_parallel"] is not None:
        paces.append(f"the run may have {node['max_parallel']} agents on at once")
    show = f"oppspot-runner runs show {node['run_id']}"
    return Reason("paced", f"it waits for nobody, but {'; '.join(paces)}", show)


def _waiting_for(node: dict[str, Any], parent: dict[str, Any]) -> Reason:
    name = parent["agent_name"]
    if parent["status"] != "queued":
        text = f"it waits for {name}, which waits itself"
        fix = f"oppspot-runner tasks explain {node['run_id']} --agent {parent['agent_id']}"
        return Reason("waiting_for", text, fix)
    done = progress(parent["progress"])
    state = f"{parent['task_status'] or 'gone'}{f' ({done})' if done else ''}"
    fix = f"oppspot-runner tasks explain {parent['task_id']}"
    return Reason("waiting_for", f"it waits for {name}, whose task is {state}", fix)


def _because_of(node: dict[str, Any], parent: dict[str, Any]) -> Reason:
    error = f": {parent['error_message']}" if parent["error_message"] else ""
    task = parent["task_id"]
    return Reason(
        node["status"],
        f"{node['agent_name']} {_was(node['status'])}, "
        f"because {parent['agent_name']} {_was(parent['status'])}{error}",
        f"oppspot-runner tasks retry {task}" if task is not None else _rerun(parent),
    )


def _rerun(node: dict[str, Any]) -> str:
    return f"oppspot-runner runs rerun {node['run_id']} --from {node['agent_id']}"


def _is_over(node: dict[str, Any]) -> bool:
    return node["status"] in ("failed", "cancelled", "skipped")


def _was(status: str) -> str:
    return "was skipped" if status == "skipped" else was(status)
