"""Log lines: what each carries, and what never gets into one."""

from __future__ import annotations

import json
import logging as standard
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
        await ctx.llm.ask("four", model="mock:echo")
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
    assert {line["event"] for line in about_task} == {
        "task started",
        "working",
        "the agent raised",
        "attempt ended",
    }
    for line in about_task:
        assert line.keys() >= FIELDS
    (end,) = (line for line in about_task if line["event"] == "attempt ended")
    assert end.items() >= {"model_calls": 1, "tokens": 2, "cost_usd": 0.0}.items()
    (raised,) = (line for line in about_task if line["event"] == "the agent raised")
    assert f'{__file__}", line' in raised["exception"]
    assert raised["exception"].endswith(f"ValueError: password={REDACTED}\n")
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
        ("sk-ant-api03-aB3_dE-fG9hIjK was refused", f"{REDACTED} was refused"),
        ("'AIzaSyA-aB3_dE-fG9hIjK'", f"'{REDACTED}'"),
        ("xoxb-1234567890-aBcDeFgH", REDACTED),
        ("task-1234567890123456 sk-learn-and-others", "task-1234567890123456 sk-learn-and-others"),
    ],
)
def test_secrets_are_taken_out_by_name_and_inside_text(value: Any, left: Any) -> None:
    assert redact(value) == left


@pytest.mark.slow
@pytest.mark.parametrize("letters", ["a", "sk-", "sk"])
def test_a_long_word_does_not_keep_it_busy(letters: str) -> None:
    word = letters * 100_000  # the limit of the test's time is what fails here: it would be minutes
    assert redact(word) == word


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


def test_lines_of_the_standard_library_are_like_ours(capsys: pytest.CaptureFixture[str]) -> None:
    logging.set_up("json", "info")
    try:
        standard.getLogger("psycopg.pool").error("no way to postgresql://me:hunter2@host/db")
        standard.getLogger("theirs").info("sent %s", "it", extra={"api_key": "abc123", "n": 1})
        standard.getLogger("theirs").debug("not asked for")
        try:
            raise ValueError("password=hunter2")
        except ValueError:
            standard.getLogger("asyncio").exception("a task\nfailed")
        structlog.get_logger().info("ours")
    finally:
        logging.set_up("json", "error")
    printed = capsys.readouterr().err
    assert "hunter2" not in printed
    assert "abc123" not in printed
    lines = [json.loads(line) for line in printed.splitlines()]
    assert [(line["level"], line["logger"], line["event"]) for line in lines] == [
        ("error", "psycopg.pool", f"no way to postgresql://me:{REDACTED}@host/db"),
        ("info", "theirs", "sent it"),
        ("error", "asyncio", "a task\nfailed"),
        ("info", "oppspot_runner", "ours"),
    ]
    assert (lines[1]["api_key"], lines[1]["n"]) == (REDACTED, 1)
    assert "ValueError" in lines[2]["exception"]


def test_a_record_that_cannot_be_written_is_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    record = standard.LogRecord("theirs", standard.ERROR, "x.py", 1, "%d", ("nothing",), None)
    logging.STANDARD.handle(record)
    (line,) = (json.loads(text) for text in capsys.readouterr().err.splitlines())
    assert (line["logger"], line["event"]) == ("theirs", "a line could not be logged")
    assert "a real number is required" in line["error"]


def test_setting_up_twice_writes_no_line_twice(capsys: pytest.CaptureFixture[str]) -> None:
    logging.set_up("json", "error")
    standard.getLogger("theirs").error("once")
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_an_error_on_the_console_is_redacted_text(capsys: pytest.CaptureFixture[str]) -> None:
    logging.set_up("console", "info")
    try:
        try:
            raise ValueError("password=hunter2")
        except ValueError:
            structlog.get_logger().exception("ours")
            standard.getLogger("theirs").exception("theirs")
    finally:
        logging.set_up("json", "error")
    printed = capsys.readouterr().err
    assert printed.count(f"ValueError: password={REDACTED}") == 2
    assert "hunter2" not in printed
