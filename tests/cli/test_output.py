"""What is shown of other people's text, and how times are written."""

from __future__ import annotations

import pytest

from oppspot_runner.cli import output


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("Zürich 株式会社 😀", "Zürich 株式会社 😀"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("a\x07b\x00c\x7fd\x9be", "a\\x07b\\x00c\\x7fd\\x9be"),
        ("two\nlines\tand a tab\r", "two lines and a tab\\x0d"),
        ("gnp.exe\u202egpj", "gnp.exe\\u202egpj"),
        ("\u2028\u200f\ud800", "\\u2028\\u200f\\ud800"),
        (None, ""),
    ],
)
def test_a_terminal_shows_text_and_does_not_obey_it(text: str | None, shown: str) -> None:
    assert output.safe(text) == shown


def test_an_address_is_shown_whole_however_narrow_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    address = "postgresql://" + "a" * output.PIPE_WIDTH
    output.show(output.fields([("connect", address)]))
    assert address in "".join(capsys.readouterr().out.replace("connect", "").split())


def test_markup_in_a_row_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    output.show(output.table(["name"], [["[bold]x[/bold] :smile: [link=y]"]]))
    assert "[bold]x[/bold] :smile: [link=y]" in capsys.readouterr().out


def test_json_is_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_json({"x": "\x1b[31m\u202eü"})
    assert capsys.readouterr().out == '{\n  "x": "\\u001b[31m\\u202e\\u00fc"\n}\n'


def test_a_pipe_gets_what_a_terminal_would_cut(capsys: pytest.CaptureFixture[str]) -> None:
    text = "x" * 150
    output.show(output.table(["error..."], [[text]]))
    assert text in capsys.readouterr().out


def test_a_narrow_terminal_gets_short_ids_on_one_line_a_row(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from uuid import UUID

    monkeypatch.setattr(output, "PIPE_WIDTH", 60)
    row = [UUID("01a1fa54-e894-7b1b-a2a8-27e9a0ce7180"), "failed", "x" * 200]
    output.show(output.table(["task", "status", "error..."], [row]))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("01a1fa54-e894-7b1b  failed  xxx")
    assert lines[1].endswith("…")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0123, "12 ms"),
        (1.25, "1.2 s"),
        (59.6, "60 s"),
        (150, "2 min"),
        (7300, "2 h"),
        (200_000, "2 d"),
    ],
)
def test_lengths_of_time_have_one_unit(seconds: float, shown: str) -> None:
    assert output.span(seconds) == shown


def test_progress_is_done_of_total_with_its_message() -> None:
    assert output.progress({"done": 3, "total": 10, "message": "rows"}) == "3/10 rows"
    assert output.progress({"done": 3, "total": None, "message": None}) == "3"
    assert output.progress(None) == ""
