"""The tables are sound: ids unique, named tests there, reasons given, and nothing left out."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tests.seeds.table import AREAS, FOLDER, PLANNED, SEEDS, Row, find_test, functions_in, rows_of

ALWAYS_SKIPPED = re.compile(r"\bmark\.(skip\b(?!if)|xfail\b)")
SHORTEST_REASON = 25  # characters
# No test may stand for everything; the case table of a whole schema is another matter.
MOST_ROWS_OF_A_TEST = 12


def counts(seed: str) -> str:
    """How the rows of a table divide, for the name of its test."""
    of = Counter(row.kind for row in rows_of(seed))
    return f"{seed}: {of['covered']} covered, {of['deviation']} deviations, {of['open']} open"


each_table = pytest.mark.parametrize("seed", SEEDS, ids=counts)


def of_kind(seed: str, kind: str) -> list[Row]:
    return [row for row in rows_of(seed) if row.kind == kind]


@each_table
def test_every_row_of_the_table_has_its_own_id(seed: str) -> None:
    ids = Counter(row.id for row in rows_of(seed))
    assert ids
    assert not [one for one, times in ids.items() if times > 1]
    assert not [one for one in ids if not re.fullmatch(rf"{seed}\.[a-z0-9_.]+", one)]


@each_table
def test_every_test_that_a_row_names_is_there_and_runs(seed: str) -> None:
    faults = []
    for row in of_kind(seed, "covered"):
        for match in row.references:
            test = find_test(row, match)
            if test is None:
                faults.append(f"{row.line} {row.id}: there is no {match[0]}")
            elif ALWAYS_SKIPPED.search(test.decorators):
                faults.append(f"{row.line} {row.id}: {match[0]} never runs")
            elif match["case"] and f'"{match["case"]}"' not in test.source:
                faults.append(f"{row.line} {row.id}: {match['name']} has no case {match['case']}")
    assert not faults, "\n".join(faults)


@each_table
def test_no_test_stands_for_too_many_rows(seed: str) -> None:
    named = Counter(
        match["name"]
        for row in of_kind(seed, "covered")
        for match in row.references
        if not match["case"]
    )
    assert not [f"{name}: {n}" for name, n in named.items() if n > MOST_ROWS_OF_A_TEST]


@each_table
def test_every_deviation_gives_its_reason(seed: str) -> None:
    faults = [
        f"{row.line} {row.id}: {row.text!r}"
        for row in of_kind(seed, "deviation")
        if len(row.text) < SHORTEST_REASON or PLANNED in row.text
    ]
    assert not faults, "\n".join(faults)


@each_table
def test_every_open_row_names_a_known_area(seed: str) -> None:
    faults = [
        f"{row.line} {row.id}: {row.text!r}"
        for row in of_kind(seed, "open")
        if not row.text.startswith(PLANNED) or row.text.removeprefix(PLANNED) not in AREAS
    ]
    assert not faults, "\n".join(faults)


def test_every_table_has_its_tests_and_every_test_its_row() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.md")) == sorted(SEEDS)
    named = {
        (test.path, test.name)
        for seed in SEEDS
        for row in of_kind(seed, "covered")
        for match in row.references
        if (test := find_test(row, match))
    }
    there = {(path, name) for path in FOLDER.glob("test_0*.py") for name in functions_in(path)}
    assert {path.stem[:8] for path, _ in there} == {f"test_{seed}" for seed in SEEDS}
    assert sorted(f"{path.name}::{name}" for path, name in there - named) == []


def test_every_area_is_still_waited_for() -> None:
    waiting = {row.text.removeprefix(PLANNED) for seed in SEEDS for row in of_kind(seed, "open")}
    assert sorted(AREAS - waiting) == []
