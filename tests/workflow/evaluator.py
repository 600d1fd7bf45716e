"""How a graph must end, whatever the order in which its agents end: the rules once more, short."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

COMPLETED, FAILED, CANCELLED, SKIPPED = "completed", "failed", "cancelled", "skipped"


@dataclass(frozen=True)
class Node:
    """An agent of a graph. `needs` are places in the list of nodes, smaller than its own.

    `end` is how its task ends, after `retries` errors, with `output`. It runs only if something
    above it gave more than `more_than`. `approval`: None, "given", or "late": it comes too late.
    """

    needs: tuple[int, ...] = ()
    on_failure: str = "skip"
    more_than: int | None = None
    approval: str | None = None
    end: str = COMPLETED
    output: int = 0
    retries: int = 0


def evaluate(nodes: Sequence[Node], kept: Mapping[int, str] | None = None) -> list[str]:
    """The state of each node in the end; `kept` have run before and are not asked again."""
    states: list[str] = []
    for place, node in enumerate(nodes):
        if kept and place in kept:
            states.append(kept[place])
            continue
        whole = [one for one in node.needs if states[one] == COMPLETED]
        best = max((nodes[one].output for one in whole), default=None)
        if len(whole) < len(node.needs) and node.on_failure != "run":
            states.append(SKIPPED if node.on_failure == "skip" else FAILED)
        elif node.more_than is not None and (best is None or best <= node.more_than):
            states.append(SKIPPED)
        elif node.approval == "late":
            states.append(FAILED)
        else:
            states.append(node.end)
    return states


def run_status(states: Sequence[str]) -> str:
    """How the run as a whole ended."""
    return FAILED if FAILED in states else CANCELLED if CANCELLED in states else COMPLETED
