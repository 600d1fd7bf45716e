"""What the register of UK companies answers, as far as it is used here.

An item without what is required is left out and counted, because the shape of answers changes over
the years; what is not required and cannot be read is not known; what is not named is ignored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AliasChoices, Field, ValidationError, WrapValidator

from oppspot_runner.base.errors import MalformedAnswerError
from oppspot_runner.base.web import Answer
from oppspot_runner.connectors.answered import Answered, Day, Flag, Required, Text, Texts, or_none
from oppspot_runner.connectors.drift import read_object

M = TypeVar("M", bound=Answered)
T = TypeVar("T")
OFFICER = re.compile(r"/officers/([A-Za-z0-9_-]{1,100})/appointments$")
DOCUMENT = re.compile(r"/document/([A-Za-z0-9_-]{1,100})$")


class Address(Answered):
    """A registered office."""

    locality: Text = None
    region: Text = None
    postal_code: Text = None
    country: Text = None


MaybeAddress = Annotated[Address | None, WrapValidator(or_none)]


class LastAccounts(Answered):
    """The accounts that were filed last."""

    type: Text = None
    made_up_to: Day = None


class NextAccounts(Answered):
    """The accounts, or the confirmation statement, that come next."""

    due_on: Day = Field(None, validation_alias=AliasChoices("due_on", "next_due"))
    overdue: Flag = None


class Accounts(Answered):
    """When a company files its accounts."""

    last_accounts: Annotated[LastAccounts | None, WrapValidator(or_none)] = None
    next_accounts: Annotated[NextAccounts | None, WrapValidator(or_none)] = None


class PreviousName(Answered):
    """A name that the company had until `ceased_on`."""

    name: Required
    ceased_on: Day = None


class Profile(Answered):
    """A company as the register knows it; `seen_at` is when the register said so."""

    company_name: Required
    company_number: Required
    seen_at: datetime
    company_status: Text = None
    company_status_detail: Text = None
    type: Text = None
    jurisdiction: Text = None
    date_of_creation: Day = None
    date_of_cessation: Day = None
    sic_codes: Texts = None
    registered_office_address: MaybeAddress = None
    accounts: Annotated[Accounts | None, WrapValidator(or_none)] = None
    confirmation_statement: Annotated[NextAccounts | None, WrapValidator(or_none)] = None
    previous_company_names: Annotated[tuple[PreviousName, ...] | None, WrapValidator(or_none)] = (
        None
    )
    has_charges: Flag = None
    has_insolvency_history: Flag = None


class FoundCompany(Answered):
    """A company that a search found; the two searches name some things differently."""

    company_name: Required = Field(validation_alias=AliasChoices("company_name", "title"))
    company_number: Required
    company_status: Text = None
    company_type: Text = None
    date_of_creation: Day = None
    sic_codes: Texts = None
    address: MaybeAddress = Field(
        None, validation_alias=AliasChoices("registered_office_address", "address")
    )


class BirthMonth(Answered):
    """When a person was born, as far as the register says it. To tell people apart, never shown."""

    year: Annotated[int, Field(ge=1800, le=2200)]
    month: Annotated[int, Field(ge=1, le=12)]


MaybeBorn = Annotated[BirthMonth | None, WrapValidator(or_none)]


class OfficerLinks(Answered):
    """Where all offices of a person are."""

    appointments: Text = None


class OfficerPlace(Answered):
    """Where more about an officer is."""

    officer: Annotated[OfficerLinks | None, WrapValidator(or_none)] = None


class Identification(Answered):
    """In which register an officer or owner is that is a company itself."""

    registration_number: Text = None
    country_registered: Text = None
    place_registered: Text = None


MaybeIdentification = Annotated[Identification | None, WrapValidator(or_none)]


class Officer(Answered):
    """A director, secretary or member. Living where is left in the register."""

    name: Required
    officer_role: Required
    appointed_on: Day = None
    resigned_on: Day = None
    occupation: Text = None
    date_of_birth: MaybeBorn = None
    identification: MaybeIdentification = None
    links: Annotated[OfficerPlace | None, WrapValidator(or_none)] = None

    @property
    def officer_id(self) -> str | None:
        """The id by which the register knows the person; a person may have several."""
        place = self.links and self.links.officer
        found = OFFICER.search((place and place.appointments) or "")
        return found[1] if found else None


class AppointedTo(Answered):
    """The company of an appointment."""

    company_name: Required
    company_number: Required
    company_status: Text = None


class Appointment(Answered):
    """An office of a person whose offices were asked for."""

    appointed_to: AppointedTo
    officer_role: Required
    appointed_on: Day = None
    resigned_on: Day = None
    occupation: Text = None


class Owner(Answered):
    """A person or company with significant control; `kind` says which."""

    name: Required
    kind: Required
    notified_on: Day = None
    ceased_on: Day = None
    date_of_birth: MaybeBorn = None
    identification: MaybeIdentification = None


class FilingLinks(Answered):
    """Where more about a filing is."""

    document_metadata: Text = None


class Filing(Answered):
    """An entry of the filing history."""

    transaction_id: Required
    category: Required
    date: date
    type: Text = None
    description: Text = None
    description_values: Annotated[Mapping[str, Any] | None, WrapValidator(or_none)] = None
    links: Annotated[FilingLinks | None, WrapValidator(or_none)] = None

    @property
    def document_id(self) -> str | None:
        """The id of the document that was filed; None for one on paper only."""
        found = DOCUMENT.search((self.links and self.links.document_metadata) or "")
        return found[1] if found else None


class DocumentMetadata(Answered):
    """In which forms there is a document, by media type."""

    resources: Mapping[str, Any]


@dataclass(frozen=True)
class Listing(Generic[T]):
    """Items of a list of `total`; `drifted` had not what is required and were left out."""

    seen_at: datetime
    items: tuple[T, ...] = ()
    total: int = 0
    drifted: int = 0

    @property
    def given(self) -> int:
        """How many items there were in the answer, with those that were left out."""
        return len(self.items) + self.drifted


def read_one(answer: Answer, model: type[M]) -> M:
    """The answer as `model`. Raises MalformedAnswerError when it lacks what is required."""
    try:
        return model.model_validate({**read_object(answer), "seen_at": answer.fetched_at})
    except ValidationError as error:
        places = sorted({".".join(map(str, one["loc"])) for one in error.errors()})
        raise MalformedAnswerError(
            f"{answer.source} answered without a usable {', '.join(places)}",
            source=answer.source,
            status=answer.status,
        ) from None


def read_listing(answer: Answer, model: type[M], total: str) -> Listing[M]:
    """The `items` of an answer; `total` is the key of how many there are in all."""
    data = read_object(answer)
    given = data.get("items") or []
    if not isinstance(given, list):
        raise MalformedAnswerError(
            f"{answer.source} answered with items that are no list",
            source=answer.source,
            status=answer.status,
        )
    items = [item for one in given if (item := _read_item(model, one)) is not None]
    whole = max(_whole(data.get(total)), len(given))
    return Listing(answer.fetched_at, tuple(items), whole, len(given) - len(items))


def _read_item(model: type[M], item: Any) -> M | None:
    try:
        return model.model_validate(item)
    except ValidationError:
        return None


def _whole(value: Any) -> int:
    """A count; some come as text."""
    text = str(value)
    return int(text) if text.isdecimal() and len(text) < 12 else 0
