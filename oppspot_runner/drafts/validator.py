"""Whether a draft says only what is true: a check of its text, whatever its author says about it.

The vocabulary is closed. Every word, number, name and sign of subject and body must be

- neutral: on the list of the language, which holds only what states nothing; or the sender's:
  name, company, link, or at least three words in a row of the offer; or the name of the recipient
  or the company,
- or held by a fact which a claim gives for it, that claim standing there word by word.

Parts of a sentence, between "and" and the like, tell one fact each: two true facts cannot be made
into a third statement. In each part a value stands with the words that belong to it, in the order
of the fact, and not behind "we". What is on top of that, such as comparisons, negations and links,
is refused by the same rule; it only has a code of its own, so that a model is told what to mend.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator
from itertools import chain

from oppspot_runner.drafts.answer import read_answer
from oppspot_runner.drafts.faults import CODES, Fault
from oppspot_runner.drafts.language import language
from oppspot_runner.drafts.sheet import MOST_SUBJECT, ROOMS, Claim, Draft, Sheet
from oppspot_runner.drafts.statements import Reader, Sentence
from oppspot_runner.drafts.tokens import Keys, find, holds, keys_of, sentences

ALL = frozenset(CODES)
TYPOGRAPHIC = frozenset("’‘“”«»„–—…£€")
MOST_EXCLAMATIONS = 1
MOST_FAULTS = 20


def check(
    text: str, sheet: Sheet, instructions: str = "", checks: Collection[str] = ALL
) -> tuple[Draft | None, list[Fault]]:
    """The draft in the answer `text` of a model, and what is wrong with it: usable only without.

    `instructions` are those that the model was given. `checks` are the codes that are looked for;
    all but tests leave it alone.
    """
    draft, faults = read_answer(text, checks)
    if draft is not None:
        faults = check_draft(draft, sheet, instructions, checks)
    return draft, faults


def check_draft(
    draft: Draft, sheet: Sheet, instructions: str = "", checks: Collection[str] = ALL
) -> list[Fault]:
    """What is wrong with a draft, each thing once; empty when it may be shown to people."""
    found = chain(_form(draft, sheet), _signs(draft, sheet))
    if _is_bearable(draft, sheet):  # else it is not read at all
        found = chain(found, _statements(draft, sheet, instructions))
    kept = dict.fromkeys(fault for fault in found if fault.code in checks)
    return list(kept)[:MOST_FAULTS]


def _is_bearable(draft: Draft, sheet: Sheet) -> bool:
    most = 2 * ROOMS[sheet.channel].characters
    claimed = sum(len(claim.text) for claim in draft.claims)
    return len(draft.body) <= most and len(draft.subject) <= most and claimed <= 2 * most


def _form(draft: Draft, sheet: Sheet) -> Iterator[Fault]:
    room = ROOMS[sheet.channel]
    if not draft.body.strip():
        yield Fault("empty", "body")
    if room.subject and not draft.subject.strip():
        yield Fault("empty", "subject")
    words = len(draft.body.split())
    if words > room.words:
        yield Fault("length", f"{words} words, {room.words} at most")
    if len(draft.body) > room.characters:
        yield Fault("length", f"{len(draft.body)} characters, {room.characters} at most")
    if not _is_bearable(draft, sheet):
        yield Fault("length", "claims, subject and body")
    if len(draft.subject) > MOST_SUBJECT or "\n" in draft.subject.strip():
        yield Fault("length", f"subject: one line of {MOST_SUBJECT} characters at most")
    if draft.cta.strip() and not holds(keys_of(draft.body), keys_of(draft.cta)):
        yield Fault("cta", draft.cta[:100])
    if draft.body.count("!") + draft.subject.count("!") > MOST_EXCLAMATIONS:
        yield Fault("spam", "exclamation marks")


def _signs(draft: Draft, sheet: Sheet) -> Iterator[Fault]:
    """Signs beyond ASCII that neither typography nor the sheet has."""
    sender, recipient = sheet.sender, sheet.recipient
    given = [sender.name, sender.company, sender.offer, sender.url, recipient.name, *sheet.names]
    given += [text for fact in sheet.facts for text in (fact.text, *fact.names)]
    known = set("".join(given)) | TYPOGRAPHIC
    for sign in dict.fromkeys(draft.subject + draft.body):
        if sign == "\n" or (sign.isascii() and sign.isprintable()):
            continue
        if sign not in known or not sign.isprintable():
            yield Fault("character", unicodedata.name(sign, f"U+{ord(sign):04X}"))


def _statements(draft: Draft, sheet: Sheet, instructions: str) -> Iterator[Fault]:
    known = language(sheet.language)
    reader = Reader(sheet, known, keys_of(instructions))
    cited = Citations(draft, sheet)
    yield from cited.faults
    start = 0
    for tokens in sentences(draft.body):
        end = start + len(tokens)
        yield from reader.faults(Sentence(tokens, cited.of_body[start:end]))
        start = end
    for tokens in sentences(draft.subject):
        yield from reader.faults(Sentence(tokens, [cited.all] * len(tokens)))
    if not reader.stated:
        yield Fault("no_fact", "")
    for phrase in known.instructions:
        if holds(cited.body, phrase) or holds(cited.subject, phrase):
            yield Fault("instruction", " ".join(phrase))


class Citations:
    """Which facts the claims of a draft give for each token of its body; for the subject, all."""

    def __init__(self, draft: Draft, sheet: Sheet) -> None:
        self.body, self.subject = keys_of(draft.body), keys_of(draft.subject)
        self.of_body = [frozenset[str]()] * len(self.body)
        self.all = frozenset(one for claim in draft.claims for one in claim.fact_ids)
        self.faults: list[Fault] = []
        for claim in draft.claims:
            if unknown := [one for one in claim.fact_ids if sheet.fact(one) is None]:
                self.faults.append(Fault("claim", f"there is no fact {', '.join(unknown)[:100]}"))
            self._mark(claim)

    def _mark(self, claim: Claim) -> None:
        words = _trimmed(keys_of(claim.text))
        places = list(find(self.body, words))
        if not places and not holds(self.subject, words):
            self.faults.append(Fault("claim", f"this is not in the draft: {claim.text[:100]}"))
        for at in places:
            for step in range(at, at + len(words)):
                self.of_body[step] |= set(claim.fact_ids)


def _trimmed(keys: Keys) -> Keys:
    """`keys` without the marks at its end."""
    while keys and not keys[-1][:1].isalnum() and not keys[-1].startswith("'"):
        keys = keys[:-1]
    return keys
