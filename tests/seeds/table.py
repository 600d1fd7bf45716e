"""Reads the tables of promises that lie beside this file as Markdown: 000.md ... 004.md.

Five older systems are what this product takes in; each has a number. A table says for every promise
of such a system what became of it here, one row each:

    | id | promise | kind | where, or why |

- covered: tests that would fail if the promise broke, separated by commas. `::name` is a test in
  this folder's test_<number>*.py, anything else is a path from the root of the repository. What
  stands in brackets behind a name is a case of a parametrised test.
- deviation: why it is different here.
- open: belongs to a later version; "planned: " and an area of AREAS.

Nothing here runs a test; `test_table.py` holds the tables to these rules.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
SEEDS = ("000", "001", "002", "003", "004")
HEAD = ["id", "promise", "kind", "where, or why"]
Kind = Literal["covered", "deviation", "open"]
KINDS: tuple[str, ...] = get_args(Kind)
PLANNED = "planned: "
AREAS: set[str] = set()  # what is planned, in a word
REFERENCE = re.compile(
    r"(?P<path>tests/[\w/]+\.py)?::(?P<name>test_\w+)(?:\[(?P<case>[\w.*/ -]+)\])?"
)


class TableError(Exception):
    """A line of a table that breaks the rules above."""


@dataclass(frozen=True)
class Row:
    """One promise and what became of it. `text` is the last column."""

    seed: str
    section: str
    id: str
    promise: str
    kind: str
    text: str
    line: str  # file and number, for messages

    @property
    def references(self) -> list[re.Match[str]]:
        """The tests that a covered row names. Raises TableError for what is none."""
        found = [REFERENCE.fullmatch(part.strip()) for part in self.text.split(",")]
        if None in found:
            raise TableError(f"{self.line}: {self.text!r} is no list of tests")
        return [match for match in found if match is not None]

    def paths(self, match: re.Match[str]) -> list[Path]:
        """The files in which the test of one reference may stand."""
        if match["path"]:
            return [ROOT / match["path"]]
        return sorted(FOLDER.glob(f"test_{self.seed}*.py"))


@dataclass(frozen=True)
class Function:
    """A test function, as read from its file."""

    path: Path
    name: str
    decorators: str
    source: str


@cache
def rows_of(seed: str) -> list[Row]:
    """All rows of one table, in order. Raises TableError for a line that is none."""
    rows: list[Row] = []
    path = FOLDER / f"{seed}.md"
    section = ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("## "):
            section = line.removeprefix("## ").strip()
        elif line.startswith("|"):
            row = _row(seed, section, line, f"{path.name}:{number}")
            rows += [row] if row else []
        elif section and line.strip():
            raise TableError(f"{path.name}:{number}: below the head only sections and rows stand")
    return rows


def _row(seed: str, section: str, line: str, place: str) -> Row | None:
    cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
    if cells == HEAD or set(line) <= set("|- "):
        return None
    if len(cells) != len(HEAD) or not all(cells):
        raise TableError(f"{place}: a row has four cells, none of them empty")
    if not section:
        raise TableError(f"{place}: a row stands under a section")
    if cells[2] not in KINDS:
        raise TableError(f"{place}: {cells[2]!r} is none of {', '.join(KINDS)}")
    return Row(seed, section, cells[0], cells[1], cells[2], cells[3], place)


@cache
def functions_in(path: Path) -> dict[str, Function]:
    """The test functions of a file by name; {} when there is no such file."""
    if not path.is_file():
        return {}
    text = path.read_text(encoding="utf-8")
    found = {}
    for node in ast.parse(text).body:
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if is_function and node.name.startswith("test_"):
            marks = " ".join(ast.unparse(one) for one in node.decorator_list)
            found[node.name] = Function(path, node.name, marks, text)
    return found


def find_test(row: Row, match: re.Match[str]) -> Function | None:
    """The test that a reference names, or None."""
    for path in row.paths(match):
        if match["name"] in functions_in(path):
            return functions_in(path)[match["name"]]
    return None
