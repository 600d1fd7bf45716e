"""CSS selectors, as far as elements without a tree can be asked: what `parse_selector` says.

Understood are lists, names, `#id`, `.class`, `[attribute]` with all its operators, and the
combinators "within" and ">". Pseudo classes and siblings are not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from oppspot_runner.websites.markup import Element

NAME = r"(?:[\w-]|\\.)+"
SIMPLE = re.compile(
    rf"""\#(?P<id>{NAME})|\.(?P<cls>{NAME})
      | \[\s*(?P<attribute>(?:[\w:-]|\\.)+)\s*
        (?:(?P<operator>[~|^$*]?=)\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\]\s]+))
        \s*[isIS]?\s*)?\]""",
    re.VERBOSE,
)
TYPE = re.compile(rf"\*|{NAME}")
GAP = re.compile(r"\s*>\s*|\s+")
# Commas outside of quotes and brackets part the selectors of a list.
ITEM = re.compile(r"""(?:[^,\[]+|\[(?:[^"'\]]|"[^"]*"|'[^']*')*\])+""")


@dataclass(frozen=True, slots=True)
class Test:
    """One demand on an attribute; `operator` "" asks only that it is there."""

    attribute: str
    operator: str = ""
    value: str = ""

    def holds(self, element: Element) -> bool:
        """Whether `element` meets it; letters of either case are equal."""
        if self.attribute not in element.attributes:
            return False
        return not self.operator or _compare(
            self.operator, element.attributes[self.attribute].lower(), self.value
        )


@dataclass(frozen=True, slots=True)
class Compound:
    """Demands on one element; `child` when it must stand directly in what the one before means."""

    name: str
    tests: tuple[Test, ...]
    child: bool = False

    def matches(self, element: Element) -> bool:
        """Whether the element alone meets all demands."""
        return self.name in ("*", element.name) and all(test.holds(element) for test in self.tests)


@dataclass(frozen=True, slots=True)
class Selector:
    """One selector of a list.

    `literal`, in lower case, is within the name or value of an attribute in every page where it
    selects something.
    """

    compounds: tuple[Compound, ...]
    literal: str

    @property
    def name(self) -> str:
        """The name of the elements that it selects, "*" for any."""
        return self.compounds[-1].name

    def matches(self, element: Element) -> bool:
        """Whether it selects `element`."""
        *outer, last = self.compounds
        return last.matches(element) and _stands_in(element, outer, last.child)


def parse_selector(text: str) -> tuple[Selector, ...]:
    """The selectors of a list. Raises ValueError for what is not understood."""
    items = ITEM.findall(text)
    if not items or ",".join(items) != text:
        raise ValueError(f"the selector {text!r} is not understood")
    return tuple(_selector(item.strip()) for item in items)


def _selector(text: str) -> Selector:
    compounds: list[Compound] = []
    position, child = 0, False
    while True:
        compound, position = _compound(text, position, child)
        compounds.append(compound)
        if position == len(text):
            return Selector(tuple(compounds), _literal(compounds))
        gap = GAP.match(text, position)
        if gap is None:
            raise ValueError(f"the selector {text!r} is not understood")
        position, child = gap.end(), ">" in gap[0]


def _compound(text: str, start: int, child: bool) -> tuple[Compound, int]:
    named = TYPE.match(text, start)
    position = named.end() if named else start
    tests = []
    while simple := SIMPLE.match(text, position):
        tests.append(_test(simple))
        position = simple.end()
    if position == start:
        raise ValueError(f"the selector {text!r} is not understood")
    return Compound(named[0].lower() if named else "*", tuple(tests), child), position


def _test(simple: re.Match[str]) -> Test:
    if simple["id"]:
        return Test("id", "=", _plain(simple["id"]))
    if simple["cls"]:
        return Test("class", "~=", _plain(simple["cls"]))
    value = simple["double"] or simple["single"] or simple["bare"] or ""
    return Test(_plain(simple["attribute"]), simple["operator"] or "", value.lower())


def _plain(name: str) -> str:
    return name.replace("\\", "").lower()


def _literal(compounds: list[Compound]) -> str:
    tests = [test for compound in compounds for test in compound.tests]
    words = [word for test in tests for word in (test.attribute, test.value)]
    return max(words, key=len, default="")


def _compare(operator: str, found: str, wanted: str) -> bool:
    if operator == "=":
        return found == wanted
    if operator == "~=":
        return wanted in found.split()
    if operator == "|=":
        return found == wanted or found.startswith(f"{wanted}-")
    if not wanted:
        return False
    if operator == "^=":
        return found.startswith(wanted)
    return found.endswith(wanted) if operator == "$=" else wanted in found


def _stands_in(element: Element, outer: list[Compound], child: bool) -> bool:
    """Whether `element` stands in what `outer` means; each takes the nearest that fits."""
    place = element.parent
    for compound in reversed(outer):
        while place is not None and not compound.matches(place):
            if child:
                return False
            place = place.parent
        if place is None:
            return False
        place, child = place.parent, compound.child
    return True
