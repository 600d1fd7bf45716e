"""Values as pages show them: numbers, lengths of time, ids, JSON with its colours."""

from __future__ import annotations

import json
import re
from typing import Any

from markupsafe import Markup, escape

from oppspot_runner.base.redact import redact
from oppspot_runner.base.wording import span

TOKEN = re.compile(
    r'(?P<key>"(?:[^"\\]|\\.)*")(?=\s*:)|(?P<text>"(?:[^"\\]|\\.)*")'
    r"|(?P<number>-?\b\d[\d.eE+-]*)|(?P<word>\b(?:true|false|null)\b)"
)
SHORT = (8, -4)  # of an id: about when it was made, and what tells it from its neighbours
# Letters of a text on a page, which is made anew each second while things happen.
MOST_IN_ROW, MOST_SAID, MOST_JSON = 400, 20_000, 200_000


def number(value: float | None) -> str:
    """1234567 as 1,234,567."""
    return "–" if value is None else f"{value:,}"


def milliseconds(value: float | None) -> str:
    """A length of time: 30 ms, 3.0 s, 5 min."""
    return "–" if value is None else span(max(value, 0) / 1000)


def short(value: object) -> str:
    """An id in short: its first and last characters."""
    text, (first, last) = str(value), SHORT
    return f"{text[:first]}…{text[last:]}" if len(text) > first - last else text


def brief(text: str | None) -> str:
    """The beginning of a text for a row of a list, without secrets."""
    if text is None or len(text) <= MOST_IN_ROW:
        return str(redact(text or ""))
    # The half of a secret is not known as one: the word at the edge is left out.
    whole, _, edge = text[: 2 * MOST_IN_ROW].rpartition(" ")
    return str(redact(whole or edge))[:MOST_IN_ROW] + "…"


def said(text: str | None) -> str:
    """A text without secrets; of a long one its beginning."""
    return _cut(redact(text or ""), MOST_SAID)


def _cut(text: str, most: int) -> str:
    left = len(text) - most
    if left <= 0:
        return text
    return (
        f"{text[:most]}\n… and {number(left)} letters more: `oppspot-runner tasks show` tells all"
    )


def json_text(value: Any) -> str:
    """JSON that people can read, without secrets."""
    return json.dumps(redact(value), indent=2, ensure_ascii=False, default=str)


def json_markup(value: Any) -> Markup:
    """JSON with its keys, texts, numbers and words told apart."""
    return json_coloured(json_text(value))


def json_coloured(text: str) -> Markup:
    """The same of what `json_text` made; a long one is cut, and plain."""
    if len(text) > MOST_JSON:
        return escape(_cut(text, MOST_JSON))
    parts, end = [], 0
    for match in TOKEN.finditer(text):
        parts.append(escape(text[end : match.start()]))
        parts.append(Markup('<span class="j-{}">{}</span>').format(match.lastgroup, match[0]))
        end = match.end()
    return Markup("").join([*parts, escape(text[end:])])
