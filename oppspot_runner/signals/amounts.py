"""Amounts of money and rounds of funding, as headlines write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

# Each stands for one amount or round in a text that was marked.
AMOUNT_MARK, ROUND_MARK = "\ue000", "\ue001"
MARKS = str.maketrans("", "", AMOUNT_MARK + ROUND_MARK)

SIGNS = {"$": "USD", "£": "GBP", "€": "EUR", "¥": "JPY", "₹": "INR", "us$": "USD", "a$": "AUD"}
SIGNS |= {"c$": "CAD", "au$": "AUD", "ca$": "CAD", "nz$": "NZD", "s$": "SGD", "hk$": "HKD"}
WORDS = {"dollar": "USD", "pound": "GBP", "euro": "EUR", "sterling": "GBP"}
SCALES = {"k": 3, "thousand": 3, "m": 6, "mn": 6, "mln": 6, "million": 6}
SCALES |= {"b": 9, "bn": 9, "billion": 9}

_CODE = "USD|GBP|EUR|CHF|SEK|NOK|DKK|CAD|AUD|NZD|SGD|HKD|INR|JPY|PLN|CZK"
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d{1,3})?|\d{1,9}(?:\.\d{1,3})?"
_SCALE = "|".join(sorted(SCALES, key=len, reverse=True))
AMOUNT = re.compile(
    rf"(?P<sign>(?<!\w)(?:US|AU?|CA?|NZ|S|HK)\$|[$£€¥₹]|\b(?:{_CODE})\s?)(?P<number>{_NUMBER})"
    rf"[\s-]?(?P<scale>{_SCALE})?\b\+?"
    rf"|\b(?P<number_2>{_NUMBER})[\s-]?(?P<scale_2>{_SCALE})?[\s-]?"
    rf"(?P<unit>€|\b(?:{_CODE}|dollars?|pounds?|euros?)\b)",
    re.IGNORECASE,
)
# A seed may also be one for a field.
ROUND = re.compile(
    r"\b[Pp]re-?[Ss]eries[\s-]?A\b|\b[Ss](?:eries|ERIES)[\s-](?P<letter>[A-K])\d?\b"
    r"|\b(?P<pre>[Pp]re-?\s?)[Ss]eed\b"
    rf"|(?:(?<={AMOUNT_MARK}\s)[Ss]eed\b|\b[Ss]eed(?=[\s-]"
    r"(?:extension|finance|financing|funding|investment|raise|round|stage)\b))"
)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount, in the currency of that code."""

    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class Marked:
    """A text with marks in the place of amounts and rounds, and what stood there, in order."""

    text: str
    amounts: tuple[Money, ...]
    rounds: tuple[str, ...]


def mark(text: str) -> Marked:
    """Puts a mark in the place of each amount and each round."""
    amounts: list[Money] = []
    rounds: list[str] = []

    def amount(found: re.Match[str]) -> str:
        amounts.append(_money(found))
        return AMOUNT_MARK

    def named(found: re.Match[str]) -> str:
        rounds.append(_round(found))
        return ROUND_MARK

    marked = AMOUNT.sub(amount, text.translate(MARKS))
    return Marked(ROUND.sub(named, marked), tuple(amounts), tuple(rounds))


def _money(found: re.Match[str]) -> Money:
    number = Decimal((found["number"] or found["number_2"]).replace(",", ""))
    scale = (found["scale"] or found["scale_2"] or "").lower()
    written = (found["sign"] or found["unit"]).strip().lower()
    currency = SIGNS.get(written) or WORDS.get(written.rstrip("s")) or written.upper()
    return Money(int(number.scaleb(SCALES.get(scale, 0))), currency)


def _round(found: re.Match[str]) -> str:
    if found["letter"]:
        return f"series_{found['letter'].lower()}"
    if "eries" in found[0]:
        return "pre_series_a"
    return "pre_seed" if found["pre"] else "seed"
