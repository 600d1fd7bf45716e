"""`people list|show|paths|suppress|unsuppress`: who is in office where, and who is left alone."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import click

from oppspot_runner.base.errors import NotFoundError
from oppspot_runner.cli import output
from oppspot_runner.cli.session import json_option, open_database, runs
from oppspot_runner.people.paths import Path
from oppspot_runner.people.person import role_in_words
from oppspot_runner.people.ranking import decision_makers
from oppspot_runner.streams import people_looks
from oppspot_runner.streams.forgetting import find_somebody
from oppspot_runner.streams.people import PeopleStore
from oppspot_runner.streams.resolution import find_company

org_option = click.option("--org", "org_id", type=click.UUID, help="Whose people (id).")
limit_option = click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True
)

OFFICE = ("company_name", "role", "appointed_on", "resigned_on")


@click.group(epilog="Example: oppspot-runner people paths acme.com")
def people() -> None:
    """List, show, suppress and unsuppress people; paths to those who decide.

    `forget` removes somebody for good.
    """


@people.command("list", epilog="Example: oppspot-runner people list --company acme.com")
@click.option("--company", help="All who are or were there: id, number, domain or name.")
@limit_option
@org_option
@json_option
@runs
async def list_(company: str | None, limit: int, org_id: UUID | None, as_json: bool) -> None:
    """List who is in office at companies on record."""
    async with open_database() as db:
        company_id = await find_company(db, company, org_id=org_id) if company else None
        rows = await people_looks.list_people(db, org_id=org_id, company_id=company_id, limit=limit)
    if as_json:
        output.print_json(rows)
    elif rows:
        columns = ["name...", "role", "company...", "since", "until", "id"]
        names = ("name", "role", "company_name", "appointed_on", "resigned_on", "id")
        output.show(output.table(columns, [_told_of(row, names) for row in rows]))
    else:
        click.echo("Nobody is known. An agent of type relationship_agent asks the register.")


@people.command(epilog="Example: oppspot-runner people show 'Jo Example'")
@click.argument("person")
@json_option
@runs
async def show(person: str, as_json: bool) -> None:
    """Show all that is on record of a PERSON: id, e-mail or name."""
    async with open_database() as db:
        found = await find_somebody(db, person)
        rows = [await people_looks.show_somebody(db, one) for one in found]
    if not rows:
        raise NotFoundError(f"there is nobody {person!r}", hint="Give the whole name.")
    if as_json:
        output.print_json(rows)
        return
    for one in (row for rows_of_one in rows for row in rows_of_one):
        offices = one.pop("offices")
        about = [(name, value) for name, value in one.items() if value is not None]
        held = [_told_of(office, OFFICE) for office in offices]
        output.show(output.fields(about), output.table(["company...", *OFFICE[1:]], held))


def _told_of(office: dict[str, Any], names: Sequence[str]) -> list[Any]:
    role = office.get("role")  # a contact has none
    words = {**office, "role": role and role_in_words(role)}
    return [words.get(name) for name in names]


@people.command(epilog="Example: oppspot-runner people paths acme.com --limit 5")
@click.argument("company")
@limit_option
@org_option
@json_option
@runs
async def paths(company: str, limit: int, org_id: UUID | None, as_json: bool) -> None:
    """Show the ways from own contacts to those who decide at a COMPANY, the best first."""
    async with open_database() as db:
        store, company_id = PeopleStore(db, org_id), await find_company(db, company, org_id=org_id)
        deciding = decision_makers((await store.seats([company_id]))[company_id])
        targets = [(company_id, seat.person_id) for seat in deciding]
        found = (await store.paths(targets, most=limit)).get(company_id, [])
        names = await store.names({one for path in found for one in _people_of(path)})
    rows = [_told(path, names) for path in found]
    if as_json:
        output.print_json(rows)
    elif rows:
        columns = ["from...", "via...", "to...", "why...", "strength>"]
        told = ({**row, "via": ", ".join(row["via"])} for row in rows)
        shown = [[row[name] for name in ("from", "via", "to", "why", "strength")] for row in told]
        output.show(output.table(columns, shown))
    else:
        click.echo(_nothing_found(len(deciding)))


def _people_of(path: Path) -> Sequence[UUID]:
    return (path.contact_id, *path.via, path.target_id)


def _told(path: Path, names: dict[UUID, str]) -> dict[str, Any]:
    """A path with names: only people see it, nobody keeps it."""
    return {
        "from": names.get(path.contact_id),
        "via": [names.get(one, "") for one in path.via],
        "to": names.get(path.target_id),
        "why": path.why,
        "strength": path.strength,
        "ids": list(_people_of(path)),
    }


def _nothing_found(deciding: int) -> str:
    if deciding:
        return "Nobody we know leads there. Bring contacts with `import contacts`."
    return "Nobody is known there. An agent of type relationship_agent asks the register."


@people.command(epilog="Example: oppspot-runner people suppress jo@example.com --reason opt-out")
@click.argument("what")
@click.option("--reason", default="asked", show_default=True, help="Kept with it.")
@org_option
@json_option
@runs
async def suppress(what: str, reason: str, org_id: UUID | None, as_json: bool) -> None:
    """Let nobody approach WHAT: an e-mail, a domain, or the id of a person or company."""
    async with open_database() as db:
        by = getpass.getuser()
        new = await people_looks.suppress(db, what, org_id=org_id, reason=reason, by=by)
    text = f"{what} is left alone" + ("." if new else ", as before.")
    output.say({"suppressed": what, "new": new}, text, as_json)


@people.command(epilog="Example: oppspot-runner people unsuppress jo@example.com")
@click.argument("what")
@org_option
@json_option
@runs
async def unsuppress(what: str, org_id: UUID | None, as_json: bool) -> None:
    """Let agents approach WHAT again. Who was forgotten stays forgotten."""
    async with open_database() as db:
        await people_looks.unsuppress(db, what, org_id=org_id)
    output.say({"unsuppressed": what}, f"{what} may be approached again.", as_json)
