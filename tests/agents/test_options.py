"""Options of a row: what the database does not read as a limit is refused, not passed over."""

from __future__ import annotations

import json

import pytest

from oppspot_runner.agents.options import AgentOptions
from oppspot_runner.base.errors import ConfigurationError

NUMBERS = ["1.0", "1e0", "true", '" 1 "', '"+1"', '"1_0"', "-1", "99999999999", "[1]", '"many"']
RATES = ["5", '"5"', '"0/s"', '"\\u0663/s"', '"3\\u00a0/s"', '""', "true"]


@pytest.mark.parametrize(
    ("key", "value"), [*(("concurrency", n) for n in NUMBERS), *(("rate", r) for r in RATES)]
)
def test_a_limit_that_would_not_be_kept_to_fails_the_task_and_is_named(
    key: str, value: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"configuration cannot be used: {key}"):
        AgentOptions().overridden({key: json.loads(value)})
