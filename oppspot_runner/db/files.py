"""Finds `sql/` in a checkout or in an installed copy, and loads statements by name.

Does not run anything: that is the work of `pool` and `migrate`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import LiteralString

from oppspot_runner.base.errors import ConfigurationError

MIGRATION_NAME = re.compile(r"(?P<number>\d{4})_(?P<name>[a-z0-9_]+)\.sql")
# A migration whose first lines say so cannot be used by an older program.
BREAKING_MARK = re.compile(r"^--\s*breaking\b", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class Migration:
    """One numbered file of `sql/`."""

    number: int
    name: str
    text: LiteralString
    breaking: bool


@cache
def sql_root() -> Traversable:
    """The folder `sql`: of the checkout when this is one, else the copy inside the wheel."""
    checkout = Path(__file__).resolve().parents[2] / "sql"
    if (checkout.parent / "pyproject.toml").is_file() and checkout.is_dir():
        return checkout
    installed = files("oppspot_runner") / "sql"
    if installed.is_dir():
        return installed
    raise ConfigurationError(
        "the SQL files of oppspot_runner were not found",
        hint="Install the package again: its folder sql/ is missing.",
    )


@cache
def statement(name: str) -> LiteralString:
    """The SQL of `sql/queries/<name>.sql`, for example `statement("queue/claim")`.

    Raises ConfigurationError when there is no such file, at import time of the module that asks.
    """
    path = sql_root().joinpath("queries", *f"{name}.sql".split("/"))
    if not path.is_file():
        raise ConfigurationError(f"there is no statement {name!r} in sql/queries")
    # Without comments and indents: of up to 4,096 letters psycopg remembers how it read them, and
    # what ends tasks is read a thousand times a second.
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return "\n".join(line for line in lines if not line.startswith("--"))


@cache
def migrations() -> tuple[Migration, ...]:
    """All migrations of this version, by number."""
    found = [_migration(entry) for entry in sql_root().iterdir() if entry.name.endswith(".sql")]
    return tuple(sorted(found, key=lambda migration: migration.number))


def _migration(entry: Traversable) -> Migration:
    match = MIGRATION_NAME.fullmatch(entry.name)
    if match is None:
        raise ConfigurationError(f"sql/{entry.name} is not named like 0001_what_it_does.sql")
    text = entry.read_text(encoding="utf-8")
    head = "\n".join(text.splitlines()[:10])
    return Migration(int(match["number"]), match["name"], text, bool(BREAKING_MARK.search(head)))
