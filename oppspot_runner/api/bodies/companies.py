"""Companies, people, and where what is known of them comes from."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel

from oppspot_runner.api.values import Shown


class CompanySummary(BaseModel):
    """A company in a list. Without an organisation every one sees it."""

    id: UUID
    name: str
    org_id: UUID | None
    company_number: str | None
    domain: str | None
    status: str | None
    country: str | None
    region: str | None
    town: str | None
    industries: list[str]
    employees: int | None
    employees_band: str | None
    founded_year: int | None
    updated_at: datetime


class StatedFact(BaseModel):
    """Who said which value, where and when, and how far that source is trusted, from 0 to 1."""

    field: str
    value: Shown
    source: str
    source_url: str | None
    observed_at: datetime
    confidence: float


class OfStream(BaseModel):
    """A stream that has the company."""

    stream_id: UUID
    stream: str | None
    score: float | None
    priority: str | None


class OtherCompany(BaseModel):
    """A company that turned out to be this one, or that this one turned out to be."""

    id: UUID
    name: str
    reason: str | None = None
    merged_at: datetime | None = None


class CompanyBody(CompanySummary):
    """A company with all facts on record, the most trusted of each field first."""

    sic_codes: list[str]
    incorporated: date | None
    website: str | None
    linkedin_url: str | None
    phone: str | None
    email: str | None
    tech: list[str]
    source: str | None
    source_id: str | None
    merged_into: OtherCompany | None
    merged: list[OtherCompany]
    streams: list[OfStream]
    facts: list[StatedFact]


class Office(BaseModel):
    """Who holds or held which office in which company; owners as well."""

    person_id: UUID
    name: str
    nominee: bool | None
    role: str
    role_in_words: str
    occupation: str | None
    company_name: str
    company_number: str
    appointed_on: date | None
    resigned_on: date | None


class HeldOffice(BaseModel):
    """An office of a person, or the company that a contact works for."""

    company_name: str | None
    company_number: str | None = None
    role: str | None = None
    appointed_on: date | None = None
    resigned_on: date | None = None


class PersonRow(BaseModel):
    """What is on record of a person: one row of a register, or a contact."""

    id: UUID
    kind: str
    org_id: UUID | None
    name: str
    birth_year: int | None
    birth_month: int | None
    nominee: bool | None
    appointment_count: int | None
    email: str | None
    title: str | None
    last_contact_at: datetime | None
    source: str | None
    source_url: str | None
    last_seen_at: datetime | None
    offices: list[HeldOffice]


class PersonBody(BaseModel):
    """All rows that are about one person, as far as anybody can tell."""

    items: list[PersonRow]
