"""Runners of an earlier version and of this one, together on one schema, with tasks in flight."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.faults.upgrade import Upgrade
from tests.chaos.fleet import plain_environment
from tests.chaos.server import SUPERUSER, Postgres
from tests.chaos.trial import Size, database_of, decisions, trial

pytestmark = [
    pytest.mark.ci_slice,
    pytest.mark.skipif(Upgrade().missing() is not None, reason=Upgrade().missing() or ""),
]
SIZE = Size(injections=3, tasks_each=100, runners=2)
SEED = 10  # to this version, back, and to this one again; by a stop and by kill -9


def logged(folder: Path) -> list[dict[str, Any]]:
    """All that the runners of a trial wrote into their logs."""
    lines = [line for log in folder.glob("runner-*.log") for line in log.read_text().splitlines()]
    return [json.loads(line) for line in lines]


async def test_nothing_is_lost_and_nothing_done_twice_while_versions_change(
    postgres: Postgres, tmp_path: Path
) -> None:
    chosen = [decision for _, decision in decisions(Upgrade(), SEED, SIZE)]
    assert [one["back"] for one in chosen] == [False, True, False]
    assert {one["hard"] for one in chosen} == {True, False}

    result = await trial(Upgrade(), postgres, tmp_path, seed=SEED, size=SIZE)
    assert result.violations == []
    assert result.injected == SIZE.injections
    errors = [one for one in logged(tmp_path) if one["level"] == "error"]
    assert [one for one in errors if one["event"] != "attempt ended"] == []

    # What is left of the trial is a schema of this version, and the program of the earlier one.
    for words, code in {("migrate", "--check"): 0, ("status",): 3, ("tasks", "list"): 0}.items():
        done = subprocess.run(
            [sys.executable, "-m", "oppspot_runner", *words],
            cwd=tmp_path / "earlier" / "code",
            env=plain_environment()
            | {"DATABASE_URL": postgres.dsn(database_of(Upgrade(), SEED), SUPERUSER)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
