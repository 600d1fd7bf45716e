"""`demo`: the whole product on real companies, with progress to look at."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from oppspot_runner.base.runner_settings import PREFIX
from oppspot_runner.base.settings import load_settings
from oppspot_runner.cli.session import import_from_here

if TYPE_CHECKING:
    from oppspot_runner.app.demo import DemoResult, Watcher
    from oppspot_runner.db.pool import Database

Play = Callable[["Database", "Watcher"], Coroutine[Any, Any, "DemoResult"]]
AGENTS = {
    "opportunity_bot": "find companies that fit the goal",
    "enrichment_agent": "add what is known about them",
    "scout_agent": "look for signs that now is the time",
    "scoring_agent": "score and rank them",
    "writer_agent": "write a draft to the best",
    "analyst": "let a model say what stands out",
}


@click.command(epilog="Example: oppspot-runner demo --keep")
@click.option("--json", "as_json", is_flag=True, help="Print JSON and no progress.")
@click.option("--keep", is_flag=True, help="Keep the demo's database to look at.")
@click.option(
    "--world", is_flag=True, help="Ask a made outside world over HTTP: a register and web sites."
)
def demo(as_json: bool, keep: bool, world: bool) -> None:
    """Run the whole product on real listed companies, in about ten seconds.

    Starts a private Postgres, imports 1,800 listed companies, and runs four agents in a chain. The
    last one thinks with a language model, here one that follows a script. Needs no server and no
    key, and touches no other database.

    With --world the companies are made up. Six agents find them in a register, read their accounts,
    web sites and job boards, all of it served on this machine, see who is urgent, and write to it.
    They run again then: nothing changes.
    """
    import_from_here()
    with ExitStack() as stack:
        play = _in_world(stack) if world else _listed
        asyncio.run(_demo(play, as_json=as_json, keep=keep))


def _in_world(stack: ExitStack) -> Play:
    """The demo in a world that lasts as long as `stack`."""
    from oppspot_runner.app.demo_world import run_world_demo
    from oppspot_runner.imports.csv_file import CsvFile
    from oppspot_runner.testing.world import World
    from oppspot_runner.testing.world.leads import write_leads

    world = stack.enter_context(World(now=datetime.now(UTC)))
    leads = Path(stack.enter_context(TemporaryDirectory())) / "leads.csv"
    write_leads(world, leads)
    given = {name.removeprefix(PREFIX).lower(): value for name, value in world.settings().items()}
    settings = load_settings(log_level="error", **given)
    return lambda database, watcher: run_world_demo(
        database, settings, watcher, CsvFile(str(leads), label="leads")
    )


async def _listed(database: Database, watcher: Watcher) -> DemoResult:
    """The demo with real companies; it asks nobody outside, whatever keys there are."""
    from oppspot_runner.app.demo import run_demo
    from oppspot_runner.imports.listed import Listed

    settings = load_settings(log_level="error")
    alone = settings.model_copy(update={"companies_house_api_key": None, "contact": None})
    return await run_demo(database, alone, watcher, Listed())


async def _demo(play: Play, *, as_json: bool, keep: bool) -> None:
    from oppspot_runner.app.database import embedded_folder
    from oppspot_runner.app.demo import Watcher, demo_folder
    from oppspot_runner.db import embedded
    from oppspot_runner.db.pool import Database
    from oppspot_runner.observe import logging

    logging.set_up("console", "error")
    folder = demo_folder(embedded_folder(load_settings()))
    await asyncio.to_thread(embedded.remove, folder)  # what an earlier --keep left
    console = Console()
    with Screen(Console(stderr=True), quiet=as_json) as screen:
        server = await asyncio.to_thread(embedded.acquire, folder)
        try:
            async with Database(server.dsn, max_size=8) as database:
                watcher = Watcher(on_import=screen.show_import, on_agents=screen.show_agents)
                result = await play(database, watcher)
        finally:
            await asyncio.to_thread(server.release)
            if not keep:
                await asyncio.to_thread(embedded.remove, folder)
    if as_json:
        click.echo(json.dumps(result.as_dict(), indent=2))
        return
    _show(console, result.as_dict(), folder if keep else None)


class Screen:
    """Progress bars on stderr: the import, then one line an agent."""

    def __init__(self, console: Console, *, quiet: bool) -> None:
        self.progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=console,
            disable=quiet,
        )
        self.lines: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self.progress.start()
        self.lines["import"] = self.progress.add_task("start Postgres", total=None, note="")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.progress.stop()

    def show_import(self, state: Any) -> None:
        """How far the import is."""
        self.progress.update(
            self.lines["import"],
            description="import companies",
            completed=state.done,
            total=state.total,
            note=f"{state.rows:,} companies",
        )

    def show_agents(self, rows: list[dict[str, Any]]) -> None:
        """Where each agent of the chain is."""
        for row in rows:
            name = row["name"]
            if name not in self.lines:
                what = f"{name}: {AGENTS.get(name, '')}"
                self.lines[name] = self.progress.add_task(escape(what), total=1, note="")
            self.progress.update(self.lines[name], completed=_share(row), note=escape(_note(row)))


def _share(row: dict[str, Any]) -> float:
    said = row["progress"] or {}
    if row["node"] == "completed":
        return 1.0
    return float(said.get("done") or 0) / float(said["total"]) if said.get("total") else 0.0


def _note(row: dict[str, Any]) -> str:
    if row["node"] in ("completed", "failed"):
        return f"{row['node']} in {row['duration_ms'] or 0} ms"
    said = row["progress"] or {}
    return str(said.get("message") or row["task"] or row["node"])


def _show(console: Console, result: dict[str, Any], kept: Path | None) -> None:
    console.print(
        f"\n[bold]{result['companies']:,}[/] companies imported, [bold]{result['found']}[/] fit "
        f"the goal, [bold]{result['items_created']}[/] taken into the stream, "
        f"[bold]{result['enriched_count']}[/] enriched, [bold]{result['scored']}[/] scored, "
        f"in {result['seconds']:.1f} s.\n"
    )
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("", "company", "in", "people", "score", "priority"):
        table.add_column(name, no_wrap=True, justify="right" if name == "people" else "left")
    table.add_column("why", overflow="fold")
    for place, row in enumerate(result["top"], 1):
        people = f"{row['employees']:,}" if row["employees"] is not None else "unknown"
        table.add_row(
            str(place),
            escape(row["name"]),
            escape(row["country"] or "?"),
            people,
            f"{row['score']:.2f}",
            row["priority"],
            escape("; ".join(row["reasons"])),
        )
    console.print(table)
    if "sources" in result:
        _show_sources(console, result)
    console.print(f"\nThe analyst noticed: {escape(result['insight'])}.")
    console.print(_next_steps(kept), soft_wrap=True)


def _show_sources(console: Console, result: dict[str, Any]) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("who said it", "of companies"):
        table.add_column(name, no_wrap=True)
    table.add_column("what", overflow="fold")
    for row in result["sources"]:
        table.add_row(escape(row["source"]), str(row["companies"]), ", ".join(row["fields"]))
    console.print()
    console.print(table)
    console.print(f"\nWhat is known of {escape(result['known_of'])}, and who says so:")
    for row in result["known"]:
        where = row["source_url"] or row["source"]
        console.print(escape(f"  {row['field']}: {_text(row['value'])} ({where})"), soft_wrap=True)
    console.print(f"\n[bold]{result['signals_found']}[/] signs that now is the time, the newest:")
    for row in result["signals"]:
        told = f"  {row['company']}: {row['title']} ({row['source']}, {row['on']})"
        console.print(escape(told), soft_wrap=True)
    for row in result["critical"]:
        told = f"\n{row['name']} is critical: {'; '.join(row['because'])}"
        console.print(escape(told), soft_wrap=True)
    for row in result["drafts"][:1]:
        told = f"\nA draft to {row['company']}, which nobody sends:\n\n{row['body']}"
        console.print(escape(told), soft_wrap=True)
    console.print(
        f"\n[bold]{result['requests']}[/] requests went out. A second run made "
        f"[bold]{result['requests_again']}[/] and changed [bold]{result['changed']}[/] places."
        "\nAll of these companies are made up: links to the register lead to others, or nowhere."
    )


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _next_steps(kept: Path | None) -> str:
    if kept is not None:
        chosen = f"OPPSPOT_EMBEDDED_FOLDER={kept}"
        return (
            f"\nThe demo's database is kept in {escape(str(kept))}. To look at it:\n"
            f"  {escape(chosen)} oppspot-runner streams list\n"
            f"  {escape(chosen)} oppspot-runner tasks list"
        )
    return (
        "\nWhat to type next:\n"
        "  oppspot-runner start                          the daemon, on a database of your own\n"
        "  oppspot-runner import csv companies.csv       your companies\n"
        "  oppspot-runner demo --keep                    this again, to look at the tables"
    )
