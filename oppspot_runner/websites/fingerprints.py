"""Fingerprints: what gives a technology away, by the part of a page where it is looked for.

Made from the shape that the community has agreed on: `{name: {cats, headers, cookies, meta,
scriptSrc, scripts, html, url, dom, implies, requires, excludes, website}}`. What is faulty in an
entry is left out and told; the rest of it counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.websites.patterns import Pattern, parse_pattern
from oppspot_runner.websites.selectors import Selector, parse_selector

# Where one text or a list of texts is looked at, and where it is looked for by a name.
TEXTS = ("scriptSrc", "scripts", "html", "url")
NAMED = ("headers", "cookies", "meta")
# They need a browser or other requests, or they hold for every page that speaks of a product.
NOT_JUDGED = frozenset({"js", "css", "text", "xhr", "dns", "robots", "probe", "certIssuer"})


@dataclass(slots=True)
class Technology:
    """A product: its categories, and the technologies that it implies, needs or rules out."""

    name: str
    categories: tuple[str, ...] = ()
    website: str = ""
    implies: tuple[Pattern, ...] = ()  # the expression is a name
    requires: tuple[str, ...] = ()
    required_categories: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern that gives `technology` away; `key` is the header, cookie or meta it is for."""

    technology: str
    pattern: Pattern
    key: str = ""


@dataclass(frozen=True, slots=True)
class DomRule:
    """Elements that give `technology` away: those of `selector` whose `attribute` matches.

    The attribute "" is their text, None asks nothing more of them.
    """

    technology: str
    selector: Selector
    attribute: str | None
    pattern: Pattern


@dataclass(slots=True)
class Fingerprints:
    """All technologies and their rules. `faults` are sentences about what was left out."""

    technologies: dict[str, Technology] = field(default_factory=dict)
    named: dict[str, dict[str, list[Rule]]] = field(
        default_factory=lambda: {kind: {} for kind in NAMED}
    )
    texts: dict[str, list[Rule]] = field(default_factory=lambda: {kind: [] for kind in TEXTS})
    dom: list[DomRule] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    not_judged: int = 0

    def patterns(self) -> Iterator[tuple[str, Pattern]]:
        """Every pattern of a rule with the name of its technology."""
        for rules in self.texts.values():
            yield from ((rule.technology, rule.pattern) for rule in rules)
        for keys in self.named.values():
            for rules in keys.values():
                yield from ((rule.technology, rule.pattern) for rule in rules)
        yield from ((rule.technology, rule.pattern) for rule in self.dom)

    def not_compiled(self) -> list[str]:
        """A sentence about every pattern that is no regular expression. Compiles all of them."""
        return [
            f"{technology}: {pattern.expression!r} is no regular expression"
            for technology, pattern in self.patterns()
            if pattern.compiled is None
        ]


def build(
    entries: Iterable[tuple[str, Any]], categories: Mapping[str, str] | None = None
) -> Fingerprints:
    """Fingerprints of these names and entries. Entries of one name add up; {} takes back those
    before it. `categories` names the categories that are numbers.
    """
    latest: dict[str, list[Any]] = {}
    for name, entry in entries:
        if entry == {}:
            latest.pop(name, None)
        else:
            latest.setdefault(name, []).append(entry)
    builder = _Builder(categories or {})
    for name, versions in latest.items():
        for entry in versions:
            builder.add(name, entry)
    return builder.made


class _Builder:
    """Reads entries; each part of one by the method that is named for it."""

    def __init__(self, categories: Mapping[str, str]) -> None:
        self.made = Fingerprints()
        self._categories = categories
        self._readers: dict[str, Callable[[Technology, str, Any], None]] = {
            **dict.fromkeys(TEXTS, self._texts),
            **dict.fromkeys(NAMED, self._named),
            "dom": self._dom,
            "cats": self._cats,
            "website": self._website,
            "implies": self._implies,
            "requires": self._requires,
            "requiresCategory": self._required_categories,
            "excludes": self._excludes,
        }

    def add(self, name: str, entry: Any) -> None:
        """Takes what is right in an entry."""
        if not isinstance(entry, Mapping):
            self._fault(name, "is no table of rules")
            return
        technology = self.made.technologies.setdefault(name, Technology(name))
        for part, value in entry.items():
            self.made.not_judged += part in NOT_JUDGED
            if part in self._readers:
                try:
                    self._readers[part](technology, part, value)
                except (InvalidInputError, ValueError) as error:
                    self._fault(name, f"{part}: {error}")

    def _fault(self, name: str, words: str) -> None:
        self.made.faults.append(f"{name}: {words}")

    def _texts(self, technology: Technology, part: str, value: Any) -> None:
        for text in _list(value):
            rule = Rule(technology.name, parse_pattern(text))
            self.made.texts[part].append(rule)

    def _named(self, technology: Technology, part: str, value: Any) -> None:
        for key, texts in _table(value).items():
            for text in _list(texts):
                rule = Rule(technology.name, parse_pattern(text), key.lower())
                self.made.named[part].setdefault(rule.key, []).append(rule)

    def _dom(self, technology: Technology, _: str, value: Any) -> None:
        exists = {"exists": ""}
        demands = value if isinstance(value, Mapping) else dict.fromkeys(_list(value), exists)
        for selectors, conditions in demands.items():
            parsed = parse_selector(selectors)
            for attribute, text in _conditions(_table(conditions)):
                pattern = parse_pattern(text)
                self.made.dom += [
                    DomRule(technology.name, selector, attribute, pattern) for selector in parsed
                ]
            self.made.not_judged += "properties" in conditions

    def _cats(self, technology: Technology, _: str, value: Any) -> None:
        names = (self._category(one) for one in (value if isinstance(value, list) else [value]))
        technology.categories = tuple(dict.fromkeys((*technology.categories, *names)))

    def _category(self, value: Any) -> str:
        if isinstance(value, int | str):
            return self._categories.get(str(value), str(value))
        raise InvalidInputError(f"{value!r} is no category")

    def _website(self, technology: Technology, part: str, value: Any) -> None:
        (technology.website,) = _list(value) or [""]

    def _implies(self, technology: Technology, _: str, value: Any) -> None:
        technology.implies += tuple(parse_pattern(text) for text in _list(value))

    def _requires(self, technology: Technology, _: str, value: Any) -> None:
        technology.requires += tuple(_list(value))

    def _required_categories(self, technology: Technology, _: str, value: Any) -> None:
        given = value if isinstance(value, list) else [value]
        technology.required_categories += tuple(map(self._category, given))

    def _excludes(self, technology: Technology, _: str, value: Any) -> None:
        technology.excludes += tuple(parse_pattern(text).expression for text in _list(value))


def _conditions(table: Mapping[str, Any]) -> Iterator[tuple[str | None, str]]:
    """What an element must be like: the attribute and its pattern."""
    if "exists" in table:
        yield None, ""
    for text in _list(table.get("text", [])):
        yield "", text
    for attribute, texts in _table(table.get("attributes", {})).items():
        for text in _list(texts):
            yield attribute.lower(), text


def _list(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    for one in values:
        if not isinstance(one, str):
            raise InvalidInputError(f"{one!r} is no text")
    return values


def _table(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidInputError(f"{value!r} is no table of names and patterns")
    return value
