"""What an error of an agent says of its place."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from oppspot_runner.backends.judging import told


def raised(call: Callable[[], object]) -> BaseException:
    with pytest.raises(FileNotFoundError) as caught:
        call()
    return caught.value


def test_an_error_names_the_line_of_ones_own_code_and_not_that_of_a_library(
    tmp_path: Path,
) -> None:
    error = raised(lambda: (tmp_path / "away").read_text())
    trace = traceback.extract_tb(error.__traceback__)
    assert trace[-1].filename != __file__, "this wants an error that a library raises"
    assert told(error).endswith(f"(line {trace[1].lineno} of <lambda> in test_judging.py)")


def test_an_installed_agent_has_a_line_too(tmp_path: Path) -> None:
    code = compile("open_it()", str(tmp_path / "site-packages" / "theirs.py"), "exec")
    names = {"open_it": (tmp_path / "away").read_text}
    error = raised(lambda: exec(code, names))
    ours = error.with_traceback(error.__traceback__.tb_next.tb_next)  # type: ignore[union-attr]
    assert told(ours).endswith("(line 1 of <module> in theirs.py)")
