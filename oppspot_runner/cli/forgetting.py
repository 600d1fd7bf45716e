"""`forget`: removes a person from every table."""

from __future__ import annotations

import getpass
from typing import Any

import click

from oppspot_runner.base.errors import InvalidInputError, NotFoundError
from oppspot_runner.cli import output
from oppspot_runner.cli.session import json_option, open_database, runs
from oppspot_runner.streams import forgetting
from oppspot_runner.streams.forgetting import Somebody


@click.command(epilog="Example: oppspot-runner forget jo@example.com")
@click.argument("person")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@runs
async def forget(person: str, yes: bool, as_json: bool) -> None:
    """Remove a PERSON (id, e-mail or name) from every table, for all organisations, for good.

    Rows of people, contacts and offices go, with all paths through them; so do cached answers.
    Texts that say the name say [forgotten]. What is left is a salted digest, by which no agent
    and no import brings the person back. Where several may be meant, nothing is removed.
    """
    async with open_database() as db:
        somebody = _only(person, await forgetting.find_somebody(db, person))
        if not yes:
            click.confirm(f"Forget {_described(somebody)}?", abort=True, err=True)
        removed = await forgetting.forget(db, somebody, by=getpass.getuser())
    if as_json:
        output.print_json({"removed": removed})
    else:
        output.show(output.table(["gone or blanked", "rows>"], removed.items()))


def _only(person: str, found: list[Somebody]) -> Somebody:
    if not found:
        raise NotFoundError(
            f"there is nobody {person!r}", hint="Give the whole name, an e-mail address or an id."
        )
    if len(found) > 1:
        meant = "; ".join(f"{_described(one)} ({_id(one)})" for one in found)
        raise InvalidInputError(
            f"{person} may be any of {len(found)}, and nobody is forgotten: {meant}",
            hint="Give one of these ids.",
        )
    return found[0]


def _described(somebody: Somebody) -> str:
    """Who it is, so that somebody can tell whether it is the right one."""
    where = sorted(somebody.companies)[:3]
    born = sorted(one.rpartition(" ")[2] for one in somebody.traces if one.startswith("born "))
    parts: list[Any] = [min(somebody.names)]
    parts += [f"born {born[0]}"] if born else []
    parts += sorted(somebody.emails)[:1]
    return ", ".join([*parts, f"of {', '.join(where)}"] if where else parts)


def _id(somebody: Somebody) -> str:
    return str(min([*somebody.people, *somebody.contacts]))
