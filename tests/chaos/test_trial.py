"""A small trial of some faults, and what makes a trial repeatable."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest

from tests.chaos.faults import FAULTS
from tests.chaos.faults.partition import Partition
from tests.chaos.fleet import ROOT
from tests.chaos.scripts import KINDS, SPECIAL, scripts
from tests.chaos.server import Postgres
from tests.chaos.trial import Size, decisions, trial, work

pytestmark = pytest.mark.ci_slice

SMALL = Size(injections=2, tasks_each=80, runners=2)
ONCE = Size(injections=1, tasks_each=120)
SEED = 20261126


@pytest.mark.parametrize("name", ["kill", "deposed", "terminate"])
async def test_nothing_is_lost_and_nothing_is_done_twice(
    name: str, postgres: Postgres, tmp_path: Path
) -> None:
    result = await trial(FAULTS[name], postgres, tmp_path, seed=SEED, size=SMALL)
    assert result.violations == []
    assert result.injected == SMALL.injections
    assert result.tasks >= SMALL.injections * SMALL.tasks_each


class Held(Partition):
    """As where network namespaces are refused."""

    networks = False


@pytest.mark.parametrize("fault", [Partition(), Held()], ids=["network", "proxy"])
async def test_who_was_cut_off_for_longer_than_its_lease_comes_back_and_writes_nothing_late(
    fault: Partition, postgres: Postgres, tmp_path: Path
) -> None:
    result = await trial(fault, postgres, tmp_path, seed=SEED + fault.networks, size=ONCE)
    print(result.remark)
    assert result.violations == []
    assert result.injected == 1
    assert result.lost > 0


@pytest.mark.parametrize("name", FAULTS)
def test_a_seed_repeats_what_a_trial_decides(name: str) -> None:
    fault = FAULTS[name]
    assert decisions(fault, 1, SMALL) == decisions(fault, 1, SMALL)
    assert decisions(fault, 1, SMALL) != decisions(fault, 2, SMALL)
    assert work(fault, 1, SMALL) == work(fault, 1, SMALL)


def test_the_documentation_tells_of_every_fault() -> None:
    page = (ROOT / "docs/operations/reliability.md").read_text()
    told = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
    assert sorted(told) == sorted(FAULTS)


def test_all_kinds_of_tasks_come_and_each_has_a_key_of_its_own() -> None:
    made = scripts(Random(1), 2000, dict.fromkeys(SPECIAL, 1))
    assert {script.kind for script in made} == KINDS.keys() | SPECIAL.keys()
    assert len({script.key for script in made}) == len(made)
