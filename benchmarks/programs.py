"""Programs that are run to their end; a failure says what they said last."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def output_of(
    command: Sequence[str | Path],
    *,
    folder: Path | None = None,
    env: Mapping[str, str] | None = None,
    user: int | None = None,
    group: int | None = None,
) -> str:
    """What the program wrote to its output. Raises RuntimeError when it failed."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=env,
        user=user,
        group=group,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip() or done.stdout.strip() or f"ended with {done.returncode}"
        raise RuntimeError(f"{Path(command[0]).name}: {_reason(said.splitlines())}")
    return done.stdout


def _reason(lines: Sequence[str]) -> str:
    """The first line that speaks of an error, else the last one."""
    return next((line for line in lines if "error" in line.lower()), lines[-1])
