"""Finds the technologies of a page by fingerprints, with the evidence for each.

A name in a text is no evidence, nor is a link to a vendor: what counts is what the page loads, sets
and is built of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from oppspot_runner.base.redact import is_secret_name
from oppspot_runner.websites.detections import (
    Detection,
    Found,
    with_implied,
    with_required,
    without_excluded,
)
from oppspot_runner.websites.fingerprints import DomRule, Fingerprints, Rule, Technology
from oppspot_runner.websites.markup import Element
from oppspot_runner.websites.page import Page, site_of
from oppspot_runner.websites.patterns import OutOfTimeError, Pattern, TimeBudget

BUDGET_S = 1.0
MOST_PATTERN_TEXT = 500_000  # characters of HTML or scripts that patterns are searched in
MOST_SUBJECT = 2_000  # characters of a header, cookie, address ...
MOST_SELECTED = 1_000  # elements that a rule looks at
MOST_EVIDENCE = 5
MOST_SHOWN = 100  # characters of a piece of evidence
LINKING = ("src", "href", "action", "data-src")


def detect(page: Page, fingerprints: Fingerprints, budget_s: float = BUDGET_S) -> Detection:
    """The technologies of `page`, after about `budget_s` seconds at the latest."""
    search = _Search(page, TimeBudget(budget_s))
    hits: dict[str, _Hits] = {}
    complete = True
    try:
        for technology, pattern, evidence, version in search.matches(fingerprints):
            hits.setdefault(technology, _Hits()).add(pattern, evidence, version)
    except OutOfTimeError:
        complete = False
    known = fingerprints.technologies
    found = {name: hit.found(known[name]) for name, hit in hits.items()}
    found = with_implied(without_excluded(with_required(found, known), known), known)
    order = sorted(found.values(), key=lambda one: (-one.confidence, one.name.lower()))
    return Detection(tuple(order), tuple(search.budget.gave_up), complete)


@dataclass(slots=True)
class _Hits:
    """What matched for one technology. Each pattern counts once."""

    confidences: dict[Pattern, int] = field(default_factory=dict)
    evidence: dict[str, None] = field(default_factory=dict)
    version: str = ""

    def add(self, pattern: Pattern, evidence: str, version: str) -> None:
        self.confidences[pattern] = pattern.confidence
        if len(self.evidence) < MOST_EVIDENCE:
            self.evidence[evidence] = None
        self.version = max(self.version, version, key=len)

    def found(self, technology: Technology) -> Found:
        confidence = min(100, sum(self.confidences.values()))
        return Found(
            technology.name,
            technology.categories,
            self.version,
            confidence,
            tuple(self.evidence),
            website=technology.website,
        )


Match = tuple[str, Pattern, str, str]  # technology, pattern, evidence, version


class Subject(NamedTuple):
    """A text that patterns are searched in; `shown` is its evidence, "" for what matched."""

    text: str
    shown: str = ""


@dataclass
class _Search:
    """Looks at every part of one page."""

    page: Page
    budget: TimeBudget

    def matches(self, fingerprints: Fingerprints) -> Iterator[Match]:
        """All that matches."""
        page, texts = self.page, fingerprints.texts
        for kind, values in self._values().items():
            yield from self._named(fingerprints.named[kind], kind, values)
        sources = [link.address for link in page.links if link.element.name == "script"]
        loaded = [one for source in sources for one in subjects(page, source)]
        yield from self._texts(texts["scriptSrc"], "script src", loaded)
        yield from self._texts(texts["url"], "url", [Subject(page.url, _address(page.url))])
        yield from self._texts(texts["scripts"], "script", _bounded(page.scripts))
        yield from self._texts(texts["html"], "html", _bounded([page.document.html]))
        yield from self._dom(fingerprints.dom)

    def _values(self) -> dict[str, dict[str, list[str]]]:
        return {
            "headers": {name: [value] for name, value in self.page.headers.items()},
            "cookies": {name.lower(): [value] for name, value in self.page.cookies.items()},
            "meta": self.page.meta,
        }

    def _named(
        self, rules: dict[str, list[Rule]], kind: str, values: dict[str, list[str]]
    ) -> Iterator[Match]:
        open_keys = [key for key in rules if key.endswith("*")]
        for name, texts in values.items():
            keys = [name, *(key for key in open_keys if name.startswith(key[:-1]))]
            for rule in (rule for key in keys for rule in rules.get(key, ())):
                for text in texts:
                    yield from self._value(rule, kind, name, text[:MOST_SUBJECT])

    def _value(self, rule: Rule, kind: str, name: str, value: str) -> Iterator[Match]:
        if rule.pattern.literal not in value.lower():
            return
        if match := rule.pattern.search(value, self.budget):
            shown = f"{kind.removesuffix('s')} {name}"
            if kind != "cookies" and not is_secret_name(name):
                shown += f": {value}"
            yield rule.technology, rule.pattern, _cut(shown), rule.pattern.version_of(match)

    def _texts(self, rules: Iterable[Rule], kind: str, texts: list[Subject]) -> Iterator[Match]:
        lower = [subject.text.lower() for subject in texts]
        joined = "\n".join(lower)
        for rule in rules:
            literal = rule.pattern.literal
            if literal not in joined:
                continue
            for subject, small in zip(texts, lower, strict=True):
                if literal not in small:
                    continue
                if match := rule.pattern.search(subject.text, self.budget):
                    evidence = _cut(f"{kind} {' '.join((subject.shown or match[0]).split())}")
                    yield rule.technology, rule.pattern, evidence, rule.pattern.version_of(match)

    def _dom(self, rules: Iterable[DomRule]) -> Iterator[Match]:
        elements = self.page.document.elements
        by_name: dict[str, list[Element]] = {"*": elements}
        for element in elements:
            by_name.setdefault(element.name, []).append(element)
        words = _words(elements)
        for rule in rules:
            if rule.selector.literal not in words:
                continue
            self.budget.left_s()
            matching = filter(rule.selector.matches, by_name.get(rule.selector.name, ()))
            for element in islice(matching, MOST_SELECTED):
                if match := self._element(rule, element):
                    yield match
                    break

    def _element(self, rule: DomRule, element: Element) -> Match | None:
        for subject in self._asked_of(rule, element):
            match = rule.pattern.search(subject[:MOST_SUBJECT], self.budget)
            if match:
                evidence = _cut(f"element {_shown(element, rule.attribute)}")
                return rule.technology, rule.pattern, evidence, rule.pattern.version_of(match)
        return None

    def _asked_of(self, rule: DomRule, element: Element) -> list[str]:
        if rule.attribute is None:
            return [""]
        if rule.attribute == "":
            return [self.page.document.text_of(element)]
        if rule.attribute not in element.attributes:
            return []
        value = element.get(rule.attribute)
        if rule.attribute not in LINKING:
            return [value]
        return [subject.text for subject in subjects(self.page, self.page.address(value))]


def subjects(page: Page, address: str) -> list[Subject]:
    """The forms in which patterns see an address: whole, and from "/" on where it is on the site.

    So a pattern that begins with "^/" means the site itself, not a picture from somebody's blog.
    """
    if not address.startswith(("http://", "https://")):
        return []
    forms = [address]
    if site_of(address) == page.site:
        forms.append("/" + address.partition("//")[2].partition("/")[2])
    return [Subject(form[:MOST_SUBJECT], _address(address)) for form in forms]


def _words(elements: Iterable[Element]) -> str:
    """The names and values of all attributes, as far as patterns look, in lower case."""
    words: dict[str, None] = {}
    for element in elements:
        words |= dict.fromkeys(element.attributes)
        words |= dict.fromkeys(element.attributes.values())
    return "\n".join(words)[:MOST_PATTERN_TEXT].lower()


def _bounded(texts: list[str]) -> list[Subject]:
    """The first texts, as far as patterns look."""
    found, left = [], MOST_PATTERN_TEXT
    for text in texts:
        found.append(Subject(text[:left]))
        left -= len(found[-1].text)
        if not left:
            break
    return found


def _address(address: str) -> str:
    """An address as evidence: without scheme and query, which may hold a key."""
    return re.split(r"[?#]", address, maxsplit=1)[0].partition("//")[2]


def _shown(element: Element, attribute: str | None) -> str:
    """An element in short, with the attribute that was asked, else one that tells it apart."""
    for name in (attribute, "id", "src", "href", "action", "class"):
        value = element.get(name) if name else ""
        if value:
            value = re.split(r"[?#]", value, maxsplit=1)[0] if name in LINKING else value
            return f"{element.name} {name}={value}"
    return element.name


def _cut(text: str) -> str:
    return text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 1] + "…"
