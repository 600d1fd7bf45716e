"""Reads the tables of this package, and the files that users put over them."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.validation import first_fault

Table = TypeVar("Table", bound=BaseModel)


def read_tables(form: type[Table], name: str, path: Path | None) -> list[Table]:
    """Our table `data/<name>`, and after it the one at `path` where that is given.

    Raises ConfigurationError that says what is wrong with the file, and where.
    """
    tables = [_our_table(form, name)]
    if path is not None:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"cannot read {path}: {error}") from None
        tables.append(parse_table(form, text, str(path)))
    return tables


@cache
def _our_table(form: type[Table], name: str) -> Table:
    text = (files("oppspot_runner.llm") / "data" / name).read_text(encoding="utf-8")
    return parse_table(form, text, name)


def parse_table(form: type[Table], text: str, origin: str) -> Table:
    """The table in a TOML text; `origin` is named in errors. Raises ConfigurationError."""
    try:
        return form.model_validate(tomllib.loads(text, parse_float=Decimal))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{origin} is not valid TOML: {error}") from None
    except ValidationError as error:
        raise ConfigurationError(f"{origin}: {first_fault(error)}") from None
