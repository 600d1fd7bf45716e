"""Loads the table of industries, ours or a file of the user's, and answers from ours.

The format is explained at the top of data/industries.toml.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.validation import first_fault
from oppspot_runner.companies.industries import Industry, IndustryTable, tag
from oppspot_runner.companies.packaged import read_text


class Entry(BaseModel):
    """One `[[industry]]` of the file."""

    model_config = ConfigDict(extra="forbid")

    label: str
    aliases: list[str] = []
    sic: list[str] = []
    keywords: list[str] = []
    tags: list[str] = []
    includes: list[str] = []


class Entries(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid")

    industry: list[Entry]


def load_industries(path: Path | None = None) -> IndustryTable:
    """The table in `path`, or ours. Raises ConfigurationError when the file cannot be used."""
    if path is None:
        return industry_table()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot read the industries file {path}: {error}") from None
    return parse_industries(text, str(path))


def parse_industries(text: str, origin: str) -> IndustryTable:
    """The table in the TOML `text`; `origin` is named in errors."""
    try:
        entries = Entries.model_validate(tomllib.loads(text)).industry
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{origin} is not valid TOML: {error}") from None
    except ValidationError as error:
        raise ConfigurationError(f"{origin}: {first_fault(error)}") from None
    return _table(entries, origin)


def _table(entries: list[Entry], origin: str) -> IndustryTable:
    by_label = {tag(entry.label): entry for entry in entries}
    built = {key: _industry(entry, by_label, origin) for key, entry in by_label.items()}
    names: dict[str, Industry] = {}
    for kind in ("label", "aliases", "tags"):  # labels first: a tag may belong to several
        for key, entry in by_label.items():
            value: Any = getattr(entry, kind)
            for name in [value] if isinstance(value, str) else value:
                names.setdefault(tag(name), built[key])
    return IndustryTable(tuple(built.values()), names)


def _industry(entry: Entry, by_label: dict[str, Entry], origin: str) -> Industry:
    members = _with_included(entry, by_label, origin, ())
    return Industry(
        entry.label,
        _distinct(code for member in members for code in member.sic),
        _distinct(word for member in members for word in member.keywords),
        _distinct(tag(one) for member in members for one in member.tags),
    )


def _with_included(
    entry: Entry, by_label: dict[str, Entry], origin: str, above: tuple[str, ...]
) -> list[Entry]:
    if entry.label in above:
        raise ConfigurationError(f"{origin}: {entry.label!r} includes itself")
    found = [entry]
    for label in entry.includes:
        part = by_label.get(tag(label))
        if part is None:
            raise ConfigurationError(f"{origin}: {entry.label!r} includes unknown {label!r}")
        found += _with_included(part, by_label, origin, (*above, entry.label))
    return found


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


@cache
def industry_table() -> IndustryTable:
    """The table that comes with the package."""
    return parse_industries(read_text("industries.toml"), "industries.toml")


def find(label: str) -> Industry | None:
    """The industry of our table with that label, alias or tag."""
    return industry_table().find(label)


def match(
    wanted: str,
    industries: Sequence[str] = (),
    sic_codes: Sequence[str] = (),
    text: str | None = None,
) -> float | None:
    """0, 0.6, 0.8 or 1.0 by our table, None when unknown; see `IndustryTable.evidence`."""
    return industry_table().evidence(wanted, industries, sic_codes, text).score


def sic_for(labels: Iterable[str]) -> list[str]:
    """All five-digit SIC codes that stand for any of `labels` by our table."""
    return industry_table().sic_for(labels)
