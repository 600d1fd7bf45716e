"""Log lines: what each carries, and what never gets into one."""

from __future__ import annotations

import json
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from oppspot_runner.base.redact import REDACTED, redact
from oppspot_runner.observe import logging
from tests.runner.conftest import Bench, bench, registry

__all__ = ["bench", "registry"]

FIELDS = {
    "task_id",
    "execution_id",
    "agent_id",
    "agent_type",
    "stream_id",
    "org_id",
    "runner",
    "attempt",
}


async def test_every_line_about_a_task_carries_its_fields(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    async def chatty(ctx: Any) -> dict[str, Any]:
        ctx.log.info("working", api_key="abc123", url="https://me:hunter2@host/")
        raise ValueError("password=hunter2")

    logging.set_up("json", "debug")
    try:
        agent = await bench.agent(chatty, configuration='{"max_retries": 0}')
        async with bench.running():
            await bench.ended(await bench.task(agent))
    finally:
        logging.set_up("json", "error")
    printed = capsys.readouterr().err
    lines = [json.loads(line) for line in printed.splitlines()]
    about_task = [line for line in lines if "task_id" in line]
    assert {line["event"] for line in about_task} == {"task started", "working", "attempt ended"}
    for line in about_task:
        assert line.keys() >= FIELDS
    assert "hunter2" not in printed
    assert "abc123" not in printed


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ({"password": "x", "n": 1}, {"password": REDACTED, "n": 1}),
        ({"a": [{"Authorization": "Bearer x"}]}, {"a": [{"Authorization": REDACTED}]}),
        ("postgresql://me:secret@host/db", f"postgresql://me:{REDACTED}@host/db"),
        ("?api_key=abc&x=1", f"?api_key={REDACTED}&x=1"),
        ("password: 'p w d' is wrong", f"password: {REDACTED} is wrong"),
        ('api_key="a b" x', f"api_key={REDACTED} x"),
        ("Authorization: Bearer abc.def", f"Authorization: Bearer {REDACTED}"),
        ({"tokens": 5, "run_token": 7}, {"tokens": 5, "run_token": 7}),
        ({"password": ""}, {"password": ""}),
    ],
)
def test_secrets_are_taken_out_by_name_and_inside_text(value: Any, left: Any) -> None:
    assert redact(value) == left


@given(st.text(), st.text(min_size=1, alphabet=st.characters(categories=["L", "N"])))
def test_a_password_in_a_url_never_survives(before: str, secret: str) -> None:
    marked = f"S{secret}S"
    shown = redact(f"{before} postgresql://user:{marked}@host/db")
    assert f":{marked}@" not in shown


def test_console_lines_are_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    logging.set_up("console", "info")
    try:
        structlog.get_logger().info("hello", answer=42)
    finally:
        logging.set_up("json", "error")
    printed = capsys.readouterr().err
    assert "hello" in printed
    assert "answer=42" in printed
