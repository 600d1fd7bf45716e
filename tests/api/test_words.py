"""Texts of any length as pages show them: short, and without secrets."""

from __future__ import annotations

from oppspot_runner.api.dashboard.words import MOST_IN_ROW, brief

DSN = "postgresql://runner:" + "s3cret" * 8 + "@db.example/app"


def test_a_secret_at_the_edge_of_what_is_looked_at_is_not_shown() -> None:
    """What is masked before it makes room for what stands at the edge."""
    masked = "password=" + "x" * (MOST_IN_ROW + 100) + " "
    for cut in range(1, len(DSN)):
        filler = "a " * ((2 * MOST_IN_ROW - len(masked) - cut) // 2)
        shown = brief(f"{masked}{filler}{DSN} and more of it")
        assert "s3c" not in shown


def test_a_short_text_is_shown_whole_and_of_a_long_one_the_beginning() -> None:
    assert brief(None) == ""
    assert brief("odd") == "odd"
    long = brief("word " * 400)
    assert long.startswith("word word")
    assert len(long) == MOST_IN_ROW + 1
    assert brief("w" * 2000) == "w" * MOST_IN_ROW + "…"
