"""Judges labels against wanted ones: place, SIC codes, technology, keywords, status, stage.

Any one of the wanted labels is enough. Industries have a module of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from oppspot_runner.companies.company import Company
from oppspot_runner.companies.countries import country_name
from oppspot_runner.companies.locations import Location, match_location
from oppspot_runner.companies.scoring_verdict import Verdict
from oppspot_runner.companies.sic import first_under

MOST_SHOWN = 4  # labels in one sentence
IGNORED = re.compile(r"[^\w+#]|_")  # C, C++ and C# stay three


def shown(labels: Iterable[object]) -> str:
    """Some labels in words: "a, b or c", "a, b, c, d or 3 others"."""
    words = [str(label) for label in labels]
    if len(words) > MOST_SHOWN:
        words = [*words[:MOST_SHOWN], f"{len(words) - MOST_SHOWN} others"]
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


@dataclass(frozen=True)
class Place:
    """Where the company is. With several wanted places the best answer counts."""

    wanted: tuple[Location, ...]

    @classmethod
    def of(cls, labels: Sequence[str]) -> Place:
        """From the labels of the goal; a label that names nothing known is a town."""
        return cls(tuple(match_location(label) for label in labels))

    def judge(self, company: Company, now: datetime) -> Verdict:
        """Unknown unless one wanted place is met, or all are known not to be."""
        answers = [
            place.matches(company.country, company.region, company.town) for place in self.wanted
        ]
        field = next(
            (name for name in ("country", "region", "town") if getattr(company, name)), None
        )
        if True in answers:
            return Verdict(1.0, self._seat(company), field, fits=True)
        if None in answers:
            return Verdict(None, f"not known whether it is in {shown(self.wanted)}")
        return Verdict(0.0, f"{self._seat(company)}, wanted {shown(self.wanted)}", field)

    @staticmethod
    def _seat(company: Company) -> str:
        country = country_name(company.country) if company.country else None
        parts = [part for part in (company.town, company.region, country) if part]
        return ", ".join(dict.fromkeys(parts)) or "anywhere"


@dataclass(frozen=True)
class SicCodes:
    """A code that begins with a wanted one: "62" means the whole division."""

    wanted: tuple[str, ...]

    def judge(self, company: Company, now: datetime) -> Verdict:
        if not company.sic_codes:
            return Verdict(None, "SIC codes not known")
        found = first_under(company.sic_codes, self.wanted)
        if found:
            return Verdict(1.0, f"SIC {found}", "sic_codes", fits=True)
        text = f"SIC {shown(company.sic_codes)}, wanted {shown(self.wanted)}"
        return Verdict(0.0, text, "sic_codes")


@dataclass(frozen=True)
class Technologies:
    """A technology the company is known to use; the form of the name does not matter."""

    wanted: tuple[str, ...]

    def judge(self, company: Company, now: datetime) -> Verdict:
        if not company.tech:
            return Verdict(None, "technology not known")
        keys = {label_key(name) for name in self.wanted}
        found = [name for name in company.tech if label_key(name) in keys]
        if found:
            return Verdict(1.0, f"uses {shown(found)}", "tech", fits=True)
        return Verdict(0.0, f"uses none of {shown(self.wanted)}", "tech")


class Keywords:
    """Words in the name, the description or the industries."""

    def __init__(self, wanted: Sequence[str]) -> None:
        self.wanted = tuple(wanted)
        words = "|".join(re.escape(word.casefold()) for word in wanted)
        self.pattern = re.compile(rf"(?<!\w)(?:{words})(?!\w)")

    def judge(self, company: Company, now: datetime) -> Verdict:
        """Without a description their absence says nothing."""
        texts = (company.name, company.description or "", " ".join(company.industries))
        found = self.pattern.search("\n".join(texts).casefold())
        if found:
            return Verdict(1.0, f"mentions {found[0]}", "description", fits=True)
        if not company.description:
            return Verdict(None, "no description to look for keywords in")
        return Verdict(0.0, f"does not mention {shown(self.wanted)}", "description")


@dataclass(frozen=True)
class Status:
    """The status of the company, such as active or acquired."""

    wanted: tuple[str, ...]

    def judge(self, company: Company, now: datetime) -> Verdict:
        if not company.status:
            return Verdict(None, "status not known")
        fits = label_key(company.status) in {label_key(name) for name in self.wanted}
        text = company.status if fits else f"{company.status}, wanted {shown(self.wanted)}"
        return Verdict(float(fits), text, "status", fits=fits)


@dataclass(frozen=True)
class FundingStage:
    """The stage of funding that facts state; "Series A" and "series_a" are one."""

    wanted: tuple[str, ...]

    def judge(self, company: Company, now: datetime) -> Verdict:
        fact = company.facts.get("funding_stage")
        if fact is None or not isinstance(fact.value, str) or not fact.value.strip():
            return Verdict(None, "funding stage not known")
        fits = label_key(fact.value) in {label_key(name) for name in self.wanted}
        text = f"funding stage {fact.value}"
        return Verdict(
            float(fits),
            text if fits else f"{text}, wanted {shown(self.wanted)}",
            "funding_stage",
            fits=fits,
        )


def label_key(label: str) -> str:
    """The form in which labels are compared: no case, blanks, dots, hyphens or underscores."""
    return IGNORED.sub("", label.casefold())
