"""What somebody may know of the made companies before any agent runs: names and web sites."""

from __future__ import annotations

import csv
from pathlib import Path

from oppspot_runner.testing.world.making import sector
from oppspot_runner.testing.world.making_sites import SLOW
from oppspot_runner.testing.world.world import World

COLUMNS = ("name", "website", "town", "country", "industries")


def write_leads(world: World, path: Path) -> int:
    """Writes a CSV file of the companies that have a web site; how many those are.

    Without the one whose site takes all the time that it can get.
    """
    rows = [
        (
            one.name,
            world.site_url(one.site),
            one.address.town,
            one.address.country,
            sector(place)["name"],
        )
        for place, one in enumerate(world.content.companies)
        if one.site and one.site != SLOW
    ]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    return len(rows)
