"""What is taken out of an error message, so that failures of one kind are one group."""

from __future__ import annotations

import psycopg
import pytest


@pytest.mark.parametrize(
    ("error", "pattern"),
    [
        (
            "ValueError: no such date '2026-13-01' (line 12 of load)",
            "ValueError: no such date ? (line ? of load)",
        ),
        ("can't open the file, won't try again", "can't open the file, won't try again"),
        ('KeyError: "it\'s" in `a b`', "KeyError: ? in ?"),
        ("'It isn't so' and 'b'", "? and ?"),
        ("an unclosed 'quote", "an unclosed 'quote"),
        ("task 01990c3e-7b12-7abc-8def-0123456789AB is gone", "task ? is gone"),
        ("at 0xDEADBEEF in commit a1b2c3d4e5", "at ? in commit ?"),
        ("a defaced facade", "a defaced facade"),
        ("10.0.0.1:5432 took 30.5 s on 2026-01-01", "? took ? s on ?"),
        ("got -5 instead of +7, in host-3", "got ? instead of ?, in host-?"),
        ("two\n  lines\t here ", "two lines here"),
        ("", ""),
        (None, ""),
    ],
)
def test_values_are_taken_out_of_a_message(dsn: str, error: str | None, pattern: str) -> None:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT error_pattern(%s)", (error,)).fetchone()
    assert row == (pattern,)


def test_only_the_beginning_of_a_long_message_counts(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(
            "SELECT error_pattern(repeat('long ', 2000) || 'a') ="
            " error_pattern(repeat('long ', 2000) || 'b')"
        ).fetchone()
    assert row == (True,)
