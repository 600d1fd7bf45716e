"""Agents from an installed package, by --import as a class and a def, and by registry.register."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.daemon.conftest import Fleet

PACKAGE = """
from oppspot_runner import agent

@agent("from_package")
async def found(ctx):
    return {"by": "entry point"}
"""

MODULE = """
from oppspot_runner import Agent, agent, registry

class Imported(Agent):
    agent_type = "a_class"

    async def execute_agent(self, state):
        return {"by": "class"}

@agent("a_def")
def plain(ctx, payload):
    return {"by": "def", "n": payload["n"]}

def registered(ctx):
    return {"by": "register"}

registry.register(registered, "registered")
"""


@pytest.mark.slow
def test_agents_of_four_origins_run_in_one_runner(fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "their_package.py").write_text(PACKAGE)
    (tmp_path / "our_module.py").write_text(MODULE)
    info = tmp_path / "their_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[oppspot_runner.agents]\nfrom_package = their_package:found\n"
        "broken = their_package:no_such_name\n"
    )
    fleet.start("--import", "our_module", cold=True, PYTHONPATH=str(tmp_path))
    tasks = {
        kind: fleet.task(fleet.agent(kind), '{"n": 7}')
        for kind in ("from_package", "a_class", "a_def", "registered")
    }
    fleet.until(lambda: all(fleet.status(task) == "completed" for task in tasks.values()))
    outputs = {
        kind: fleet.one("SELECT output_data FROM agent_executions WHERE task_id = %s", (task,))[
            "output_data"
        ]
        for kind, task in tasks.items()
    }
    assert outputs == {
        "from_package": {"by": "entry point"},
        "a_class": {"by": "class"},
        "a_def": {"by": "def", "n": 7},
        "registered": {"by": "register"},
    }


def test_a_module_that_cannot_be_imported_is_one_clear_line(fleet: Fleet) -> None:
    said = fleet.command("start", "--import", "no_such_module")
    assert said.returncode == 1
    assert len(said.stderr.strip().splitlines()) == 1
    assert "--import no_such_module failed: ModuleNotFoundError" in said.stderr
