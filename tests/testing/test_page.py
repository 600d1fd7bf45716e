"""The guides that show tests: what they test is saved as they say, and all of them pass."""

from __future__ import annotations

import pytest

from tests.docs.pages import blocks_of
from tests.testing.test_plugin import OURS

pytest_plugins = ["pytester", "oppspot_runner.testing.plugin"]

GUIDE = "docs/guides/testing.md"
CONNECTORS = "docs/guides/connectors.md"
THEIRS = "test_shop.py"


@pytest.mark.slow
def test_the_tests_of_the_guide_pass(pytester: pytest.Pytester) -> None:
    files: dict[str, str] = {}
    for block in blocks_of(GUIDE, "python"):
        name = block.saved_as or THEIRS
        files[name] = f"{files.get(name, '')}\n\n{block.body}"
    assert {"shop_agents.py", THEIRS, "conftest.py"} == files.keys()
    passes(pytester, files)


@pytest.mark.slow
def test_the_tests_of_a_connector_pass(pytester: pytest.Pytester) -> None:
    files = {str(block.saved_as): block.body for block in blocks_of(CONNECTORS, "python")}
    assert files.keys() == {"my_agents.py", "test_weather.py"}
    passes(pytester, files)


def passes(pytester: pytest.Pytester, files: dict[str, str]) -> None:
    """Saves `files` and runs their tests."""
    for name, text in files.items():
        (pytester.path / name).write_text(text)
    (pytester.path / "pytest.ini").write_text(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
    )
    shown = sum(text.count("def test_") for text in files.values())
    pytester.runpytest(*OURS).assert_outcomes(passed=shown)
