"""stderr that nobody reads, or nobody can: the runner goes on."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import StringIO

import pytest

from oppspot_runner.observe import stderr
from oppspot_runner.observe.stderr import PresentStderr

LINE = "x" * 3_000 + "\n"


@contextmanager
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The end to read from of a pipe whose other end stderr is; it may be closed.

    No fixture: before a test begins pytest makes stderr its own again.
    """
    monkeypatch.setattr(stderr, "PATIENCE_S", 0.01)
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    with open(writing, "w") as stand_in:
        monkeypatch.setattr(sys, "stderr", stand_in)
        yield reading
        os.dup2(os.open(os.devnull, os.O_WRONLY), writing)  # what is left in it has to go somewhere
        monkeypatch.undo()
    with suppress(OSError):
        os.close(reading)


def taken(reading: int) -> str:
    """All that waits in the pipe."""
    found = b""
    with suppress(BlockingIOError):
        while True:
            found += os.read(reading, 65_536)
    return found.decode()


def test_a_full_pipe_drops_lines_and_the_next_one_says_how_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = PresentStderr()
    with pipe(monkeypatch) as reading:
        for _ in range(100):
            out.write(LINE)
        whole = taken(reading).count("\n")
        out.write("again\n")
        loss, last = [line for line in taken(reading).splitlines() if line]
        out.write("and again\n")
        rest = taken(reading)
    assert 0 < whole < 100
    assert json.loads(loss)["lines"] == 100 - whole
    assert (last, rest) == ("again", "and again\n")


def test_a_reader_that_is_gone_harms_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pipe(monkeypatch) as reading:
        os.close(reading)
        for _ in range(100):
            PresentStderr().write(LINE)


@pytest.mark.parametrize("kind", ["none", "closed", "in memory"])
def test_any_stderr_will_do(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    stand_in = StringIO()
    if kind == "closed":
        stand_in.close()
    monkeypatch.setattr(sys, "stderr", None if kind == "none" else stand_in)
    PresentStderr().write(LINE)
    assert kind != "in memory" or stand_in.getvalue() == LINE
