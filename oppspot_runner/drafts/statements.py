"""Reads sentences of a draft: which fact each part of one tells, and what no fact stands for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from oppspot_runner.drafts.faults import Fault
from oppspot_runner.drafts.frame import Frame
from oppspot_runner.drafts.language import Language
from oppspot_runner.drafts.relations import Relations
from oppspot_runner.drafts.sheet import Sheet
from oppspot_runner.drafts.tokens import Keys, Token
from oppspot_runner.drafts.vocabulary import Told, vocabulary, within

BETWEEN = frozenset({"and", "but", "while", ";", ":", "–", "—", "…"})
QUOTATION = frozenset("\"'“”«»„")
PLACEHOLDER = frozenset("[]{}<>_|")
HELPING = frozenset({"'ve", "have", "has", "'re", "are", "is", "also"})
AWAY = frozenset({"from", "into"})
LEAST_ECHO = 4  # words in a row


@dataclass(frozen=True)
class Sentence:
    """A sentence, and for each token the ids of the facts that claims give for it."""

    tokens: Sequence[Token]
    cited: Sequence[frozenset[str]]


class Subject:
    """Of whom the parts of a sentence speak."""

    def __init__(self, tokens: Sequence[Token], frame: Frame) -> None:
        self.keys = [token.key for token in tokens]
        self.seeing = frame.known.seeing
        self.persons = frame.persons(tokens)
        self.phrased = frame.phrased(tokens)
        self.timed = (
            frame.timed(tokens)
            | {at for at, key in enumerate(self.keys) if key in frame.known.apart} - self.phrased
        )
        self.verbs = {at for at, key in enumerate(self.keys) if key in frame.known.verbs}
        self.named = frame.named(tokens)

    def is_object(self, part: range) -> bool:
        """Whether something is done to the company: "HubSpot uses you", "from Harbour Ledger"."""
        after = (at for at in part if at > part.start and self.persons[at] == "company")
        return any(
            (at - 1 in self.verbs and at - 1 not in self.named)
            or (self.keys[at - 1] in AWAY and at not in self.phrased)
            for at in after
        )

    def is_due(self, part: range) -> bool:
        """Whether something is still to be done: "you have to use HubSpot"."""
        return any(
            self.keys[at] in HELPING and self.keys[at + 1] == "to" for at in part if at + 1 in part
        )

    def is_company(self, part: range, first: int) -> bool:
        """Whether what begins at `first` is said of the company: not "we use it", "you and we use
        it" or "you use it with us", but "we saw that you use it"."""
        return not (self._of_sender(part, first) or self._joined(part) or self._with(part, first))

    def does(self, at: int) -> bool:
        """Whether the company is who does what the verb at that place says: "you have raised"."""
        while at > 0 and self.keys[at - 1] in HELPING:
            at -= 1
        return at > 0 and self.persons[at - 1] == "company"

    def _of_sender(self, part: range, first: int) -> bool:
        """Whether the nearest person before is the sender, who does more than to look."""
        for at in range(first - 1, -1, -1):
            if self.persons[at] is not None:
                return self.persons[at] == "sender"
            if self.keys[at] in self.seeing and at in part:
                return False
        return False

    def _joined(self, part: range) -> bool:
        """Whether the part before ends with the sender, as in "Northwind and you"."""
        before = self.persons[max(0, part.start - 3) : max(0, part.start - 1)]
        begins = part.start < len(self.persons) and self.persons[part.start] == "company"
        return begins and "sender" in before

    def _with(self, part: range, first: int) -> bool:
        """Whether the sender comes after it, but for phrases such as "caught my eye"."""
        return any(
            self.persons[at] == "sender"
            and at not in self.phrased
            and not self.seeing.intersection(self.keys[at + 1 : at + 2])
            for at in part
            if at > first
        )


