"""What 001 promises that does not need a model: installation, settings, extensions, debugging."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from oppspot_runner.agents.registry import Registry
from oppspot_runner.base.settings import env_example, load_settings
from tests.seeds.table import ROOT


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder as the current one, and an environment in which nothing is set."""
    for name in [*os.environ]:
        if name.startswith("OPPSPOT_") or name in {"DATABASE_URL", "DEBUG"}:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_debug_true_turns_debug_lines_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().log_level == "info"
    monkeypatch.setenv("DEBUG", "true")
    assert load_settings().log_level == "debug"
    monkeypatch.setenv("OPPSPOT_LOG_LEVEL", "warning")
    assert load_settings().log_level == "warning"


def test_a_copied_example_changes_nothing_until_it_is_edited(folder: Path) -> None:
    untouched = load_settings()
    (folder / ".env").write_text(env_example(), encoding="utf-8")
    assert load_settings() == untouched
    (folder / ".env").write_text("OPPSPOT_CONCURRENCY=7\n", encoding="utf-8")
    assert load_settings().concurrency == 7


def test_flags_win_over_the_environment_and_it_over_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".env").write_text("OPPSPOT_CONCURRENCY=7\n", encoding="utf-8")
    monkeypatch.setenv("OPPSPOT_CONCURRENCY", "8")
    assert load_settings().concurrency == 8
    assert load_settings(concurrency=9).concurrency == 9


def test_agents_of_other_packages_are_found_by_their_entry_points(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "theirs.py").write_text("async def run(ctx):\n    return {}\n", encoding="utf-8")
    info = folder / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[oppspot_runner.agents]\nseed_theirs = theirs:run\nseed_gone = nowhere:run\n"
    )
    monkeypatch.syspath_prepend(str(folder))
    registry = Registry()
    problems = registry.load_entry_points()
    assert "seed_theirs" in registry.known()
    assert any("seed_gone" in problem for problem in problems)


def test_the_guide_for_contributors_names_the_checks_that_the_project_runs() -> None:
    guide = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "bash .ci/run" in guide
    for check in ("ruff", "mypy", "lint-imports", "pytest"):
        assert check in script
