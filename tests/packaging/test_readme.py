"""What the README promises: one page, two commands, an agent and SQL that work as printed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.packaging.conftest import ROOT, blocks

README = (ROOT / "README.md").read_text(encoding="utf-8")
DEMO = (
    "python3 -m venv .venv && .venv/bin/pip install -e '.[demo]' && .venv/bin/oppspot-runner demo"
)
TESTS = "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/pytest"


def test_it_is_one_page() -> None:
    assert len(README.splitlines()) <= 150


def test_its_two_commands_are_the_ones_that_are_tried() -> None:
    shown = [line for block in blocks("README.md", "sh") for line in block.splitlines()]
    assert [line for line in shown if "python3 -m venv" in line] == [DEMO, TESTS]


def test_the_check_command_reads_the_test_command_from_it() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    pattern = script.split('grep -m 1 -E "', 1)[1].split('"', 1)[0]
    found = subprocess.run(
        ["grep", "-m", "1", "-E", pattern, str(ROOT / "README.md")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == TESTS


@pytest.mark.slow
def test_the_printed_agent_runs_from_the_printed_sql(dsn: str, tmp_path: Path) -> None:
    (source,) = blocks("README.md", "python")
    (tmp_path / "digest.py").write_text(source, encoding="utf-8")
    create, enqueue, ask = _statements(blocks("README.md", "sql")[0])
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(create)
        connection.execute(enqueue)
        done = run(tmp_path, dsn, "start", "--import", "digest", "--drain-and-exit")
        assert done.returncode == 0, done.stdout + done.stderr
        rows = connection.execute(ask).fetchall()
    assert rows == [("completed", 1, {"items": 30}, None)]


@pytest.mark.slow
@pytest.mark.usefixtures("program")
def test_the_printed_stream_is_found_enriched_and_scored(dsn: str, tmp_path: Path) -> None:
    pytest.importorskip("pytickersymbols", reason="the listed companies need the extra `demo`")
    brought = run(tmp_path, dsn, "import", "listed")
    assert brought.returncode == 0, brought.stdout + brought.stderr
    *before, ask = _statements(blocks("README.md", "sql")[1])
    with psycopg.connect(dsn, autocommit=True) as connection:
        for text in before:
            connection.execute(text)
        done = run(tmp_path, dsn, "start", "--drain-and-exit")
        assert done.returncode == 0, done.stdout + done.stderr
        ended = connection.execute("SELECT status, count(*) FROM agent_tasks GROUP BY 1").fetchall()
        best = connection.execute(ask).fetchall()
    assert ended == [("completed", 3)]
    assert [row[0] for row in best] == list(range(1, 11))
    scores = [row[2] for row in best]
    assert scores == sorted(scores, reverse=True)


def run(folder: Path, dsn: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs a command of ours in `folder`, as a person would."""
    return subprocess.run(
        [sys.executable, "-m", "oppspot_runner", *words],
        cwd=folder,
        env={**os.environ, "DATABASE_URL": dsn, "OPPSPOT_POLL_INTERVAL": "0.5"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def _statements(block: str) -> list[bytes]:
    return [text.strip().encode() for text in block.split(";\n") if text.strip()]
