"""The pages that are made from the code are the ones that the code makes now."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest

from tests.docs.pages import DOCS, text_of


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"docs_{name}", DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    return script("generate")


@pytest.mark.parametrize("name", ["settings", "codes", "cli"])
def test_a_generated_page_is_up_to_date(generate: ModuleType, name: str) -> None:
    made = getattr(generate, f"{name}_page")()
    hint = "run `.venv/bin/python docs/generate.py`"
    assert text_of(f"docs/reference/{name}.md") == made, hint


def test_the_page_of_http_is_up_to_date() -> None:
    made = script("http_page").http_page()
    assert text_of("docs/reference/http.md") == made, "run `.venv/bin/python docs/http_page.py`"


@pytest.mark.parametrize("name", ["metrics", "events", "python"])
def test_a_page_of_its_own_script_is_up_to_date(name: str) -> None:
    made = getattr(script(f"{name}_page"), f"{name}_page")()
    assert text_of(f"docs/reference/{name}.md") == made, "run `.venv/bin/python docs/generate.py`"


@pytest.mark.parametrize(
    "name", ["generate", "http_page", "metrics_page", "events_page", "python_page"]
)
def test_the_scripts_are_short(name: str) -> None:
    assert len((DOCS / f"{name}.py").read_text(encoding="utf-8").splitlines()) < 160
