"""Processes that serve for a parent: kept alive, and gone with it."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from oppspot_runner.app.database import embedded_folder, given_dsn
from oppspot_runner.base.settings import load_settings
from oppspot_runner.cli import orphan, worker
from oppspot_runner.cli.orphan import ParentWatch
from oppspot_runner.cli.worker import Worker, worker_environment

SOON_S = 20.0
LIVES_ON = [sys.executable, "-c", "input()"]


NOTHING_LEFT = [BlockingIOError(11, "no process"), RuntimeError("can't start new thread")]


class Unlucky(Worker):
    """Twice the system has nothing left for another one, the third one dies, the fourth lives."""

    def __init__(self) -> None:
        super().__init__(LIVES_ON, stdin=asyncio.subprocess.PIPE)
        self.times = 0
        self.lives = asyncio.Event()

    @asynccontextmanager
    async def started(self) -> AsyncIterator[Process]:
        self.times += 1
        if self.times <= len(NOTHING_LEFT):
            raise NOTHING_LEFT[self.times - 1]
        async with super().started() as process:
            if self.times == 3:
                process.kill()
            else:
                self.lives.set()
            yield process


async def test_a_worker_that_could_not_be_started_or_died_is_followed_by_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "LEAST_PAUSE_S", 0.01)
    stopped, unlucky = asyncio.Event(), Unlucky()
    with capture_logs() as lines:
        async with asyncio.timeout(SOON_S), asyncio.TaskGroup() as group:
            keeping = group.create_task(unlucky.keep(stopped))
            await unlucky.lives.wait()
            stopped.set()
            await keeping
    assert [line.get("error") or line["exit_code"] for line in lines] == [
        "[Errno 11] no process",
        "can't start new thread",
        -9,
    ]
    assert unlucky.times == 4


@pytest.mark.parametrize("name", ["DATABASE_URL", "OPPSPOT_EMBEDDED_FOLDER"])
def test_a_worker_uses_the_database_of_its_parent_whatever_env_says_later(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for one in ("DATABASE_URL", "OPPSPOT_EMBEDDED_FOLDER", "OPPSPOT_DIRECT_URL", "OPPSPOT_SCHEMA"):
        monkeypatch.delenv(one, raising=False)
    monkeypatch.chdir(tmp_path)
    env = tmp_path / ".env"
    env.write_text(f"{name}=first\n")
    parent = load_settings()
    given = worker_environment(parent)
    env.write_text("DATABASE_URL=another\nOPPSPOT_DIRECT_URL=another\nOPPSPOT_SCHEMA=another\n")
    for variable, value in given.items():
        monkeypatch.setenv(variable, value)
    child = load_settings()
    assert (given_dsn(child), child.schema_name) == (given_dsn(parent), "public")
    assert not child.direct_url or not child.direct_url.get_secret_value()
    if given_dsn(parent) is None:
        assert embedded_folder(child) == tmp_path / "first"


def test_a_child_that_only_loads_ends_at_once_with_its_parent() -> None:
    life, held = os.pipe()
    left, codes = threading.Event(), []
    ParentWatch(life, leave=lambda code: (codes.append(code), left.set()))
    assert not left.is_set()
    os.close(held)
    assert left.wait(SOON_S)
    assert codes == [1]
    os.close(life)


def test_a_child_that_does_not_end_by_itself_is_ended_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    life, held = os.pipe()
    left, time_is_up = threading.Event(), threading.Event()
    monkeypatch.setattr(orphan, "wait_until_it_ended", time_is_up.wait)
    watch = ParentWatch(life, leave=lambda _: left.set())
    watch.ends_itself()
    os.close(held)
    assert not left.wait(0.05)
    time_is_up.set()
    assert left.wait(SOON_S)
    os.close(life)
