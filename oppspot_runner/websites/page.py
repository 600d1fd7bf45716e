"""A page as it was answered: its address, headers and cookies, and what stands in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import urljoin

from oppspot_runner.companies.domains import host_of, registered_domain
from oppspot_runner.websites.markup import Document, Element, read_markup

MOST_HTML = 2 * 2**20  # characters
MOST_SCRIPTS = 500
MOST_LINKS = 2_000  # from the top, and as many from the bottom
MOST_DATA = 50  # scripts of structured data

# Cookies in one line; dates have no "=" after their commas.
COOKIE = re.compile(r"(?:^|[,;])\s*+([^=;,\s]++)=([^;,]*+)")
COOKIE_ATTRIBUTES = frozenset({"path", "domain", "expires", "max-age", "samesite", "priority"})
RUN_TYPES = frozenset({"", "module", "text/plain", "text/babel"})  # plain: run after a consent
# Scripts that only hold the content of the page for a framework.
PAYLOAD = re.compile(
    r"\s*+\(?(?:self|window|globalThis)\.__"
    r"(?:next_f|remixContext|reactRouterContext|sveltekit_\w+|[A-Z][A-Z_]*__)(?!\w)"
)
# Where pages say themselves how they are written; beyond that browsers do not look.
CHARSET = re.compile(rb"""<meta[^>]{1,200}?charset\s*=\s*["']?\s*([\w.:-]{2,40})""", re.IGNORECASE)
CHARSET_WITHIN = 1024  # bytes
# Strings and comments of JavaScript, each with all that was looked at for it.
SCRIPT_PARTS = re.compile(
    r""""(?:[^"\\\n]++|\\.)*+["\n]?|'(?:[^'\\\n]++|\\.)*+['\n]?|`(?:[^`\\]++|\\.)*+`?"""
    r"""|(?P<comment>/\*.*?(?:\*/|\Z)|(?<![:\\])//[^\n]*+)""",
    re.DOTALL,
)
LINE = re.compile(r"\s+")
LD_JSON = "application/ld+json"
LEADING = {"a": "href", "link": "href", "iframe": "src", "script": "src"}


class Link(NamedTuple):
    """An `a`, `link`, `iframe` or `script`, and where it leads; always by http or https."""

    element: Element
    address: str


@dataclass(frozen=True)
class Page:
    """One page. `headers` have lower-case names; `document` is what is left of its HTML."""

    url: str
    headers: Mapping[str, str]
    document: Document = field(repr=False)

    @cached_property
    def site(self) -> str:
        """The registered domain, else the host, that answered."""
        return site_of(self.url) or ""

    @cached_property
    def cookies(self) -> dict[str, str]:
        """The cookies that the server set, by name."""
        found = COOKIE.findall(self.headers.get("set-cookie", ""))
        return {name: value for name, value in found if name.lower() not in COOKIE_ATTRIBUTES}

    @cached_property
    def meta(self) -> dict[str, list[str]]:
        """Contents of meta elements by name, property or http-equiv, in lower case."""
        found: dict[str, list[str]] = {}
        for element in self.all("meta"):
            name = element.get("name") or element.get("property") or element.get("http-equiv")
            if name and element.get("content"):
                found.setdefault(name.lower(), []).append(element.get("content"))
        return found

    @cached_property
    def title(self) -> str:
        """The title, in one line."""
        return next((self.document.text_of(one) for one in self.all("title")), "")

    @cached_property
    def text(self) -> str:
        """All visible text, in one line."""
        return LINE.sub(" ", " ".join(self.document.texts)).strip()

    @cached_property
    def scripts(self) -> list[str]:
        """The scripts in the page that a browser runs, without their comments."""
        found = (
            one.raw
            for one in self.all("script")
            if "src" not in one.attributes and _is_run(one.get("type")) and one.raw.strip()
        )
        return [_without_comments(raw) for raw in found if not PAYLOAD.match(raw)][:MOST_SCRIPTS]

    @cached_property
    def data(self) -> list[Any]:
        """The structured data (JSON-LD) that can be read."""
        raw = [one.raw for one in self.all("script") if one.get("type").lower() == LD_JSON]
        return [value for text in raw[:MOST_DATA] if (value := _json(text)) is not None]

    @cached_property
    def links(self) -> list[Link]:
        """Where the page leads, and what it loads: of very many the first and the last."""
        leading = [one for one in self.document.elements if one.name in LEADING]
        if len(leading) > 2 * MOST_LINKS:
            leading = leading[:MOST_LINKS] + leading[-MOST_LINKS:]
        links = (Link(one, self.address(one.get(LEADING[one.name]))) for one in leading)
        return [link for link in links if link.address.startswith(("http://", "https://"))]

    def all(self, name: str) -> Iterator[Element]:
        """The elements of one name."""
        return (element for element in self.document.elements if element.name == name)

    def address(self, link: str) -> str:
        """Where `link` leads from here, "" when that cannot be said."""
        try:
            return urljoin(self._base, link.strip()) if link else ""
        except ValueError:
            return ""

    @cached_property
    def _base(self) -> str:
        for element in self.all("base"):
            if element.get("href"):
                try:
                    return urljoin(self.url, element.get("href"))
                except ValueError:
                    break
        return self.url


def read_page(url: str, headers: Mapping[str, str], html: str | bytes) -> Page:
    """The page of an answer; `headers` by name in any case."""
    lower = {name.lower(): value for name, value in headers.items()}
    text = html if isinstance(html, str) else _decoded(html, lower.get("content-type", ""))
    return Page(url, lower, read_markup(text[:MOST_HTML]))


def read_saved(text: str, url: str) -> Page:
    """The page of a file: HTML, or a whole answer with its head as `curl -si` writes it.

    `url` is where it is from.
    """
    if not text.startswith("HTTP/"):
        return read_page(url, {}, text)
    head, _, html = text.replace("\r\n", "\n").partition("\n\n")
    headers: dict[str, str] = {}
    for line in head.splitlines()[1:]:
        name, _, value = line.partition(":")
        key = name.strip().lower()
        headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()
    return read_page(url, headers, html)


def site_of(url: str) -> str | None:
    """Whose site a web address is on: its registered domain, else its host; None for no address.

    Pages on one host of many companies are of one site only where the host is the same.
    """
    return registered_domain(url) or host_of(url)


def _decoded(content: bytes, content_type: str) -> str:
    """HTML as text, in the encoding of the header, else of the page itself, else UTF-8."""
    head = Message()
    head["content-type"] = content_type
    stated = CHARSET.search(content[:CHARSET_WITHIN])
    encoding = head.get_content_charset() or (stated[1].decode("ascii") if stated else "utf-8")
    try:
        return content.decode(encoding, "replace").removeprefix("\ufeff")
    except (LookupError, UnicodeError):  # no such encoding, or one that is not for text
        return content.decode("utf-8", "replace")


def _is_run(kind: str) -> bool:
    kind = kind.lower().strip()
    return kind in RUN_TYPES or "javascript" in kind or "ecmascript" in kind


def _without_comments(script: str) -> str:
    return SCRIPT_PARTS.sub(lambda part: " " if part["comment"] else part[0], script)


def _json(text: str) -> Any:
    try:
        return json.loads(text.strip().removesuffix(";"), strict=False)
    except (ValueError, RecursionError):
        return None
