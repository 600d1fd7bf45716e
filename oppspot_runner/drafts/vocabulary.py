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

    `value`: it is a value of the fact; `anchor`: it is what makes the fact this one; `label`: it is
    that beside a value; `place`: where in the fact it stands. What stands before `objects` there is
    what the company does, and to what. `astray` are values behind a preposition that is not theirs.
    """

    value: tuple[bool, ...]
    anchor: tuple[bool, ...]
    label: tuple[bool, ...]
    place: tuple[int, ...]
    astray: frozenset[int]
    objects: int = 0

    def covers(self, at: int) -> bool:
        """Whether the fact stands for the token at that place of the sentence."""
        return self.value[at] or self.anchor[at] or self.label[at]

    def is_anchored(self, places: Sequence[int]) -> bool:
        """Whether what stands at these places can only be said of this fact."""
        labelled = any(self.label[at] for at in places) and any(self.value[at] for at in places)
        return labelled or any(self.anchor[at] for at in places)

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
    place in the fact. Of `quotes`, by their places, the beginnings are told word by word; with
    `labels` they are titles, which say nothing alone. `before` is what stands before a value in the
    fact. `required` are words that must not be left out, as the "no" of "no longer".
    """

    known: Language
    phrases: Mapping[Keys, int] = field(default_factory=dict)
    days: frozenset[Keys] = frozenset()
    numbers: frozenset[str] = frozenset()
    words: Mapping[str, int] = field(default_factory=dict)
    labels: frozenset[str] = frozenset()
    quotes: Mapping[int, Keys] = field(default_factory=dict)
    before: Mapping[Keys, str] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    objects: int = 0

    def told(self, tokens: Sequence[Token]) -> Told:
        """What of `tokens` this stands for."""
        keys = [token.key for token in tokens]
        value, anchor = [False] * len(keys), [False] * len(keys)
        place = [ANYWHERE] * len(keys)
        astray: set[int] = set()
        for at, token in enumerate(tokens):
            value[at] = token.kind == "number" and token.key in self.numbers
            if value[at] and self._is_astray(keys, at, (token.key,), self.known.measures):
                astray.add(at)
            if token.kind == "word" and token.plain and token.key in self.words:
                anchor[at], place[at] = True, self.words[token.key]
        for at, size in self._days(keys):
            value[at : at + size] = [True] * size
            astray.difference_update(range(at, at + size))
        for phrase, where in self.phrases.items():
            for at in find(keys, phrase):
                if self._is_astray(keys, at, phrase, self.known.directions):
                    astray.add(at)
                for step in range(at, at + len(phrase)):
                    value[step], place[step] = True, where
        for at, where in self._quoted(tokens):
            value[at], anchor[at] = bool(self.labels), not self.labels
            place[at] = where
            astray.discard(at)
        label = [token.plain and token.key in self.labels for token in tokens]
        return Told(
            value=tuple(value),
            anchor=tuple(anchor),
            label=tuple(label),
            place=tuple(place),
            astray=frozenset(astray),
            objects=self.objects,
        )

    def _days(self, keys: Sequence[str]) -> Iterator[tuple[int, int]]:
        for day in self.days:
            for at in find(keys, day):
                if at > 0 and keys[at - 1] in self.known.before_days:
                    yield at, len(day)

    def _is_astray(
        self, keys: Sequence[str], at: int, value: Keys, prepositions: frozenset[str]
    ) -> bool:
        """Whether another preposition stands before the value there than in the fact."""
        own, here = self.before.get(value, ""), _before(keys, at, self.known)
        return here != own if own in prepositions else here in prepositions

    def _quoted(self, tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
        """The places of pieces of the quotations, and where these stand in the fact."""
        keys = self.known.canonical(tuple(token.key for token in tokens))
        for start in range(len(keys)):
            for where, quote in self.quotes.items():
                size = alike(keys, start, quote, 0)
                if count_words(quote[:size]) >= min(LEAST_QUOTE, count_words(quote)) > 0:
                    for step in range(size):
                        if tokens[start + step].kind != "link":
                            yield start + step, where + step


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
        labels=known.labels.get(fact.kind, frozenset()),
        quotes=dict(_beginnings(spoken, known, company)) if fact.quoted else {},
        before=_befores(keys, own | {(key,) for key in numbers}, known, quoted=fact.quoted),
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


def _befores(
    keys: Sequence[str], values: set[Keys], known: Language, *, quoted: bool
) -> dict[Keys, str]:
    """The word before each value of a fact; of a list that is the one before its first value."""
    found = {value: at for value in values for at in find(keys, value)}
    first = min(found.values(), default=0)
    return {value: _before(keys, at if quoted else first, known) for value, at in found.items()}


def _before(keys: Sequence[str], at: int, known: Language) -> str:
    """The word before that place, articles apart."""
    while at > 0 and keys[at - 1] in known.articles:
        at -= 1
    return keys[at - 1] if at > 0 else ""


def _beginnings(
    spoken: Sequence[Sequence[Token]], known: Language, company: Sequence[Keys]
) -> Iterator[tuple[int, Keys]]:
    """Each sentence from its first word on that is neither neutral nor the company."""
    begun = 0
    for tokens in spoken:
        keys = tuple(token.key for token in tokens)
        starts = [0, *(at + 1 for at, key in enumerate(keys) if key == ":")]
        for start in starts:
            at = start
            while at < len(keys) and (skip := _skipped(keys[at:], known, company)):
                at += skip
            if at < len(keys):
                yield begun + at, known.canonical(keys[at:])
        begun += len(keys)


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
            size = alike(keys, start, text, at)
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


def alike(one: Keys, start: int, other: Keys, at: int) -> int:
    """How many keys from these places on are equal."""
    size, most = 0, min(len(one) - start, len(other) - at)
    while size < most and one[start + size] == other[at + size]:
        size += 1
    return size
