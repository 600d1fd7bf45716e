"""What the pages show: the product's own demo, and a day of work of a team."""

from __future__ import annotations

from pathlib import Path

from oppspot_runner.app.demo import Watcher
from oppspot_runner.app.demo_world import run_world_demo
from oppspot_runner.base.settings import Settings
from oppspot_runner.db.pool import Database
from oppspot_runner.imports.csv_file import CsvFile
from oppspot_runner.testing.world import World
from oppspot_runner.testing.world.leads import write_leads

HISTORY = Path(__file__).with_name("world.sql")


async def furnish(database: Database, world: World, folder: Path) -> None:
    """Fills a migrated database; nothing runs there yet but the demo, which has ended."""
    leads = folder / "leads.csv"
    write_leads(world, leads)
    given = {key.removeprefix("OPPSPOT_").lower(): text for key, text in world.settings().items()}
    quiet = Watcher(on_import=lambda _: None, on_agents=lambda _: None)
    settings = Settings(_env_file=None, log_level="error", **given)
    await run_world_demo(database, settings, quiet, CsvFile(str(leads), label="leads"))
    async with database.connection() as connection:
        await connection.execute(HISTORY.read_bytes())
