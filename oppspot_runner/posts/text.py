"""Posts as plain text, and the addresses in it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

ADDRESS = re.compile(r"https?://[^\s<>\[\]{}|\\^`\"']+", re.IGNORECASE)
PARAGRAPHS = frozenset({"p", "br", "li", "pre", "div", "tr"})
BLANKS = re.compile(r"[^\S\n]+")
LINES = re.compile(r"\s*\n\s*")
TRAILING = ".,;:!?)*_"


def plain_text(html: str) -> str:
    """The words of a piece of HTML, a line for a paragraph.

    A link whose text is its own address, as Hacker News shortens them, becomes the whole address;
    any other one is followed by it in brackets.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return LINES.sub("\n", BLANKS.sub(" ", reader.text())).strip()


def addresses_in(text: str) -> list[str]:
    """The web addresses in a text, Markdown too, in their order."""
    return [_trimmed(match[0]) for match in ADDRESS.finditer(text)]


def _trimmed(address: str) -> str:
    """`address` without what belongs to the sentence around it."""
    while address and address[-1] in TRAILING:
        if address[-1] == ")" and address.count("(") >= address.count(")"):
            break
        address = address[:-1]
    return address.partition("](")[0]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._address: str | None = None
        self._begin = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in PARAGRAPHS:
            self._parts.append("\n")
        elif tag == "a":
            self._address = dict(attrs).get("href")
            self._begin = len(self._parts)

    def handle_endtag(self, tag: str) -> None:
        if tag != "a" or not self._address:
            return
        shown = "".join(self._parts[self._begin :]).strip()
        if self._address.startswith(shown.removesuffix("...").removesuffix("…")):
            self._parts[self._begin :] = [self._address]
        else:
            self._parts.append(f" ({self._address})")
        self._address = None

    def handle_data(self, data: str) -> None:
        self._parts.append(data)

    def text(self) -> str:
        return "".join(self._parts)
