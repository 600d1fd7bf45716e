"""Costs to the last digit, against a table that was computed by hand."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.llm.messages import ModelRequest, Usage, UserMessage
from oppspot_runner.llm.model import LanguageModel
from oppspot_runner.llm.names import ModelTable
from oppspot_runner.llm.prices import PriceList
from tests.llm.scripted import Answer, Wire
from tests.llm.server import ContractServer

# Model, tokens in, of these cached, of these written to the cache, tokens out; cost in USD.
# By hand, for example the second: (1000-700-200) x 1 + 700 x 0.1 + 200 x 1.25 + 90 x 5 = 870.
BY_HAND = [
    ("anthropic:claude-haiku-4-5", (1, 0, 0, 0), "0.000001"),
    ("anthropic:claude-haiku-4-5", (1_000, 700, 200, 90), "0.000870"),
    ("anthropic:claude-sonnet-5-5", (123_457, 100_003, 7, 8_191), "0.1388218"),
    ("anthropic:claude-opus-5-5", (3, 1, 1, 7), "0.0001492"),
    # Up to 100,000 tokens in 0.1 and 0.5 for a million, above 0.5 and 2.5, for the whole call.
    ("anthropic:claude-haiku-5-5", (100_000, 0, 0, 1), "0.0100005"),
    ("anthropic:claude-haiku-5-5", (100_001, 0, 0, 1), "0.0500030"),
    ("anthropic:claude-haiku-5-5", (100_001, 99_999, 1, 0), "0.005001075"),
    ("openai:gpt-4o", (1_234, 1_024, 0, 56), "0.002365"),
    ("openai:gpt-4.1-nano", (7, 3, 0, 1), "0.000000875"),
    # No price for cached tokens of its own: they cost what others cost.
    ("gemini:gemini-2.5-flash", (999, 1, 0, 3), "0.00030693"),
    ("gemini:gemini-3.8-flash", (1_000_000, 0, 0, 1_000_000), "4.5"),
    ("gemini:gemini-2.5-pro", (200_001, 1, 0, 1), "0.50001525"),
    ("mock:echo", (1_000, 0, 0, 1_000), "0"),
]


@pytest.mark.parametrize(("name", "tokens", "cost"), BY_HAND)
def test_a_cost_is_what_was_computed_by_hand(
    name: str, tokens: tuple[int, int, int, int], cost: str
) -> None:
    went_in, cached, written, out = tokens
    usage = Usage(input=went_in, output=out, cached=cached, cache_written=written)
    assert PriceList.load().cost(ModelTable.load().find(name), usage) == Decimal(cost)


async def test_a_reply_carries_its_cost_and_the_version_of_the_list(
    model: LanguageModel, server: ContractServer, wire: Wire
) -> None:
    server.script = [Answer("It is 42.", input=1_000, output=90, cached=700)]
    reply = await model.ask(ModelRequest([UserMessage("?")]))
    by_hand = {
        "anthropic": "0.000820",  # 300 x 1 + 700 x 0.1 + 90 x 5
        "openai": "0.002525",  # 300 x 2.5 + 700 x 1.25 + 90 x 10
        "gemini": "0.000336",  # 300 x 0.3 + 700 x 0.03 + 90 x 2.5
    }
    assert reply.cost == Decimal(by_hand[wire.prefix])
    assert reply.price_list == PriceList.load().version


def test_an_unknown_price_is_unknown_and_not_nothing() -> None:
    name = ModelTable.load().find("openai:a-model-of-next-year")
    assert PriceList.load().cost(name, Usage(1, 1)) is None


@pytest.mark.parametrize("end", ["-latest", "-20251001", "-2024-08-06"])
def test_a_date_at_the_end_of_a_name_does_not_change_the_price(end: str) -> None:
    prices, names = PriceList.load(), ModelTable.load()
    dated = prices.price(names.find(f"openai:gpt-4o{end}"))
    assert dated is not None
    assert dated == prices.price(names.find("openai:gpt-4o"))
    assert prices.price(names.find("openai:gpt-4o-2")) is None


def test_a_file_of_prices_wins_over_ours_and_names_its_version(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(
        'version = "ours"\n'
        '[models."openai:house-model"]\ninput = 0.123456789\noutput = 1\n'
        '[models."openai:gpt-4o"]\ninput = 1\noutput = 2\n'
    )
    prices, names = PriceList.load(file), ModelTable.load()
    usage = Usage(input=1_000_001, output=1, cached=1)
    house = prices.cost(names.find("openai:house-model"), usage)
    assert house == Decimal("0.123457912456789")
    assert prices.cost(names.find("gpt-4o"), usage) == Decimal("1.000003")
    assert prices.price(names.find("o3")) == PriceList.load().price(names.find("o3"))
    assert prices.version == PriceList.load().version + "+ours"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("version = ", "not valid TOML"),
        ("[models]", "version: it is missing"),
        ('version = "1"\n[models."a:b"]\ninput = 1', "models.a:b.output: it is missing"),
        ('version = "1"\n[models."a:b"]\ninput = -1\noutput = 1', "models.a:b.input"),
        ('version = "1"\n[models."a:b"]\ninput = nan\noutput = 1', "models.a:b.input"),
        ('version = "1"\n[models."a:b"]\ninput = 1\noutput = 1\nfree = 1', "models.a:b.free"),
    ],
)
def test_a_file_of_prices_that_cannot_be_used_says_where(
    tmp_path: Path, text: str, fault: str
) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=fault) as caught:
        PriceList.load(file)
    assert str(file) in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot read .*nowhere\.toml"):
        PriceList.load(tmp_path / "nowhere.toml")
