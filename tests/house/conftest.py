"""The text of the house, read once: parsed modules, SQL files, and what git tracks."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "oppspot_runner"
# What tools and users leave in a checkout; looked at only where git cannot say what is tracked.
LEFT_BEHIND = {"__pycache__", "build", "dist", "node_modules"}


@dataclass(frozen=True)
class Module:
    """One Python file of the package."""

    path: str
    text: str
    tree: ast.Module


@pytest.fixture(scope="session")
def modules() -> list[Module]:
    """All modules of the package, parsed."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        found.append(Module(path.relative_to(ROOT).as_posix(), text, ast.parse(text)))
    assert len(found) > 50
    return found


@pytest.fixture(scope="session")
def sql_files() -> dict[str, str]:
    """All SQL of the product by its path under `sql/`."""
    folder = ROOT / "sql"
    found = {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*.sql"))
    }
    assert len(found) > 50
    return found


@pytest.fixture(scope="session")
def tracked() -> dict[str, str]:
    """The text files of the repository by path: what git tracks, else all that lies here."""
    texts = {}
    for path in _tracked_paths():
        try:
            texts[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
    assert "pyproject.toml" in texts
    return texts


def _tracked_paths() -> list[Path]:
    if (ROOT / ".git").exists() and shutil.which("git"):
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False
        )
        if listed.returncode == 0:
            return [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return list(_all_paths())


def _all_paths() -> Iterator[Path]:
    for folder, names, files in os.walk(ROOT):
        names[:] = [
            name
            for name in names
            if name not in LEFT_BEHIND
            and not (name.startswith(".") and name != ".ci")
            and not name.endswith(".egg-info")
        ]
        yield from (Path(folder) / file for file in files if file != ".env")
