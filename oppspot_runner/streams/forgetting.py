"""Forgets a person: every row about them, in all organisations, and every text that says the name.

What is left is a salted digest, by which neither a register nor an import brings them back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from oppspot_runner.base import payload as checks
from oppspot_runner.companies.names import normalise_name
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Connection, Database
from oppspot_runner.people.mentions import ends_of, mention_pattern, trace_at, whole_words
from oppspot_runner.people.names import name_key, person_name
from oppspot_runner.people.person import contact_trace, traces

BLANK = statement("people/blank")
COMPANIES = statement("people/companies_of")
FIND = statement("people/find")
FIND_IN_SIGNALS = statement("people/find_in_signals")
FORGET_ANSWERS = statement("people/forget_answers")
FORGET_CONTACTS = statement("people/forget_contacts")
FORGET_DRAFTS = statement("people/forget_drafts")
FORGET_FACTS = statement("people/forget_facts")
FORGET_OFFICES = statement("people/forget_offices")
FORGET_PEOPLE = statement("people/forget_people")
FORGET_SIGHTINGS = statement("people/forget_sightings")
FORGET_WISHES = statement("people/forget_wishes")
HOLD = statement("people/hold")
PATIENCE = statement("people/patience")
PRUNE = statement("people/prune")
REMEMBER = statement("people/remember_forgotten")

# Tables in whose texts agents and people may have written a name. Of `facts` only the officers are
# told: the other words are those of the companies about themselves.
WITH_TEXTS = (
    "agent_breakers",
    "agent_executions",
    "agent_steps",
    "agent_tasks",
    "audit_log",
    "buying_signals",
    "idempotency_keys",
    "job_postings",
    "model_calls",
    "notification_events",
    "notifications",
    "run_events",
    "run_signals",
    "signal_sightings",
    "signal_watches",
    "source_items",
    "stream_insights",
    "stream_items",
    "stream_run_nodes",
    "stream_runs",
    "streams",
    "suppressions",
    "task_handoffs",
    "tool_calls",
    "tool_results",
)


@dataclass
class Somebody:
    """All rows that are about one person, as far as anybody can tell; or, of whom there are none,
    the companies whose headlines say the name (`told_of`).
    """

    names: set[str] = field(default_factory=set)
    people: set[UUID] = field(default_factory=set)
    contacts: set[UUID] = field(default_factory=set)
    emails: set[str] = field(default_factory=set)
    traces: set[str] = field(default_factory=set)
    companies: set[str] = field(default_factory=set)
    told_of: set[UUID] = field(default_factory=set)

    def joins(self, other: Somebody) -> bool:
        """Whether something other than the name says that both are one."""
        return not (
            self.traces.isdisjoint(other.traces)
            and self.emails.isdisjoint(other.emails)
            and self.people.isdisjoint(other.people)
        )

    def take_in(self, other: Somebody) -> None:
        """Adds the rows of another one who turned out to be the same."""
        for name in ("names", "people", "contacts", "emails", "traces", "companies", "told_of"):
            getattr(self, name).update(getattr(other, name))


async def find_somebody(db: Database, asked: str) -> list[Somebody]:
    """Who is meant by an id (or the begin of it), an e-mail address or a whole name."""
    low, high = checks.uuid_range(asked) or (None, None)
    email = asked.strip().lower() if "@" in asked else None
    key = None if email else name_key(asked) or None
    values = {"low": low, "high": high, "email": email, "key": key}
    found: list[Somebody] = []
    for row in await db.fetch_all(FIND, values):
        one = _somebody(row)
        for other in [other for other in found if other.joins(one)]:
            one.take_in(other)
            found.remove(other)
        found.append(one)
    pattern = None if email or low else mention_pattern(asked)
    if not found and pattern:
        rows = await db.fetch_all(FIND_IN_SIGNALS, {"pattern": pattern})
        where, ids = {row["name"] for row in rows}, {row["id"] for row in rows}
        found = [Somebody({person_name(asked)}, companies=where, told_of=ids)] if rows else []
    return found


async def forget(db: Database, somebody: Somebody, *, by: str | None = None) -> dict[str, int]:
    """Removes all of it; how many rows went or changed, by what they are.

    First it is noted who is forgotten, so that nobody brings them back meanwhile; all else is one
    transaction, after which a second try finds what a failed one has left.
    """
    people = {"people": list(somebody.people), "contacts": list(somebody.contacts)}
    async with db.transaction() as tx:
        await tx.execute(HOLD)
        companies = await (await tx.execute(COMPANIES, people)).fetchall()
        kept = [*(f"email {one}" for one in somebody.emails), *somebody.traces]
        kept += [*_places(somebody, companies)]
        await tx.execute(REMEMBER, {"whats": kept, "by": by})
    removed: dict[str, int] = {}
    async with db.transaction() as tx:
        await tx.execute(PATIENCE)
        values = {**people, **_needles(somebody, companies)}
        for name, query in (
            ("drafts", FORGET_DRAFTS),
            ("facts", FORGET_FACTS),
            ("cached answers", FORGET_ANSWERS),
            ("sightings", FORGET_SIGHTINGS),
            ("appointments", FORGET_OFFICES),
            ("contacts", FORGET_CONTACTS),
            ("wishes", FORGET_WISHES),
            ("people", FORGET_PEOPLE),
        ):
            removed[name] = (await tx.execute(query, values)).rowcount
        removed |= await _blank(tx, values["pattern"])
    return {name: count for name, count in removed.items() if count}


async def prune_people(connection: Connection, *, keep_s: float) -> int:
    """Deletes at most 1,000 people, and as many contacts, whom nobody has named for so long."""
    row = await (await connection.execute(PRUNE, {"keep_s": keep_s})).fetchone()
    return int(row["n"]) if row else 0


async def _blank(tx: Connection, pattern: str) -> dict[str, int]:
    changed: dict[str, int] = {}
    values = {"pattern": pattern, "tables": list(WITH_TEXTS)}
    async for row in await tx.execute(BLANK, values):
        place = f"texts in {row['place']}"
        changed[place] = changed.get(place, 0) + row["changed"]
    return changed


def _somebody(row: Mapping[str, Any]) -> Somebody:
    born = (row["birth_year"], row["birth_month"]) if row["birth_year"] else None
    is_contact = row["kind"] == "contact"
    found = Somebody(
        {row["name"]},
        {row["person_id"]} if row["person_id"] else set(),
        {row["id"]} if is_contact else set(),
        {row["email"]} if row["email"] else set(),
        set(traces(row["name_norm"], born, row["register_ids"])),
        set(filter(None, row["companies"])),
    )
    if is_contact and not row["email"]:
        found.traces.update(_of_contacts(found))
    return found


def _of_contacts(somebody: Somebody) -> Iterable[str]:
    """By what an import knows them again that gives no address."""
    for company in somebody.companies or {""}:
        yield from (contact_trace(name_key(one), normalise_name(company)) for one in somebody.names)


def _places(somebody: Somebody, companies: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    """By what they are known again in texts about these companies, and in lists of names."""
    every_end = filter(None, map(ends_of, somebody.names))
    places = {row["company_id"] for row in companies if row["company_id"]} | somebody.told_of
    yield from (trace_at(place, ends) for ends in every_end for place in places)
    if somebody.contacts and somebody.companies:
        yield from _of_contacts(somebody)


def _needles(somebody: Somebody, companies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """By what rows and texts are found: the name, ids, and addresses at the register."""
    patterns = filter(None, map(mention_pattern, sorted(somebody.names)))
    ids = {str(one) for one in (*somebody.people, *somebody.contacts)}
    register_ids = {one.removeprefix("id ") for one in somebody.traces if one.startswith("id ")}
    numbers = {row["company_number"] for row in companies if row["company_number"]}
    return {
        "pattern": "|".join([*patterns, *whole_words({*somebody.emails, *ids, *register_ids})]),
        "emails": list(somebody.emails),
        "urls": urls_of(numbers, register_ids),
        "company_ids": [row["company_id"] for row in companies if row["company_id"]],
    }


def urls_of(numbers: Iterable[str], register_ids: Iterable[str] = ()) -> list[str]:
    """Where the register answers about companies and officers, as patterns of LIKE."""
    return [
        *(f"%/company/{one}{rest}" for one in numbers for rest in ("", "/%", "?%")),
        *(f"%/officers/{one}/%" for one in register_ids),
    ]
