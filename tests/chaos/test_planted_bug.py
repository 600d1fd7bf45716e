"""Without the fence the same trial must be full of violations: the checker is no ornament."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import ClassVar

import pytest

from tests.chaos.faults.deposed import Deposed
from tests.chaos.fleet import ROOT
from tests.chaos.server import Postgres
from tests.chaos.trial import Size, trial

# Not in the slice of CI: not every trial brings about that a zombie writes while nobody looks.
pytestmark = pytest.mark.timeout(300)

TRIALS = 6
SIZE = Size(injections=10, tasks_each=50, runners=2, drain_s=5)
PROGRAM = ("oppspot_runner", "sql", "tests/chaos")
FENCE = re.compile(r"\w*\.?run_token = (?:g\.token|%\(run_token\)s)")
PROMISED = "SELECT g.*, t.execution_id,"  # only a row that is being run has one
MADE = "SELECT g.*, coalesce(t.execution_id, oppspot_uuid()) AS execution_id,"


class Saving(Deposed):
    """Every second task leaves an effect, and nothing is fenced."""

    special: ClassVar[dict[str, int]] = {"saves": 80}

    def program(self, folder: Path) -> Path:
        return without_fence(folder / "code")


def without_fence(folder: Path) -> Path:
    """A copy of the program in which an end is written whoever has the task by now."""
    for name in PROGRAM:
        shutil.copytree(ROOT / name, folder / name)
    for name in ("pyproject.toml", "tests/__init__.py"):
        shutil.copy(ROOT / name, folder / name)
    for statement in ("finish", "hold"):
        path = folder / f"sql/queries/queue/{statement}.sql"
        text, places = FENCE.subn("true", path.read_text())
        assert places, f"{path.name} has no fence that this test knows"
        assert statement == "hold" or PROMISED in text
        path.write_text(text.replace(PROMISED, MADE))
    return folder


async def test_without_the_fence_the_checker_finds_results_that_were_accepted_twice(
    postgres: Postgres, tmp_path: Path
) -> None:
    wanted, found = {"one result was accepted", "effects are there once"}, set[str]()
    for seed in range(TRIALS):
        folder = tmp_path / f"trial-{seed}"
        folder.mkdir()
        result = await trial(Saving(), postgres, folder, seed=seed, size=SIZE)
        found |= {violation.what for violation in result.violations}
        if wanted <= found:
            return
    assert wanted <= found
