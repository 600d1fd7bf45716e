"""What an agent spawns, checked; and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from oppspot_runner.base.errors import ChildrenFailedError, Fail, InvalidInputError
from oppspot_runner.base.payload import object_json, plain_text

MOST_CHILDREN = 10_000
MOST_CHARACTERS = 64 * 1024 * 1024
MOST_AGENT_NAME = 150  # the step has a longer name


def checked_agent(agent: str | UUID) -> str:
    """The agent as text. Raises InvalidInputError."""
    return plain_text(str(agent), "the agent", most=MOST_AGENT_NAME)


def payloads_json(payloads: Sequence[Mapping[str, Any] | BaseModel]) -> str:
    """All of them as a JSON array. Raises InvalidInputError that names the one that is unusable."""
    if len(payloads) > MOST_CHILDREN:
        raise InvalidInputError(
            f"{len(payloads):,} payloads are more than {MOST_CHILDREN:,}",
            hint="Spawn agents that spawn others, or give each a part of the list.",
        )
    texts = [object_json(one, f"payload {place}") for place, one in enumerate(payloads)]
    if sum(map(len, texts)) > MOST_CHARACTERS:
        raise InvalidInputError("the payloads have more than 64 MiB together")
    return f"[{','.join(texts)}]"


def outputs(
    children: Sequence[Mapping[str, Any]], count: int, *, return_exceptions: bool
) -> list[Any]:
    """Outputs of `count` children, rows of queue/children. Raises ChildrenFailedError."""
    if len(children) != count:
        raise ChildrenFailedError(f"{count - len(children)} of {count} children are deleted")
    failed = [one for one in children if one["status"] != "completed"]
    if failed and not return_exceptions:
        first = failed[0]
        raise ChildrenFailedError(
            f"{len(failed)} of {count} children did not complete; "
            f"task {first['id']} {first['status']}: {first['error_message']}"
        )
    return [
        one["output"]
        if one["status"] == "completed"
        else Fail(f"task {one['id']} {one['status']}: {one['error_message']}")
        for one in children
    ]
