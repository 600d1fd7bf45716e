"""Text as a row of tokens that can be compared: words, numbers, links and marks.

Numbers have one key however they are written, so that 1,200,000 and 1.2m are equal. Letters that
only look like Latin ones have the key of these: that they are foreign is for `validator` to say.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Literal, TypeAlias

Kind = Literal["word", "number", "link", "mark"]
Keys: TypeAlias = tuple[str, ...]

FACTORS = {
    "hundred": 2,
    "k": 3,
    "thousand": 3,
    "m": 6,
    "mn": 6,
    "million": 6,
    "b": 9,
    "bn": 9,
    "billion": 9,
    "trillion": 12,
}
UNITS = {
    "£": "GBP",
    "€": "EUR",
    "$": "USD",
    "%": "%",
    "percent": "%",
    "per cent": "%",
    "pounds": "GBP",
    "euros": "EUR",
    "dollars": "USD",
}
GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
UNCLEAR = re.compile(r"\d{1,3}\.\d{3}")  # to some readers a thousand times as much
# Bounded everywhere: a text without blanks must not take long.
LINK = r"[^\s@<>()\[\]\"]{1,64}@[^\s@<>()\[\]\"]{0,250}[^\s@<>()\[\]\".,;:!?]"
LINK += r"|(?:[a-z][a-z+.-]{0,20}://|www\.)[^\s<>()\[\]\"]*[^\s<>()\[\]\".,;:!?']"
LINK += r"|(?<![\w.-])(?:[^\W_][\w-]{0,62}\.){1,10}[a-z]{2,63}(?!\w)"
LINK += r"(?:/[^\s<>()\[\]\"]*[^\s<>()\[\]\".,;:!?'])?"
NUMBER = r"(?P<minus>(?<!\w)[-−](?=[£€$\d]))?(?P<sign>[£€$])?(?P<digits>\d+(?:[.,]\d+)*)"
NUMBER += rf"(?:\s?(?P<factor>{'|'.join(sorted(FACTORS, key=len, reverse=True))})(?!\w))?"
NUMBER += r"(?:\s?(?P<unit>%|percent|per\scent|GBP|EUR|USD|pounds|euros|dollars)(?!\w))?"
WORD = r"[^\W\d_](?:[^\W_]|['’](?=[^\W\d_]))*"
TOKEN = re.compile(
    rf"(?P<link>{LINK})|(?P<number>{NUMBER})|(?P<word>{WORD})|(?P<mark>\S)", re.IGNORECASE
)
CLITICS = re.compile(r"(?<=\w)'(?:s|re|ve|m|d|ll)$")
SENTENCE = re.compile(r"(?<=[.!?])\s+|\s*\n+\s*")
INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cs", "Mn", "Me"})
# Letters of other scripts that look like those of ours.
LOOKALIKES = str.maketrans(
    dict(zip("аеоруіхсѕјԛԝһԁАВЕКМНОРСТХІЅЈ", "aeopyixcsjqwhdABEKMHOPCTXISJ", strict=True))
    | dict(zip("οαρυνιΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "oapuviABEZHIKMNOPTYX", strict=True))
    | {"’": "'", "‘": "'", "ʼ": "'", "`": "'"}
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of text. `key` is what it is compared by; `first`: a sentence may begin with it."""

    text: str
    key: str
    kind: Kind
    first: bool = False

    @property
    def capital(self) -> bool:
        """Whether it is written as a name is: with a capital letter, or a digit within."""
        return self.kind == "word" and (self.text != self.text.lower())

    @property
    def plain(self) -> bool:
        """Whether it is written as any word at its place may be."""
        return not self.capital or (self.first and self.text[1:] == self.text[1:].lower())


def sentences(text: str) -> list[list[Token]]:
    """The sentences of a text; a line is one at least."""
    found = (list(_tokens(part)) for part in SENTENCE.split(text))
    return [one for one in found if one]


@lru_cache(maxsize=512)  # the instructions, the sender and the facts come again and again
def keys_of(text: str) -> Keys:
    """The keys of all tokens of a text."""
    return tuple(token.key for one in sentences(text) for token in one)


def find(keys: Sequence[str], wanted: Keys) -> Iterator[int]:
    """The places at which `wanted` stands in `keys`."""
    size = len(wanted)
    for start in range(len(keys) - size + 1):
        if size and keys[start] == wanted[0] and tuple(keys[start : start + size]) == wanted:
            yield start


def holds(keys: Sequence[str], wanted: Keys) -> bool:
    """Whether `wanted` stands somewhere in `keys`."""
    return next(find(keys, wanted), None) is not None


def _tokens(text: str) -> Iterator[Token]:
    first = True
    for match in TOKEN.finditer(folded(text)):
        for token in _made(match, first):
            yield token
            first = (first and token.kind == "mark") or token.key == ":"


def _made(match: re.Match[str], first: bool) -> Iterator[Token]:
    if (written := match["number"]) is not None:
        yield Token(written, _number_key(match), "number", first)
    elif (written := match["link"]) is not None:
        yield Token(written, written.casefold(), "link", first)
    elif (written := match["word"]) is not None:
        stem = CLITICS.sub("", written)
        yield Token(stem, stem.casefold(), "word", first)
        if clitic := written[len(stem) :]:
            yield Token(clitic, clitic.casefold(), "mark")
    else:
        yield Token(match[0], match[0], "mark", first)


def folded(text: str) -> str:
    """`text` without what nobody sees, in the letters that everybody reads."""
    plain = unicodedata.normalize("NFKC", text).translate(LOOKALIKES)
    return "".join(sign for sign in plain if sign == "\n" or not _is_invisible(sign))


def _is_invisible(sign: str) -> bool:
    return not sign.isascii() and unicodedata.category(sign) in INVISIBLE


def _number_key(match: re.Match[str]) -> str:
    digits, factor = match["digits"], match["factor"]
    unit = match["sign"] or match["unit"] or ""
    unit = UNITS.get(" ".join(unit.lower().split()), unit.upper())
    if not GROUPED.fullmatch(digits) or (not factor and UNCLEAR.fullmatch(digits)):
        return match[0]
    try:
        value = Decimal(digits.replace(",", "")).scaleb(FACTORS[factor.lower()] if factor else 0)
    except InvalidOperation:
        return match[0]
    return f"{match['minus'] or ''}{value.normalize():f}{unit}"
