"""Reads the documents: their blocks of code, each with the file that it is to be saved as."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [
    path.relative_to(ROOT).as_posix() for path in [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
]
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
SAVED = re.compile(r"Save this as `([^`]+)`:\n\n$")


@dataclass(frozen=True)
class Block:
    """A block of code. `saved_as` is the file that the text above it names."""

    language: str
    body: str
    line: int
    saved_as: str | None


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks_of(page: str, *languages: str) -> list[Block]:
    """The blocks of a page, or those in some languages, in order."""
    text = text_of(page)
    found = []
    for match in FENCE.finditer(text):
        saved = SAVED.search(text[: match.start()])
        line = text.count("\n", 0, match.start()) + 2
        name = saved.group(1) if saved else None
        body = "\n".join(row.removeprefix(match[1]) for row in match[3].split("\n"))
        found.append(Block(match[2], body, line, name))
    return [block for block in found if not languages or block.language in languages]


def all_text() -> str:
    """Everything that the documents say."""
    return "\n".join(text_of(page) for page in PAGES)
