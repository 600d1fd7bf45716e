"""The page about backups, typed while a task runs: it comes back, and runs to its end."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from oppspot_runner.db import embedded
from tests.conftest import create_database, drop_database
from tests.docs.conftest import environment
from tests.docs.pages import blocks_of

PAGE = "docs/operations/backup.md"
AGENT = """
from pathlib import Path

from oppspot_runner import agent


@agent("patient")
def patient(ctx):
    ctx.step("begin", Path("begun").touch)
    while not Path("restored").exists():
        ctx.progress(0, 1)
    return {"steps": ctx.attempt}
"""
PUT_IN = """
    INSERT INTO ai_agents (name, agent_type) VALUES ('Patient', 'patient');
    INSERT INTO agent_tasks (agent_id) SELECT id FROM ai_agents;
"""
UNTIL_BEGUN = "oppspot-runner start --detach && until [ -e begun ]; do sleep 0.05; done"
STOP_THE_OLD = "oppspot-runner stop --now && touch restored"
UNTIL_DONE = "oppspot-runner stop && oppspot-runner start --drain-and-exit"


def programs_for(version: int) -> Path:
    """Where the programs of that version are: newer ones say what an older server does not know."""
    debian = Path(f"/usr/lib/postgresql/{version}/bin")
    return debian if (debian / "pg_restore").exists() else embedded.binaries()


@pytest.mark.slow
@pytest.mark.skipif(not embedded.is_installed(), reason="the programs of Postgres come with it")
def test_a_task_that_ran_at_the_backup_completes_after_the_restore(
    dsn: str, server: str, tmp_path: Path
) -> None:
    name = f"oppspot_test_{uuid4().hex[:12]}"
    restored = create_database(server, name)
    backup, restore = [block.body for block in blocks_of(PAGE, "sh")]
    script = ["set -e", UNTIL_BEGUN, backup, STOP_THE_OLD, restore, UNTIL_DONE]
    (tmp_path / "my_agents.py").write_text(AGENT, encoding="utf-8")
    with psycopg.connect(dsn) as connection:
        connection.execute(PUT_IN)
        programs = programs_for(connection.info.server_version // 10_000)
    own = environment(
        DATABASE_URL=dsn,
        RESTORED=restored,
        OPPSPOT_IMPORT="my_agents",
        OPPSPOT_LOG_LEVEL="error",
        XDG_STATE_HOME=str(tmp_path),
    )
    own["PATH"] = f"{programs}{os.pathsep}{own['PATH']}"
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=tmp_path, env=own, capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    with psycopg.connect(restored) as connection:
        tasks = connection.execute(
            "SELECT status, attempt, retry_count, crash_count FROM agent_tasks"
        ).fetchall()
        attempts = connection.execute(
            "SELECT attempt, status, output_data FROM agent_executions ORDER BY attempt"
        ).fetchall()
    drop_database(name)
    assert tasks == [("completed", 2, 0, 1)]
    assert attempts == [(1, "failed", None), (2, "completed", {"steps": 2})]
