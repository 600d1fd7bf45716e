"""What a title of a news item tells of a company: a funding round, a new face, a new place.

Titles are read by rules, which rather miss a round than find one in "raises prices". Each rule
names the subject, for a title that speaks of a company may tell of another one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from oppspot_runner.companies.countries import country_code, place_key
from oppspot_runner.companies.names import normalise_name
from oppspot_runner.signals.amounts import AMOUNT_MARK, ROUND_MARK, Marked, Money, mark
from oppspot_runner.signals.sighting import Strength

Kind = Literal["funding_round", "executive_change", "expansion"]

MOST_TITLE = 300  # characters
LEAST_RAISED = 25_000  # what is less was raised for a good cause
QUOTES = str.maketrans("’‘“”", "''\"\"")
OURSELVES = frozenset({"we", "weve", "our", "us"})
AREAS = frozenset(
    "africa,apac,asia,asia pacific,benelux,dach,emea,eu,europe,latam,latin america,middle east"  # noqa: SIM905
    ",nordics,north america,scandinavia,south america,southeast asia".split(",")
)
EARLY = ("pre_seed", "seed", "pre_series_a", "series_a")
LARGE, SOLID = 20_000_000, 1_000_000  # dollars, euros or pounds
COMPARABLE = frozenset({"USD", "EUR", "GBP"})

A, R = AMOUNT_MARK, ROUND_MARK
FUNDING = (
    r"(?:(?:funding|fund-?rais(?:e|ing)|financing|investment(?!\s+in\b|\s+into\b)|round|raise"
    rf"|capital|equity|backing)\b|{R})"
)
FILLING = (
    r"(?:(?:an?|its|the|our|their|over|more|than|about|around|almost|nearly|another|further|up|to"
    r"|additional|fresh|new|first|second|third|oversubscribed|initial|total|of|just|some|extra"
    r"|record|massive|successful|latest|whopping|impressive|growth|venture|strategic|equity"
    r"|seed|bridge|angel|major|close|closing|final)\s+){0,6}"
)
RAISES = r"(?:raises|raised)"
GETS = (
    r"(?:announces|announced|attracts|bags|bagged|banks|closes|closed|completes|completed|extends"
    r"|gets|grabs|hauls\ in|lands|landed|locks\ in|nabs|nets|netted|picks\ up|pulls\ in|receives"
    r"|received|scoops|scores|secures|secured|snags|wins)"
)
RAISED = (
    rf"^(?P<subject>.*?)\b{RAISES}\s+{FILLING}(?:{A}|{R}"
    r"|(?:funding|investment|capital)(?:\s+(?:from|to|for|led|in|round)\b|$))",
    rf"^(?P<subject>.*?)\b{GETS}\s+{FILLING}(?:{A}.{{0,60}}?{FUNDING}|{R})",
    rf"^(?:today\W+)?(?:we\s+are\s+|we're\s+)?(?:announcing\s+)?(?P<subject>our)\s+{FILLING}"
    rf"(?:{A}.{{0,40}}?{FUNDING}|{R})",
    rf"^(?:.*\W)?announcing\s+(?P<subject>.+?)'s\s+{FILLING}(?:{A}.{{0,40}}?{FUNDING}|{R})",
    rf"{A}\s+(?:in\s+|of\s+)?{FUNDING}.{{0,40}}?\bfor\s+(?P<after>[^,;:]+)",
    rf"\binvests?\s+{FILLING}{A}\s+in(?:to)?\s+(?P<after>[^,;:]+)",
)
# What an amount is of that no round is.
AUXILIARIES = re.compile(
    r"(?:(?:^|\s+)(?:also|has|have|had|just|now|officially|quietly|successfully|to|today|will))+$",
    re.IGNORECASE,
)
ENDS = re.compile(r"\s+(?:and|after|as|in|on|to|from|with)\s|\s[-–—|]\s|'s\b", re.IGNORECASE)
OTHER_MONEY = re.compile(
    rf"{A}(?:\s+(?!{FUNDING}\b)[\w'-]+){{0,3}}?\s+(?:acquisition|agreement|award|bonds?|buyout"
    r"|contracts?|deals?|fine|framework|grants?|invoice|lawsuit|lease|licen[cs]e|loans?|mortgage"
    r"|notes|orders?|prize|project|purchase|renewal|sale|settlement|subsidy|takeover|tax|tender)\b"
    rf"|{A}(?:\s+(?!from\b|led\b|by\b|with\b|backed\b)[\w'-]+){{0,4}}?\s+funds?\b",
    re.IGNORECASE,
)
GOOD_CAUSE = re.compile(
    r"\b(?:appeal|charity|charities|children\ in\ need|comic\ relief|food\ ?banks?|good\ causes?"
    r"|hospice|macmillan|refugees|victims)\b",
    re.IGNORECASE,
)
# Before a verb: no news, or nothing that is sure.
UNSURE = re.compile(
    r"\b(?:can|could|denies|fails?|failed|hopes?|how|if|lessons|may|might|never|plans?|previously"
    r"|reportedly|rumou?red|should|talks|that|tips|wants?|what|when|whether|which|who|why|would)\b",
    re.IGNORECASE,
)

LEADS = (
    r"(?:\bC(?:E|F|T|O|M|R|P|I|C|D|S|HR|IS)O|chief\s(?:[\w&-]+\s){1,4}officer|managing\s+director"
    r"|president)"
)
ROLE = (
    rf"(?:{LEADS}|(?:[SE]VP|VP|vice[\s-]president)(?:\s+of\s+\w+)?|chair(?:man|woman|person)?"
    r"|(?:(?:art|commercial|creative|deputy|engineering|executive|finance|financial|HR|independent"
    r"|marketing|medical|non-executive|operations|people|product|regional|sales|scientific|strategy"
    r"|technical|technology)\s)?director|head\s+of\s+[\w&-]+|general\s+(?:manager|counsel)|country\s+manager)"
)
QUALITY = r"(?:(?:an?|its|the|our|their|as|to|be|new|first|next|interim|group|global)\s+)*"
LEAVES = r"(?:steps\s+down|to\s+step\s+down|resigns|departs|quits|leaves|to\s+leave|retires|exits)"
CHANGED = (
    rf"^(?P<person>.+?)\s+(?:is\s+|was\s+|has\s+been\s+)?(?:appointed|elected|hired|named|promoted)"
    rf"\s+{QUALITY}(?P<role>{ROLE})\s+(?:of|at|for|by)\s+(?P<after>[^,;:]+)",
    rf"^(?P<person>.+?)\s+(?:joins|joined|to\s+join)\s+(?P<after>(?!forces\b)[^,;:]+?)\s+{QUALITY}"
    rf"(?P<role>{ROLE})\b",
    r"^(?P<person>.+?)\s+joins\s+(?:(?P<after>.+?)'s\s+(?P<role>board)\b"
    r"|the\s+(?P<role_2>board)\s+(?:of|at)\s+(?P<after_2>[^,;:]+))",
    r"^(?P<subject>.+?)\s+(?:appoints|appointed|brings\s+in|elects|hires|hired|names|named|poaches"
    rf"|promotes|promoted|recruits|recruited|taps|welcomes)\s+(?P<person>.*?){QUALITY}"
    rf"\b(?P<role>{ROLE})\b",
    rf"^(?P<person>.+?)\s+(?P<leaves>{LEAVES})\s+(?:as|from)\s+{QUALITY}(?P<role>{ROLE})\s+(?:of|at)\s+"
    r"(?P<after>[^,;:]+)",
    rf"^(?P<subject>.+?)\s+(?P<role>{ROLE})\s+(?P<person>(?:[^\W\d_][\w'.-]*\s+){{0,3}})(?P<leaves>{LEAVES})\b",
)
PERSON = re.compile(r"(?<!\w)([^\W\d_a-z][\w'.-]+\s+[^\W\d_a-z][\w'.-]+)$")

ROOMS = (
    r"(?:offices?|hub|headquarters|HQ|base|site|factory|plant|warehouse|branch|store|showroom"
    r"|facility|campus|data\s?cent(?:re|er)|lab|laboratory|depot|premises)"
)
GROWN = (
    rf"^(?P<subject>.+?)\s+(?:(?:has\s+)?opened|is\s+opening|opens|(?:to|will)\s+open"
    r"|establishes|sets\s+up)\s+"
    rf"(?!up\b)(?:[\w&'-]+\s+){{0,6}}?{ROOMS}\b(?:.*?\bin\s+(?P<place>[\w\s]+))?",
    r"^(?P<subject>.+?)\s+(?:is\s+|to\s+)?expand(?:s|ed|ing)?\s+(?:(?!partner|collab|range|product"
    r"|portfolio|relation|integrat)[\w&-]+\s+){0,3}?into\s+(?P<place>[\w\s]+)",
    r"^(?P<subject>.+?)\s+(?:is\s+|to\s+)?(?:expand(?:s|ed|ing)?|launch(?:es|ed)|arrives)\s+"
    r"(?:to|in|across)\s+(?P<known>[\w\s]+)",
    r"^(?P<subject>.+?)\s+(?:is\s+|to\s+)?(?:expand|double|grow)(?:s|ed|ing)?\s+(?:[\w-]+\s+){0,3}?"
    r"(?:team|workforce|headcount|footprint|capacity|production)\b",
    r"^(?P<subject>.+?)\s+(?:to\s+|will\s+|is\s+)?(?:add|create)(?:s|d|ing)?\s+(?:[\w-]+\s+){0,2}?"
    r"\d[\d,]*\s+(?:new\s+)?(?:jobs|roles)\b(?:.*?\bin\s+(?P<place>[\w\s]+))?",
    r"^(?P<subject>.+?)\s+(?:to\s+)?(?:move|relocate)(?:s|d)?\s+(?:in)?to\s+(?:[\w&'-]+\s+){0,4}?"
    rf"{ROOMS}\b",
)


def _compiled(rules: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(rule, re.IGNORECASE) for rule in rules)


RULES: dict[Kind, tuple[re.Pattern[str], ...]] = {
    "funding_round": _compiled(RAISED),
    "executive_change": _compiled(CHANGED),
    "expansion": _compiled(GROWN),
}
LEADING = re.compile(LEADS, re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Headline:
    """What a title tells, and of whom it does: `subject`, in the words of the title.

    `event` is what others who tell of it would call it as well.
    """

    kind: Kind
    subject: str
    strength: Strength
    event: str = ""
    money: Money | None = None
    round: str | None = None
    person: str | None = None
    role: str | None = None


def read_headline(title: str) -> Headline | None:
    """What a title tells of its subject; None where the rules find nothing, or no certain news."""
    text = " ".join(title[:MOST_TITLE].translate(QUOTES).split())
    if text.endswith("?"):
        return None
    marked = mark(text)
    for kind, rules in RULES.items():
        read = marked.text if kind == "funding_round" else text
        for rule in rules:
            found = rule.search(read)
            if found is None or UNSURE.search(_before(found)):
                continue
            if headline := READERS[kind](found, marked):
                return headline
    return None


def event_of_change(name: str, *, leaves: bool) -> str:
    """What a change is called by whoever tells of it; `name` is normalised, first and last name."""
    return f"{name} leaves" if leaves else name


def is_about(subject: str, names: Iterable[str]) -> bool:
    """Whether a subject is the company that has one of these normalised names."""
    written = normalise_name(subject.removesuffix("'s"))
    return any(written == name or written.endswith(f" {name}") for name in names if name)


def is_ourselves(subject: str) -> bool:
    """Whether a subject is whoever wrote the title."""
    words = normalise_name(subject).split()
    return not words or words[-1] in OURSELVES


def _before(found: re.Match[str]) -> str:
    """What stands before that which happened."""
    for name in ("subject", "person"):
        if name in found.re.groupindex and found[name] is not None:
            return found.string[: found.end(name)]
    return found.string[: found.start()]


def _group(found: re.Match[str], *names: str) -> str:
    groups = found.groupdict()
    return next((groups[name] for name in names if groups.get(name)), "")


def _subject(found: re.Match[str]) -> str:
    """The name at the end of what stands before the verb, or at the beginning of what follows."""
    if after := _group(found, "after", "after_2"):
        return ENDS.split(after, maxsplit=1)[0].strip()
    written = _group(found, "subject").rpartition(": ")[2]
    written = AUXILIARIES.sub("", re.sub(r"\s*\([^()]*\)", "", written).rstrip())
    parts = [part.strip() for part in written.split(",")]
    return parts[0] if not parts[-1] else parts[-1]  # "Acme, the maker of anvils,"


def _funding(found: re.Match[str], marked: Marked) -> Headline | None:
    text, start = marked.text, found.start()
    if "subject" in found.re.groupindex:
        start = found.end("subject")
    at = text.find(A, start, found.end())
    money = marked.amounts[text.count(A, 0, at)] if at >= 0 else None
    place = text.find(R, start, found.end() + 40)
    named = marked.rounds[text.count(R, 0, place)] if place >= 0 else None
    if GOOD_CAUSE.search(text) or (at >= 0 and OTHER_MONEY.match(text, at)):
        return None
    if money and money.amount < LEAST_RAISED and named is None:
        return None
    strength = _strength_of_round(money, named)
    return Headline("funding_round", _subject(found), strength, money=money, round=named)


def _strength_of_round(money: Money | None, named: str | None) -> Strength:
    amount = money.amount if money and money.currency in COMPARABLE else 0
    if amount >= LARGE or (named and named not in EARLY):
        return "very_strong"
    return "strong" if amount >= SOLID or named == "series_a" else "moderate"


def _change(found: re.Match[str], _: Marked) -> Headline:
    person = PERSON.search(_group(found, "person").strip().removesuffix(" as").strip(" ,"))
    name = person[1] if person else None
    role = _group(found, "role", "role_2")
    return Headline(
        "executive_change",
        _subject(found),
        "strong" if LEADING.fullmatch(role) else "moderate",
        event_of_change(normalise_name(name or found.string), leaves=bool(_group(found, "leaves"))),
        person=name,
        role=role,
    )


def _growth(found: re.Match[str], _: Marked) -> Headline | None:
    known = _group(found, "known")
    place = ENDS.split(known or _group(found, "place"), maxsplit=1)[0]
    key = place_key(place)
    if known and country_code(place) is None and key not in AREAS:
        return None
    return Headline("expansion", _subject(found), "moderate", key or normalise_name(found.string))


READERS: dict[Kind, Callable[[re.Match[str], Marked], Headline | None]] = {
    "funding_round": _funding,
    "executive_change": _change,
    "expansion": _growth,
}
