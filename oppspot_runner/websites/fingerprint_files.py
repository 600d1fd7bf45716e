"""Reads fingerprints: those that come with this package, and the files of an operator over them."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.websites.fingerprints import Fingerprints, build

SUFFIXES = (".json", ".toml")
CATEGORIES = "categories"
# The keys of files that hold more than technologies, in one generation of them or another.
TECHNOLOGIES = ("technologies", "apps")
MOST_BYTES = 64 * 2**20
SHAPE = "It is a table of technologies: {name: {cats, headers, scriptSrc, ...}}. See the reference."


@cache
def load_fingerprints(path: Path | None = None) -> Fingerprints:
    """The fingerprints of this package, with those of `path` added: a file, or a folder of files.

    Read once in a process. Raises ConfigurationError for what is no such file; entries that are
    faulty are left out and told in `faults`.
    """
    own = files("oppspot_runner.websites") / "data" / "technologies.toml"
    entries = list(tomllib.loads(own.read_text(encoding="utf-8")).items())
    categories: dict[str, str] = {}
    for file in _files(path) if path else ():
        table = _read(file)
        categories |= _categories(file, table)
        if file.stem != CATEGORIES:
            entries += _technologies(table)
    return build(entries, categories)


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    found = sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES)
    if not found:
        raise ConfigurationError(
            f"there is no .json or .toml file in {path}",
            hint="OPPSPOT_FINGERPRINTS is a file of fingerprints, or a folder of such files.",
        )
    yield from found


def _read(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise ConfigurationError(f"{file} has more than {MOST_BYTES // 2**20} MiB")
        text = file.read_text(encoding="utf-8-sig")
        table = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
    except OSError as error:
        raise ConfigurationError(
            f"the fingerprints of {file} cannot be read: {error.strerror}",
            hint="Correct OPPSPOT_FINGERPRINTS, or take it away to use those of the package.",
        ) from None
    except (ValueError, RecursionError) as error:
        kind = file.suffix.removeprefix(".").upper() or "JSON"
        raise ConfigurationError(f"{file} is no {kind}: {error}", hint=SHAPE) from None
    if not isinstance(table, dict):
        raise ConfigurationError(f"{file} holds no table", hint=SHAPE)
    return table


def _technologies(table: dict[str, Any]) -> list[tuple[str, Any]]:
    for key in TECHNOLOGIES:
        if isinstance(table.get(key), dict):
            return list(table[key].items())
    return [(name, entry) for name, entry in table.items() if not name.startswith("$")]


def _categories(file: Path, table: dict[str, Any]) -> dict[str, str]:
    """Names of categories by number: of their own file, or beside the technologies."""
    given = table if file.stem == CATEGORIES else table.get(CATEGORIES)
    if not isinstance(given, dict):
        return {}
    named = {key: one.get("name") if isinstance(one, dict) else one for key, one in given.items()}
    return {key: name for key, name in named.items() if isinstance(name, str)}
