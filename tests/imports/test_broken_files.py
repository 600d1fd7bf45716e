"""A broken row costs itself and nothing after it, and each is counted with its reason."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.imports import CsvFile
from oppspot_runner.imports import reading as reading_module
from oppspot_runner.imports.tally import Tally
from tests.imports.conftest import read

HEADER = b"name,country,description\n"


def names_and_counts(path: Path, content: bytes) -> tuple[list[str], Tally]:
    file = path / "file.csv"
    file.write_bytes(content)
    rows, tally = read(CsvFile(str(file)))
    assert tally.read == len(rows) + sum(tally.skipped.values())
    return [row["name"] for row in rows], tally


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (b"Bad,GB\n", "too few columns"),
        (b"Bad,GB,x,y\n", "too many columns"),
        (b',GB,"no name"\n', "no name"),
        (b'"  ",GB,blank\n', "no name"),
        (b"%s,GB,long\n" % (b"x" * 501), "name too long"),
        (b'Bad,GB,"never closed\n', "quote not closed"),
        (b'"Bad,GB,never closed\n', "quote not closed"),
        (b'Bad,GB,"%s"\n' % (b"x" * 200_000), "field too long"),
        (b"Bad,GB,%s\n" % (b"x" * 1_100_000), "line too long"),
    ],
)
def test_a_broken_row_is_left_out_and_the_next_ones_are_read(
    tmp_path: Path, broken: bytes, reason: str
) -> None:
    content = HEADER + b"First,GB,a\n" + broken + b'Second,IE,"b"\nThird,FR,c\n'
    names, tally = names_and_counts(tmp_path, content)
    assert names == ["First", "Second", "Third"]
    assert tally.skipped == {reason: 1}
    assert [(example.line, example.reason) for example in tally.examples] == [(3, reason)]


@pytest.mark.parametrize(
    ("row", "reason", "name"),
    [
        (b"Ac\x00me,GB,x\n", "control characters removed", "Acme"),
        (b"Ac\x1fme,GB,x\n", "control characters removed", "Acme"),
        (b"Caf\xe9,GB,x\n", "bytes that are no text", "Caf\ufffd"),
        (b'Acme,GB,"he said "hi" to us"\n', "quotes inside quotes", "Acme"),
        (b"Acme,GB,x,,\n", "empty columns at the end", "Acme"),
    ],
)
def test_a_row_that_can_be_repaired_is_kept_and_counted(
    tmp_path: Path, row: bytes, reason: str, name: str
) -> None:
    names, tally = names_and_counts(tmp_path, HEADER + row + b"Second,IE,b\n")
    assert names == [name, "Second"]
    assert tally.repaired == {reason: 1}
    assert not tally.skipped


def test_a_quote_that_is_never_closed_does_not_swallow_the_file(tmp_path: Path) -> None:
    good = [f"Company {number},GB,text" for number in range(3_000)]
    lines = [*good[:10], 'Bad,GB,"open', *good[10:]]
    names, tally = names_and_counts(tmp_path, HEADER + "\n".join(lines).encode())
    assert len(names) == 3_000
    assert tally.skipped == {"quote not closed": 1}


def test_text_over_several_lines_is_one_row(tmp_path: Path) -> None:
    content = HEADER + b'Acme,GB,"one\ntwo\r\n\r\nthree, ""four"""\nSecond,IE,b\n'
    names, tally = names_and_counts(tmp_path, content)
    assert names == ["Acme", "Second"]
    assert not tally.skipped
    assert not tally.repaired


def test_empty_lines_and_a_missing_last_line_end_are_nothing(tmp_path: Path) -> None:
    names, tally = names_and_counts(tmp_path, b"\n\n" + HEADER + b"\nAcme,GB,a\n\n\nBolt,IE,b")
    assert names == ["Acme", "Bolt"]
    assert tally.read == 2


def test_examples_are_few_and_short(tmp_path: Path) -> None:
    names, tally = names_and_counts(tmp_path, HEADER + b"x,%s\n" % (b"y" * 500) * 100)
    assert not names
    assert tally.skipped == {"too few columns": 100}
    assert len(tally.examples) == 3
    assert all(len(example.text) <= 120 for example in tally.examples)


@pytest.mark.slow
def test_a_zip_that_is_damaged_inside_says_how_far_it_could_be_read(tmp_path: Path) -> None:
    import zipfile

    path = tmp_path / "file.zip"
    text = HEADER + b"".join(b"Company %d,GB,%d\n" % (n, n * n) for n in range(50_000))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", text)
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    path.write_bytes(damaged)
    with pytest.raises(InvalidInputError, match="cannot be read beyond line"):
        read(CsvFile(str(path)))


@pytest.mark.slow
@given(
    st.lists(
        st.lists(
            st.text(alphabet=st.characters(codec="utf-8"), max_size=20), min_size=2, max_size=2
        ),
        max_size=8,
    )
)
@settings(max_examples=150, deadline=None)
def test_every_row_that_csv_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([["name", "description"], *(["N" + a, b] for a, b in rows)])
    names, tally = names_and_counts(
        tmp_path_factory.mktemp("csv"), buffer.getvalue().encode("utf-8")
    )
    assert len(names) == len(rows)
    assert not tally.skipped


@given(st.binary(max_size=600))
@settings(max_examples=200, deadline=None)
def test_no_bytes_after_the_header_break_the_reader(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes
) -> None:
    folder = tmp_path_factory.mktemp("noise")
    names, _ = names_and_counts(folder, HEADER + b"First,GB,a\n" + noise + b"\nLast,IE,b\n")
    assert "First" in names


def test_a_line_is_never_held_whole_beyond_a_million_characters() -> None:
    assert reading_module.MOST_LINE == 1_000_000
