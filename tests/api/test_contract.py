"""What the OpenAPI file says is what the server does: some made requests for each operation.

tests/slow has many more.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.api.contract import Served, described, operations, send, served

__all__ = ["served"]


@pytest.mark.slow
@pytest.mark.ci_slice
@operations.parametrize()
@settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_operation_keeps_to_the_file(case: Any, served: Served) -> None:
    send(case, served)


def test_the_file_names_a_scope_for_every_operation() -> None:
    scopes = {
        (path, operation["x-scope"])
        for path, item in described.openapi()["paths"].items()
        for operation in item.values()
    }
    assert {path for path, scope in scopes if scope == "none"} <= {"/healthz", "/readyz"}
