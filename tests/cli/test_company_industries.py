"""`companies industries`, with and without a file of one's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from oppspot_runner.cli.main import main
from oppspot_runner.companies.industry_table import use_industries


@pytest.fixture(autouse=True)
def packaged() -> Iterator[None]:
    yield
    use_industries(None)


def run(*words: str, file: Path | None = None) -> Result:
    env = {"OPPSPOT_INDUSTRIES": str(file) if file else None}
    return CliRunner().invoke(main, ["companies", "industries", *words], env=env)


def test_labels_are_listed_and_one_is_shown_with_all_that_it_means() -> None:
    assert "SaaS" in run().stdout
    shown = json.loads(run("fin-tech", "--json").stdout)
    assert (shown["label"], "64191" in shown["sic"]) == ("FinTech", True)
    assert "neobank" in run("FinTech").stdout
    assert "there is no industry 'cheese'" in run("cheese").stderr


def test_a_file_of_ones_own_counts_and_its_fault_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[[industry]]\nlabel = "Cheese"\nsic = ["10512"]\n')
    assert json.loads(run("cheese", "--json", file=file).stdout)["sic"] == ["10512"]
    file.write_text('[[industry]]\nlabel = "Cheese"\n\n[[industry]]\nsic = ["1"]\n')
    result = run(file=file)
    assert result.exit_code == 1
    assert "line 4: industry.1.label" in result.stderr
