"""What `oppspot_runner` offers by name is what it promises, and modules say what they do."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

import oppspot_runner
from tests.house.conftest import Module


def test_every_promised_name_is_there() -> None:
    promised = oppspot_runner.__all__
    assert len(promised) == len(set(promised))
    missing = [name for name in promised if not hasattr(oppspot_runner, name)]
    assert not missing, "\n".join(map(str, missing))


def test_type_checkers_see_the_promised_names_and_no_others() -> None:
    tree = ast.parse(Path(oppspot_runner.__file__).read_text(encoding="utf-8"))
    seen = {
        name.asname or name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("oppspot_runner")
        for name in node.names
    }
    assert seen == set(oppspot_runner.__all__) - {"__version__"}


def test_people_who_look_around_see_the_promised_names_and_no_others() -> None:
    assert set(dir(oppspot_runner)) == set(oppspot_runner.__all__)


def test_an_unknown_name_is_an_ordinary_error() -> None:
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        getattr(oppspot_runner, "nothing" + "_of_the_kind")


def test_every_module_can_be_imported(modules: list[Module]) -> None:
    for module in modules:
        if not module.path.endswith("__main__.py"):
            name = module.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            importlib.import_module(name)


def test_every_module_opens_with_what_it_does(modules: list[Module]) -> None:
    silent = [module.path for module in modules if not ast.get_docstring(module.tree)]
    assert not silent, "\n".join(map(str, silent))


def test_no_module_is_called_by_what_it_is_not(modules: list[Module]) -> None:
    vague = {"utils", "util", "common", "helpers", "helper", "manager", "misc", "tools_", "core"}
    guilty = [m.path for m in modules if vague & set(m.path.removesuffix(".py").split("/"))]
    assert not guilty, "\n".join(map(str, guilty))
