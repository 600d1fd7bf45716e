"""Which column of a table fills which field: by the usual names of columns, or as somebody says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from oppspot_runner.base.errors import InvalidInputError
from oppspot_runner.imports.reading import Table, shown_columns

NOT_WORD = re.compile(r"[\W_]+")

# Each field and the names of columns that fill it, the best first. Of several that are there, the
# first with something in it counts in each row; lists of several are joined.
USUAL_COLUMNS = """
name: name company_name company organisation organization organisation_name organization_name
    business_name account_name legal_name registered_name security
company_number: company_number companynumber registration_number registered_number company_no
    crn company_registration_number register_number
source_id: source_id company_id id external_id record_id uuid
domain: domain company_domain domain_name
website: website url homepage home_page web_site website_url company_url company_website
status: status company_status operating_status satus
country: country country_code country_name hq_country headquarters_country
region: region state county province hq_state state_province hq_region
town: town city post_town posttown hq_city headquarters_city
location: location headquarters hq_location headquarters_location mapping_location hq
industries: industries industry tags categories category sectors sector industry_group labels
    gics_sector gics_sub_industry subindustry verticals
sic_codes: sic_codes sic_code sic siccodes siccode sic_code_1
employees: employees team_size employee_count number_of_employees num_employees headcount
    head_count employees_count company_size staff
founded_year: founded_year year_founded founded founding_year foundation_year
incorporated: incorporated incorporation_date date_of_creation incorporated_on
description: description long_description summary about overview short_description one_liner
    tagline
linkedin_url: linkedin_url linkedin linkedin_company_url company_linkedin_url
phone: phone telephone phone_number tel
email: email e_mail contact_email email_address
tech: tech technologies tech_stack technology_stack
links.crunchbase: cb_url crunchbase_url crunchbase
links.twitter: twitter twitter_url x_url
links.facebook: facebook facebook_url
links.github: github github_url
links.instagram: instagram instagram_url
links.youtube: youtube youtube_url
"""


def usual_names(text: str) -> dict[str, tuple[str, ...]]:
    """Fields and the names of their columns from lines as those of USUAL_COLUMNS."""
    entries = text.strip().replace("\n    ", " ").splitlines()
    pairs = (entry.split(": ") for entry in entries)
    return {field: tuple(names.split()) for field, names in pairs}


USUAL_NAMES: Mapping[str, tuple[str, ...]] = usual_names(USUAL_COLUMNS)


def parse_assignments(
    assignments: Sequence[str], usual: Mapping[str, tuple[str, ...]] = USUAL_NAMES
) -> dict[str, str]:
    """`["name=Firm", "town="]` as fields and columns; "" leaves a field out.

    Raises InvalidInputError for a field that does not exist.
    """
    wanted: dict[str, str] = {}
    for assignment in assignments:
        field, equals, column = assignment.partition("=")
        field = field.strip()
        if not equals or field not in usual:
            raise InvalidInputError(
                f"--map {assignment!r} is not FIELD=COLUMN with a field that exists",
                hint=f"Fields: {', '.join(usual)}.",
            )
        wanted[field] = column.strip()
    return wanted


def map_columns(table: Table, wanted: Mapping[str, str]) -> dict[str, list[int]]:
    """Positions of the columns that fill each field of a company.

    Raises InvalidInputError, which lists the columns, when one in `wanted` does not exist or
    nothing fills `name`.
    """
    found = positions_of(table, wanted, USUAL_NAMES)
    if "name" not in found:
        raise InvalidInputError(
            f"{table.name} has no column for the company name; it has: "
            f"{shown_columns(table.columns)}",
            hint="Say which column it is with --map name=COLUMN.",
        )
    return found


def positions_of(
    table: Table, wanted: Mapping[str, str], usual: Mapping[str, tuple[str, ...]]
) -> dict[str, list[int]]:
    """Positions of the columns that fill each field: those of usual names, but for `wanted`."""
    by_key: dict[str, int] = {}
    for position, column in enumerate(table.columns):
        by_key.setdefault(column_key(column), position)
    found: dict[str, list[int]] = {}
    for field, names in usual.items():
        if field in wanted:
            positions = _chosen(table, wanted[field], by_key)
        else:
            positions = [by_key[name] for name in names if name in by_key]
        if positions:
            found[field] = positions
    return found


def _chosen(table: Table, column: str, by_key: Mapping[str, int]) -> list[int]:
    if not column:
        return []
    if column in table.columns:
        return [table.columns.index(column)]
    if column_key(column) in by_key:
        return [by_key[column_key(column)]]
    raise InvalidInputError(
        f"{table.name} has no column {column!r}; it has: {shown_columns(table.columns)}"
    )


def column_key(column: str) -> str:
    """The form in which names of columns are compared: lower case, words joined by "_"."""
    return NOT_WORD.sub("_", column.casefold()).strip("_")
