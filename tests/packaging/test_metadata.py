"""pyproject.toml and uv.lock belong together, and the lock names public places only."""

from __future__ import annotations

import re
import tomllib
from typing import Any
from urllib.parse import urlsplit

from tests.packaging.conftest import ROOT

LOCK_TEXT = (ROOT / "uv.lock").read_text(encoding="utf-8")
LOCK = tomllib.loads(LOCK_TEXT)
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
REQUIREMENT = re.compile(r"^([A-Za-z0-9_.-]+)(\[[\w,-]+\])?(.*)$")


def test_the_lock_names_public_places_only() -> None:
    addresses = re.findall(r'"((?:https?|file)://[^"]+)"', LOCK_TEXT)
    hosts = {urlsplit(address).hostname for address in addresses}
    assert hosts == {"py" + "pi.org", "files.python" + "hosted.org"}
    sources = {key for package in LOCK["package"] for key in package["source"]}
    assert sources == {"registry", "editable"}


def test_the_lock_was_made_from_this_project() -> None:
    (own,) = [package for package in LOCK["package"] if "editable" in package["source"]]
    locked = {
        (entry["name"], entry.get("specifier", ""), _extra(entry))
        for entry in own["metadata"]["requires-dist"]
    }
    groups = {"": PROJECT["project"]["dependencies"], **PROJECT["project"]["optional-dependencies"]}
    wanted = {(*_name_and_bounds(text), extra) for extra, texts in groups.items() for text in texts}
    assert locked == wanted
    assert own["version"] == PROJECT["project"]["version"]


def test_every_requirement_of_users_has_a_lower_bound() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    texts = [*PROJECT["project"]["dependencies"], *extras["embedded"], *extras["demo"]]
    unbound = [text for text in texts if ">=" not in text and "oppspot-runner" not in text]
    assert not unbound


def test_the_core_is_light() -> None:
    """Web frameworks, model clients and brokers are extras, or nothing."""
    heavy = {"fastapi", "uvicorn", "celery", "numpy", "pandas", "sqlalchemy", "requests", "httpx2"}
    core = {_name_and_bounds(text)[0] for text in PROJECT["project"]["dependencies"]}
    assert not heavy & core


def _extra(entry: dict[str, str]) -> str:
    found = re.search(r"extra == '([\w-]+)'", entry.get("marker", ""))
    return found.group(1) if found else ""


def _name_and_bounds(text: str) -> tuple[str, str]:
    match = REQUIREMENT.match(text)
    assert match is not None
    return match[1].lower(), _sorted(match[3])


def _sorted(bounds: str) -> str:
    return ",".join(part.strip() for part in bounds.split(","))
