"""This program as the command of another process."""

from __future__ import annotations

import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def program(*words: str) -> list[str]:
    """`oppspot-runner WORDS` as a command for a process that begins in the current folder.

    `python -m` looks there first, so a file like queue.py of a project would be taken for the one
    of Python: it is told not to, unless this package itself is there.
    """
    safely = [] if PACKAGE.parent == Path.cwd() else ["-P"]
    return [sys.executable, *safely, "-m", PACKAGE.name, *words]
