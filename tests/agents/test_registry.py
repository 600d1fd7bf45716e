"""What people read when a module with agents cannot be imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from oppspot_runner.agents.registry import Registry
from oppspot_runner.base.errors import ConfigurationError

NOT_THERE = "The module must be importable from the current folder or be installed."


@pytest.mark.parametrize(
    ("name", "code", "reason", "hint"),
    [
        ("absent_one", None, "ModuleNotFoundError: No module named 'absent_one'", NOT_THERE),
        ("absent.two", None, "ModuleNotFoundError: No module named 'absent'", NOT_THERE),
        (
            "needy_agents",
            "import absent_library",
            "ModuleNotFoundError: No module named 'absent_library'",
            "`python -c 'import needy_agents'` shows where.",
        ),
        (
            "broken_agents",
            "1 / 0",
            "ZeroDivisionError: division by zero",
            "`python -c 'import broken_agents'` shows where.",
        ),
        (
            "leaving_agents",
            "raise SystemExit(3)",
            "SystemExit: 3",
            "`python -c 'import leaving_agents'` shows where.",
        ),
        (
            "misled_agents",
            "from oppspot_runner import agent\n@agent('a', batch=0)\ndef f(ctxs): ...",
            "@agent('a') cannot be used: batch: Input should be greater than or equal to 1",
            None,
        ),
    ],
)
def test_why_a_module_cannot_be_imported_is_said_with_what_helps(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    code: str | None,
    reason: str,
    hint: str | None,
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    if code is not None:
        (tmp_path / f"{name}.py").write_text(code)
    with pytest.raises(ConfigurationError) as raised:
        Registry().load_modules([name])
    assert (str(raised.value), raised.value.hint) == (f"--import {name} failed: {reason}", hint)
