"""The register of companies: the public data interface of Companies House, below `/ch/`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from oppspot_runner.testing.world import filings, register_lists
from oppspot_runner.testing.world.content import RegisteredCompany
from oppspot_runner.testing.world.exchange import Reply, Request, json_reply, with_etag
from oppspot_runner.testing.world.register_access import KEY, refusal
from oppspot_runner.testing.world.register_profile import found_item, profile, search_item
from oppspot_runner.testing.world.register_search import matching
from oppspot_runner.testing.world.scene import Scene

MOST_FOUND = 5_000
MOST_ITEMS = 100
DEFAULT_ITEMS = 35
DEFAULT_FOUND = 20

Render = Callable[[RegisteredCompany], list[dict[str, Any]]]


class Register:
    """Answers about the companies of the content."""

    prefix = "/ch/"

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def settings(self) -> Mapping[str, str]:
        """The variables that lead to it."""
        return {
            "OPPSPOT_COMPANIES_HOUSE_URL": f"{self._scene.url}/ch",
            "OPPSPOT_COMPANIES_HOUSE_API_KEY": KEY,
        }

    def answer(self, request: Request) -> Reply:
        """The right answer. Raises ValueError for parameters that make no sense."""
        refused, headers = refusal(self._scene, request)
        reply = refused or self._answer(request)
        return Reply(reply.status, reply.body, {**reply.headers, **headers})

    def _answer(self, request: Request) -> Reply:
        match request.parts:
            case ["advanced-search", "companies"]:
                return self._advanced(request)
            case ["search", "companies"]:
                return self._search(request)
            case ["officers", person, "appointments"]:
                return self._appointments(person, request)
            case ["company", number, *rest] if number in self._scene.companies:
                return self._company(self._scene.companies[number], rest, request)
            case ["company", _]:
                return missing("company-profile-not-found")
            case _:
                return missing("resource-not-found")

    def _company(self, company: RegisteredCompany, rest: list[str], request: Request) -> Reply:
        match rest:
            case []:
                return with_etag(json_reply(profile(company, self._scene.today)), request)
            case ["officers"]:
                return self._officers(company, request)
            case ["filing-history"]:
                return self._filings(company, request)
            case ["charges"] if company.charges:
                return json_reply(register_lists.charges(company))
            case ["insolvency"] if company.insolvent_since:
                return json_reply(register_lists.insolvency(company))
            case ["persons-with-significant-control"] if company.owners or company.parents:
                return page(register_lists.owners(company), request)
            case _:
                return missing("resource-not-found")

    def _officers(self, company: RegisteredCompany, request: Request) -> Reply:
        if not company.officers:
            return missing("company-officers-not-found")
        listed = list(company.officers)
        if request.parameters.get("order_by") == "appointed_on":
            listed.sort(key=lambda one: one.appointed, reverse=True)
        resigned = sum(one.resigned is not None for one in listed)
        counts = {
            "active_count": len(listed) - resigned,
            "resigned_count": resigned,
            "inactive_count": 0,
            "kind": "officer-list",
            "links": {"self": f"/company/{company.number}/officers"},
        }
        return page([register_lists.officer(one) for one in listed], request, **counts)

    def _filings(self, company: RegisteredCompany, request: Request) -> Reply:
        wanted = set(request.listed("category"))
        found = [one for one in filings.history(company) if not wanted or one.category in wanted]
        start, size = place(request, MOST_ITEMS, 25)
        items = [filings.rendered(one, company, self._scene.url) for one in found]
        return json_reply(
            {
                "total_count": len(found),
                "filing_history_status": "filing-history-available",
                "items": items[start : start + size],
                "items_per_page": size,
                "start_index": start,
                "kind": "filing-history",
                "etag": "",
            }
        )

    def _appointments(self, person: str, request: Request) -> Reply:
        held = register_lists.appointments(self._scene.companies.values()).get(person)
        if not held:
            return missing("officer-appointments-not-found")
        return page(
            [register_lists.appointment(company, officer) for company, officer in held],
            request,
            name=register_lists.plain_name(held[0][1]),
            kind="personal-appointment",
            is_corporate_officer=False,
        )

    def _search(self, request: Request) -> Reply:
        query = request.parameters.get("q", "").strip()
        if not query:
            raise ValueError("q")
        found = [
            search_item(one, query)
            for one in self._scene.companies.values()
            if all(word in one.name.lower() for word in query.lower().split())
            and not ("active" in request.parameters.get("restrictions", "") and one.ceased)
        ]
        return page(found, request, kind="search#companies", page_number=1)

    def _advanced(self, request: Request) -> Reply:
        found = list(matching(self._scene.companies.values(), request))
        start, size = request.whole("start_index", 0, 10**9), 0
        size = request.whole("size", DEFAULT_FOUND, MOST_FOUND)
        if not size or int(request.parameters.get("size", size)) > MOST_FOUND:
            raise ValueError("size")
        if not found:
            return missing("no-results-found")
        return json_reply(
            {
                "etag": "",
                "kind": "search#advanced-search",
                "hits": str(len(found)),  # a number, says the documentation
                "top_hit": found_item(found[0]),
                "items": [found_item(one) for one in found[start : start + size]],
            }
        )


def page(items: Sequence[Mapping[str, Any]], request: Request, **more: Any) -> Reply:
    """A part of a list, as the register gives it."""
    start, size = place(request, MOST_ITEMS, DEFAULT_ITEMS)
    return json_reply(
        {
            **more,
            "total_results": len(items),
            "items": items[start : start + size],
            "items_per_page": size,
            "start_index": start,
        }
    )


def place(request: Request, most: int, default: int) -> tuple[int, int]:
    """Where the part of a list begins that is asked for, and how long it is."""
    return request.whole("start_index", 0, 10**9), request.whole("items_per_page", default, most)


def missing(what: str) -> Reply:
    """That there is no such thing."""
    return json_reply({"errors": [{"type": "ch:service", "error": what}]}, 404)
