"""Every setting is in .env.example, which is generated, and every name there is a setting."""

from __future__ import annotations

import re

from oppspot_runner.base.settings import Settings, env_example, unknown_variables, variable_name
from tests.house.conftest import ROOT

EXAMPLE = ROOT / ".env.example"


def test_the_example_is_the_generated_one() -> None:
    """docs/contributing.md says how to write it again."""
    assert EXAMPLE.read_text(encoding="utf-8") == env_example()


def test_every_setting_is_in_the_example() -> None:
    shown = re.findall(r"^# ([A-Z_]+)=", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE)
    assert shown == [variable_name(field) for field in Settings.model_fields]


def test_every_setting_says_what_it_is() -> None:
    silent = [name for name, info in Settings.model_fields.items() if not info.description]
    assert not silent, "\n".join(map(str, silent))


def test_every_variable_that_the_documents_name_is_a_setting(tracked: dict[str, str]) -> None:
    places = ("README.md", "docs/", "deploy/", "Dockerfile", "docker-compose.yml")
    named = {
        name: path
        for path, text in tracked.items()
        if path.startswith(places)
        for name in re.findall(r"\bOPPSPOT_[A-Z_]*[A-Z]\b", text)
    }
    assert not {name: named[name] for name in unknown_variables(named)}