class Reader:
    """Reads the sentences of one draft. `stated`: it told something of a fact, rightly or not."""

    def __init__(self, sheet: Sheet, known: Language, instructions: Keys) -> None:
        self.known = known
        self.frame = Frame(sheet, known)
        self.instructions = instructions
        self.facts = {fact.id: vocabulary(fact, known, self.frame.company) for fact in sheet.facts}
        self.stated = False

    def faults(self, sentence: Sentence) -> Iterator[Fault]:
        """What is wrong with the sentence."""
        tokens = sentence.tokens
        told = {fact_id: one.told(tokens) for fact_id, one in self.facts.items()}
        needless = self.frame.covers(tokens)
        content = [at for at in range(len(tokens)) if not needless[at]]
        held = {
            at: {one for one in sentence.cited[at] if one in told and told[one].covers(at)}
            for at in content
        }
        last: set[str] = set()
        subject = Subject(tokens, self.frame)
        for part in self._parts(sentence, told):
            places = [at for at in content if at in part and held[at]]
            if not places:
                continue
            self.stated = True
            able = [one for one in self.facts if all(one in held[at] for at in places)]
            if not able:
                yield Fault("mixed", _words(tokens, part))
                continue
            fits = [one for one in able if _fits(told[one], part, places, subject, one in last)]
            if not fits:
                yield Fault("misplaced", _words(tokens, part))
                continue
            keys = {tokens[at].key for at in part}
            last = set(fits)
            told_best = min(fits, key=lambda one: len(self.facts[one].required - keys))
            if left_out := self.facts[told_best].required - keys:
                yield Fault("negation", f"left out: {', '.join(sorted(left_out))}")
        missing = [at for at in content if not held[at]]
        if missing:
            yield from self._unheld(sentence, told, missing)
        else:
            yield from self._related(sentence, told, set(content))

    def _related(
        self, sentence: Sentence, told: dict[str, Told], telling: set[int]
    ) -> Iterator[Fault]:
        """What plain words say without a fact, and numbers that are told twice."""
        tokens = sentence.tokens
        relations = Relations(tokens, self.frame, telling)
        for part in self._parts(sentence, told):
            if relations.is_stated(part):
                yield Fault("misplaced", _words(tokens, part))
        numbers = [tokens[at].key for at in telling if tokens[at].kind == "number"]
        if twice := sorted({key for key in numbers if numbers.count(key) > 1}):
            yield Fault("number", f"twice: {', '.join(twice)[:100]}")

    def _parts(self, sentence: Sentence, told: dict[str, Told]) -> Iterator[range]:
        """The parts of a sentence between "and" and the like, unless these belong to a value."""
        start = 0
        for at, token in enumerate(sentence.tokens):
            within_fact = any(one in told and told[one].covers(at) for one in sentence.cited[at])
            if token.key in BETWEEN and not within_fact:
                yield range(start, at)
                start = at + 1
        yield range(start, len(sentence.tokens))

    def _unheld(
        self, sentence: Sentence, told: dict[str, Told], missing: Sequence[int]
    ) -> Iterator[Fault]:
        tokens = sentence.tokens
        keys = tuple(token.key for token in tokens)
        echoed = within(keys, self.instructions, LEAST_ECHO)
        codes: dict[int, str] = {}
        for at in missing:
            if any(one.covers(at) for one in told.values()):
                codes[at] = "unclaimed"
            elif at in echoed:
                codes[at] = "echo"
            else:
                codes[at] = self._code(tokens, at)
        words = [at for at, code in codes.items() if code == "word"]
        if 2 * len(words) > sum(token.kind == "word" for token in tokens) and len(words) > 2:
            codes |= dict.fromkeys(words, "language")
        for code in dict.fromkeys(codes.values()):
            found = [tokens[at].text for at, one in codes.items() if one == code]
            yield Fault(code, ", ".join(found)[:200])

    def _code(self, tokens: Sequence[Token], at: int) -> str:
        token, known = tokens[at], self.known
        if token.kind == "number" or token.key in known.numbers:
            return "number"
        if token.kind == "link":
            return "email" if "@" in token.key else "link"
        if token.kind == "mark":
            return _code_of_mark(token.key)
        for code, words in known.classes.items():
            if token.key in words:
                return code
        if token.capital:
            greeted = tokens[0].key in known.greetings
            return "recipient" if greeted else "name"
        return "word"


def _fits(told: Told, part: range, places: Sequence[int], subject: Subject, goes_on: bool) -> bool:
    """Whether the fact says this of the company, in this order, or the last part goes on; and not
    of another time."""
    anchored = goes_on or told.is_anchored(places)
    ordered = told.in_order(places) or _turned(told, places, subject)
    straight = told.astray.isdisjoint(places) and not subject.is_object(part)
    timeless = subject.timed.isdisjoint(part) and not subject.is_due(part)
    return anchored and ordered and straight and timeless and subject.is_company(part, places[0])


def _turned(told: Told, places: Sequence[int], subject: Subject) -> bool:
    """Whether it is said the other way round: "the Series A that you raised"."""
    verbs = told.verbs(places)
    before = [at for at in places if told.value[at] and at < max(verbs, default=0)]
    return all(map(subject.does, verbs)) and all(told.place[at] < told.objects for at in before)


def _code_of_mark(key: str) -> str:
    if key in QUOTATION:
        return "quotation"
    if key in PLACEHOLDER:
        return "placeholder"
    return "markup"


def _words(tokens: Sequence[Token], part: range) -> str:
    return " ".join(tokens[at].text for at in part)[:200]
