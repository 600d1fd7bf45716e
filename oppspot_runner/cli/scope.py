"""The options --agent, --type and --org, and what they name in the database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from oppspot_runner.base.payload import identifier
from oppspot_runner.cli.session import client_of
from oppspot_runner.db.pool import Database
from oppspot_runner.streams import directory


def scope_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options; their values arrive as `agent`, `of_type` and `org`."""
    for option in (
        click.option("--org", help="Tasks of this organisation (id)."),
        click.option("--type", "of_type", help="Tasks of this task_type or agent_type."),
        click.option("--agent", help="Tasks of this agent (id or name)."),
    ):
        command = option(command)
    return command


async def exact_key(database: Database, scope: str, name: str) -> str:
    """What is named, as the tables of pauses and limits call it: ids in full.

    Raises NotFoundError for an unknown agent, InvalidInputError for what is no id.
    """
    if scope == "agent":
        return str(await client_of(database).run(directory.find_agent(name)))
    return str(identifier(name, "the organisation")) if scope == "org" else name
