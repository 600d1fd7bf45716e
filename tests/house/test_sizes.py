"""Files and functions stay small enough to be read at once."""

from __future__ import annotations

import ast

from tests.house.conftest import Module

MOST_LINES_OF_A_FILE = 300
MOST_LINES_OF_A_FUNCTION = 40


def test_no_file_is_longer_than_300_lines(modules: list[Module]) -> None:
    too_long = [
        f"{module.path}: {lines}"
        for module in modules
        if (lines := len(module.text.splitlines())) > MOST_LINES_OF_A_FILE
    ]
    assert not too_long, "\n".join(map(str, too_long))


def test_no_function_is_longer_than_40_lines(modules: list[Module]) -> None:
    too_long = [
        f"{module.path}:{node.lineno} {node.name}: {lines}"
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        # Decorators are not counted: the options of a command are a table, not code.
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > MOST_LINES_OF_A_FUNCTION
    ]
    assert not too_long, "\n".join(map(str, too_long))
