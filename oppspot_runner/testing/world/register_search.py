"""The criteria of the advanced search of the register."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date

from oppspot_runner.testing.world.content import RegisteredCompany
from oppspot_runner.testing.world.exchange import Request
from oppspot_runner.testing.world.register_profile import address

STATUSES = frozenset(
    {
        "active",
        "administration",
        "closed",
        "converted-closed",
        "dissolved",
        "insolvency-proceedings",
        "liquidation",
        "open",
        "receivership",
        "registered",
        "removed",
        "voluntary-arrangement",
    }
)
Criterion = Callable[[RegisteredCompany], bool]


def matching(
    companies: Iterable[RegisteredCompany], request: Request
) -> Iterator[RegisteredCompany]:
    """The companies that meet all criteria. Raises ValueError for one that makes no sense.

    Names of parameters that the register does not know are passed over, as it does.
    """
    criteria = list(_criteria(request))
    return (one for one in companies if all(meets(one) for meets in criteria))


def _criteria(request: Request) -> Iterator[Criterion]:
    given = request.parameters
    if codes := set(request.listed("sic_codes")):
        yield lambda one: not codes.isdisjoint(one.sic_codes)
    if place := given.get("location", "").lower():
        yield lambda one: place in ", ".join(address(one.address).values()).lower()
    if statuses := set(request.listed("company_status")):
        if not statuses <= STATUSES:
            raise ValueError("company_status")
        yield lambda one: one.status in statuses
    if kinds := set(request.listed("company_type")):
        yield lambda one: one.kind in kinds
    if words := given.get("company_name_includes", "").lower():
        yield lambda one: words in one.name.lower()
    if barred := given.get("company_name_excludes", "").lower():
        yield lambda one: barred not in one.name.lower()
    yield from _dates(request)


def _dates(request: Request) -> Iterator[Criterion]:
    since, until = (_day(request, f"incorporated_{end}") for end in ("from", "to"))
    if since or until:
        yield lambda one: (since or date.min) <= one.incorporated <= (until or date.max)
    gone_since, gone_until = (_day(request, f"dissolved_{end}") for end in ("from", "to"))
    if gone_since or gone_until:
        yield (
            lambda one: (
                one.ceased is not None
                and (gone_since or date.min) <= one.ceased <= (gone_until or date.max)
            )
        )


def _day(request: Request, name: str) -> date | None:
    given = request.parameters.get(name)
    return date.fromisoformat(given) if given else None
