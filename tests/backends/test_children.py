"""How a child process is born and how its end is told."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from oppspot_runner.backends import children
from oppspot_runner.backends.children import ChildEndedError, Children, exit_reason
from tests.backends.conftest import lives

REFUSES = """
import socket, sys
from oppspot_runner.backends.nursery import BORN, REPLY, REQUEST
control = socket.socket(fileno=int(sys.argv[1]))
while control.recv(REQUEST.size):
    control.sendall(REPLY.pack(BORN, -11, 0))
"""


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (0, "ended with exit code 0"),
        (3, "ended with exit code 3"),
        (-11, "was killed by SIGSEGV"),
        (-9, "was killed by SIGKILL (by somebody, or by the system because memory ran out)"),
        (-42, "was killed by signal 42"),
    ],
)
def test_the_reason_of_an_end_is_told(code: int, told: str) -> None:
    assert exit_reason(code) == told


async def test_a_birth_that_the_system_refuses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "PROGRAM", REFUSES)
    made = Children()
    try:
        with pytest.raises(ChildEndedError, match="no child process could be started: Resource"):
            await made.bear()
    finally:
        await made.stop()


async def test_a_nursery_that_cannot_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "PROGRAM", "raise SystemExit(1)")
    made = Children()
    try:
        with pytest.raises(ChildEndedError, match="no child process could be started"):
            await made.bear()
    finally:
        await made.stop()


async def test_a_nursery_that_is_killed_while_it_bears_is_replaced(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mark = tmp_path / "was here"
    ends_once = f"""
import pathlib, socket, sys
mark = pathlib.Path({str(mark)!r})
if not mark.exists():
    mark.touch()
    socket.socket(fileno=int(sys.argv[1])).recv(1)
    raise SystemExit(1)
"""
    monkeypatch.setattr(children, "PROGRAM", ends_once + children.PROGRAM)
    made = Children()
    try:
        child = await made.bear()
        assert mark.exists()
        assert lives(child.pid)
        await made.kill(child)
    finally:
        await made.stop()


async def test_a_nursery_whose_first_asker_leaves_while_it_starts_is_not_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start, began, left, started = children._start, threading.Event(), threading.Event(), []

    def starts_slowly(control: socket.socket) -> subprocess.Popen[bytes]:
        began.set()
        assert left.wait(10)
        started.append(start(control))
        return started[-1]

    monkeypatch.setattr(children, "_start", starts_slowly)
    made = Children()
    asker = asyncio.get_running_loop().create_task(made.bear())
    await asyncio.to_thread(began.wait)
    asker.cancel()
    await asyncio.wait({asker}, timeout=0.1)
    left.set()
    await asyncio.wait({asker})
    assert asker.cancelled()
    await made.kill(await made.bear())
    await made.stop()
    assert [process.returncode for process in started] == [0]


async def test_a_child_that_nobody_waits_for_ends_itself() -> None:
    made = Children()
    try:
        first = await made.bear()
        task = asyncio.get_running_loop().create_task(made.bear())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        second = await made.bear()
        await made.kill(first)
        await made.kill(second)
        async with asyncio.timeout(10):
            await asyncio.gather(*made._ends.values())
        assert not lives(first.pid)
    finally:
        await made.stop()
        await made.stop()
