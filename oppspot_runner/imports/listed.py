"""Real listed companies from the package pytickersymbols, without any network.

Its countries are those of a stock exchange list: some hold a town and a state, and some name the
country of a foreign listing, which the headquarters corrects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.companies.countries import countries, country_code, place_key
from oppspot_runner.companies.places import Place, parse_place, towns
from oppspot_runner.imports.cells import without_controls
from oppspot_runner.imports.company_cells import staged_row
from oppspot_runner.imports.source import CSV_CONFIDENCE, Reading
from oppspot_runner.imports.staging import StagedRow
from oppspot_runner.imports.tally import Tally

MOST_TOWN = 40  # characters; longer ones are whole addresses
NO_TOWN = re.compile(r"\d|[()/]| and ")


@dataclass(frozen=True)
class Listed:
    """The 1,800 or so companies of the package, each of them on a stock exchange."""

    name: str = "import:listed"
    confidence: float = CSV_CONFIDENCE
    keys_unique: bool = False

    @contextmanager
    def open(self, tally: Tally) -> Iterator[Reading]:
        """Loads the package. Raises ConfigurationError when it is not installed."""
        stocks = _all_stocks()
        yield Reading(_rows(stocks, tally), len(stocks), "rows", lambda: tally.read)


def _all_stocks() -> list[Mapping[str, Any]]:
    try:
        package = import_module("pytickersymbols")
    except ImportError:
        raise ConfigurationError(
            "the listed companies come from the package pytickersymbols, which is not installed",
            hint="pip install 'oppspot-runner[demo]'",
        ) from None
    return list(package.PyTickerSymbols().get_all_stocks())


def _rows(stocks: list[Mapping[str, Any]], tally: Tally) -> Iterator[tuple[int, StagedRow]]:
    for number, stock in enumerate(stocks, start=1):
        tally.read += 1
        raw, labels = _raw(stock, tally)
        row = staged_row(raw, {"industries": labels}, tally, number, american=True)
        if row is not None:
            if page := raw.get("links.wikipedia"):
                row["source_url"] = page
            yield number, row


def _raw(stock: Mapping[str, Any], tally: Tally) -> tuple[dict[str, str], list[str]]:
    more = stock.get("metadata") or {}
    place = _place(_text(stock.get("country")), _text(more.get("headquarters")), tally)
    raw = {
        "name": _text(stock.get("name")),
        "source_id": _text(stock.get("name")),  # tickers change and are missing, names are unique
        "status": "public",
        "country": place.country or "",
        "region": place.region or "",
        "town": place.town or "",
        "employees": _text(more.get("employees")),
        "founded_year": _text(more.get("founded")),
        "website": _text(more.get("website")),
        "links.wikipedia": _text(more.get("wikipedia_url")),
    }
    labels = [
        part
        for label in stock.get("industries") or ()
        for part in re.split(r"\s*[,;]\s+", _text(label))
    ]
    return {field: text for field, text in raw.items() if text}, labels


def _text(value: object) -> str:
    return without_controls(str(value)).strip() if value is not None else ""


def _place(stated: str, headquarters: str, tally: Tally) -> Place:
    """Where the company is, by the country of the list and by its headquarters."""
    if stated == "none":
        stated = ""
    code = country_code(stated)
    listed = Place(country=code) if code else parse_place(stated, american=True)
    office = parse_place(headquarters, american=True)
    if not office.country:
        return listed
    if listed.country and listed.country != office.country:
        if _mentions(headquarters, listed.country):
            return listed
        tally.repair("country corrected by the headquarters")
        listed = Place()
    town = listed.town or _plain_town(headquarters, office)
    return Place(town, listed.region or office.region, office.country)


def _plain_town(headquarters: str, office: Place) -> str | None:
    """The town when the text is no more than town, state and country, or the town is known."""
    town = office.town
    if not town or len(town) > MOST_TOWN or NO_TOWN.search(town):
        return None
    plain = headquarters.count(",") <= (2 if office.region else 1)
    return town if plain or place_key(town) in towns() else None


def _mentions(text: str, code: str) -> bool:
    words = f" {place_key(text)} "
    return any(f" {place_key(name)} " in words for name in (code, *countries()[code].names))
