"""Types a page line by line, as a reader does: saves its files, runs its commands at a terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from shutil import rmtree

from oppspot_runner.db import embedded
from tests.docs.conftest import environment
from tests.docs.pages import Block, blocks_of

MARK = "== block"
PORT = "8099"
# What a reader does by reading on: looks when the work is done, types when a runner has gone.
READING = """
set -e
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
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


def type_page(page: str, *, after: Mapping[str, str] | None = None, port: int | None = None) -> str:
    """Runs all commands of a page but the installation; each has to end as it is printed.

    `after` says what else a reader waits for after lines that begin so. `port` takes the place of
    the one that is printed. Returns all that was shown.
    """
    blocks = blocks_of(page)
    script = "\n".join([READING, *_lines(blocks, {**AFTER, **(after or {})})])
    if port:
        script = script.replace(PORT, str(port))
    with _home() as home:
        typed = _typed(home, f"{script}\n")
    parts = re.split(rf"^{MARK} (\d+)\n", typed, flags=re.MULTILINE)
    printed = dict(zip(map(int, parts[1::2]), parts[2::2], strict=True))
    shown = [number for number, block in enumerate(blocks) if block.language == "text"]
    assert shown
    for number in shown:
        assert _as_printed(blocks[number], printed[number - 1]), printed[number - 1]
    return typed


def _lines(blocks: list[Block], pauses: Mapping[str, str]) -> Iterator[str]:
    """Each block after a mark with its number."""
    for number, block in enumerate(blocks):
        yield f"echo '{MARK} {number}'"
        if block.saved_as:
            yield f"cat > {block.saved_as} <<'END OF FILE'\n{block.body}END OF FILE"
        elif block.language == "sh" and "pip install" not in block.body:
            for line in block.body.splitlines():
                yield line
                yield from (pause for start, pause in pauses.items() if line.startswith(start))


@contextmanager
def _home() -> Iterator[Path]:
    """A folder for the reader; short, because a socket lies below it."""
    folder = Path(tempfile.mkdtemp(prefix="doc-"))
    try:
        yield folder
    finally:
        embedded.remove(folder / "pg")
        rmtree(folder)


def _typed(home: Path, script: str) -> str:
    """Runs the script with a terminal as its input; what it printed."""
    (home / "typed.sh").write_text(script, encoding="utf-8")
    own = {"OPPSPOT_EMBEDDED_FOLDER": str(home / "pg"), "XDG_STATE_HOME": str(home / "state")}
    settings = environment(**own, PGTZ="UTC")
    settings["PATH"] += f"{os.pathsep}{embedded.binaries()}"  # for those who have no psql
    ours, theirs = pty.openpty()
    try:
        done = _bash("typed.sh", home, settings, theirs)
    finally:
        os.close(ours)
        os.close(theirs)
        (home / "end.sh").write_text('kill "$(cat state/oppspot-runner/runner.pid)"')
        _bash("end.sh", home, settings, subprocess.DEVNULL)  # what an error left behind
    assert done.returncode == 0, done.stdout
    return done.stdout


def _bash(
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


def _as_printed(block: Block, output: str) -> bool:
    """Whether the output ends as the page shows it; `...` stands for anything."""
    wanted = [line.rstrip() for line in block.body.splitlines()]
    got = [line.rstrip() for line in output.rstrip().splitlines()][-len(wanted) :]
    patterns = [re.sub(r"([\[\]?*])", r"[\1]", line).replace("...", "*") for line in wanted]
    return len(got) == len(wanted) and all(map(fnmatchcase, got, patterns))
