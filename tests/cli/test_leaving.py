"""How a runner that cannot go on leaves its process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from oppspot_runner.cli import leaving
from oppspot_runner.cli.leaving import ended_first, leave_process

ENDS_WHEN_ASKED = "print(1, flush=True); input()"
HANGS = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {ENDS_WHEN_ASKED}"


class AnotherProgramError(Exception):
    """This process would be another program now."""


@pytest.fixture(params=[ENDS_WHEN_ASKED, HANGS], ids=["in good order", "a child that hangs"])
def child(request: pytest.FixtureRequest) -> Iterator[int]:
    command = [sys.executable, "-c", request.param]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


def test_before_it_starts_anew_its_children_are_gone_and_no_zombies(
    monkeypatch: pytest.MonkeyPatch, child: int
) -> None:
    def become(*_: object) -> None:
        raise AnotherProgramError

    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.setattr(leaving, "MOST_ENDING_S", 0.1)
    monkeypatch.setattr(os, "execv", become)
    with ended_first(child), pytest.raises(AnotherProgramError):
        leave_process("its loop is blocked", again=True)
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
