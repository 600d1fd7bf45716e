"""What the words of a job say: its title in a form to compare, whom it is to lead, its tools."""

from __future__ import annotations

import re
from functools import cache
from html import unescape
from importlib.resources import files

MOST_TEXT = 30_000  # characters of a description that are read
MOST_TECHNOLOGIES = 20

TAG = re.compile(r"<[^<>]*>")
BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
GENDERS = re.compile(r"\b[mwfhdx](?:/[mwfhdx]){1,3}\b")
NOT_WORD = re.compile(r"[\W_]+")

CHIEFS = {
    "sales": r"cro|chief (?:revenue|sales|commercial) officer",
    "engineering": r"cto|chief (?:technology|technical) officer",
    "security": r"ciso|chief (?:information )?security officer",
}
AREAS = {
    "sales": r"sales|revenue|commercial",
    "engineering": r"engineering|technology|software development",
    "security": r"(?:cyber ?|information )?security",
}
RANK = r"(?:head|director|vp|vice president|svp|evp)"
FILLING = r"(?: (?:of|for|global|group|uk|emea|europe))*"
OTHERS = r"(?! (?:ops|operations|enablement|development|analyst|engineer))"
LEADERS = {
    area: re.compile(
        rf"\b(?:{CHIEFS[area]}|{RANK}{FILLING} (?:{words}){OTHERS}|(?:{words}) director)\b"
    )
    for area, words in AREAS.items()
}
ASSISTING = re.compile(r"\bassistants?\b")


def plain(description: str) -> str:
    """The words of a description, whether it is text, HTML, or HTML that is escaped once more."""
    unescaped = unescape(description[:MOST_TEXT])
    return " ".join(unescape(TAG.sub(" ", unescaped)).split())


def normalise_title(title: str) -> str:
    """The title without case, punctuation and what stands in brackets: `"Engineer (m/f/d)"` is
    `"engineer"`. Where nothing would be left, all of its words.
    """
    lower = title.casefold()
    short = GENDERS.sub(" ", BRACKETS.sub(" ", lower))
    return NOT_WORD.sub(" ", short).strip() or NOT_WORD.sub(" ", lower).strip()


def leads(title: str) -> str | None:
    """The area that the job is to lead: `sales`, `engineering`, `security`; None for others."""
    words = normalise_title(title)
    if ASSISTING.search(words):
        return None
    return next((area for area, rule in LEADERS.items() if rule.search(words)), None)


def technologies_in(text: str) -> tuple[str, ...]:
    """The technologies that a text names, each once, in the order in which it names them."""
    rule, names = _technologies()
    found = dict.fromkeys(names[match[0]] for match in rule.finditer(text))
    return tuple(found)[:MOST_TECHNOLOGIES]


@cache
def _technologies() -> tuple[re.Pattern[str], dict[str, str]]:
    """A rule for all spellings, the long ones first, and the name for each of them."""
    lines = (files("oppspot_runner.signals") / "data" / "technologies.txt").read_text("utf-8")
    names: dict[str, str] = {}
    for line in lines.splitlines():
        if line and not line.startswith("#"):
            spellings = [one.strip() for one in line.split(",")]
            names |= dict.fromkeys(spellings, spellings[0])
    longest_first = sorted(names, key=lambda one: (-len(one), one))
    ways = "|".join(map(re.escape, longest_first))
    return re.compile(rf"(?<![\w@/.-])(?:{ways})(?![\w-]|\.\w)"), names
