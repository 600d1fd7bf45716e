"""The `psql` program on a migrated database: what people who live in SQL have."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass

import pytest

from oppspot_runner.db import embedded


@dataclass(frozen=True)
class Answer:
    """What psql printed and how it ended."""

    code: int
    rows: list[str]
    notices: str

    @property
    def value(self) -> str:
        assert self.code == 0, self.notices
        assert len(self.rows) == 1, self.rows
        return self.rows[0]


@dataclass(frozen=True)
class Psql:
    """Runs statements; columns of the answer are separated by `|`."""

    program: str
    dsn: str

    def __call__(self, statements: str) -> Answer:
        done = subprocess.run(
            [self.program, "-XqAt", "-v", "ON_ERROR_STOP=1", "-f", "-", self.dsn],
            input=statements,
            capture_output=True,
            text=True,
            env={**os.environ, "PGTZ": "UTC"},
            timeout=30,
            check=False,
        )
        return Answer(done.returncode, done.stdout.splitlines(), done.stderr)

    def value(self, statements: str) -> str:
        """The only value of the only row; fails when psql does."""
        return self(statements).value

    def agent(self, name: str = "Digest", agent_type: str = "digest", columns: str = "") -> str:
        """A row of ai_agents; its id. `columns` is like `, is_active = false`."""
        return self.value(
            f"INSERT INTO ai_agents (name, agent_type) VALUES ('{name}', '{agent_type}')"
            f" RETURNING id \\gset\nUPDATE ai_agents SET name = name{columns} WHERE id = :'id';"
            f"\n\\echo :id"
        )

    def stream(self, *chain: str) -> str:
        """A stream with these agents, each after the one before; its id."""
        stream = self.value("INSERT INTO streams (name) VALUES ('Leads') RETURNING id")
        for place, agent in enumerate(chain):
            needs = f"'{{{chain[place - 1]}}}'" if place else "'{}'"
            self(
                "INSERT INTO stream_agent_assignments"
                " (stream_id, agent_id, execution_order, depends_on_agent_ids)"
                f" VALUES ('{stream}', '{agent}', {place}, {needs})"
            )
        return stream


@pytest.fixture
def psql(dsn: str) -> Psql:
    # Debian's is a script that takes longer to find the program than the program takes.
    own = str(embedded.binaries() / "psql") if embedded.is_installed() else None
    return Psql(own or shutil.which("psql") or "psql", dsn)
