"""`migrate`."""

from __future__ import annotations

import sys

import click

from oppspot_runner.app.database import opened, running_dsn
from oppspot_runner.cli.session import json_option, load, runs, say
from oppspot_runner.db.files import migrations
from oppspot_runner.db.migrate import SchemaState, schema_state
from oppspot_runner.db.migrate import migrate as migrate_schema

NOT_RUNNING = (
    "The private Postgres is not running, so nothing was looked at. `oppspot-runner migrate` starts"
    " it and brings it up to date, and so does `start`."
)


@click.command(epilog="Example: oppspot-runner migrate --check")
@click.option("--check", is_flag=True, help="Change nothing; exit 1 unless all is up to date.")
@json_option
@runs
async def migrate(check: bool, as_json: bool) -> None:
    """Bring the database up to this version.

    Applies what is missing of the numbered files in sql/, each in a transaction. Tables that are
    there already are adopted, with their rows. A file that runners of other versions could not
    work with waits until they are gone.
    """
    settings = load()
    if check and running_dsn(settings) is None:
        say({"up_to_date": False}, NOT_RUNNING, as_json)
        sys.exit(1)
    async with opened(settings) as database:
        applied = [] if check else await migrate_schema(database)
        state = await schema_state(database)
    say(
        {
            "up_to_date": state.usable,
            "applied": applied,
            "pending": _names(state.pending),
            "waiting": _names(state.waiting),
            "newer": list(state.newer),
        },
        _told(applied, state),
        as_json,
    )
    if not state.usable:
        sys.exit(1)


def _told(applied: list[str], state: SchemaState) -> str:
    if state.newer_breaking:
        return f"The schema is of a newer version (migration {max(state.newer):04})."
    if state.pending:
        return f"Pending: {', '.join(_names(state.pending))}. Run `oppspot-runner migrate`."
    if state.waiting:
        names = ", ".join(_names(state.waiting))
        return f"Left for when the last runner of another version is gone: {names}."
    if applied:
        return f"Applied: {', '.join(applied)}."
    return f"The schema is up to date ({len(state.applied)} migrations)."


def _names(numbers: tuple[int, ...]) -> list[str]:
    names = {one.number: f"{one.number:04}_{one.name}" for one in migrations()}
    return [names[number] for number in numbers]
