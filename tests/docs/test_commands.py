"""Every command line in a block of code is one that the program would accept, values included."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from oppspot_runner.cli.main import main as program
from tests.docs.pages import PAGES, blocks_of

# As a program, not as a word for one: first in a line, in bin, after && or $(, or in a container.
COMMAND = re.compile(r"(?:^|bin/|&& |\$\(|exec \w+ | -- )oppspot-runner(?= )", re.MULTILINE)


def commands(body: str) -> list[list[str]]:
    """The commands of ours in a block for the shell, as words."""
    joined = body.replace("\\\n", " ")
    found = [_words(joined[match.end() :]) for match in COMMAND.finditer(joined)]
    return [words for words in found if words]


def _words(text: str) -> list[str]:
    """The words of one command, to the end of its line or to the next sign of the shell."""
    quote = ""
    for place, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"" and quote == "" and _closes(text, place):
            quote = sign
        elif sign in '\n|&;<>()"':
            return shlex.split(text[:place], comments=True)
    return shlex.split(text, comments=True)


def _closes(text: str, place: int) -> bool:
    """Whether the quote at `place` opens a word, and does not end one that stood around us."""
    return text[place - 1] in " =" and text[place] in text[place + 1 :]


def accept(command: click.Command, words: list[str], parent: click.Context | None = None) -> None:
    """Parses `words` as the program would, to the last subcommand, and runs nothing."""
    if "--help" in words or "--version" in words:
        return
    with command.make_context(command.name, list(words), parent=parent) as context:
        if isinstance(command, click.Group):
            rest = [*context._protected_args, *context.args]
            if not rest and command.invoke_without_command:
                return
            _, found, left = command.resolve_command(context, rest)
            assert found is not None
            accept(found, left, context)


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_a_page_are_accepted(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tasks.jsonl").touch()
    for block in blocks_of(page, "sh", "bash", "console"):
        for words in commands(block.body):
            try:
                accept(program, words)
            except click.ClickException as error:
                pytest.fail(f"{page}:{block.line}: {' '.join(words)}: {error.format_message()}")


def test_commands_are_found_and_wrong_ones_refused() -> None:
    body = """. x && y/bin/oppspot-runner streams create A --criteria '{
  "a b": 1}' | cat
DB="$(oppspot-runner status | sed p)"
"""
    assert commands(body) == [
        ["streams", "create", "A", "--criteria", '{\n  "a b": 1}'],
        ["status"],
    ]
    for wrong in (["tasks", "list", "--status", "lost"], ["streams"], ["import", "csv"]):
        with pytest.raises(click.ClickException):
            accept(program, wrong)
