"""How fast a run of agents goes: its strategy, and how many of them may be on at once."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, Literal, get_args

from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.base.payload import whole_number

Strategy = Literal["event", "level", "sequential"]
STRATEGIES: tuple[str, ...] = get_args(Strategy)
MOST_PARALLEL = 1_000_000


def pace(strategy: str, max_parallel: int | None) -> dict[str, Any]:
    """The parameters of a new run. Raises InvalidInputError."""
    if strategy not in STRATEGIES:
        near = get_close_matches(str(strategy), STRATEGIES, 1)
        raise InvalidInputError(
            f"there is no strategy {str(strategy)[:80]!r}; there are {', '.join(STRATEGIES)}",
            hint=f"Did you mean {near[0]}?" if near else None,
        )
    if max_parallel is not None:
        whole_number(max_parallel, "max_parallel", least=1, most=MOST_PARALLEL)
    return {"strategy": strategy, "max_parallel": max_parallel}
