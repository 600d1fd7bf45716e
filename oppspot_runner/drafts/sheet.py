"""The fact sheet: all that a draft may say, of whom it is from and whom it is to. Values only."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Channel = Literal["email", "linkedin", "call"]

MOST_TEXT = 300  # characters of a fact
# A tag is all between its signs, also one that is never closed.
TAG = re.compile(r"<[^<>]*(?:>|\Z)")
ADDRESS = re.compile(r"(?:[a-z][a-z+.-]{0,20}://|www\.)\S+|\S{1,64}@\S{1,250}", re.IGNORECASE)
SIGNS = re.compile(r"[\[\]{}<>|*`_~^\\=\"“”«»„#]+")
UNSEEN = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}


def bare(text: str, most: int = MOST_TEXT) -> str:
    """Text from outside as one line: no markup, no addresses, no unseen signs, at most so long."""
    text = unicodedata.normalize("NFKC", text[: 20 * most])
    text = "".join(" " if unicodedata.category(sign) in UNSEEN else sign for sign in text)
    text = SIGNS.sub(" ", ADDRESS.sub(" ", TAG.sub(" ", text)))
    text = " ".join(text.split())
    return text if len(text) <= most else text[:most].rpartition(" ")[0]


def _one_line(text: str) -> str:
    return " ".join(bare(text, 500).split())


Line = Annotated[str, AfterValidator(_one_line)]


class Sender(BaseModel):
    """Who writes: name, company, what is offered ("payroll for small teams"), and the only link."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Line = Field(min_length=1, max_length=100)
    company: Line = Field(min_length=1, max_length=200)
    offer: Line = Field(min_length=1, max_length=300)
    url: str = Field("", max_length=300, pattern=r"^(https?://[^\s<>()\[\]\"]+)?$")


class Recipient(BaseModel):
    """Whom a draft is to; `name` is empty for an address of a role, such as info@."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Line = Field("", max_length=200)
    email: str = Field("", max_length=320, pattern=r"^([^\s@<>]+@[^\s@<>]+)?$")


class Fact(BaseModel):
    """One thing that may be said. `text` is a sentence; `names` what in it is to be said as it is.

    `day` is when it happened. `quoted`: the words are those of somebody outside, so that only a
    piece of at least three of them in a row may be told, or its names and numbers. `why` is the
    reason of the score that it stands behind, for people. It counts until `good_until`.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    kind: str
    text: str
    names: tuple[str, ...] = ()
    day: date | None = None
    quoted: bool = False
    source: str
    source_url: str | None = None
    confidence: float
    observed_at: datetime
    good_until: datetime
    why: str | None = None


class Sheet(BaseModel):
    """All that one draft may be made of."""

    model_config = ConfigDict(frozen=True)

    company: str
    names: tuple[str, ...]  # the ways in which the company may be called
    facts: tuple[Fact, ...]
    sender: Sender
    recipient: Recipient = Recipient()
    channel: Channel = "email"
    language: str = "en"
    tone: str = "friendly"

    def fact(self, fact_id: str) -> Fact | None:
        """The fact of that id."""
        return next((one for one in self.facts if one.id == fact_id), None)


class Claim(BaseModel):
    """Words of a draft, and the facts that they rest on."""

    model_config = ConfigDict(frozen=True)

    text: str
    fact_ids: tuple[str, ...]


class Draft(BaseModel):
    """What is said. `cta` is the sentence of the body that asks for something."""

    model_config = ConfigDict(frozen=True)

    subject: str
    body: str
    claims: tuple[Claim, ...]
    cta: str


class Room(BaseModel):
    """How much a channel has room for."""

    model_config = ConfigDict(frozen=True)

    words: int
    characters: int
    subject: bool


ROOMS: dict[Channel, Room] = {
    "email": Room(words=150, characters=1_500, subject=True),
    "linkedin": Room(words=60, characters=300, subject=False),
    "call": Room(words=180, characters=1_800, subject=False),
}
MOST_SUBJECT = 90  # characters
