"""What people may write for a model, and which one is asked then."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.settings import Settings
from oppspot_runner.llm.errors import UnknownModelError
from oppspot_runner.llm.models import Models
from oppspot_runner.llm.names import ModelTable
from oppspot_runner.llm.prices import PriceList
from oppspot_runner.observe import logging

NAMES = [
    ("claude-sonnet-4-20250514", "anthropic:claude-sonnet-5-5"),
    ("anthropic:claude-sonnet-4-20250514", "anthropic:claude-sonnet-5-5"),
    ("gemini-1.5-pro", "gemini:gemini-3.8-flash"),
    ("claude-haiku", "anthropic:claude-haiku-5-5"),
    ("claude-sonnet", "anthropic:claude-sonnet-5-5"),
    ("claude-opus", "anthropic:claude-opus-5-5"),
    ("gpt-4o", "openai:gpt-4o"),
    ("openai-chat:gpt-4o", "openai:gpt-4o"),
    ("google:gemini-2.5-pro", "gemini:gemini-2.5-pro"),
    ("openai:llama3.2:3b", "openai:llama3.2:3b"),
    ("mock:echo", "mock:echo"),
]


@pytest.mark.parametrize(("written", "asked"), NAMES)
def test_a_name_is_understood(written: str, asked: str) -> None:
    assert str(ModelTable.load().find(written)) == asked


@pytest.mark.parametrize(
    ("written", "warning"),
    [
        ("claude-sonnet-4-20250514", "ended in June 2026.*anthropic:claude-sonnet-5-5 is asked"),
        ("claude-sonnet-4-5", r"ends on 30 November 2026\)$"),
    ],
)
def test_a_name_that_is_retired_comes_with_a_warning(written: str, warning: str) -> None:
    assert re.search(warning, ModelTable.load().find(written).warning or "")


def test_a_name_that_is_current_comes_without() -> None:
    assert ModelTable.load().find("claude-sonnet-5-5").warning is None


async def test_the_log_warns_once_of_a_name_that_is_retired() -> None:
    logging.set_up("json", "warning")
    with capture_logs() as lines:
        async with Models(Settings(_env_file=None, gemini_api_key="k")) as models:
            for _ in range(3):
                models.find("gemini-1.5-pro")
    logging.set_up("json", "error")
    (line,) = lines
    assert line["log_level"] == "warning"
    assert line["model"] == "gemini-1.5-pro"


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("claud-sonnet", "Is claude-sonnet meant"),
        ("llama3.2", "Write the provider in front"),
        ("deepseek:r1", "Write the provider in front"),
        ("openai:", "Write the provider in front"),
        ("", "Write the provider in front"),
    ],
)
def test_an_unknown_name_says_what_to_do(written: str, advice: str) -> None:
    with pytest.raises(UnknownModelError) as caught:
        ModelTable.load().find(written)
    assert caught.value.hint is not None
    assert advice in caught.value.hint


def test_a_file_of_names_wins_over_ours(tmp_path: Path) -> None:
    file = tmp_path / "models.toml"
    file.write_text(
        '[prefixes]\n"llama" = "openai"\n'
        '[models]\n"gemini-1.5-pro" = { use = "gemini:gemini-2.5-pro" }\n'
        '"house" = { use = "openai:house-7b", retired = "ends soon" }\n'
    )
    table = ModelTable.load(file)
    assert str(table.find("llama3.2")) == "openai:llama3.2"
    assert str(table.find("gemini-1.5-pro")) == "gemini:gemini-2.5-pro"
    assert table.find("gemini-1.5-pro").warning is None
    assert "ends soon" in (table.find("house").warning or "")
    assert str(table.find("gpt-4")) == str(ModelTable.load().find("gpt-4"))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('[prefixes]\n"x" = "acme"', "prefixes.x"),
        ('[models]\n"x" = { instead = "y" }', "models.x.instead"),
        ('[model]\n"x" = 1', "model"),
    ],
)
def test_a_file_of_names_that_cannot_be_used_says_where(
    tmp_path: Path, text: str, fault: str
) -> None:
    file = tmp_path / "models.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=fault):
        ModelTable.load(file)


def test_all_that_our_table_points_to_is_known_and_has_a_price() -> None:
    table, prices = ModelTable.load(), PriceList.load()
    for written, entry in table.models.items():
        name = table.find(written)
        assert prices.price(name) is not None, written
        if entry.use is not None:
            assert table.find(entry.use).warning is None, f"{written} leads to a retired model"
