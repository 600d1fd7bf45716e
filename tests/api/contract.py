"""Requests made from the OpenAPI file, and a server that they go to.

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
# Streams do not end; they have tests of their own.
operations = schemathesis.openapi.from_dict(described.openapi()).exclude(
    path_regex="/events$|/changes$"
)
WAITING = re.compile("/v1/agents/.*/execute$")
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
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


def send(case: Any, served: Served) -> None:
    """Sends a made request; the answer must be one that the file knows, and no fault of ours."""
    at_random = random.Random(repr(case.path_parameters))
    for name in case.path_parameters or ():
        if served.ids.get(name) and at_random.random() < MADE_KNOWN:
            case.path_parameters[name] = at_random.choice(served.ids[name])
    if case.operation.path == "/api/v1/agents/{agent_id}/execute":
        case.query = {**(case.query or {}), "wait": 0}  # no runner is there that could end it
    case.call_and_validate(base_url=served.url, checks=CHECKS)
