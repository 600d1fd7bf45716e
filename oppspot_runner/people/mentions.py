r"""Where texts say a name: what to look for, and by which two words somebody is told in a text.

What to look for is a regular expression in the words that Python and PostgreSQL share, without
regard to case. It finds names in plain text, in JSON and in addresses of pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from uuid import UUID

from oppspot_runner.companies.names import plain_words
from oppspot_runner.people.names import name_key, spellings

FORGOTTEN = "[forgotten]"
# In JSON a line break is two characters, of which the second is a letter: it goes with the name.
BEFORE, AFTER = r"(?:(?<!\w)|(?<!\\)\\[nrt])", r"(?!\w)"
BETWEEN = r"(?:[\s.,+-]|\\[nrt]|%20)+"
# What may follow each letter: an accent that is a character of its own, an apostrophe.
MARKS = "[\u0300-\u036f'`\u2018\u2019\u02bc]?"
ANY = "[\\w\u0300-\u036f'`\u2018\u2019\u02bc]+"
NO_NAMES = frozenset(("true", "false", "null"))  # words of JSON itself
ACCENTED = range(0xC0, 0x180)


def mention_pattern(name: str) -> str | None:
    """What finds a name: in any order and case, with and without accents and names in the middle.

    None for a name of one word, which would find that word wherever it stands.
    """
    words = name_key(name).split()
    if not _is_telling(words):
        return None
    forms = [_joined(words)]
    if len(words) > 1:
        forms += [_joined((*words[at:], *words[:at])) for at in range(1, len(words))]
        first, *middle, last = words
        between = "|".join([*map(_spelt, dict.fromkeys(middle)), r"\w"])
        forms += [f"{_spelt(first)}{BETWEEN}(?:(?:{between}){BETWEEN})*{_spelt(last)}"]
        forms += [_joined((last, first))]
    forms += [r"\s+".join(map(re.escape, one.split())) for one in spellings(name)]
    return f"{BEFORE}(?:{'|'.join(dict.fromkeys(forms))}){AFTER}"


def whole_words(texts: Iterable[str]) -> list[str]:
    """What finds addresses and ids, and not those that begin or end like them."""
    return [f"{BEFORE}{re.escape(one)}{AFTER}" for one in sorted(texts)]


def ends_of(name: str) -> tuple[str, str] | None:
    """The two words of a name by which a text is searched; None where it has only one."""
    words = name_key(name).split()
    return (words[0], words[-1]) if len(words) > 1 and _is_telling(words) else None


def possible_ends(text: str) -> set[tuple[str, str]]:
    """What `ends_of` could say of the names in a text, in either order: words side by side, or
    with one or two between them.
    """
    words = plain_words(text)
    pairs = {pair for apart in (1, 2, 3) for pair in zip(words, words[apart:], strict=False)}
    return pairs | {(last, first) for first, last in pairs}


def trace_at(company_id: UUID, ends: tuple[str, str]) -> str:
    """What a digest is made of that stands for somebody in texts about one company."""
    return f"at {company_id} {ends[0]} {ends[1]}"


def without_mentions(text: str, ends: Iterable[tuple[str, str]]) -> str:
    """The text with `[forgotten]` for names with such ends."""
    for first, last in sorted(ends):
        ways = ((first, last), (last, first))
        either = "|".join(
            rf"{_spelt(a)}{BETWEEN}(?:{ANY}{BETWEEN}){{0,2}}?{_spelt(b)}" for a, b in ways
        )
        text = re.sub(f"{BEFORE}(?:{either}){AFTER}", FORGOTTEN, text, flags=re.IGNORECASE)
    return text


def _is_telling(words: Sequence[str]) -> bool:
    """Whether words name somebody and nothing else; other scripts write names as one word."""
    said = [word for word in words if word not in NO_NAMES and not word.isdecimal()]
    return bool(said) and (len(words) > 1 or not words[0].isascii())


def _joined(words: Sequence[str]) -> str:
    return BETWEEN.join(map(_spelt, words))


def _spelt(word: str) -> str:
    return "".join(f"{_letter(letter)}{MARKS}" for letter in word)


def _letter(letter: str) -> str:
    alike = _accented().get(letter)
    return f"[{letter}{alike}]" if alike else re.escape(letter)


@cache
def _accented() -> dict[str, str]:
    """Letters with accents, small and capital, by the letter without."""
    found: dict[str, str] = {}
    for letter in map(chr, ACCENTED):
        for plain in plain_words(letter):
            if plain != letter and len(plain) == 1:
                found[plain] = found.get(plain, "") + letter
    return found
