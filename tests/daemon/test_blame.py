"""Agents that end their runner three times are blamed for it, and nobody else is."""

from __future__ import annotations

import pytest

from tests.daemon.conftest import Fleet
from tests.daemon.test_renewal import members


@pytest.mark.slow
def test_an_agent_that_never_gives_the_loop_back_is_left_behind_and_the_others_go_on(
    fleet: Fleet,
) -> None:
    process = fleet.start(OPPSPOT_BLOCKED_LIMIT="1")
    hanging, standing = fleet.agent("first_hangs"), fleet.agent("stands_still")
    others = [fleet.task(hanging) for _ in range(2)]
    fleet.until(lambda: all(fleet.status(task) == "processing" for task in others))
    first = members(fleet, process)
    culprit = fleet.task(standing)
    fleet.until(lambda: all(fleet.status(task) == "completed" for task in others), within_s=30)
    fleet.until(lambda: fleet.status(culprit) == "failed", within_s=40)
    charged = {
        row["id"]: (row["crash_count"], row["retry_count"])
        for row in fleet.all("SELECT id, crash_count, retry_count FROM agent_tasks")
    }
    assert charged == {culprit: (3, 0), others[0]: (0, 0), others[1]: (0, 0)}
    after = fleet.task(fleet.agent("quick"))
    fleet.until(lambda: fleet.status(after) == "completed")
    assert process.poll() is None, "it became another program, but not another process"
    assert members(fleet, process)[-1] > first[-1]


@pytest.mark.slow
def test_a_runner_whose_loop_is_ended_by_exit_starts_anew(fleet: Fleet) -> None:
    process = fleet.start()
    first = members(fleet, process)
    culprit = fleet.task(fleet.agent("leaves"))
    fleet.until(lambda: fleet.status(culprit) == "failed", within_s=40)
    after = fleet.task(fleet.agent("quick"))
    fleet.until(lambda: fleet.status(after) == "completed")
    row = fleet.one("SELECT crash_count, retry_count FROM agent_tasks WHERE id = %s", (culprit,))
    assert row == {"crash_count": 3, "retry_count": 0}
    assert process.poll() is None
    assert members(fleet, process)[-1] > first[-1]
