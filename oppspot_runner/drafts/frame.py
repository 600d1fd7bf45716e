"""The frame of a draft, which needs no claim: plain words, who writes, to whom, about whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import product
from typing import Literal, TypeAlias

from oppspot_runner.drafts.language import Language
from oppspot_runner.drafts.sheet import Sheet
from oppspot_runner.drafts.tokens import Keys, Token, find, keys_of
from oppspot_runner.drafts.vocabulary import LEAST_QUOTE, NEUTRAL_MARKS, alike, count_words

Person: TypeAlias = Literal["company", "sender"] | None


class Frame:
    """What needs no claim: neutral words, who writes, whom to, and what the company is called."""

    def __init__(self, sheet: Sheet, known: Language) -> None:
        self.sheet = sheet
        self.known = known

    @cached_property
    def company(self) -> tuple[Keys, ...]:
        """The names of the company."""
        return _longest_first(self.sheet.names)

    @cached_property
    def _senders(self) -> tuple[Keys, ...]:
        sender = self.sheet.sender
        return _longest_first([sender.name, sender.company, sender.name.partition(" ")[0]])

    @cached_property
    def _recipients(self) -> tuple[Keys, ...]:
        name = self.sheet.recipient.name
        return _longest_first([name, name.partition(" ")[0]])

    @cached_property
    def _links(self) -> tuple[Keys, ...]:
        url = self.sheet.sender.url
        return _longest_first([url, url.rstrip("/")])

    @cached_property
    def _offer(self) -> Keys:
        return keys_of(self.sheet.sender.offer)

    def covers(self, tokens: Sequence[Token]) -> list[bool]:
        """Which of `tokens` need no claim."""
        keys = tuple(token.key for token in tokens)
        covered = [_is_neutral(token, self.known) for token in tokens]
        people = (*self.company, *self._senders, *self._recipients)
        for at in _standing((*self.known.phrases, *people, *self._links), keys):
            covered[at] = True
        for at in self.offered(tokens):
            covered[at] = True
        return covered

    def offered(self, tokens: Sequence[Token]) -> set[int]:
        """The tokens that say what is offered: from its beginning on, to its end or a place where a
        sentence may end as well."""
        keys, offer = tuple(token.key for token in tokens), self._offer
        found: set[int] = set()
        begins = {0, *range(1, 1 + (offer[0] in self.known.articles))}
        for start, begin in product(range(len(keys)), begins):
            for size in range(alike(keys, start, offer, begin), 0, -1):
                if self._is_whole(offer, begin + size, keys[start + size : start + size + 1]):
                    if count_words(offer[begin : begin + size]) >= self._least_offer:
                        found.update(range(start, start + size))
                    break
        return {at for at in found if tokens[at].kind != "link"}

    @cached_property
    def _least_offer(self) -> int:
        return min(LEAST_QUOTE, count_words(self._offer))

    def _is_whole(self, offer: Keys, end: int, after: Keys) -> bool:
        """Whether the offer ends there, or may: not "closes the month" with another "in ..."."""
        if end >= len(offer):
            return True
        goes_on = after and after[0] not in self.known.after_offer and after[0] not in NEUTRAL_MARKS
        return offer[end] in self.known.ends and not goes_on

    def introduced(self, tokens: Sequence[Token]) -> set[int]:
        """The tokens that say who the sender is, or of which company."""
        keys = tuple(token.key for token in tokens)
        ends = {at + len(one) for one in self.known.introductions for at in find(keys, one)}
        return {at for at in ends if at < len(keys)}

    def doing(self, tokens: Sequence[Token]) -> set[int]:
        """The tokens that say what the sender does."""
        return set(_standing(self.known.doing, tuple(token.key for token in tokens)))

    def named(self, tokens: Sequence[Token]) -> set[int]:
        """The tokens that name the company."""
        return set(_standing(self.company, tuple(token.key for token in tokens)))

    def persons(self, tokens: Sequence[Token]) -> list[Person]:
        """Of whom each token speaks: of the company, or of the sender or recipient."""
        keys = tuple(token.key for token in tokens)
        found: list[Person] = [None] * len(keys)
        for at, key in enumerate(keys):
            if key in self.known.other_person:
                found[at] = "company"
            elif key in self.known.first_person:
                found[at] = "sender"
        for at in _standing(self._recipients, keys):
            greeted = at > 0 and keys[at - 1] in self.known.greetings
            if not greeted and keys[at + 1 : at + 2] != (",",):
                found[at] = "sender"
        for at in _standing(self._senders, keys):
            found[at] = "sender"
        for at in _standing(self.company, keys):
            found[at] = "company"
        return found

    def timed(self, tokens: Sequence[Token]) -> set[int]:
        """The tokens that say when something is to be."""
        return set(_standing(self.known.times, tuple(token.key for token in tokens)))

    def phrased(self, tokens: Sequence[Token]) -> set[int]:
        """The tokens that are part of a neutral phrase."""
        keys = tuple(token.key for token in tokens)
        return set(_standing((one for one in self.known.phrases if len(one) > 1), keys))


def _standing(phrases: Iterable[Keys], keys: Keys) -> Iterator[int]:
    """The places of all tokens of these phrases."""
    present = set(keys)
    for phrase in phrases:
        if phrase[0] not in present:
            continue
        for at in find(keys, phrase):
            yield from range(at, at + len(phrase))


def _is_neutral(token: Token, known: Language) -> bool:
    if token.kind == "mark":
        return token.key in NEUTRAL_MARKS or token.key in known.neutral
    is_known = token.kind == "word" and token.key in known.neutral
    return is_known and (token.plain or token.text == "I")


def _longest_first(texts: Sequence[str]) -> tuple[Keys, ...]:
    return tuple(sorted({keys_of(text) for text in texts} - {()}, key=len, reverse=True))
