"""What documents and deployment files say is compared with what the program has."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"`([^`\n]+)`")
# As a program, not as a word for one: first in a line, in a folder bin, after && or `exec SERVICE`.
COMMAND = re.compile(r"(?:^|bin/|&& | -- |exec \w+ )oppspot-runner((?: +[^\s|&;<>#()]+)+)")


def blocks(document: str, language: str) -> list[str]:
    """The fenced blocks of one language in a document."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return [body for name, body in FENCE.findall(text) if name == language]


def commands(text: str) -> Iterator[list[str]]:
    """The commands of ours in the code of a document, as words."""
    code = [body for name, body in FENCE.findall(text) if name in {"sh", "bash", "console"}]
    code += SPAN.findall(FENCE.sub("", text))
    for line in "\n".join(code).replace("\\\n", " ").splitlines():
        for match in COMMAND.finditer(line):
            yield shlex.split(line[match.start(1) : _end(line, match)])


def _end(line: str, match: re.Match[str]) -> int:
    """Where the command ends; what stands in quotes belongs to it."""
    rest = line[match.start(1) :]
    quoted = re.match(r"(?: +(?:'[^']*'|\"[^\"]*\"|[^\s|&;<>#()'\"]+))+", rest)
    return match.start(1) + (quoted.end() if quoted else len(match.group(1)))


@pytest.fixture(scope="session")
def program() -> click.Group:
    """The command line of the package."""
    from oppspot_runner.cli.main import main

    assert isinstance(main, click.Group)
    return main


def fault(program: click.Group, words: list[str]) -> str | None:
    """Why the command line does not understand `words`, or None."""
    command: click.Command = program
    context = click.Context(program, info_name="oppspot-runner")
    value = False  # whether the word belongs to the option before it
    for word in words:
        if word == "...":
            break  # whatever may follow
        if value and not word.startswith("-"):
            value = False
            continue
        value = word.startswith("-") and getattr(command, "invoke_without_command", False)
        if word.startswith("-"):
            known = {option for one in command.get_params(context) for option in one.opts}
            if word.split("=")[0] not in known | {"--help"}:
                return f"{' '.join(words)}: {command.name} has no {word}"
        elif isinstance(command, click.Group):
            found = command.get_command(context, word)
            if found is None:
                return f"{' '.join(words)}: {command.name} has no command {word}"
            command = found
            context = click.Context(found, info_name=word, parent=context)
    return None
