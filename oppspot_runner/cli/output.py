"""What goes to the terminal: tables, JSON, sentences, errors. Nothing of a row is interpreted.

Names and errors are other people's text: control characters, escape sequences and characters that
reverse the direction of writing are shown as codes, and rich never reads markup in them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from unicodedata import category
from uuid import UUID

import click

from oppspot_runner.base.wording import ago, awaited, moment, progress, span

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

__all__ = [
    "ago",
    "awaited",
    "cell",
    "console",
    "fields",
    "moment",
    "print_json",
    "progress",
    "safe",
    "say",
    "show",
    "span",
    "styled",
    "table",
    "warn",
]

SHORT_ID = 18  # characters: the time to the millisecond, and 12 random bits
NARROW = 120
PIPE_WIDTH = 200  # columns, when nobody looks: a pipe must not cut what a terminal would show
UNSAFE = {"Cc", "Cs", "Zl", "Zp"}
# They turn the direction of what follows, or hide it.
UNSAFE_MARKS = {
    chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F)
}
COLOURS = {
    "running": "green",
    "completed": "green",
    "active": "green",
    "processing": "cyan",
    "queued": "cyan",
    "failed": "red",
    "dead": "red",
    "cancelled": "yellow",
    "skipped": "yellow",
    "paused": "yellow",
    "stopping": "yellow",
}


def safe(value: Any) -> str:
    """`value` as one line of text that a terminal shows and does not obey."""
    text = "" if value is None else str(value)
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(sign) for sign in text)


def _shown(sign: str) -> str:
    if sign in "\n\t":
        return " "
    if category(sign) in UNSAFE or sign in UNSAFE_MARKS:
        code = ord(sign)
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    return sign


def say(data: Any, text: str, as_json: bool) -> None:
    """Prints `data` as JSON or `text` as a line."""
    if as_json:
        print_json(data)
    else:
        click.echo(safe(text))


def warn(text: str) -> None:
    """Prints a line to stderr."""
    click.echo(safe(text), err=True)


def print_json(data: Any, *, indent: int | None = 2) -> None:
    """Prints JSON in ASCII, so that it is safe for any terminal."""
    click.echo(json.dumps(data, default=_json, indent=indent))


def _json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def console() -> Console:
    """A console that interprets nothing, as wide as the terminal, or wide enough for a pipe."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else PIPE_WIDTH
    return Console(markup=False, highlight=False, emoji=False, width=width)


def show(*parts: RenderableType) -> None:
    """Prints tables and texts."""
    printer = console()
    for place, part in enumerate(parts):
        if place:
            printer.print()
        printer.print(part)


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """A table. A column whose name ends with `>` holds numbers; one with `...` is cut to fit."""
    from rich.table import Table

    made = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for name in columns:
        made.add_column(
            styled(name.rstrip(".>")),
            justify="right" if name.endswith(">") else "left",
            no_wrap=not name.endswith("..."),  # rich narrows those first that it may wrap
        )
    narrow = console().width < NARROW
    for row in rows:
        made.add_row(*(cell(_short(value) if narrow else value) for value in row))
    return made


def _short(value: Any) -> Any:
    """The first characters of an id, which are enough to name it: room for what people read."""
    return str(value)[:SHORT_ID] if isinstance(value, UUID) else value


def fields(pairs: Iterable[tuple[str, Any]]) -> Table:
    """Names and values below each other; pairs without a value are left out."""
    from rich.table import Table

    made = Table(box=None, show_header=False, pad_edge=False)
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in pairs:
        if value is not None and value != "":
            made.add_row(name, cell(value, one_line=False))
    return made


def cell(value: Any, *, one_line: bool = True) -> Text:
    """A value as it stands in a table: known words of state have their colour."""
    from rich.text import Text

    if isinstance(value, Text):
        return value
    text = safe(_written(value))
    # An address is of use as a whole only.
    written = Text(text, style=COLOURS.get(text, ""), no_wrap=one_line)
    written.overflow = "ellipsis" if one_line else "fold"
    return written


def _written(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, dict | list):
        return json.dumps(value, default=_json, ensure_ascii=False)
    return value


def styled(text: Any, style: str = "") -> Text:
    """Text of ours or of rows in one style."""
    from rich.text import Text

    return Text(safe(text), style=style)
