"""The tutorial, typed line by line: its files saved, its commands run at a terminal."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from oppspot_runner.db import embedded
from tests.docs.conftest import environment
from tests.docs.pages import Block, blocks_of

PAGE = "docs/tutorial.md"
MARK = "== block"
# What a reader does by reading on: looks when the work is done, types when a runner has gone.
READING = """
at_rest() {
    psql "$DB" -Xq <<'END'
        DO $$ BEGIN
            WHILE EXISTS (SELECT FROM agent_tasks WHERE status IN ('pending', 'processing')) LOOP
                PERFORM pg_sleep(0.05);
            END LOOP;
        END $$
END
}
gone() { tail --pid="$(cat "$XDG_STATE_HOME"/oppspot-runner/runner.pid)" -f /dev/null; }
"""
AFTER = {"oppspot-runner streams run": "at_rest", "SQL": "at_rest", "oppspot-runner stop": "gone"}


def script() -> str:
    """All commands but the installation, each block after a mark with its number."""
    lines = ["set -e", READING]
    for number, block in enumerate(blocks_of(PAGE)):
        lines.append(f"echo '{MARK} {number}'")
        if block.saved_as:
            lines.append(f"cat > {block.saved_as} <<'END OF FILE'\n{block.body}END OF FILE")
        elif block.language == "sh" and "pip install" not in block.body:
            lines += with_pauses(block.body)
    return "\n".join(lines) + "\n"


def with_pauses(body: str) -> list[str]:
    lines = []
    for line in body.splitlines():
        lines += [line, *(pause for start, pause in AFTER.items() if line.startswith(start))]
    return lines


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder for the reader; short, because a socket lies below it."""
    folder = Path(tempfile.mkdtemp(prefix="tut-"))
    yield folder
    embedded.remove(folder / "pg")
    shutil.rmtree(folder)


def typed(home: Path) -> str:
    """Runs the script with a terminal as its input; what it printed."""
    (home / "typed.sh").write_text(script(), encoding="utf-8")
    own = {"OPPSPOT_EMBEDDED_FOLDER": str(home / "pg"), "XDG_STATE_HOME": str(home / "state")}
    settings = environment(**own, PGTZ="UTC")
    settings["PATH"] += f"{os.pathsep}{embedded.binaries()}"  # for those who have no psql
    ours, theirs = pty.openpty()
    try:
        done = bash("typed.sh", home, settings, theirs)
    finally:
        os.close(ours)
        os.close(theirs)
        (home / "end.sh").write_text('kill "$(cat state/oppspot-runner/runner.pid)"')
        bash("end.sh", home, settings, subprocess.DEVNULL)  # what an error left behind
    assert done.returncode == 0, done.stdout
    return done.stdout


def bash(
    name: str, folder: Path, settings: dict[str, str], terminal: int
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", name],
        cwd=folder,
        env=settings,
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=110,
        check=False,
    )


def as_printed(block: Block, output: str) -> bool:
    """Whether the output ends as the page shows it; `...` stands for anything."""
    wanted = [line.rstrip() for line in block.body.splitlines()]
    got = [line.rstrip() for line in output.rstrip().splitlines()][-len(wanted) :]
    patterns = [re.sub(r"([\[\]?*])", r"[\1]", line).replace("...", "*") for line in wanted]
    return len(got) == len(wanted) and all(map(fnmatchcase, got, patterns))


@pytest.mark.timeout(120)
@pytest.mark.skipif(not embedded.is_installed(), reason="the private Postgres is not installed")
def test_the_tutorial_works_as_it_is_printed(home: Path) -> None:
    parts = re.split(rf"^{MARK} (\d+)\n", typed(home), flags=re.MULTILINE)
    printed = dict(zip(map(int, parts[1::2]), parts[2::2], strict=True))
    blocks = blocks_of(PAGE)
    shown = [number for number, block in enumerate(blocks) if block.language == "text"]
    assert shown
    for number in shown:
        assert as_printed(blocks[number], printed[number - 1]), printed[number - 1]
    assert "No runner" not in "".join(printed.values())
