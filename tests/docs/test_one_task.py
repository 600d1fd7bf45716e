"""docs/explanation/one-task.md names files and functions: each must exist where it says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "explanation" / "one-task.md"
QUOTED = re.compile(r"`([^`]+)`")
CALL = re.compile(r"[A-Za-z_]\w*(\.\w+)?\(\)")
STOPS = 9


def named() -> list[tuple[str, str]]:
    """Pairs of a file and a name in it; the name is empty where only the file is named."""
    pairs, file = [], ""
    for word in QUOTED.findall(PAGE.read_text(encoding="utf-8")):
        if word.endswith((".py", ".sql")):
            file = word
            pairs.append((file, ""))
        elif CALL.fullmatch(word):
            pairs.append((file, word.removesuffix("()")))
    return pairs


def defined_in(path: Path) -> set[str]:
    if path.suffix == ".sql":
        return set(re.findall(r"FUNCTION (\w+)\(", path.read_text(encoding="utf-8")))
    names: set[str] = set()
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, kinds):
            names.add(node.name)
            inner = node.body if isinstance(node, ast.ClassDef) else []
            names |= {f"{node.name}.{one.name}" for one in inner if isinstance(one, kinds)}
    return names


@pytest.mark.parametrize(("file", "name"), named())
def test_what_the_page_names_exists(file: str, name: str) -> None:
    path = ROOT / file
    assert path.is_file(), f"{file} does not exist"
    if name:
        assert name in defined_in(path), f"{file} defines no {name}"


def test_the_page_has_nine_stops_and_names_enough_to_follow() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert re.findall(r"^\*\*(\d)\.", text, re.MULTILINE) == [str(n + 1) for n in range(STOPS)]
    assert len(named()) > 40
