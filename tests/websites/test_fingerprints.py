"""Fingerprints as people write them: our own, the community's files, and faulty ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.websites.fingerprint_files import load_fingerprints
from oppspot_runner.websites.fingerprints import build


def written(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def test_ours_are_many_complete_and_know_each_other() -> None:
    own = load_fingerprints()
    assert len(own.technologies) >= 150
    assert own.faults == []
    assert own.not_judged == 0
    for technology in own.technologies.values():
        assert technology.categories, technology
        assert technology.website.startswith("https://"), technology
        named = {one.expression for one in technology.implies} | set(technology.requires)
        assert named <= own.technologies.keys(), technology


def test_a_file_is_added_to_ours(tmp_path: Path) -> None:
    path = written(tmp_path / "own.json", {"Acme": {"cats": ["crm"], "headers": {"X-Acme": ""}}})
    loaded = load_fingerprints(path)
    assert loaded.technologies["Acme"].categories == ("crm",)
    assert "x-acme" in loaded.named["headers"]
    assert "WordPress" in loaded.technologies


def test_a_toml_file_is_as_good(tmp_path: Path) -> None:
    path = written(tmp_path / "own.toml", "[Acme]\ncats = ['crm']\nscriptSrc = ['acme\\.js']\n")
    assert "Acme" in load_fingerprints(path).technologies


def test_a_folder_of_the_community_with_its_categories(tmp_path: Path) -> None:
    written(tmp_path / "src" / "categories.json", {"1": {"name": "CMS", "priority": 1}})
    written(
        tmp_path / "src" / "technologies" / "a.json", {"Acme": {"cats": [1, 99], "icon": "a.svg"}}
    )
    written(tmp_path / "src" / "technologies" / "b.json", {"Beta": {"cats": [1]}})
    written(tmp_path / "src" / "notes.txt", "# no fingerprints")
    loaded = load_fingerprints(tmp_path / "src")
    assert loaded.technologies["Acme"].categories == ("CMS", "99")
    assert loaded.technologies["Beta"].categories == ("CMS",)
    assert loaded.faults == []


@pytest.mark.parametrize("key", ["technologies", "apps"])
def test_one_file_with_all(tmp_path: Path, key: str) -> None:
    content = {"$schema": "x", "categories": {"5": "Widgets"}, key: {"Acme": {"cats": [5]}}}
    loaded = load_fingerprints(written(tmp_path / "all.json", content))
    assert loaded.technologies["Acme"].categories == ("Widgets",)


def test_rules_of_one_name_add_up_and_an_empty_entry_takes_ours_back(tmp_path: Path) -> None:
    path = written(tmp_path / "own.json", {"Stripe": {"headers": {"x-pay": ""}}, "Wix": {}})
    loaded = load_fingerprints(path)
    assert {"Stripe"} == {rule.technology for rule in loaded.named["headers"]["x-pay"]}
    assert any(rule.technology == "Stripe" for rule in loaded.texts["scriptSrc"])
    assert "Wix" not in loaded.technologies


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.json", "{", "a.json is no JSON"),
        ("a.toml", "[x", "a.toml is no TOML"),
        ("a.json", "[]", "holds no table"),
        ("a.json", "[" * 100_000, "is no JSON"),
        ("a.json", "\xff", "is no JSON"),
    ],
)
def test_a_file_that_is_none_is_told(tmp_path: Path, name: str, content: str, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(ConfigurationError, match=words):
        load_fingerprints(path)


def test_a_path_that_leads_nowhere_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        load_fingerprints(tmp_path / "none.json")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigurationError, match=r"no \.json or \.toml file"):
        load_fingerprints(tmp_path / "empty")


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("text", "Acme: is no table of rules"),
        ({"headers": "x"}, "Acme: headers: 'x' is no table of names and patterns"),
        ({"scriptSrc": [1]}, "Acme: scriptSrc: 1 is no text"),
        ({"html": r"x\;confidence:no"}, "Acme: html: the confidence 'no' is no whole number"),
        ({"dom": "a:has(b)"}, "Acme: dom: the selector 'a:has(b)' is not understood"),
        ({"dom": {"a": ["x"]}}, "Acme: dom: ['x'] is no table"),
        ({"cats": [None]}, "Acme: cats: None is no category"),
        ({"implies": {}}, "Acme: implies: {} is no text"),
        ({"website": 5}, "Acme: website: 5 is no text"),
    ],
)
def test_what_is_faulty_in_an_entry_is_left_out_and_told(entry: Any, fault: str) -> None:
    made = build([("Acme", entry), ("Beta", {"headers": {"x": ""}})])
    assert len(made.faults) == 1
    assert made.faults[0].startswith(fault)
    assert "Beta" in made.technologies


def test_what_needs_a_browser_is_not_judged_and_counted() -> None:
    made = build(
        [("Acme", {"js": {"Acme": ""}, "css": "x", "dom": {"a": {"properties": {"y": ""}}}})]
    )
    assert made.not_judged == 3
    assert list(made.patterns()) == []


def test_expressions_that_are_none_are_told_when_asked() -> None:
    made = build([("Acme", {"html": "((", "meta": {"generator": "x"}})])
    assert made.faults == []
    assert made.not_compiled() == ["Acme: '((' is no regular expression"]
