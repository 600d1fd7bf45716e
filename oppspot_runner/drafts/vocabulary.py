"""Which tokens of a sentence a fact, the sender or the language stands for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from oppspot_runner.drafts.language import Language
from oppspot_runner.drafts.sheet import Fact
from oppspot_runner.drafts.tokens import Keys, Token, find, keys_of, sentences

LEAST_QUOTE = 3  # words in a row that make a quotation
NEUTRAL_MARKS = frozenset(".,;:!?()–—-…")
ANYWHERE = -1  # a place that comes neither before nor after another one


@dataclass(frozen=True)
class Told:
    """What of a sentence a fact stands for, token by token.

    `value`: it is a value of the fact; `anchor`: it is what makes the fact this one; `place`: where
    in the fact it stands. What stands before `objects` there is what the company does, and to what.
    """

    value: tuple[bool, ...]
    anchor: tuple[bool, ...]
    place: tuple[int, ...]
    objects: int = 0

    def covers(self, at: int) -> bool:
        """Whether the fact stands for the token at that place of the sentence."""
        return self.value[at] or self.anchor[at]

    def in_order(self, places: Sequence[int]) -> bool:
        """Whether these tokens stand in the order of the fact: who did what to whom."""
        known = [self.place[at] for at in places if self.place[at] != ANYWHERE]
        return known == sorted(known)

    def verbs(self, places: Sequence[int]) -> list[int]:
        """Those of the places at which the fact says what is done."""
        return [at for at in places if self.anchor[at] and self.place[at] != ANYWHERE]


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
    objects: int = 0

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
        return Told(tuple(value), tuple(anchor), tuple(place), self.objects)

    def _quoted(self, tokens: Sequence[Token]) -> Iterator[int]:
        keys = self.known.canonical(tuple(token.key for token in tokens))
        for start in range(len(keys)):
            for quote in self.quotes:
                size = _alike(keys, start, quote, 0)
                if count_words(quote[:size]) >= min(LEAST_QUOTE, count_words(quote)) > 0:
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
        objects=_objects(keys, known, company),
        required=_plain(tokens) & known.classes["negation"],
    )


def _objects(keys: Sequence[str], known: Language, company: Sequence[Keys]) -> int:
    """Where what the company does ends: at "from", "as" and the like; 0 when others do it."""
    start = max((len(name) for name in company if tuple(keys[: len(name)]) == name), default=0)
    ends = (at for at in range(start, len(keys)) if keys[at] in known.prepositions)
    return next(ends, len(keys)) if start else 0


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


def within(keys: Keys, text: Keys, least: int) -> set[int]:
    """The places in `keys` of pieces of `text`, of at least so many words."""
    found: set[int] = set()
    places: dict[str, list[int]] = defaultdict(list)
    for at, key in enumerate(text):
        places[key].append(at)
    for start, key in enumerate(keys):
        for at in places.get(key, ()):
            size = _alike(keys, start, text, at)
            if count_words(text[at : at + size]) >= least:
                found.update(range(start, start + size))
    return found


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


def count_words(keys: Keys) -> int:
    """How many of `keys` are no marks."""
    return sum(key[:1].isalnum() for key in keys)


def _alike(one: Keys, start: int, other: Keys, at: int) -> int:
    """How many keys from these places on are equal."""
    size, most = 0, min(len(one) - start, len(other) - at)
    while size < most and one[start + size] == other[at + size]:
        size += 1
    return size
