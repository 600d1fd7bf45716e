"""Child processes of a runner that is killed, or starts anew."""

from __future__ import annotations

import json

import pytest

from tests.backends.conftest import lives
from tests.daemon.conftest import Fleet


@pytest.mark.slow
@pytest.mark.parametrize("end", ["killed", "renewed"])
@pytest.mark.parametrize("kind", ["forking", "stuck"])
def test_children_die_with_their_runner(fleet: Fleet, kind: str, end: str) -> None:
    runner = fleet.start("--import", "tests.daemon.child_agents", OPPSPOT_BLOCKED_LIMIT="1")
    note = fleet.folder / "pids"
    fleet.task(fleet.agent(kind), json.dumps({"note": str(note)}))
    fleet.until(lambda: note.exists() and note.read_text() != "")
    pids = [int(word) for word in note.read_text().split()]
    assert all(lives(pid) for pid in pids)
    if end == "killed":
        runner.kill()
    else:
        fleet.task(fleet.agent("spins"))
    fleet.until(lambda: not [pid for pid in pids if lives(pid)])
    assert end == "killed" or runner.poll() is None
