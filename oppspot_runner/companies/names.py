"""Company names in a form in which the same company has the same name.

Does not compare names that differ in more than spelling and legal form: no fuzzy matching here.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from cleanco import prepare_default_terms

from oppspot_runner.companies.packaged import read_lines

MOST_NAME = 500  # characters; what the column holds and an index page bears

UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060\ufeff]+")
ACCENTS = re.compile(r"[\u0300-\u036f]+")
APOSTROPHES = re.compile(r"['`´‘’ʼ]")
INITIALS = re.compile(r"(?<!\w)(?:[^\W\d_]\.)+(?:[^\W\d_](?!\w)|(?!\w))")  # p.l.c., not x.com
NOT_WORD = re.compile(r"[\W_]+")
# Letters that have no decomposition, so that taking accents away leaves them as they are.
PLAIN_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"}
)


def clean_name(text: str) -> str:
    """`text` on one line, without control characters and needless blanks; "" when nothing is left.

    Spelling, case and legal form stay.
    """
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    if not text.isprintable():
        text = UNPRINTABLE.sub(" ", text)
    return " ".join(text.split())


def normalise_name(name: str) -> str:
    """The name without accents, case, punctuation, leading "the" and legal form.

    `"The Café & Bar (UK) PUBLIC LIMITED COMPANY"` is `"cafe and bar"`; what would leave nothing
    stays, so only a name without a letter or digit gives "". At most 500 characters. Applying it
    again changes nothing.
    """
    words = plain_words(name)[: MOST_NAME // 2]
    while (shorter := _without_form(words)) is not words:
        words = shorter
    return " ".join(words)[:MOST_NAME].rstrip()


def plain_words(name: str) -> list[str]:
    """The words of a name without accents, case and punctuation."""
    text = name
    if not text.isascii():
        text = ACCENTS.sub("", unicodedata.normalize("NFKD", text))
        # Scripts that write vowels or tones as marks of their own are put together again.
        text = unicodedata.normalize("NFC", text).casefold().translate(PLAIN_LETTERS)
        text = ACCENTS.sub("", unicodedata.normalize("NFKD", text))
        text = unicodedata.normalize("NFC", text)
    else:
        text = text.lower()
    text = APOSTROPHES.sub("", text.replace("&", " and "))
    text = INITIALS.sub(_without_dots, text)
    return NOT_WORD.sub(" ", text).split()


def _without_dots(initials: re.Match[str]) -> str:
    return initials[0].replace(".", "")


def _without_form(words: list[str]) -> list[str]:
    """`words` without one legal form or leading "the"; the same list when there is none."""
    if len(words) < 2:
        return words
    if words[-1] == "and":  # what stays of "Smith & Co"
        return words[:-1]
    forms, longest = legal_forms()
    for size in range(min(longest, len(words) - 1), 0, -1):
        if tuple(words[-size:]) in forms:
            return words[:-size]
    return words[1:] if words[0] == "the" else words


@cache
def legal_forms() -> tuple[frozenset[tuple[str, ...]], int]:
    """All legal forms as tuples of words, and the number of words of the longest."""
    texts = [" ".join(parts) for _, parts in prepare_default_terms()]
    forms = frozenset(tuple(plain_words(text)) for text in [*texts, *read_lines("legal_forms.txt")])
    forms -= {()}
    return forms, max(map(len, forms))
