"""Child processes of a runner that is killed."""

from __future__ import annotations

import json

import pytest

from tests.backends.conftest import lives
from tests.daemon.conftest import Fleet


@pytest.mark.parametrize("kind", ["forking", "stuck"])
def test_children_die_with_a_runner_that_is_killed(fleet: Fleet, kind: str) -> None:
    runner = fleet.start("--import", "tests.daemon.child_agents")
    note = fleet.folder / "pids"
    fleet.task(fleet.agent(kind), json.dumps({"note": str(note)}))
    fleet.until(lambda: note.exists() and note.read_text() != "")
    pids = [int(word) for word in note.read_text().split()]
    assert all(lives(pid) for pid in pids)
    runner.kill()
    fleet.until(lambda: not [pid for pid in pids if lives(pid)])
