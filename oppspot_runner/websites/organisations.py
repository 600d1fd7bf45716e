"""What a page says of the company in structured data (JSON-LD): contact, place, head count."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from oppspot_runner.companies.headcount import HeadCount, parse_headcount
from oppspot_runner.websites.page import Page, site_of

KINDS = ("organization", "corporation", "localbusiness", "company")
KIND_ENDS = ("organization", "business", "store", "service", "agency", "restaurant", "airline")
MOST_LEVELS = 3  # of lists and graphs that a company stands in


@dataclass(frozen=True, slots=True)
class Organisation:
    """What the page says of its own company; texts as they are written, "" for none."""

    name: str = ""
    description: str = ""
    telephone: str = ""
    email: str = ""
    same_as: tuple[str, ...] = ()
    employees: HeadCount | None = None
    town: str = ""
    region: str = ""
    country: str = ""


def organisation_of(page: Page) -> Organisation:
    """The company behind the page. What stands within other things, such as the author of a
    review, is not it, nor is one with a web site elsewhere.
    """
    for node in _nodes(page.data):
        url = _text(node.get("url"))
        if _is_organisation(node) and (not url or site_of(page.address(url)) == page.site):
            return _organisation(node)
    return Organisation()


def _nodes(values: list[Any], levels: int = MOST_LEVELS) -> Iterator[dict[str, Any]]:
    for value in values:
        if isinstance(value, dict):
            yield value
        inner = value.get("@graph") if isinstance(value, dict) else value
        if isinstance(inner, list) and levels:
            yield from _nodes(inner, levels - 1)


def _is_organisation(node: dict[str, Any]) -> bool:
    kinds = node.get("@type")
    names = [kind.lower() for kind in _list(kinds) if isinstance(kind, str)]
    return any(name in KINDS or name.endswith(KIND_ENDS) for name in names)


def _organisation(node: dict[str, Any]) -> Organisation:
    address = next((one for one in _list(node.get("address")) if isinstance(one, dict)), {})
    points = [one for one in _list(node.get("contactPoint")) if isinstance(one, dict)]
    country = address.get("addressCountry")
    return Organisation(
        name=_text(node.get("name")),
        description=_text(node.get("description")),
        telephone=_first("telephone", node, *points),
        email=_first("email", node, *points),
        same_as=tuple(text for one in _list(node.get("sameAs")) if (text := _text(one))),
        employees=_employees(node.get("numberOfEmployees")),
        town=_text(address.get("addressLocality")),
        region=_text(address.get("addressRegion")),
        country=_text(country.get("name") if isinstance(country, dict) else country),
    )


def _employees(value: Any) -> HeadCount | None:
    """A number, a text, or a QuantitativeValue of one number or of two ends."""
    if not isinstance(value, dict):
        return parse_headcount(value)
    low, high = value.get("minValue"), value.get("maxValue")
    if "value" not in value and low is not None and high is not None:
        return parse_headcount(f"{low}-{high}")
    return parse_headcount(value.get("value"))


def _first(name: str, *nodes: dict[str, Any]) -> str:
    return next((text for node in nodes if (text := _text(node.get(name)))), "")


def _text(value: Any) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
