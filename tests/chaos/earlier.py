"""The program of an earlier version, built from the history of this repository as a wheel."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tarfile
import zipfile
from functools import cache
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIRST_LATER = "sql/0052_access.sql"  # the earlier version is the last one without this file
SOURCES = ("oppspot_runner", "sql", "pyproject.toml", "README.md", "LICENSE")
# What our runners load besides: the agents of the trials are those of today.
TRIALS = ("__init__.py", "chaos/__init__.py", "chaos/agents.py", "chaos/ledger.py")


def missing() -> str | None:
    """Why it cannot be built here, if so."""
    if shutil.which("git") is None or importlib.util.find_spec("hatchling") is None:
        return "the earlier version is built by git and hatchling"
    return None if commit() else "the history of this checkout does not reach the earlier version"


@cache
def commit() -> str | None:
    """The commit of the earlier version, where the history has it."""
    added = _git("log", "--diff-filter=A", "--format=%H", "--", FIRST_LATER)
    if added.returncode or not (found := added.stdout.decode().split()):
        return None
    before = _git("rev-parse", "--verify", "--quiet", f"{found[-1]}^")
    return before.stdout.decode().strip() or None


def program(folder: Path) -> Path:
    """Puts the package of the earlier version and today's agents of the trials into `folder`."""
    source, code = folder / "source", folder / "code"
    archive = _git("archive", str(commit()), *SOURCES)
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as files:
        files.extractall(source, filter="data")
    build = ["-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([sys.executable, *build, str(source)], check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(code)
    (code / "tests/chaos").mkdir(parents=True)
    for name in TRIALS:
        shutil.copy(ROOT / "tests" / name, code / "tests" / name)
    return code


def _git(*words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=False)
