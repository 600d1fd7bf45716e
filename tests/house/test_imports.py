"""Layers are a contract: imports only go down, and the contracts still bite."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.house.conftest import PACKAGE, ROOT, Module

PROGRAM = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"
# file, line that must not be there, the contract that must say so
FAULTS = [
    ("base/backoff.py", "import oppspot_runner.queue.store", "Layers"),
    ("queue/rows.py", "import oppspot_runner.runner.loop", "Layers"),
    ("tools/rates.py", "import oppspot_runner.agents.options", "Layers"),
    ("connectors/http/domains.py", "import oppspot_runner.tools.rates", "Layers"),
    ("connectors/http/domains.py", "import oppspot_runner.queue.rows", "Layers"),
    ("connectors/http/domains.py", "import psycopg", "The outside world knows no database"),
    ("left_over.py", "", "Layers"),
    ("agents/options.py", "import oppspot_runner.queue.store", "An agent sees only its Context"),
    ("agents/options.py", "import psycopg", "An agent sees only its Context"),
    ("agents/scoring.py", "import oppspot_runner.agents.enrichment", "Agents do not know"),
    ("runner/config.py", "import psycopg", "The daemon speaks no SQL"),
    ("queue/rows.py", "import click", "Only the command line"),
    ("llm/model.py", "import pydantic_ai", "One module knows the library for models"),
    ("llm/model.py", "import psycopg", "Models are asked without a database"),
    ("llm/names.py", "import oppspot_runner.agents.options", "Layers"),
    ("base/backoff.py", "import psycopg", "Words stay words"),
    ("posts/post.py", "import psycopg", "Words stay words"),
    ("posts/post.py", "import oppspot_runner.streams.posts", "Layers"),
    ("runner/config.py", "import oppspot_runner.runner.loop", "No cycles"),
    ("queue/rows.py", "from oppspot_runner import anything", "The root is for users"),
]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs the contracts on the package in `folder`."""
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, "--no-cache", "--no-logo"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_import_contracts_are_kept() -> None:
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("file", "line", "contract"), FAULTS)
def test_a_planted_fault_breaks_its_contract(
    file: str, line: str, contract: str, tmp_path: Path
) -> None:
    _copy_of_the_package(tmp_path)
    with (tmp_path / "oppspot_runner" / file).open("a", encoding="utf-8") as module:
        module.write(f"\n{line}\n")
    result = lint(tmp_path)
    assert result.returncode != 0, result.stdout
    said = [row for row in result.stdout.splitlines() if row.startswith(contract)]
    assert (said and "BROKEN" in said[0]) or "not listed as layers" in result.stdout, result.stdout


def test_nobody_inside_imports_from_the_root(modules: list[Module]) -> None:
    guilty = [
        f"{module.path}:{node.lineno}"
        for module in modules
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.ImportFrom) and node.module == "oppspot_runner" and not node.level)
        or (isinstance(node, ast.Import) and any(n.name == "oppspot_runner" for n in node.names))
    ]
    assert not guilty, "\n".join(map(str, guilty))


def test_relative_imports_do_not_hide_a_layer(modules: list[Module]) -> None:
    guilty = [
        f"{module.path}:{node.lineno}"
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not guilty, "\n".join(map(str, guilty))


def test_every_built_in_agent_is_in_the_contract_of_independence() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    independent = [c for c in contracts["contracts"] if c["type"] == "independence"]
    named = {module for contract in independent for module in contract["modules"]}
    for agent in ("opportunity_bot", "enrichment", "llm", "scoring", "reddit", "hacker_news"):
        assert f"oppspot_runner.agents.{agent}" in named


def _copy_of_the_package(folder: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, folder / "oppspot_runner", ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", folder)
