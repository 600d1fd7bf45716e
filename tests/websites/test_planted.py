"""Pages of every kind, and traps among them: no false technology, and nearly all planted ones."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from oppspot_runner.websites.fingerprint_files import load_fingerprints
from oppspot_runner.websites.page import read_saved
from oppspot_runner.websites.reading import SiteReport, read_site

HERE = Path(__file__).parent
PLANTED: dict[str, dict[str, Any]] = tomllib.loads((HERE / "planted.toml").read_text("utf-8"))
SHARE = 0.9


def read(name: str) -> SiteReport:
    entry = PLANTED[name]
    page = read_saved((HERE / "pages" / f"{name}.http").read_text("utf-8"), entry["url"])
    return read_site(page, entry.get("asked", entry["url"]), load_fingerprints())


def test_every_page_is_listed_and_there_are_enough() -> None:
    assert {path.stem for path in (HERE / "pages").iterdir()} == set(PLANTED)
    assert len(PLANTED) >= 40


@pytest.mark.parametrize("name", PLANTED)
def test_nothing_is_found_that_is_not_there(name: str) -> None:
    report = read(name)
    assert report.standing.state == PLANTED[name].get("state", "ok"), report.standing
    found = {one.name for one in report.detection.technologies}
    assert found <= set(PLANTED[name]["technologies"]), report.detection
    assert not report.detection.gave_up


def test_nearly_all_that_is_there_is_found() -> None:
    planted = {(name, one) for name, entry in PLANTED.items() for one in entry["technologies"]}
    found = {(name, one.name) for name in PLANTED for one in read(name).detection.technologies}
    missed = planted - found
    assert len(missed) <= (1 - SHARE) * len(planted), sorted(missed)


@pytest.mark.parametrize("name", PLANTED)
def test_each_has_its_evidence(name: str) -> None:
    for one in read(name).detection.technologies:
        assert one.evidence or one.implied_by, one
        assert one.categories, one
        assert one.is_sure, one
