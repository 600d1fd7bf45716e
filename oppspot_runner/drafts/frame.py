"""The frame of a draft, which needs no claim: plain words, who writes, to whom, about whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Literal, TypeAlias

from oppspot_runner.drafts.language import Language
from oppspot_runner.drafts.sheet import Sheet
from oppspot_runner.drafts.tokens import Keys, Token, find, keys_of
from oppspot_runner.drafts.vocabulary import LEAST_QUOTE, NEUTRAL_MARKS, count_words, within

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
        for at in within(keys, self._offer, min(LEAST_QUOTE, count_words(self._offer))):
            covered[at] = covered[at] or tokens[at].kind != "link"
        return covered

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
