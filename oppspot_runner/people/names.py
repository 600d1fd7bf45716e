"""Names of people in a form in which the same name is the same, however a register writes it.

Says whether two names are alike, never whether two people are one: see matching.py.
"""

from __future__ import annotations

import re

from oppspot_runner.companies.names import clean_name, plain_words

MOST_NAME = 300  # characters; what the column holds

TITLES = re.compile(
    r"(?:(?:mr|mrs|ms|miss|mx|dr|prof|professor|sir|dame|lord|lady|rev)\b\.? +)+", re.I
)
HONOURS = re.compile(r"(?: +(?:obe|mbe|cbe|kbe|dbe|phd|bsc|msc|mba|fca|frsa)\b\.?)+$", re.I)
PARTICLES = frozenset(("de", "du", "la", "le", "van", "von", "der", "den", "di", "da", "al"))
# What companies call themselves that put their people or themselves into the boards of others.
FORMATION = re.compile(
    r"\b(formations?|incorporations?|nominees?|secretarial|secretar(y|ies)|registrars?"
    r"|company (services|directors)|corporate (services|directors)|form online)\b"
)


def person_name(written: str) -> str:
    """The name as people write it: `"DOE, Jane Mary, Dr"` of a register is `"Jane Mary Doe"`."""
    surname, comma, rest = clean_name(written.replace('"', "").replace("\\", "")).partition(",")
    given = rest.partition(",")[0] if comma else ""
    whole = f"{given.strip()} {surname}".strip()
    bare = HONOURS.sub("", _untitled(whole)) or whole
    return " ".join(map(_cased, bare.split()))[:MOST_NAME].strip(" ,")


def name_key(name: str) -> str:
    """What two writings of one name have in common: words without accents, case, title, order."""
    return " ".join(plain_words(person_name(name)))[:MOST_NAME].strip()


def spellings(name: str) -> tuple[str, ...]:
    """How a name stands in texts: as people write it, and with each end of it as surname."""
    words = person_name(name).split()
    turned = (
        f"{' '.join(words[place:])}, {' '.join(words[:place])}" for place in range(1, len(words))
    )
    return (" ".join(words), *turned)


def short_forms(name: str) -> tuple[str, str]:
    """How a name is compared: in small letters without accents, whole, and its two ends."""
    words = name_key(name).split()
    return " ".join(words), f"{words[0]} {words[-1]}" if len(words) > 2 else " ".join(words)


def is_formation_agent(name: str) -> bool:
    """Whether a company with this name founds and staffs others for a fee."""
    return FORMATION.search(" ".join(plain_words(name))) is not None


def _untitled(name: str) -> str:
    title = TITLES.match(name)
    return name[title.end() :] if title else name


def _cased(word: str) -> str:
    """Registers write surnames in capitals, and people do not; other words stay as they are."""
    if not word.isupper() or len(word) < 2:
        return word
    if word.lower() in PARTICLES:
        return word.lower()
    return "".join(map(_capital, re.split(r"([-'’])", word)))


def _capital(part: str) -> str:
    scottish = part.startswith("MC") and len(part) > 3
    return f"Mc{part[2:].capitalize()}" if scottish else part.capitalize()
