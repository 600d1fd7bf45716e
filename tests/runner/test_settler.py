"""How many ends go into one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from oppspot_runner.queue.settlement import Settlement
from oppspot_runner.runner import settler
from oppspot_runner.runner.settler import Settler
from tests.runner.conftest import FAST, Bench

TASKS = 6


@pytest.mark.parametrize(
    ("length", "flushes"), [(4_000, [2, 2, 2]), (30_000, [1] * TASKS), (10, [TASKS])]
)
async def test_ends_that_meet_share_a_transaction_as_far_as_their_size_allows(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, length: int, flushes: list[int]
) -> None:
    monkeypatch.setattr(settler, "MOST_TEXT", 10_000)
    ended: list[tuple[Settlement, Callable[[bool], None]]] = []
    written: list[int] = []
    settle, write = Settler.settle, Settler._write

    def waiting_for_all(self: Settler, end: Settlement, tell: Callable[[bool], None]) -> None:
        ended.append((end, tell))
        if len(ended) == TASKS:
            for one in ended:
                settle(self, *one)

    async def counted(self: Settler, settlements: Sequence[Settlement]) -> Any:
        written.append(len(settlements))
        return await write(self, settlements)

    async def talkative(ctx: Any) -> dict[str, Any]:
        return {"text": "x" * length}

    monkeypatch.setattr(Settler, "settle", waiting_for_all)
    monkeypatch.setattr(Settler, "_write", counted)
    agent = await bench.agent(talkative)
    tasks = [await bench.task(agent) for _ in range(TASKS)]
    async with bench.running(replace(FAST, slots=TASKS)):
        rows = await bench.ended(*tasks)
    assert {row["status"] for row in rows} == {"completed"}
    assert written == flushes
