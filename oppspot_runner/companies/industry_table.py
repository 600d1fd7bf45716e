"""Loads the table of industries, ours with a file of the user's over it, and answers from it.

The format is explained at the top of data/industries.toml.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.validation import first_fault
from oppspot_runner.companies.industries import Industry, IndustryTable, tag
from oppspot_runner.companies.packaged import read_text

PACKAGED = "industries.toml"
HEADER = re.compile(r"\s*\[\[\s*industry\s*\]\]")


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
    """The whole file. `replace`: it stands alone instead of being put over ours."""

    model_config = ConfigDict(extra="forbid")

    replace: bool = False
    industry: list[Entry]


def load_industries(path: Path) -> IndustryTable:
    """Our table with that of the file `path` over it, or that alone when it says `replace = true`.

    A label of both means what the file says. Raises ConfigurationError, with the line, when the
    file cannot be used.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        told = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigurationError(
            f"cannot read the industries file {path}: {told}",
            hint="Correct OPPSPOT_INDUSTRIES, or take it away to use those of the package.",
        ) from None
    return parse_industries(text, str(path))


def parse_industries(text: str, origin: str) -> IndustryTable:
    """The table of the TOML `text`, over ours unless it stands alone. `origin`: for errors."""
    own = _read(text, origin)
    lines = {
        tag(entry.label): line for entry, line in zip(own.industry, _lines(text), strict=False)
    }
    packaged = [] if own.replace else _packaged()
    return _table([*packaged, *own.industry], origin, lines)


def _read(text: str, origin: str) -> Entries:
    try:
        return Entries.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{origin} is not valid TOML: {error}") from None
    except ValidationError as error:
        raise ConfigurationError(f"{_place(error, text, origin)}: {first_fault(error)}") from None


def _place(error: ValidationError, text: str, origin: str) -> str:
    """The file, and the line where the entry begins that has the first fault."""
    match error.errors()[0]["loc"]:
        case ("industry", int(number), *_) if number < len(lines := _lines(text)):
            return f"{origin}, line {lines[number]}"
        case _:
            return origin


def _lines(text: str) -> list[int]:
    """The lines on which entries begin."""
    return [n for n, line in enumerate(text.splitlines(), 1) if HEADER.match(line)]


def _table(entries: list[Entry], origin: str, lines: Mapping[str, int]) -> IndustryTable:
    by_label = {tag(entry.label): entry for entry in entries}
    built: dict[str, Industry] = {}
    for key, entry in by_label.items():
        place = f"{origin}, line {lines[key]}" if key in lines else origin
        built[key] = _industry(entry, by_label, place)
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


def industry_table() -> IndustryTable:
    """The table in use: ours, or what `use_industries` made of it."""
    return _in_use[-1] if _in_use else _packaged_table()


def use_industries(path: Path | None) -> None:
    """From now on the table of this process is ours with that of `path` over it; None: ours.

    Raises ConfigurationError as `load_industries` does.
    """
    table = load_industries(path) if path else None
    _in_use.clear()
    if table:
        _in_use.append(table)


_in_use: list[IndustryTable] = []


@cache
def _packaged() -> list[Entry]:
    return _read(read_text(PACKAGED), PACKAGED).industry


@cache
def _packaged_table() -> IndustryTable:
    return _table(_packaged(), PACKAGED, {})


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
