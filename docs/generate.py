"""Writes the pages of docs/reference that are made from the code. A test compares them."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from oppspot_runner.base.codes import Code
from oppspot_runner.base.settings import Settings, variable_name, written
from oppspot_runner.cli.daemon import start
from oppspot_runner.cli.main import main as program

REFERENCE = Path(__file__).resolve().parent / "reference"
NOTE = "<!-- Made by docs/generate.py from the code; change it there. -->\n"
SETTINGS = """# Settings

{note}
A flag wins over the environment, the environment over `.env` in the current folder, that over the
default. Lists are separated by commas. Durations are seconds unless it says days. An `OPPSPOT_` name
that is not in this table is warned of, with the nearest known one. A value that is not usable ends the
command and names its flag (exit 2) or its variable (exit 1).

| variable | default | flag of `start` | what it is |
|---|---|---|---|
{rows}
Besides: `DEBUG=true` means `OPPSPOT_LOG_LEVEL=debug` where that is not set, and `XDG_DATA_HOME` and
`XDG_STATE_HOME` say where the private Postgres and the files of `start --detach` are kept.
"""
CODES = """# Codes of errors

{note}
What a call of a model, a [tool](../guides/tools.md) or another service ended with: `code` of the answer
and of the exception, which never changes its meaning. Where nobody catches it, the attempt ends by it,
and `error_message` begins with the code. Retried: the same call may succeed later; that uses a retry,
or is a snooze where the other side said when. All others fail again until something is changed.

| code | retried | what it means |
|---|---|---|
{rows}"""
CLI = """# Command line

{note}
Every command that prints takes `--json`. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted;
`status` has 3 and 4 besides, see [Running it](../operations/running.md), and `start` ends with 75 under
systemd when it wants to be started again. An error is one line on
stderr; `oppspot-runner --debug ...` adds where it comes from. `oppspot-runner --version` prints the
version.

{commands}"""


def settings_page() -> str:
    flags = {one.name: one.opts[0] for one in start.params}
    rows = []
    for field, info in Settings.model_fields.items():
        cells = [_code(variable_name(field)), _code(info.default), _code(flags.get(field))]
        rows.append(f"| {' | '.join(cells)} | {info.description} |\n")
    return SETTINGS.format(note=NOTE, rows="".join(rows))


def codes_page() -> str:
    rows = [
        f"| `{one.name}` | {'yes' if one.retried else 'no'} | {one.meaning} |\n" for one in Code
    ]
    return CODES.format(note=NOTE, rows="".join(rows))


def _code(value: Any) -> str:
    shown = f"{value:g}" if isinstance(value, float) else written(value)
    return f"`{shown}`" if shown else ""


def cli_page() -> str:
    return CLI.format(note=NOTE, commands="\n".join(_sections(program, "oppspot-runner")))


def _sections(group: click.Group, path: str) -> Iterator[str]:
    context = click.Context(group, info_name=path)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield _section(command, f"{path} {name}")
        if isinstance(command, click.Group):
            yield from _sections(command, f"{path} {name}")


def _section(command: click.Command, path: str) -> str:
    arguments = [one for one in command.params if isinstance(one, click.Argument)]
    usage = " ".join([path, *(_argument(one) for one in arguments)])
    options = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    text = "\n\n".join(" ".join(part.split()) for part in (command.help or "").split("\n\n") if part)
    example = (command.epilog or "").removeprefix("Example: ")
    table = "".join(_option(one) for one in options)
    head = "| option | what |\n|---|---|\n" if table else ""
    level = "#" * path.count(" ")
    return f"#{level} {usage}\n\n{text}\n\n{head}{table}\n```sh\n{example}\n```\n"


def _argument(argument: click.Argument) -> str:
    name = argument.metavar or (argument.name or "").upper()
    return f"{name if argument.required else f'[{name}]'}{'...' if argument.nargs == -1 else ''}"


def _option(option: click.Option) -> str:
    names = " / ".join([*option.opts, *option.secondary_opts])
    choices = getattr(option.type, "choices", ())
    value = option.metavar or "|".join(map(str, choices)) or option.type.name.split(" ")[0].upper()
    shown = names if option.is_flag else f"{names} {value}".replace("|", "\\|")
    default = f" Default: {option.default}." if option.show_default else ""
    return f"| `{shown}` | {option.help or ''}{default} |\n"


if __name__ == "__main__":
    (REFERENCE / "settings.md").write_text(settings_page(), encoding="utf-8")
    (REFERENCE / "codes.md").write_text(codes_page(), encoding="utf-8")
    (REFERENCE / "cli.md").write_text(cli_page(), encoding="utf-8")
    for page in ("http_page", "metrics_page", "events_page", "python_page"):
        runpy.run_path(str(Path(__file__).with_name(f"{page}.py")), run_name="__main__")
