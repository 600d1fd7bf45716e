"""What can be wrong with a draft. A code never changes its meaning; the text is for the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

# What each code means, for people; docs/agents/writer.md shows them.
CODES: Mapping[str, str] = MappingProxyType(
    {
        "size": "the answer is longer than any draft",
        "json": "it is no JSON object, or was cut off",
        "duplicate": "a key stands in it twice, so that it says two things",
        "extra": "it has keys that nobody asked for, such as a recipient",
        "shape": "a key is missing, or has a value of another type",
        "empty": "there is no body, or no subject where one is wanted",
        "length": "it is longer than the channel has room for",
        "cta": "the call to action does not stand in the body",
        "claim": "a claim quotes what is not there, or names a fact that is not there",
        "no_fact": "it says nothing that is true of this company alone",
        "unclaimed": "it states a fact without a claim for it",
        "mixed": "one part of a sentence mixes several facts",
        "misplaced": "it says of a fact what the fact does not say: of whom, or in which order",
        "number": "a number that the facts do not hold, in digits or in words",
        "name": "a name that the facts do not hold",
        "recipient": "it is addressed to somebody else",
        "link": "a link that is not the sender's own",
        "email": "an e-mail address",
        "negation": "a negation that no fact holds, or one left out",
        "comparison": "a comparison, or a change, that no fact holds",
        "promise": "a promise, or an offer of a price",
        "quantifier": "how many or how much, where no fact says so",
        "spam": "words and signs of spam",
        "quotation": "words in quotation marks",
        "placeholder": "something that was to be filled in",
        "markup": "marks of HTML or Markdown",
        "character": "signs that cannot be seen, or look like others",
        "instruction": "words by which texts talk to models",
        "echo": "words of the instructions",
        "language": "a sentence of another language",
        "word": "words that neither the facts nor the plain words hold",
    }
)


@dataclass(frozen=True, order=True)
class Fault:
    """One thing that is wrong; `found` is what was found, for the model to see."""

    code: str
    found: str

    def __str__(self) -> str:
        return f"{self.code}: {CODES[self.code]}: {self.found}" if self.found else CODES[self.code]
