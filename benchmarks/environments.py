"""Environments of peers, made on demand in a cache folder outside of the repository."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.programs import output_of


def cache_folder() -> Path:
    """Where environments are kept from one run to the next."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "oppspot-runner" / "benchmarks"


def python_environment(name: str, requirements: tuple[str, ...]) -> Path:
    """The Python of a virtual environment that holds `requirements`."""
    folder = _folder(name, requirements)
    if not _is_complete(folder):
        output_of([sys.executable, "-m", "venv", folder])
        output_of([folder / "bin" / "pip", "install", "-q", *requirements])
        _complete(folder)
    return folder / "bin" / "python"


def node_environment(name: str, packages: Mapping[str, str]) -> Path:
    """A folder whose `node_modules` holds `packages`, and a Node of its own.

    Raises FileNotFoundError when there is no npm to fetch them with.
    """
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    wanted = {**packages, f"node-{sys.platform}-{machine}": NODE}
    folder = _folder(name, tuple(f"{key}@{value}" for key, value in wanted.items()))
    if not _is_complete(folder):
        if shutil.which("npm") is None:
            raise FileNotFoundError("there is no npm here: apt install npm")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text(json.dumps({"private": True, "dependencies": wanted}))
        output_of(["npm", "install", "--silent", "--no-audit", "--no-fund"], folder=folder)
        _complete(folder)
    return folder


NODE = "24"


def node_of(folder: Path) -> Path:
    """The Node that came with a node environment."""
    return next(folder.glob("node_modules/node-*/bin/node"))


def debian_program(program: str, package: str) -> Path:
    """A program of Debian, installed when we may. Raises FileNotFoundError."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
    if shutil.which(program, path=path) is None and os.geteuid() == 0 and shutil.which("apt-get"):
        # A service that is installed is not started: RUNLEVEL tells its scripts so.
        quiet = {**os.environ, "RUNLEVEL": "1", "DEBIAN_FRONTEND": "noninteractive"}
        output_of(["apt-get", "update", "-qq"], env=quiet)
        output_of(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package], env=quiet
        )
    found = shutil.which(program, path=path)
    if found is None:
        raise FileNotFoundError(f"there is no {program} here: apt install {package}")
    return Path(found)


def _folder(name: str, contents: tuple[str, ...]) -> Path:
    mark = hashlib.sha256("\n".join(contents).encode()).hexdigest()[:8]
    return cache_folder() / f"{name}-{mark}"


def _is_complete(folder: Path) -> bool:
    if (folder / "complete").exists():
        return True
    shutil.rmtree(folder, ignore_errors=True)
    return False


def _complete(folder: Path) -> None:
    (folder / "complete").touch()
