"""A runner that is cut off from Postgres for a minute, twice as long as its lease, and comes back.

Not part of the ordinary run, because it takes two minutes. Run it by its path.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import ClassVar

import pytest

from tests.chaos.conftest import postgres
from tests.chaos.fault import Decision
from tests.chaos.faults.partition import Partition
from tests.chaos.server import Postgres
from tests.chaos.trial import Size, trial

__all__ = ["postgres"]

CUT_S = 60.0


class Minute(Partition):
    """With the lease that runners have by default."""

    lease_s: ClassVar[float] = 30.0

    def decide(self, chance: Random) -> Decision:
        return {"which": chance.randrange(100), "cut_s": CUT_S}


@pytest.mark.timeout(400)
async def test_a_minute_away_loses_nothing_and_does_nothing_twice(
    postgres: Postgres, tmp_path: Path
) -> None:
    size = Size(injections=1, tasks_each=1000)
    result = await trial(Minute(), postgres, tmp_path, seed=20261127, size=size)
    print(f"{result.remark}; {result.lost} attempts were lost, {result.dropped} results dropped")
    assert result.violations == []
    assert result.lost > 0
