"""The page about performance shows the run that is kept, and nothing else."""

from __future__ import annotations

from typing import Any

from benchmarks.page import BEGIN, END, PAGE, kept, page

RESULTS: dict[str, Any] = {
    "at": "2026-01-02T03:04:05+00:00",
    "rounds": 3,
    "machine": {
        "cpu": "a cpu",
        "cores": 2,
        "memory_gb": 8,
        "kernel": "6.1",
        "filesystem": "ext2/ext3",
        "fdatasync_ms": 0.4,
        "load_average": 0.1,
    },
    "versions": {"postgresql": "15.1", "python": "3.11", "psycopg": "3.3", "commit": "abc"},
    "settings": {"shared_buffers": "1GB"},
    "measures": [
        {
            "name": "some",
            "figures": {"rate": 12345.6, "ratio": 1.234},
            "bounds": [
                {"figure": "ratio", "must_be": ">= 1.3", "verdict": "MISSED"},
                {"figure": "other", "must_be": "<= 2", "verdict": "not measured"},
            ],
            "problems": ["a peer: it broke"],
        }
    ],
}


def test_the_page_shows_the_run_that_is_kept() -> None:
    """After a change of either: `python -m benchmarks.page`."""
    text = PAGE.read_text(encoding="utf-8")
    assert page(text, kept()) == text


def test_a_run_becomes_a_table_between_the_marks_again_and_again() -> None:
    text = page(f"before {BEGIN}\nold\n{END} after", RESULTS)
    assert text.startswith(f"before {BEGIN}\n\n2026-01-02, a cpu, 2 cores, 8 GB")
    assert text.endswith(f"\n\n{END} after")
    assert [line for line in text.splitlines() if line.startswith("|")] == [
        "| measure | figure | value | must be | |",
        "|---|---|---|---|---|",
        "| some | rate | 12,346 |  |  |",
        "|  | ratio | 1.23 | >= 1.3 | MISSED |",
        "|  | other |  | <= 2 | not measured |",
        "|  | a peer: it broke |  |  |  |",
    ]
    assert page(text, RESULTS) == text
