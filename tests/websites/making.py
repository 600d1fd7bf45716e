"""Short ways to a page, and to what fingerprints find on it."""

from __future__ import annotations

from typing import Any

from oppspot_runner.websites.detections import Found
from oppspot_runner.websites.fingerprints import build
from oppspot_runner.websites.matching import detect
from oppspot_runner.websites.page import Page, read_page

HOME = "https://www.acme.co.uk/"


def page(html: str = "", url: str = HOME, **headers: str) -> Page:
    """A page; `set_cookie` is the header Set-Cookie."""
    return read_page(url, {name.replace("_", "-"): value for name, value in headers.items()}, html)


def found(rules: dict[str, Any], html: str = "", **headers: str) -> dict[str, Found]:
    """What these rules find, by name. Fails for rules with a fault."""
    fingerprints = build(rules.items())
    assert fingerprints.faults == []
    return {one.name: one for one in detect(page(html, **headers), fingerprints).technologies}
