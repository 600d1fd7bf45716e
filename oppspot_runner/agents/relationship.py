"""RelationshipAgent: whom we know at the companies of a stream, and who decides there.

Asks the register for their people (relationship_run.py has how), then looks for the strongest way
of at most three steps from own contacts to those who decide. Results hold ids of people and no
names: those stand in the tables of people alone, where somebody can be forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from oppspot_runner.agents.context import Context
from oppspot_runner.agents.definition import Agent
from oppspot_runner.agents.goal import config_of, lock_stream
from oppspot_runner.agents.options import AgentOptions
from oppspot_runner.agents.relationship_run import RelationshipConfig, RelationshipRun
from oppspot_runner.base.errors import Fail
from oppspot_runner.connectors.companies_house import REGISTER, public_page
from oppspot_runner.connectors.sources import not_configured
from oppspot_runner.people.paths import Path
from oppspot_runner.people.person import Seat
from oppspot_runner.people.ranking import decision_makers

AT_ONCE = 50  # companies in one search for paths
MOST_TOLD = 100  # companies, and people who may be one, in the results
CONTACTS = "contacts"


class RelationshipAgent(Agent):
    """Relationships. See the module's docstring; results are listed in `_results`."""

    agent_type: ClassVar[str] = "relationship_agent"
    options: ClassVar[AgentOptions] = AgentOptions(time_limit=timedelta(minutes=30))

    async def execute_agent(self, state: dict[str, Any]) -> dict[str, Any]:
        """Asks about all companies that are due, and looks for paths to all of the stream."""
        config = config_of(RelationshipConfig, self.ctx)
        ids, suppressed = await self._companies(config)
        run = RelationshipRun(self.ctx, config)
        skipped: dict[str, str] = {}
        if self.ctx.http.configured(REGISTER):
            await run.through(ids)
        else:
            skipped[REGISTER] = not_configured(REGISTER).one_line()
        seats = await self.ctx.people.seats(ids)
        if skipped and not any(seats.values()):
            raise Fail(skipped[REGISTER])
        errors = dict(run.totals.errors)
        if errors and run.totals.counts["items"] == run.totals.counts["error"]:
            return {"error": f"the register answered about nobody: {errors}", "errors": errors}
        deciding = {one: decision_makers(seats[one]) for one in ids if seats[one]}
        paths = await self._paths(deciding)
        return {
            **self._found(ids, deciding, paths),
            **await self._background(ids),
            "suppressed_companies": suppressed,
            "companies_asked": run.totals.counts["items"],
            "without_number": run.totals.counts["no_number"],
            "skipped_fresh": max(0, len(ids) - run.totals.counts["items"] - len(run.waiting)),
            "skipped_sources": skipped,
            "errors": errors,
            "api_calls": run.totals.counts["api_calls"],
            "ignored": sorted(config.model_extra or ()),
            "partial": bool(run.waiting or errors or skipped),
            "next_cursor": str(run.waiting[0].company_id) if run.waiting else None,
            "next_step": _next_step(ids, deciding, paths, skipped),
            "insights": [],
        }

    async def _companies(self, config: RelationshipConfig) -> tuple[list[UUID], int]:
        """The companies to look at, and how many are left out because nobody may approach them."""
        wanted = config.company_ids
        ids = [one for one in await self.ctx.items.ids() if wanted is None or one in wanted]
        barred = (await self.ctx.people.suppressed(company_ids=ids)).company_ids
        return [one for one in ids if one not in barred], len(barred)

    async def _paths(self, deciding: dict[UUID, list[Seat]]) -> dict[UUID, Path]:
        """The best path to each company that has one."""
        best: dict[UUID, Path] = {}
        companies = list(deciding)
        for start in range(0, len(companies), AT_ONCE):
            targets = [
                (company_id, seat.person_id)
                for company_id in companies[start : start + AT_ONCE]
                for seat in deciding[company_id]
            ]
            found = await self.ctx.people.paths(targets)
            best |= {company_id: paths[0] for company_id, paths in found.items()}
            await self.ctx.progress(min(start + AT_ONCE, len(companies)), len(companies), "paths")
        return best

    def _found(
        self, ids: Sequence[UUID], deciding: dict[UUID, list[Seat]], paths: dict[UUID, Path]
    ) -> dict[str, Any]:
        best = sorted(paths.values(), key=lambda one: (-one.strength, one.company_id))
        return {
            "companies": len(ids),
            "companies_with_path": len(paths),
            "paths_found": sum(one.found for one in best),
            "best_path": [_told(one, deciding) for one in best[:MOST_TOLD]],
            "decision_makers": [
                {"company_id": str(one), "people": [_person(seat) for seat in deciding[one]]}
                for one in list(deciding)[:MOST_TOLD]
            ],
        }

    async def _background(self, ids: Sequence[UUID]) -> dict[str, Any]:
        """Groups of companies, and people who may be one."""
        kin = await self.ctx.people.groups(ids)
        unclear = await self.ctx.people.ambiguous(ids)
        return {
            "group_structure": [
                {
                    "company_id": str(one.company_id),
                    "relation": one.relation,
                    "company_number": one.company_number,
                    "company_name": one.company_name,
                }
                for one in kin[:MOST_TOLD]
            ],
            "ambiguous": [
                {"kind": one.kind, "ids": list(map(str, one.ids))} for one in unclear[:MOST_TOLD]
            ],
            "ambiguous_count": len(unclear),
        }

    async def save_results(self, ctx: Context, tx: Any, results: dict[str, Any]) -> bool:
        """Writes the stream's progress and an insight."""
        await lock_stream(ctx, tx)
        counts = {name: results[name] for name in ("companies_with_path", "paths_found")}
        await ctx.insights.set_progress({"relationships": counts}, tx=tx)
        with_path, companies = results["companies_with_path"], results["companies"]
        insight = await ctx.insights.add(
            kind="relationships",
            title=f"Own contacts lead to {with_path} of {companies} companies",
            evidence={**counts, "best_path": results["best_path"][:10]},
            tx=tx,
        )
        results["insights"] = [str(insight)]
        return True


def _told(path: Path, deciding: dict[UUID, list[Seat]]) -> dict[str, Any]:
    """A path by the ids of its people, whose names `people paths` shows."""
    target = next(one for one in deciding[path.company_id] if one.person_id == path.target_id)
    met = dict.fromkeys(one.company_number for one in path.steps if one.company_number)
    return {
        "company_id": str(path.company_id),
        "from": {"contact_id": str(path.contact_id)},
        "via": [{"person_id": str(one)} for one in path.via],
        "to": _person(target),
        "why": path.why,
        "strength": path.strength,
        "sources": [CONTACTS, *(public_page(number, "/officers") for number in met)],
    }


def _person(seat: Seat) -> dict[str, Any]:
    return {
        "person_id": str(seat.person_id),
        "role": seat.role,
        "occupation": seat.occupation,
    }


def _next_step(
    ids: Sequence[UUID],
    deciding: dict[UUID, list[Seat]],
    paths: dict[UUID, Path],
    skipped: dict[str, str],
) -> str:
    """What somebody should do next, in one sentence."""
    if skipped:
        return skipped[REGISTER]
    if paths:
        best = max(paths.values(), key=lambda one: (one.strength, str(one.company_id)))
        command = f"oppspot-runner people paths {best.company_id}"
        return f"Ask for an introduction: `{command}` says by whom."
    if deciding:
        return "Nobody we know leads there: bring contacts with `oppspot-runner import contacts`."
    return f"Of {len(ids)} companies no officer is known: enrich them, so that they have numbers."
