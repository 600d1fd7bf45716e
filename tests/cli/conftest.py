"""The command line in this process, on a database of its own, with a runner when one is wanted."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg.rows import dict_row

from oppspot_runner.agents.registry import Registry
from oppspot_runner.app.wiring import build_runner
from oppspot_runner.base.events import EventBus, RunnerStarted
from oppspot_runner.cli import session
from oppspot_runner.cli.main import main
from oppspot_runner.db.pool import Database
from oppspot_runner.runner.config import RunnerConfig


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class CommandLine:
    """Runs commands as `oppspot-runner` would."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *words: str) -> Ended:
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        printed = self.capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return Ended(code, printed.out, printed.err)

    def json(self, *words: str) -> Any:
        """What the command prints with --json; it must succeed."""
        ended = self(*words, "--json")
        assert ended.code == 0, ended.err
        return ended.json


@pytest.fixture
def bare_cli(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    """The command line without any setting, in an empty folder."""
    for name in os.environ:
        if name.startswith("OPPSPOT_") or name == "DATABASE_URL":
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    session.warn_of_unknown.cache_clear()
    return CommandLine(capsys)


@pytest.fixture
def cli(bare_cli: CommandLine, dsn: str, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The command line on a migrated database."""
    monkeypatch.setenv("DATABASE_URL", dsn)
    return bare_cli


class Rows:
    """The database as somebody else sees it."""

    def __init__(self, connection: psycopg.Connection[dict[str, Any]]) -> None:
        self.connection = connection

    def __call__(self, query: LiteralString, *values: Any) -> list[dict[str, Any]]:
        cursor = self.connection.execute(query, values)
        return cursor.fetchall() if cursor.description else []

    def value(self, query: LiteralString, *values: Any) -> Any:
        (row,) = self(query, *values)
        (value,) = row.values()
        return value

    def agent(self, name: str = "Digest", agent_type: str = "digest") -> str:
        return str(
            self.value(
                "INSERT INTO ai_agents (name, agent_type) VALUES (%s, %s) RETURNING id",
                name,
                agent_type,
            )
        )

    def task(self, agent: str, **columns: Any) -> str:
        task = self.value("INSERT INTO agent_tasks (agent_id) VALUES (%s) RETURNING id", agent)
        for name, value in columns.items():
            query = psycopg.sql.SQL("UPDATE agent_tasks SET {} = %s WHERE id = %s")
            self.connection.execute(query.format(psycopg.sql.Identifier(name)), (value, task))
        return str(task)

    def runner(self, *, state: str = "running", beat_age_s: int = 0, lease_s: int = 30) -> int:
        """A row of a runner, as if it lived on another host."""
        found = self.value(
            "INSERT INTO task_runners (host, pid, version, slots, poll_s, lease_s, beat_s, state,"
            " beat_at, lease_until) VALUES ('far', 7, '1', 3, 5, 30, 5, %s,"
            " oppspot_now() - make_interval(secs => %s), oppspot_now() + make_interval(secs => %s))"
            " RETURNING id",
            state,
            beat_age_s,
            lease_s,
        )
        assert isinstance(found, int)
        return found

    def begin(self, task: str, runner: int) -> None:
        """Lets a task be on, as a claim would."""
        self(
            "UPDATE agent_tasks SET status = 'processing', runner_id = %s, attempt = 1,"
            " run_token = nextval('agent_tasks_run_token_seq'), started_at = oppspot_now()"
            " WHERE id = %s",
            runner,
            task,
        )


@pytest.fixture
def rows(dsn: str) -> Iterator[Rows]:
    with psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as connection:
        yield Rows(connection)


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def live_runner(dsn: str, registry: Registry) -> Iterator[int]:
    """The id of a runner that takes tasks in a thread of its own."""
    started, ids = threading.Event(), list[int]()
    bus = EventBus()

    def note(event: RunnerStarted) -> None:
        ids.append(event.runner_id)
        started.set()

    bus.subscribe(RunnerStarted, note)
    loop = asyncio.new_event_loop()
    stopping: list[Any] = []

    async def serve() -> None:
        async with Database(dsn, max_size=8) as database:
            config = RunnerConfig(poll_s=0.5, lease_s=6, grace_s=0.5)
            runner = build_runner(database, config, registry=registry, events=bus)
            stopping.append(runner.stop)
            await runner.run()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert started.wait(20)
    yield ids[0]
    for _ in range(2):
        loop.call_soon_threadsafe(stopping[0])
    thread.join(20)
    assert not thread.is_alive()
    loop.close()
