"""Reads HTML into a flat list of elements, in one pass whose time and memory follow its length.

No tree is built: pages are other people's, and a tree builder that follows the rules of HTML can be
made to work for minutes, or to fill the memory, by a page of 500 KB. What a browser that runs
scripts would not see is not there: comments, `noscript`, and what only shows or keeps code, such as
`pre` and `template`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from itertools import islice

MOST_ELEMENTS = 50_000
MOST_TAGS = 200_000
MOST_DEPTH = 512  # as in browsers
MOST_ATTRIBUTES = 100
MOST_VALUE = 4_000  # characters of an attribute

VOID = frozenset(
    "area base br col embed hr img input link meta param source track wbr".split()  # noqa: SIM905
)
# There are no tags in these: they end where their own end tag is.
RAW = frozenset({"script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"})
UNSEEN = frozenset({"noscript", "noembed", "noframes"})
ENDED_BY_THE_NEXT = frozenset({"p", "li", "dt", "dd", "td", "th", "tr", "option"})
QUOTING = frozenset({"pre", "code", "samp", "textarea", "xmp", "template"})

# Every alternative takes all that it has looked at, so nothing is looked at twice.
TOKEN = re.compile(
    r"""<!--(?P<comment>.*?)(?:-->|\Z)
      | <[!?][^>]*+(?:>|\Z)
      | <(?P<end>/?)(?P<name>[a-zA-Z][^\s/>]*+)
        (?P<attributes>(?:[^>"']++|"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z))*+)(?:>|\Z)""",
    re.DOTALL | re.VERBOSE,
)
ATTRIBUTE = re.compile(
    r"""([^\s"'>/=]++)(?:\s*+=\s*+(?:"([^"]*+)|'([^']*+)|([^\s>"']++)))?""", re.DOTALL
)
END_TAGS = {
    name: re.compile(rf"</{name}(?=[\s/>])[^>]*+(?:>|\Z)", re.IGNORECASE) for name in RAW | UNSEEN
}


@dataclass(slots=True)
class Element:
    """A start tag. `raw` is the content of a script or style, `parent` what it stands in."""

    name: str
    attributes: dict[str, str]
    parent: Element | None = None
    raw: str = ""
    first_text: int = 0  # the texts of the document that are within it
    last_text: int = 0

    def get(self, name: str) -> str:
        """The value of an attribute, "" without it."""
        return self.attributes.get(name, "")

    def above(self) -> Iterator[Element]:
        """The elements it stands in, from the inside out."""
        place = self.parent
        while place is not None:
            yield place
            place = place.parent


@dataclass(slots=True)
class Document:
    """The elements and texts of a page in their order; `html` is what was not left out."""

    elements: list[Element] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    html: str = ""

    def text_of(self, element: Element) -> str:
        """All text within an element, in one line."""
        return " ".join("".join(self.texts[element.first_text : element.last_text]).split())


def read_markup(html: str) -> Document:
    """What `html` holds, of its first 50,000 elements."""
    return _Reader(html).read()


class _Reader:
    def __init__(self, html: str) -> None:
        self._html = html
        self._document = Document()
        self._kept: list[str] = []
        self._open: list[Element] = []
        self._open_names: Counter[str] = Counter()
        self._quoting = 0  # how many open elements only show or keep code

    def read(self) -> Document:
        html, position = self._html, 0
        for _ in range(MOST_TAGS):
            token = TOKEN.search(html, position)
            if token is None or len(self._document.elements) >= MOST_ELEMENTS:
                break
            self._text(html[position : token.start()])
            position = self._token(token)
        else:
            position = len(html)
        self._text(html[position:])
        self._close_down_to(0)
        self._document.html = "".join(self._kept)
        return self._document

    def _token(self, token: re.Match[str]) -> int:
        """Takes a comment or tag; where to go on."""
        name = token["name"]
        if name is None:
            # Comments in words are the mark of some products; those with tags switch code off.
            if "<" not in (token["comment"] or ""):
                self._keep(token[0])
            return token.end()
        name = name.lower()
        if token["end"]:
            self._keep(token[0])
            if self._open_names[name]:
                self._close(name)
            return token.end()
        return self._start(name, token)

    def _start(self, name: str, token: re.Match[str]) -> int:
        if name in UNSEEN:
            ending = END_TAGS[name].search(self._html, token.end())
            return ending.end() if ending else len(self._html)
        self._keep(token[0])
        if name in ENDED_BY_THE_NEXT and self._open and self._open[-1].name == name:
            self._close(name)
        place = self._open[-1] if self._open else None
        element = Element(name, _attributes(token["attributes"]), place)
        element.first_text = element.last_text = len(self._document.texts)
        if not self._quoting and name not in QUOTING:
            self._document.elements.append(element)
        if name in RAW:
            return self._raw(element, token.end())
        is_open = name not in VOID and not token["attributes"].endswith("/")
        if is_open and len(self._open) < MOST_DEPTH:
            self._open.append(element)
            self._open_names[name] += 1
            self._quoting += name in QUOTING
        return token.end()

    def _raw(self, element: Element, start: int) -> int:
        """Takes the content of an element without tags in it; where to go on."""
        ending = END_TAGS[element.name].search(self._html, start)
        stop, after = ending.span() if ending else (len(self._html),) * 2
        element.raw = self._html[start:stop]
        if element.name == "title":
            self._document.texts.append(unescape(element.raw))
            element.last_text = len(self._document.texts)
        if element.name in ("title", "script", "style"):
            self._keep(self._html[start:after])
        return after

    def _text(self, text: str) -> None:
        if text:
            self._keep(text)
            self._document.texts.append(unescape(text) if "&" in text else text)

    def _keep(self, text: str) -> None:
        if not self._quoting:
            self._kept.append(text)

    def _close(self, name: str) -> None:
        place = len(self._open) - 1
        while self._open[place].name != name:
            place -= 1
        self._close_down_to(place)

    def _close_down_to(self, place: int) -> None:
        for element in self._open[place:]:
            element.last_text = len(self._document.texts)
            self._open_names[element.name] -= 1
            self._quoting -= element.name in QUOTING
        del self._open[place:]


def _attributes(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for match in islice(ATTRIBUTE.finditer(text), MOST_ATTRIBUTES):
        value = (match[2] or match[3] or match[4] or "")[:MOST_VALUE]
        found.setdefault(match[1].lower(), unescape(value) if "&" in value else value)
    return found
