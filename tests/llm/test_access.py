"""Where keys come from, where they go, and that nobody sees them."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from pydantic import SecretStr

from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.settings import Settings, load_settings
from oppspot_runner.llm.access import access_to, key_in_environment
from oppspot_runner.llm.errors import ApiKeyMissingError
from oppspot_runner.llm.messages import ModelRequest, UserMessage
from oppspot_runner.llm.models import Models
from tests.llm.scripted import KEY, Answer
from tests.llm.server import WIRES, ContractServer

VARIABLES = [
    ("anthropic", "ANTHROPIC_API_KEY"),
    ("openai", "OPENAI_API_KEY"),
    ("gemini", "GEMINI_API_KEY"),
    ("gemini", "GOOGLE_API_KEY"),
]


def settings(**given: object) -> Settings:
    return Settings(_env_file=None, **given)


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for _, variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)


@pytest.mark.parametrize(("provider", "variable"), VARIABLES)
def test_a_key_is_taken_from_the_variable_that_everybody_uses(
    provider: str, variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(variable, KEY)
    access = access_to(provider, load_settings())
    assert access.api_key.get_secret_value() == KEY


@pytest.mark.parametrize("written", ["env:TEAM_KEY", "file:{folder}/key"])
def test_a_key_may_be_where_the_setting_points_to(
    written: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TEAM_KEY", KEY)
    (tmp_path / "key").write_text(f"{KEY}\n")
    given = settings(openai_api_key=written.format(folder=tmp_path))
    assert access_to("openai", given).api_key.get_secret_value() == KEY


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("env:NOBODY_SET_THIS", "the key of openai is not in env:NOBODY_SET_THIS"),
        ("file:/nowhere/key", "cannot read the key of openai in /nowhere/key: No such file"),
    ],
)
def test_a_key_that_is_not_there_is_an_error_that_says_where(written: str, fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        access_to("openai", settings(openai_api_key=written))


def test_a_key_of_its_own_is_taken_as_it_is(tmp_path: Path) -> None:
    """It may come from a row, and a row must not make us read a file."""
    (tmp_path / "secret").write_text("not for providers")
    own = SecretStr(f"file:{tmp_path}/secret")
    assert access_to("openai", settings(), own).api_key == own


@pytest.mark.parametrize("key", [None, ""])
def test_no_key_is_an_error_that_says_what_to_set(key: str | None) -> None:
    with pytest.raises(ApiKeyMissingError, match="no key for anthropic") as caught:
        access_to("anthropic", settings(anthropic_api_key=key))
    assert "ANTHROPIC_API_KEY" in (caught.value.hint or "")


def test_a_row_may_name_a_variable_for_keys_and_nothing_else() -> None:
    environment = {"ACME_API_KEY": KEY, "DATABASE_URL": "postgresql://x", "OPPSPOT_SECRET_KEY": "y"}
    assert key_in_environment("ACME_API_KEY", environment).get_secret_value() == KEY
    with pytest.raises(ApiKeyMissingError, match="OTHER_API_KEY is not set"):
        key_in_environment("OTHER_API_KEY", environment)
    for name in ("DATABASE_URL", "OPPSPOT_SECRET_KEY", "acme_api_key", "file:/etc/passwd_API_KEY"):
        with pytest.raises(ConfigurationError, match="api_key_env"):
            key_in_environment(name, environment)


@pytest.mark.parametrize(
    "url", ["ftp://host/", "host:8080", "https://user:pass@host/", "http:///x", "http://a b/"]
)
def test_an_address_that_cannot_be_used_is_not_shown(url: str) -> None:
    with pytest.raises(ConfigurationError, match="OPENAI_BASE_URL is not usable") as caught:
        access_to("openai", settings(openai_api_key=KEY, openai_base_url=url))
    assert url not in caught.value.one_line()


@pytest.mark.parametrize("url", ["http://ollama:11434/v1", "https://llm.example.com", None, ""])
def test_an_address_of_ones_own_is_used(url: str | None) -> None:
    access = access_to("openai", settings(openai_api_key=KEY, openai_base_url=url))
    assert access.base_url == (url or None)


@pytest.mark.slow
async def test_a_key_of_an_organisation_is_used_instead() -> None:
    async with ContractServer(WIRES[1]) as server:
        given = settings(openai_api_key="sk-of-the-house", openai_base_url=server.base_url)
        async with Models(given) as models:
            server.script = [Answer("one"), Answer("two")]
            for key in (None, SecretStr(KEY)):
                await models.find("gpt-4o", api_key=key).ask(ModelRequest([UserMessage("?")]))
        assert [asked.key for asked in server.asked] == ["sk-of-the-house", KEY]


def test_models_of_one_provider_and_key_share_its_connections() -> None:
    models = Models(Settings(_env_file=None, openai_api_key="sk-one"))
    first, again = models.find("gpt-4o"), models.find("openai:gpt-4o-mini")
    other = models.find("gpt-4o", api_key=SecretStr("sk-two"))
    assert first.provider is again.provider
    assert first.provider is not other.provider


def test_nothing_shows_a_key() -> None:
    given = settings(anthropic_api_key=KEY)
    models = Models(given)
    model = models.find("claude-haiku-4-5")
    access = access_to("anthropic", given)
    assert KEY not in f"{given!r} {model!r} {access!r} {access} {models.find!r}"
    assert KEY not in repr(given.model_dump()) + given.model_dump_json()


def test_errors_cross_the_border_of_a_child_process() -> None:
    error = ApiKeyMissingError("there is no key", hint="Set it.", retry_after_s=2.0)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is ApiKeyMissingError
    assert (again.one_line(), again.retry_after_s) == (error.one_line(), 2.0)
