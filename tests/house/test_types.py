"""Types are checked strictly, everywhere in the package, without a way around."""

from __future__ import annotations

import ast
import re
import tomllib

from tests.house.conftest import PACKAGE, ROOT, Module

# Taken apart, so that this file does not hold what it looks for.
WAY_AROUND = re.compile("#" + r"\s*(type" + ":|mypy" + ":|pyright" + ":)")
CLIENTS = {"module": ["anthropic.*", "google.genai.*", "openai.*"], "follow_imports": "skip"}
LOOSER = {"disallow_untyped_defs", "check_untyped_defs", "disallow_any_generics", "ignore_errors"}


def test_there_is_no_way_around_the_type_checker(modules: list[Module]) -> None:
    guilty = [
        f"{module.path}:{number}"
        for module in modules
        for number, line in enumerate(module.text.splitlines(), 1)
        if WAY_AROUND.search(line)
    ]
    assert not guilty, "\n".join(map(str, guilty))


def test_mypy_is_strict_for_the_whole_package() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]
    assert config["strict"] is True
    assert config["packages"] == ["oppspot_runner", "benchmarks"]
    assert not LOOSER & set(config)
    for override in config.get("overrides", []):
        if "follow_imports" in override:
            assert override == CLIENTS
            continue
        assert set(override) == {"module", "ignore_missing_imports"}
        assert not any(name.startswith("oppspot_runner") for name in override["module"])


def test_every_function_says_its_types(modules: list[Module]) -> None:
    silent = [
        f"{module.path}:{node.lineno} {node.name}"
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is None
    ]
    assert not silent, "\n".join(map(str, silent))


def test_the_package_tells_type_checkers_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").is_file()
