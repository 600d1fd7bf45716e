"""Bodies that run elsewhere and their model: whatever happens to runners, workers and messages in
whatever order.

`pytest tests/slow/test_handoff_model.py` runs it for long; it prints its seed.
"""

from __future__ import annotations

import pytest

from tests.queue.handoff_machine import HandoffMachine
from tests.queue.test_model import run_machine


@pytest.mark.ci_slice
@pytest.mark.timeout(600)  # a counterexample takes minutes to be made small
def test_bodies_elsewhere_and_their_model_agree(
    dsn: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = request.config.getoption("randomly_seed")
    run_machine(dsn, seed, monkeypatch, examples=12, steps=25, machine=HandoffMachine)


@pytest.mark.timeout(1800)
def test_bodies_elsewhere_and_their_model_agree_for_long(
    dsn: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed = request.config.getoption("randomly_seed")
    run_machine(dsn, seed, monkeypatch, examples=600, steps=60, machine=HandoffMachine)
