"""This program as another process, in whatever folder somebody is."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from oppspot_runner.cli.program import program


@pytest.mark.parametrize("name", ["click", "oppspot_runner"])
def test_a_file_of_the_folder_is_not_taken_for_a_module_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong one')")
    monkeypatch.chdir(tmp_path)
    shown = subprocess.run(program("serve", "--help"), capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
