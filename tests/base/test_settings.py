"""Settings: precedence, clear refusals, no secret shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.settings import load_settings, unknown_variables


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "DEBUG", "OPPSPOT_CONCURRENCY", "OPPSPOT_LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)


def test_defaults_are_those_of_the_contract() -> None:
    settings = load_settings()
    assert (settings.poll_interval, settings.concurrency) == (5, 3)
    assert (settings.lease, settings.grace, settings.schema_name) == (30, 30, "public")


def test_flag_over_environment_over_file_over_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("OPPSPOT_CONCURRENCY=4\nOPPSPOT_GRACE=7\n")
    assert load_settings().concurrency == 4
    monkeypatch.setenv("OPPSPOT_CONCURRENCY", "5")
    assert load_settings().concurrency == 5
    assert load_settings(concurrency=6).concurrency == 6
    assert load_settings(concurrency=None).grace == 7


def test_an_unusable_value_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPPSPOT_CONCURRENCY", "many")
    with pytest.raises(ConfigurationError, match="OPPSPOT_CONCURRENCY 'many' is not usable"):
        load_settings()


@pytest.mark.parametrize("text", ["reddit.example", "ftp://reddit.example", "https:///r"])
def test_an_address_of_a_source_is_one_of_the_web(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("OPPSPOT_REDDIT_URL", text)
    with pytest.raises(ConfigurationError, match=r"OPPSPOT_REDDIT_URL .* must begin with https://"):
        load_settings()


def test_credentials_in_an_address_are_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPPSPOT_REDDIT_URL", "https://heron:swordfish@reddit.example/")
    with pytest.raises(ConfigurationError, match="without credentials") as raised:
        load_settings()
    assert "swordfish" not in str(raised.value)


def test_unknown_names_are_told_with_the_nearest_known_one() -> None:
    assert unknown_variables({"OPPSPOT_CONCURENCY": "1", "OTHER": "1"}) == {
        "OPPSPOT_CONCURENCY": "OPPSPOT_CONCURRENCY"
    }


def test_debug_true_means_debug(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBUG", "true")
    assert load_settings().log_level == "debug"
    monkeypatch.setenv("OPPSPOT_LOG_LEVEL", "warning")
    assert load_settings().log_level == "warning"


def test_the_database_password_is_not_in_the_settings_text() -> None:
    settings = load_settings(database_url="postgresql://me:hunter2@host/db")
    assert "hunter2" not in repr(settings)


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPPSPOT_IMPORT", "a.b, c")
    assert load_settings().import_ == ["a.b", "c"]
    assert load_settings(import_=("a.b,c", "d")).import_ == ["a.b", "c", "d"]
