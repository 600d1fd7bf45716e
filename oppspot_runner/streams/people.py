"""People as one organisation knows them: who is in office where, who knows whom, who is not to be
approached.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.people.paths import Path
from oppspot_runner.people.person import Ambiguity, Holder, Kin, Seat
from oppspot_runner.people.strengths import STRENGTHS
from oppspot_runner.people.suppressed import Suppressed
from oppspot_runner.streams.forgetting import urls_of
from oppspot_runner.streams.people_saving import save_people
from oppspot_runner.streams.planning import without_jit

AMBIGUOUS = statement("people/ambiguous")
CHECKED = statement("people/checked")
DUE = statement("people/due")
FORGET_ANSWERS = statement("people/forget_answers")
FORGOTTEN = statement("people/forgotten")
GROUPS = statement("people/groups")
NAMES = statement("people/names")
PATHS = statement("people/paths")
SEATS = statement("people/seats")
SUPPRESSED = statement("people/suppressed")

ERROR_TTL = timedelta(hours=1)


class PeopleStore:
    """People that the organisation `org_id` knows of."""

    def __init__(self, db: Database, org_id: UUID | None) -> None:
        self.db = db
        self.org_id = org_id

    async def suppressed(
        self,
        *,
        emails: Sequence[str] = (),
        domains: Sequence[str] = (),
        company_ids: Sequence[UUID] = (),
    ) -> Suppressed:
        """Which of these are not to be approached."""
        asked = {"emails": list(emails), "domains": list(domains), "company_ids": list(company_ids)}
        said: dict[str, list[str]] = {"email": [], "domain": [], "company": []}
        for row in await self._all(SUPPRESSED, **asked):
            said[row["kind"]].append(row["said"])
        return Suppressed(
            frozenset(said["email"]),
            frozenset(said["domain"]),
            frozenset(map(UUID, said["company"])),
        )

    async def forgotten(self, traces: Collection[str], number: str) -> Set[str]:
        """Which of these (NamedPerson.traces) are those of somebody who was forgotten.

        What the register says of the company with that `number` is kept no longer then.
        """
        rows = await self._all(FORGOTTEN, whats=list(traces)) if traces else []
        if rows:
            await self.db.execute(
                FORGET_ANSWERS, {"urls": urls_of(numbers=[number]), "pattern": None}
            )
        return {row["what"] for row in rows}

    async def due(
        self, company_ids: Sequence[UUID], ttl: timedelta, *, since: datetime, force: bool = False
    ) -> list[UUID]:
        """Companies about whose people the register should be asked, in their order."""
        asked = {"ids": list(company_ids), "since": since, "force": force}
        seconds = {"ttl_s": ttl.total_seconds(), "error_ttl_s": ERROR_TTL.total_seconds()}
        return [row["id"] for row in await self._all(DUE, **asked, **seconds)]

    async def checked(
        self,
        register_ids: Collection[str],
        ttl: timedelta,
        *,
        since: datetime,
        force: bool = False,
    ) -> Set[str]:
        """Of whom all offices are known and fresh, by the ids of the register."""
        asked = {"register_ids": list(register_ids), "since": since, "force": force}
        rows = await self._all(CHECKED, **asked, ttl_s=ttl.total_seconds())
        return {row["id"] for row in rows}

    async def save(
        self,
        company_id: UUID,
        number: str | None,
        holders: Sequence[Holder],
        *,
        source: str,
        outcome: str,
    ) -> None:
        """Writes who holds or held offices in a company, in a transaction of its own."""
        await save_people(
            self.db, self.org_id, company_id, number, holders, source=source, outcome=outcome
        )

    async def seats(self, company_ids: Sequence[UUID]) -> dict[UUID, list[Seat]]:
        """Who is in office in these companies now, but for those who are not to be approached."""
        found: dict[UUID, list[Seat]] = {one: [] for one in company_ids}
        for row in await self._all(SEATS, company_ids=list(company_ids)):
            found[row["company_id"]].append(Seat(**row))
        return found

    async def paths(
        self, targets: Sequence[tuple[UUID, UUID]], *, most: int = 1
    ) -> dict[UUID, list[Path]]:
        """The strongest paths to each company from own contacts, at most `most`, the best first.

        `targets` are companies with their decision makers, those who decide most first.
        """
        asked: Mapping[str, Any] = {
            "company_ids": [company_id for company_id, _ in targets],
            "person_ids": [person_id for _, person_id in targets],
            "most": most,
            "org_id": self.org_id,
            **asdict(STRENGTHS),
        }
        found: dict[UUID, list[Path]] = {}
        async with without_jit(self.db) as tx:
            async for row in await tx.execute(PATHS, asked):
                path = Path.of(
                    row.pop("company_id"), row.pop("contact_id"), row.pop("target"), **row
                )
                found.setdefault(path.company_id, []).append(path)
        return found

    async def groups(self, company_ids: Sequence[UUID]) -> list[Kin]:
        """Companies that belong to the groups of these."""
        return [Kin(**row) for row in await self._all(GROUPS, company_ids=list(company_ids))]

    async def ambiguous(self, company_ids: Sequence[UUID]) -> list[Ambiguity]:
        """Who in these companies may be the same as somebody else; at most 1,000."""
        rows = await self._all(AMBIGUOUS, company_ids=list(company_ids))
        return [Ambiguity(row["kind"], tuple(row["ids"])) for row in rows]

    async def names(self, ids: Collection[UUID]) -> dict[UUID, str]:
        """What people and contacts are called."""
        return {row["id"]: row["name"] for row in await self._all(NAMES, ids=list(ids))}

    async def _all(self, query: Any, **values: Any) -> list[dict[str, Any]]:
        return await self.db.fetch_all(query, {"org_id": self.org_id, **values})
