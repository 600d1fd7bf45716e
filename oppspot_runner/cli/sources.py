"""`sources list|resume|forget`: the outside world, as agents meet it."""

from __future__ import annotations

from dataclasses import asdict

import click

from oppspot_runner.app.sources import PAGES, SourceState, read_sources, resume_source
from oppspot_runner.base.errors import NotFoundError
from oppspot_runner.cli import output
from oppspot_runner.cli.session import json_option, load, open_database, runs, say
from oppspot_runner.connectors.sources import SOURCES
from oppspot_runner.limits import host_breakers
from oppspot_runner.queue.answer_cache import SharedAnswerCache


@click.group(epilog="Example: oppspot-runner sources list")
def sources() -> None:
    """List sources; resume hosts that are left alone; forget answers that are kept.

    A source is a service that agents ask by ctx.http; `web` stands for all web sites.
    """


@sources.command("list", epilog="Example: oppspot-runner sources list")
@json_option
@runs
async def list_(as_json: bool) -> None:
    """List sources with what they lack, how much of their limits is used, and what is kept."""
    settings = load()
    async with open_database() as database:
        found = await read_sources(database, settings)
    if as_json:
        output.print_json([asdict(one) for one in found])
        return
    columns = ["source", "limit>", "used>", "answers>", "bytes>", "state..."]
    output.show(
        output.table(
            columns,
            [
                (
                    one.name,
                    "" if one.limit is None else f"{one.limit[0]} in {one.limit[1]:g} s",
                    "" if one.limit is None else one.calls,
                    one.answers,
                    one.bytes,
                    _state(one),
                )
                for one in found
            ],
        )
    )


def _state(one: SourceState) -> str:
    if one.missing:
        return f"not set: {', '.join(one.missing)}"
    if one.fault:
        return one.fault
    parts = [f"held for {output.span(one.held_s)}"] if one.held_s else []
    parts += [f"{row['host']} {row['state']}" for row in one.breakers]
    return ", ".join(parts) or "ready"


@sources.command(epilog="Example: oppspot-runner sources resume www.example.com")
@click.argument("name", metavar="HOST|SOURCE")
@json_option
@runs
async def resume(name: str, as_json: bool) -> None:
    """Call HOST again, although its last calls failed, or SOURCE, although it said to wait."""
    settings = load()
    async with open_database() as database:
        resumed = await resume_source(database, settings, name)
        if not resumed and not await host_breakers.close(database, name):
            raise NotFoundError(
                f"{name} is not left alone", hint="See `oppspot-runner sources list`."
            )
    say({"name": name, "resumed": True}, f"{name} is called again.", as_json)


@sources.command(epilog="Example: oppspot-runner sources forget web")
@click.argument("source", required=False, type=click.Choice([*SOURCES, PAGES]), metavar="[SOURCE]")
@json_option
@runs
async def forget(source: str | None, as_json: bool) -> None:
    """Forget the answers that are kept of SOURCE, or of all."""
    async with open_database() as database:
        count = await SharedAnswerCache(database).clear(source)
    say({"forgotten": count}, f"{count} answer(s) forgotten.", as_json)
