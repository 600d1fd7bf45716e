"""Reads what a part of a sentence says of sender and company by plain words, without a fact."""

from __future__ import annotations

from collections.abc import Sequence

from oppspot_runner.drafts.frame import Frame, Person
from oppspot_runner.drafts.tokens import Token
from oppspot_runner.drafts.vocabulary import NEUTRAL_MARKS

NEAR = frozenset({"at", "from", "for", "of", "with"})


class Relations:
    """What the plain words of one sentence say; `held` are the places that tell facts."""

    def __init__(self, tokens: Sequence[Token], frame: Frame, held: set[int]) -> None:
        self.keys = [token.key for token in tokens]
        self.known = frame.known
        self.held = held
        self.persons = frame.persons(tokens)
        self.phrased = frame.phrased(tokens)
        self.timed = frame.timed(tokens)
        self.introduced = frame.introduced(tokens)
        self.doing = frame.doing(tokens)
        self.named = frame.named(tokens)
        self.offered = frame.offered(tokens)

    def is_stated(self, part: range) -> bool:
        """Whether the part says what no fact holds: "you are with us", "I work at Harbour Ledger",
        "you have a payroll service", "thank you for today"."""
        if self._offers_wrongly(part) or self._is_introduced_wrongly(part):
            return True
        if self.held.intersection(part):
            return False
        thanks = not self.known.thanks.isdisjoint(self.keys[at] for at in part)
        met = thanks and not self.timed.isdisjoint(part)
        return met or self._is_being(part) or self._is_near(part)

    def _loose(self, at: int) -> Person:
        if at in self.phrased or at in self.offered:
            return None
        return "company" if self.keys[at] in self.known.groups else self.persons[at]

    def _is_being(self, part: range) -> bool:
        """Whether the company is, does or has something; not "this is a note to you"."""
        return any(self._loose(at) == "company" for at in part) and any(
            self.keys[at] in self.known.being
            and at not in self.phrased | self.offered
            and not self._is_of_letter(at)
            for at in part
        )

    def _is_of_letter(self, at: int) -> bool:
        around = {*self.keys[max(0, at - 1) : at], *self.keys[at + 1 : at + 2]}
        return not around.isdisjoint(self.known.pointing) and at + 1 not in self.named

    def _is_near(self, part: range) -> bool:
        """Whether the sender is put beside the company: "Jane Roe, Harbour Ledger"."""
        for at in part:
            if self.persons[at] != "company" or at == part.start:
                continue
            before = at - 1
            if self.keys[before] == "from" and before not in self.phrased:
                return True
            while before > part.start and self.keys[before] in NEUTRAL_MARKS | NEAR:
                before -= 1
            beside = self.persons[before] == "sender" and before not in self.phrased
            if beside and at in self.named and before < at - 1:
                return True
        return False

    def _is_introduced_wrongly(self, part: range) -> bool:
        """Whether the sender is called somebody else, or works for the company already."""
        if any(self.persons[at] != "sender" for at in self.introduced if at in part):
            return True
        doing = [at for at in part if at in self.doing]
        return bool(doing) and any(at in self.named for at in part if at > doing[0])

    def _offers_wrongly(self, part: range) -> bool:
        """Whether what the sender offers is said of the company, or of a fact."""
        start = next((at for at in part if at in self.offered), None)
        if start is None:
            return False
        persons = [at for at in range(start) if self.persons[at] is not None]
        if not persons:
            return not self.held.isdisjoint(part)
        if self.persons[persons[-1]] == "sender":
            return False
        senders = [at for at in persons if self.persons[at] == "sender"]
        return not senders or not self._is_plain(range(senders[-1], start))

    def _is_plain(self, places: range) -> bool:
        """Whether nothing is said there but phrases and words in between."""
        saying = self.known.being | self.known.seeing
        return not any(
            at in self.held or (self.keys[at] in saying and at not in self.phrased) for at in places
        )
