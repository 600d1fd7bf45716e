"""Scouts: whether there is anybody whom they can ask."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pydantic import ValidationError

from oppspot_runner.app.doctor.finding import Finding, Patient
from oppspot_runner.base.errors import Fail
from oppspot_runner.base.validation import first_fault
from oppspot_runner.connectors.sources import configured_sources
from oppspot_runner.db.files import statement

SCOUTS = statement("doctor/scouts")


async def look_at_scouts(patient: Patient) -> list[Finding]:
    """Whether each scout can be understood, and asks somebody whose keys are set."""
    configured = configured_sources(patient.settings)
    found = []
    for row in await patient.database.fetch_all(SCOUTS):
        if fault := _fault(row["configuration"], configured):
            fix = f"oppspot-runner agents update {row['id']} --configuration JSON"
            found.append(Finding("scouts", "warn", f"{row['name']} cannot scout: {fault}", fix))
    return found or [Finding("scouts", "ok", "each has somebody whom it can ask")]


def _fault(configuration: Any, configured: Collection[str]) -> str | None:
    # Only where there are scouts: with all that agents need it takes a while to load.
    from oppspot_runner.agents.scout import ScoutAgent
    from oppspot_runner.agents.scout_options import ScoutOptions

    try:
        options = ScoutOptions.model_validate(configuration or {})
        usable, skipped = ScoutAgent.chosen(options, configured)
    except ValidationError as error:
        return first_fault(error)
    except Fail as error:
        return error.one_line()
    return None if usable else " ".join(dict.fromkeys(skipped.values()))
