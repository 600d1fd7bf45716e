"""Reads feeds, RSS or Atom, that were fetched already. Nothing is fetched or opened here.

A feed is written by strangers. What declares entities, nests without end, or has elements or
attributes without number is refused, because the library behind it would take minutes for it. Of
one that is not well-formed only the beginning is read.
"""

from __future__ import annotations

import re
from calendar import timegm
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from hashlib import sha256
from io import BytesIO
from operator import gt
from typing import Any
from urllib.parse import urlsplit
from xml.parsers import expat

from oppspot_runner.base.errors import ConfigurationError, MalformedAnswerError
from oppspot_runner.base.web import Answer
from oppspot_runner.posts.text import plain_text

MOST_ENTRIES = 1_000
MOST_SLOPPY = 256 * 1024  # bytes that are read of what is not well-formed
MOST_ELEMENTS, MOST_DEEP, MOST_ATTRIBUTES = 100_000, 100, 100
MOST_TITLE, MOST_TEXT, MOST_ID = 500, 10_000, 2_000  # characters
DECLARATION = re.compile(rb"\s*<\?xml\b([^>]{0,200})\?>")
DECLARED = re.compile(rb"encoding\s*=\s*[\"']([\w-]{1,40})[\"']")
# Those that feeds have, and that are read in time in proportion to the length.
ENCODING = re.compile(
    r"utf-?(?:8|16)|us-ascii|ascii|latin-?1|iso-?8859-\d{1,2}|(?:windows-|cp)\d{3,4}|koi8-[ru]"
    r"|gb2312|gbk|gb18030|big5|shift_jis|euc-(?:jp|kr)",
    re.IGNORECASE,
)
MARKS = ((BOM_UTF8, "utf-8-sig"), (BOM_UTF16_LE, "utf-16"), (BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a feed; `text` is what it says besides its title, with the addresses of links.

    `id` never repeats in the feed. `published` may be in the future.
    """

    id: str
    title: str
    link: str | None = None
    published: datetime | None = None
    text: str = ""


def read_feed(answer: Answer) -> list[Entry]:
    """The entries with a title, the newest first and those without a date last, at most 1,000.

    A date without a zone is UTC. Raises MalformedAnswerError for what is no feed, and
    ConfigurationError without feedparser.
    """
    data = _as_utf8(answer)
    if not _Scan(answer).run(data):
        data = data[:MOST_SLOPPY]
    headers = {"content-location": answer.url, "content-type": "application/xml; charset=utf-8"}
    # Never what came itself: it would be opened where it looks like an address or a file name.
    read = _feedparser().parse(
        BytesIO(data), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )
    if not read.get("version"):  # an HTML page is no error to the library
        raise _refused(answer, "is no feed in RSS or Atom")
    entries: dict[str, Entry] = {}
    for one in map(dict, read.entries):  # theirs gives one date for another, and warns of it
        if entry := _entry(one):
            entries.setdefault(entry.id, entry)
    oldest = datetime.min.replace(tzinfo=UTC)
    return sorted(entries.values(), key=lambda one: one.published or oldest, reverse=True)[
        :MOST_ENTRIES
    ]


def _refused(answer: Answer, why: str) -> MalformedAnswerError:
    return MalformedAnswerError(
        f"{answer.source}: what {urlsplit(answer.url).hostname} has there {why}",
        source=answer.source,
        status=answer.status,
    )


def _feedparser() -> Any:
    try:
        import feedparser
    except ImportError:
        raise ConfigurationError(
            "feeds are read by the package feedparser, which is not installed",
            hint="pip install 'oppspot-runner[http]'",
        ) from None
    return feedparser


def _as_utf8(answer: Answer) -> bytes:
    """The document in UTF-8, without the declaration that it may be in something else."""
    content = answer.content
    text = content.decode(_encoding(answer), "replace").encode("utf-8", "replace")
    return DECLARATION.sub(b"", text, count=1)


def _encoding(answer: Answer) -> str:
    for mark, encoding in MARKS:
        if answer.content.startswith(mark):
            return encoding
    head = Message()
    head["content-type"] = answer.headers.get("content-type", "")
    declaration = DECLARATION.match(answer.content)
    declared = DECLARED.search(declaration[1]) if declaration else None
    for name in (head.get_content_charset(""), declared[1].decode() if declared else ""):
        if ENCODING.fullmatch(name):
            return name
    return "utf-8"


class _Scan:
    """Looks at the elements of a document before anything is built of them."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.depth = self.elements = 0

    def run(self, data: bytes) -> bool:
        """Whether it is well-formed. Raises MalformedAnswerError for what is refused."""
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.EntityDeclHandler = self._entity
        try:
            parser.Parse(data, True)
        except expat.ExpatError:
            return False
        return True

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        self.depth += 1
        self.elements += 1
        found = self.elements, self.depth, len(attributes)
        most = MOST_ELEMENTS, MOST_DEEP, MOST_ATTRIBUTES
        if any(map(gt, found, most)):
            raise _refused(self.answer, "is built as no feed is")

    def _end(self, name: str) -> None:
        self.depth -= 1

    def _entity(self, *_: object) -> None:
        raise _refused(self.answer, "declares entities, which is refused")


def _entry(read: Mapping[str, Any]) -> Entry | None:
    title = " ".join(plain_text(str(read.get("title") or "")[: 2 * MOST_TITLE]).split())
    link = _link(read.get("link"))
    name = str(read.get("id") or link or title)
    if not title or not name:
        return None
    if len(name) > MOST_ID:
        name = sha256(name.encode("utf-8", "replace")).hexdigest()
    return Entry(name, title[:MOST_TITLE], link, _published(read), _text(read))


def _link(given: Any) -> str | None:
    link = str(given or "").strip()
    try:
        return link if len(link) <= MOST_ID and urlsplit(link).scheme in ("http", "https") else None
    except ValueError:
        return None


def _published(read: Mapping[str, Any]) -> datetime | None:
    for name in ("published_parsed", "updated_parsed", "created_parsed"):
        if read.get(name):  # `get` gives one for another, and warns of it
            try:
                return datetime.fromtimestamp(timegm(read[name]), UTC)
            except (OverflowError, ValueError, OSError):
                continue
    return None


def _text(read: Mapping[str, Any]) -> str:
    parts = [read.get("summary"), *(one.get("value") for one in read.get("content") or ())]
    once = dict.fromkeys(str(one) for one in parts if one)  # a content is a summary as well
    return plain_text(" ".join(once)[:MOST_TEXT])
