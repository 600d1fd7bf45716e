"""The queue and its model for longer: more steps, more orders.

Not part of the ordinary run: `pytest tests/slow/test_queue_model.py`, which prints its seed.
"""

from __future__ import annotations

import pytest

from tests.queue.test_model import run_machine

pytestmark = pytest.mark.timeout(1800)


def test_the_queue_and_its_model_agree_for_long(
    dsn: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_machine(
        dsn, request.config.getoption("randomly_seed"), monkeypatch, examples=600, steps=100
    )
