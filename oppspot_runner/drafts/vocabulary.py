"""Which tokens of a sentence a fact, the sender or the language stands for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias

from oppspot_runner.drafts.language import Language
from oppspot_runner.drafts.sheet import Fact, Sheet
from oppspot_runner.drafts.tokens import Keys, Token, find, keys_of, sentences

LEAST_QUOTE = 3  # words in a row that make a quotation
NEUTRAL_MARKS = frozenset(".,;:!?'()–—-…")
Person: TypeAlias = Literal["company", "sender"] | None
ANYWHERE = -1  # a place that comes neither before nor after another one


@dataclass(frozen=True)
class Told:
    """What of a sentence a fact stands for, token by token.

    `value`: it is a value of the fact; `anchor`: it is what makes the fact this one; `place`: where
    in the fact it stands.
    """

    value: tuple[bool, ...]
    anchor: tuple[bool, ...]
    place: tuple[int, ...]

    def covers(self, at: int) -> bool:
        """Whether the fact stands for the token at that place of the sentence."""
        return self.value[at] or self.anchor[at]

    def in_order(self, places: Sequence[int]) -> bool:
        """Whether these tokens stand in the order of the fact: who did what to whom."""
        known = [self.place[at] for at in places if self.place[at] != ANYWHERE]
        return known == sorted(known)


@dataclass(frozen=True)
class Vocabulary:
    """How a fact may be told.

    `phrases`, `days` and `numbers` are its values, `words` what makes them this fact and no other
    one: a value without such a word near it would say something else. Phrases and words have their
    place in the fact. Of `quotes` the beginnings are told word by word. `required` are words that
    must not be left out, as the "no" of "no longer".
    """

    known: Language
    phrases: Mapping[Keys, int] = field(default_factory=dict)
    days: frozenset[Keys] = frozenset()
    numbers: frozenset[str] = frozenset()
    words: Mapping[str, int] = field(default_factory=dict)
    quotes: tuple[Keys, ...] = ()
    required: frozenset[str] = frozenset()

    def told(self, tokens: Sequence[Token]) -> Told:
        """What of `tokens` this stands for."""
        keys = [token.key for token in tokens]
        value, anchor = [False] * len(keys), [False] * len(keys)
        place = [ANYWHERE] * len(keys)
        for at, token in enumerate(tokens):
            value[at] = token.kind == "number" and token.key in self.numbers
            if token.kind == "word" and token.plain and token.key in self.words:
                anchor[at], place[at] = True, self.words[token.key]
        for day in self.days:
            for at in find(keys, day):
                if at > 0 and keys[at - 1] in self.known.before_days:
                    value[at : at + len(day)] = [True] * len(day)
        for phrase, where in self.phrases.items():
            for at in find(keys, phrase):
                for step in range(at, at + len(phrase)):
                    value[step], place[step] = True, where
        for at in self._quoted(tokens):
            value[at], anchor[at], place[at] = False, True, ANYWHERE
        return Told(tuple(value), tuple(anchor), tuple(place))

    def _quoted(self, tokens: Sequence[Token]) -> Iterator[int]:
        keys = self.known.canonical(tuple(token.key for token in tokens))
        for start in range(len(keys)):
            for quote in self.quotes:
                size = _alike(keys, start, quote, 0)
                if _words(quote[:size]) >= min(LEAST_QUOTE, _words(quote)) > 0:
                    places = range(start, start + size)
                    yield from (at for at in places if tokens[at].kind != "link")


def vocabulary(fact: Fact, known: Language, company: Sequence[Keys]) -> Vocabulary:
    """How `fact` may be told of a company of these names."""
    spoken = sentences(fact.text)
    tokens = [token for one in spoken for token in one]
    keys = [token.key for token in tokens]
    own = {keys_of(name) for name in fact.names}
    if fact.quoted:
        own |= {name for one in spoken for name in _names_in(one)}
    own -= {(), *company}
    days = set() if fact.day is None else {keys_of(way) for way in known.ways(fact.day)}
    taken = {
        at + step for name in own | days for at in find(keys, name) for step in range(len(name))
    }
    rest = [(at, token) for at, token in enumerate(tokens) if at not in taken]
    numbers = [token.key for _, token in rest if token.kind == "number"]
    amounts = [key for key in numbers if not key.isdecimal()]
    return Vocabulary(
        known,
        phrases={name: _place(keys, name) if fact.quoted else len(keys) for name in own},
        days=frozenset(days),
        numbers=frozenset(amounts[:1] if fact.quoted else numbers),
        words={
            **dict.fromkeys(known.anchors.get(fact.kind, ()), ANYWHERE),
            **_anchors(rest, known, quoted=fact.quoted),
        },
        quotes=tuple(_beginnings(spoken, known, company)) if fact.quoted else (),
        required=_plain(tokens) & known.classes["negation"],
    )


def _anchors(rest: Sequence[tuple[int, Token]], known: Language, *, quoted: bool) -> dict[str, int]:
    words = [
        (at, token.key)
        for at, token in rest
        if token.kind == "word" and not token.capital and token.key not in known.neutral
    ]
    if quoted:
        words = [(at, word) for at, word in words if word in known.verbs]
    return {kin: at for at, word in words for kin in known.kin(word)}


def _beginnings(
    spoken: Sequence[Sequence[Token]], known: Language, company: Sequence[Keys]
) -> Iterator[Keys]:
    """Each sentence from its first word on that is neither neutral nor the company."""
    for tokens in spoken:
        keys = tuple(token.key for token in tokens)
        starts = [0, *(at + 1 for at, key in enumerate(keys) if key == ":")]
        for start in starts:
            rest = keys[start:]
            while rest and (skip := _skipped(rest, known, company)):
                rest = rest[skip:]
            if rest:
                yield known.canonical(rest)


def _skipped(keys: Keys, known: Language, company: Sequence[Keys]) -> int:
    names = [len(name) for name in company if keys[: len(name)] == name]
    return max([*names, int(keys[0] in known.neutral or keys[0] in NEUTRAL_MARKS)])


class Common:
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
        for at in within(keys, self._offer, min(LEAST_QUOTE, _words(self._offer))):
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


def within(keys: Keys, text: Keys, least: int) -> set[int]:
    """The places in `keys` of pieces of `text`, of at least so many words."""
    found: set[int] = set()
    places: dict[str, list[int]] = defaultdict(list)
    for at, key in enumerate(text):
        places[key].append(at)
    for start, key in enumerate(keys):
        for at in places.get(key, ()):
            size = _alike(keys, start, text, at)
            if _words(text[at : at + size]) >= least:
                found.update(range(start, start + size))
    return found


def _is_neutral(token: Token, known: Language) -> bool:
    if token.kind == "mark":
        return token.key in NEUTRAL_MARKS or token.key in known.neutral
    is_known = token.kind == "word" and token.key in known.neutral
    return is_known and (token.plain or token.text == "I")


def _names_in(tokens: Sequence[Token]) -> set[Keys]:
    """Words with capital letters that stand together, the first word of a sentence apart."""
    found: set[Keys] = set()
    run: list[str] = []
    for token in tokens[1:]:
        if token.capital:
            run.append(token.key)
        elif run:
            found.add(tuple(run))
            run = []
    return found | {tuple(run)} - {()}


def _plain(tokens: Sequence[Token]) -> frozenset[str]:
    return frozenset(token.key for token in tokens if not token.capital)


def _place(keys: Sequence[str], name: Keys) -> int:
    return next(find(keys, name), ANYWHERE)


def _words(keys: Keys) -> int:
    return sum(key[:1].isalnum() for key in keys)


def _longest_first(texts: Sequence[str]) -> tuple[Keys, ...]:
    return tuple(sorted({keys_of(text) for text in texts} - {()}, key=len, reverse=True))


def _alike(one: Keys, start: int, other: Keys, at: int) -> int:
    """How many keys from these places on are equal."""
    size, most = 0, min(len(one) - start, len(other) - at)
    while size < most and one[start + size] == other[at + size]:
        size += 1
    return size
