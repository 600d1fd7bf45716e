"""Every operation of the OpenAPI file, by some hundred made requests: every bound of every field
from both sides, and what chance brings."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, Phase, settings

from tests.api.contract import Served, operations, send, served

__all__ = ["served"]


@operations.parametrize()
@settings(
    max_examples=100,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_operation_keeps_to_the_file(case: Any, served: Served) -> None:
    send(case, served)
