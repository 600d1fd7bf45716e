"""What the OpenAPI file says is what the server does: made requests, good and bad ones.

Each operation gets requests that schemathesis makes from the file; ids in paths are mostly
those of rows that are there. An answer has to be one that the file knows, never 5xx.
"""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from oppspot_runner.agents.registry import Registry
from oppspot_runner.api.application import build_application
from oppspot_runner.api.state import ApiState
from oppspot_runner.base.settings import Settings
from oppspot_runner.db.pool import Database
from tests.api.planting import known_ids, plant
from tests.api.serving import serving
from tests.conftest import create_database, drop_database

described = build_application(
    ApiState(Database("postgresql://nobody@localhost/none"), Settings(_env_file=None), Registry())
)
schema = schemathesis.openapi.from_dict(described.openapi())
# Streams do not end; they have tests of their own.
ENDLESS = "/events$|/changes$"
WAITING = re.compile("/v1/agents/.*/execute$")
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = 8
MADE_KNOWN = 0.7


@dataclass(frozen=True)
class Served:
    """A server, and ids of its rows."""

    url: str
    ids: Mapping[str, Sequence[str]]


@pytest.fixture(scope="module")
def served(server: str, template: str) -> Iterator[Served]:
    name = f"oppspot_test_{uuid.uuid4().hex[:12]}"
    dsn = create_database(server, name, template)
    plant(dsn)
    with serving(dsn) as url:
        yield Served(url, known_ids(dsn))
    drop_database(name)


@schema.exclude(path_regex=ENDLESS).parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_operation_keeps_to_the_file(case: Any, served: Served) -> None:
    at_random = random.Random(repr(case.path_parameters))
    for name in case.path_parameters or ():
        if served.ids.get(name) and at_random.random() < MADE_KNOWN:
            case.path_parameters[name] = at_random.choice(served.ids[name])
    if WAITING.search(case.path):
        case.query = {**(case.query or {}), "wait": 0}  # nobody runs what is executed
    case.call_and_validate(base_url=served.url, checks=CHECKS)


def test_the_file_names_a_scope_for_every_operation() -> None:
    scopes = {
        (path, operation["x-scope"])
        for path, item in described.openapi()["paths"].items()
        for operation in item.values()
    }
    assert {path for path, scope in scopes if scope == "none"} <= {"/healthz", "/readyz"}
