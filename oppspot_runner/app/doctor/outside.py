"""The outside world: hosts that do not answer, and agents that wait for somebody's help."""

from __future__ import annotations

from oppspot_runner.app.doctor.finding import Finding, Patient
from oppspot_runner.app.sources import read_sources
from oppspot_runner.base.wording import span
from oppspot_runner.limits.host_breakers import open_host_breakers
from oppspot_runner.queue.dead_letters import agents_in_need

LONG_S = 600.0  # to be told to wait for less is nothing special


async def look_at_hosts(patient: Patient) -> list[Finding]:
    """Whether hosts are left alone because they do not answer, or cannot be asked."""
    found = [
        Finding(
            "hosts",
            "warn",
            f"{row['host']} ({row['source']}) is left alone after {row['failures']} failures,"
            f" and tried in {span(row['next_try_s'])}: {row['last_error']}",
            f"oppspot-runner sources resume {row['host']}",
        )
        for row in await open_host_breakers(patient.database)
    ]
    for source in await read_sources(patient.database, patient.settings):
        if source.fault:
            found.append(Finding("hosts", "warn", f"{source.name}: {source.fault}"))
        if source.held_s > LONG_S:
            found.append(
                Finding(
                    "hosts",
                    "warn",
                    f"{source.name} said to be left alone for {span(source.held_s)}",
                    f"oppspot-runner sources resume {source.name}"
                    "  # if it does not mean that any more",
                )
            )
    return found or [Finding("hosts", "ok", "all that were asked answer")]


async def look_at_agents(patient: Patient) -> list[Finding]:
    """Whether tasks failed for what only people can mend, such as a key."""
    found = [
        Finding(
            "agents",
            "warn",
            f"{row['agent_name']} needs attention, {row['tasks']} task(s) failed: {row['error']}",
            f"oppspot-runner dead-letters requeue --agent {row['agent_id']}  # after mending that",
        )
        for row in await agents_in_need(patient.database)
    ]
    return found or [Finding("agents", "ok", "none waits for somebody's help")]
