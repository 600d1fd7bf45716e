"""What an error of an agent says of its place."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from oppspot_runner.agents.work_time import SoftTimeLimitError
from oppspot_runner.backends.judging import MOST_FRAMES, MOST_TRACED, told, traced
from oppspot_runner.base.errors import Fail, Retry, Snooze


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


@pytest.mark.parametrize(
    "error", [Fail("no"), Retry("no"), Snooze(after=1), SoftTimeLimitError("late")]
)
def test_what_an_agent_means_has_no_traceback(error: Exception) -> None:
    assert traced(error) is None


def test_a_traceback_is_bounded_and_of_what_was_called_last() -> None:
    def deeper(left: int) -> None:
        if not left:
            raise FileNotFoundError("x" * 3 * MOST_TRACED)
        exec("deeper(left - 1)", {"deeper": deeper, "left": left})  # no line is like the other

    trace = traced(raised(lambda: deeper(3 * MOST_FRAMES)))
    assert trace is not None
    assert trace.count('File "') == MOST_FRAMES
    assert len(trace) == MOST_TRACED + 1
    assert "FileNotFoundError: xxx" in trace


class UnspeakableError(FileNotFoundError):
    def __str__(self) -> str:
        raise RuntimeError("not even that")


def test_an_error_that_cannot_be_shown_ends_nothing() -> None:
    def fail() -> None:
        raise UnspeakableError

    error = raised(fail)
    assert "cannot be shown" in told(error)
    assert "UnspeakableError" in (traced(error) or "UnspeakableError")
