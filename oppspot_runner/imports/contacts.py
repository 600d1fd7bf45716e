"""Own contacts from a CSV file, as address books and customer systems export them.

A contact is known by the address, without one by name and company: importing again brings what is
there up to date. Whoever was forgotten is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from psycopg import errors

from oppspot_runner.base.errors import InvalidInputError, NotFoundError
from oppspot_runner.base.jsonsafe import clean, dumps
from oppspot_runner.companies.domains import registered_domain
from oppspot_runner.companies.names import normalise_name
from oppspot_runner.companies.packaged import read_lines
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.imports.cells import british_date, email, iso_date, line
from oppspot_runner.imports.mapping import positions_of, usual_names
from oppspot_runner.imports.opening import open_text
from oppspot_runner.imports.reading import Table, open_table, records, shown_columns
from oppspot_runner.imports.tally import Tally
from oppspot_runner.people.names import MOST_NAME, name_key, person_name

LINK = statement("people/link_contacts")
LOCK = statement("people/lock")
SAVE = statement("imports/contacts")

BATCH_ROWS = 1_000
FORGOTTEN = "the person was forgotten"
CONTACT_FIELDS: Mapping[str, tuple[str, ...]] = usual_names("""
name: name full_name contact_name contact person display_name
first_name: first_name firstname given_name forename
last_name: last_name lastname surname family_name
email: email e_mail email_address e_mail_address work_email email_1
company: company company_name account_name account organisation organization employer
title: title job_title position role
last_contact_at: last_contact_at last_contact last_contacted last_activity last_activity_date
    last_contacted_at
""")


@dataclass(frozen=True)
class Contact:
    """A contact as a row holds it."""

    name: str
    name_norm: str
    email: str | None = None
    domain: str | None = None
    company: str | None = None
    company_norm: str | None = None
    title: str | None = None
    last_contact_at: datetime | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """What is the same contact."""
        return (self.email,) if self.email else (self.name_norm, self.company_norm or "")


@dataclass
class ContactReport:
    """The end of an import; `read` = inserted + updated + the sum of what `tally` skipped."""

    tally: Tally = field(default_factory=Tally)
    counts: Counter[str] = field(default_factory=Counter)

    def to_json(self) -> dict[str, Any]:
        """The report as JSON would have it."""
        return {
            "read": self.tally.read,
            "inserted": self.counts["inserted"],
            "updated": self.counts["updated"],
            "linked": self.counts["linked"],
            "skipped": dict(self.tally.skipped),
            "repaired": dict(self.tally.repaired),
            "examples": [vars(one) for one in self.tally.examples],
        }


async def import_contacts(
    database: Database,
    path: str,
    columns: Mapping[str, str],
    *,
    org_id: UUID | None = None,
    label: str = "contacts",
    encoding: str | None = None,
    dry_run: bool = False,
) -> ContactReport:
    """Brings the contacts of a CSV file, "-" for standard input, to an organisation.

    Raises InvalidInputError when the file cannot be used, NotFoundError when there is no such
    organisation.
    """
    report = ContactReport()
    fixed = {"org_id": org_id, "source": f"import:{label}", "company_id": None}
    with open_text(path, encoding=encoding) as opened:
        contacts = _contacts(open_table(opened, report.tally), columns, report.tally)
        try:
            async with (
                database.connection() as connection,
                connection.transaction(force_rollback=dry_run),
            ):
                await connection.execute(LOCK, fixed)
                for batch in _batches(contacts):
                    given = {**fixed, "contacts": dumps(clean([vars(one) for _, one in batch]))}
                    rows = await (await connection.execute(SAVE, given)).fetchall()
                    _count(rows, batch, report)
                linked = await connection.execute(LINK, fixed)
                report.counts["linked"] = linked.rowcount
        except errors.ForeignKeyViolation as error:
            raise NotFoundError(f"there is no organisation {org_id}") from error
    return report


def _contacts(
    table: Table, columns: Mapping[str, str], tally: Tally
) -> Iterator[tuple[int, Contact]]:
    positions = positions_of(table, columns, CONTACT_FIELDS)
    if positions.keys().isdisjoint(("name", "last_name", "email")):
        raise InvalidInputError(
            f"{table.name} has no column for names or addresses; it has: "
            f"{shown_columns(table.columns)}",
            hint="Say which column it is with --map name=COLUMN.",
        )
    seen: set[tuple[str, ...]] = set()
    for number, cells in records(table, tally):
        raw = {
            name: next((cells[place] for place in places if cells[place].strip()), "")
            for name, places in positions.items()
        }
        contact = _contact(raw, tally, number)
        if contact is None:
            continue
        if contact.key in seen:
            tally.skip("the same contact again", number, contact.email or contact.name)
            continue
        seen.add(contact.key)
        yield number, contact


def _contact(raw: Mapping[str, str], tally: Tally, number: int) -> Contact | None:
    address = email(raw.get("email", ""))
    if raw.get("email", "").strip() and address is None:
        tally.repair("e-mail address not understood")
    parts = " ".join(filter(None, (raw.get("first_name", ""), raw.get("last_name", ""))))
    name = person_name(line(raw.get("name", "") or parts, MOST_NAME)) or (address or "")
    key = name_key(name)
    if not key:
        tally.skip("neither name nor address", number, " ".join(raw.values()))
        return None
    company = line(raw.get("company", "")) or None
    last, text = None, raw.get("last_contact_at", "").strip()
    if text and (last := _moment(text)) is None:
        tally.repair("last contact not understood")
    return Contact(
        name,
        key,
        address,
        _company_domain(address),
        company,
        normalise_name(company) if company else None,
        line(raw.get("title", "")) or None,
        last,
    )


def _company_domain(address: str | None) -> str | None:
    """The domain of an address where not everybody may have one."""
    host = address.rpartition("@")[2] if address else ""
    return registered_domain(host) if host and host not in mail_hosts() else None


@cache
def mail_hosts() -> frozenset[str]:
    """The domains of the data file."""
    return frozenset(read_lines("mail_hosts.txt"))


def _moment(text: str) -> datetime | None:
    """A day or a time; without a zone it is that of UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        day = iso_date(text) or british_date(text)
        return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _batches(contacts: Iterator[tuple[int, Contact]]) -> Iterator[list[tuple[int, Contact]]]:
    batch: list[tuple[int, Contact]] = []
    for one in contacts:
        batch.append(one)
        if len(batch) >= BATCH_ROWS:
            yield batch
            batch = []
    if batch:
        yield batch


def _count(
    rows: list[dict[str, Any]], batch: list[tuple[int, Contact]], report: ContactReport
) -> None:
    done = {row["place"]: "inserted" if row["is_new"] else "updated" for row in rows}
    report.counts.update(done.values())
    for place, (number, _) in enumerate(batch, start=1):
        if place not in done:
            report.tally.skip(FORGOTTEN, number)
