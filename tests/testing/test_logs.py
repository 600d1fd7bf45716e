"""Lines of agents in tests of users: pytest has them, and nobody else."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import structlog

from oppspot_runner.observe.logging import task_log
from oppspot_runner.testing.logs import keep_lines
from tests.queue.acts import begun


@pytest.fixture
def as_they_are() -> Iterator[dict[str, Any]]:
    """The settings of structlog before the test, which are there again after it."""
    before = structlog.get_config()
    structlog.reset_defaults()
    yield before
    structlog.configure(**before)


@pytest.mark.usefixtures("as_they_are")
def test_lines_are_records_of_the_standard_library(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    keep_lines()
    with caplog.at_level(logging.INFO):
        structlog.get_logger().debug("for nobody")
        structlog.get_logger().info("asked", password="hunter2", task=7)
    (record,) = caplog.records
    assert "asked" in record.getMessage()
    assert "task=7" in record.getMessage()
    assert "hunter2" not in caplog.text
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("as_they_are")
def test_what_an_agent_logs_is_followed_too(caplog: pytest.LogCaptureFixture) -> None:
    keep_lines()
    told: list[tuple[str, str, Any]] = []
    with caplog.at_level(logging.INFO):
        log = task_log(begun(uuid4(), token=1, attempt=1), 1, lambda *line: told.append(line))
        log.info("asked", status=200)
    assert told == [("info", "asked", {"status": 200})]
    assert "asked" in caplog.text


def test_what_somebody_set_up_himself_stays(as_they_are: dict[str, Any]) -> None:
    structlog.configure(processors=[structlog.processors.JSONRenderer()])
    own = structlog.get_config()
    keep_lines()
    assert structlog.get_config() == own
