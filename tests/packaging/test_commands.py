"""Every command that a document names is understood by the program."""

from __future__ import annotations

import click
import pytest

from tests.packaging.conftest import ROOT, commands, fault

DOCUMENTS = [
    path.relative_to(ROOT).as_posix()
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_program_understands_what_is_printed_in(document: str, program: click.Group) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    faults = [said for words in commands(text) if (said := fault(program, words))]
    assert not faults, "\n".join(faults)


def test_commands_are_seen_where_they_are() -> None:
    text = """
Use `oppspot-runner status --json` here, though oppspot-runner is not called there.

```sh
.venv/bin/oppspot-runner enqueue Digest --payload '{"a b": 1}' && echo done   # and so on
```
"""
    assert list(commands(text)) == [
        ["enqueue", "Digest", "--payload", '{"a b": 1}'],
        ["status", "--json"],
    ]


def test_an_unknown_command_or_option_is_a_fault() -> None:
    program = click.Group("program", commands=[click.Command("start", params=[])])
    assert fault(program, ["start"]) is None
    assert fault(program, ["strat"]) == "strat: program has no command strat"
    assert fault(program, ["start", "--now"]) == "start --now: start has no --now"
