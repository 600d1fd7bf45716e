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
MOST_COLOURED = 200_000  # letters; more is shown plain


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


def json_text(value: Any) -> str:
    """JSON that people can read, without secrets."""
    return json.dumps(redact(value), indent=2, ensure_ascii=False, default=str)


def json_lines(value: Any) -> int:
    """How many lines it has."""
    return json_text(value).count("\n") + 1


def json_markup(value: Any) -> Markup:
    """JSON with its keys, texts, numbers and words told apart."""
    text = json_text(value)
    if len(text) > MOST_COLOURED:
        return escape(text)
    parts, end = [], 0
    for match in TOKEN.finditer(text):
        parts.append(escape(text[end : match.start()]))
        parts.append(Markup('<span class="j-{}">{}</span>').format(match.lastgroup, match[0]))
        end = match.end()
    return Markup("").join([*parts, escape(text[end:])])
