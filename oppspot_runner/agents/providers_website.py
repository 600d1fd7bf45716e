"""What the web site of a company says: technologies, links, contact, careers, head count.

The home page is read once, and the careers page where it links one and shows no job board itself.
A site that is parked or leads to somebody else's says nothing but that.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from oppspot_runner.agents.context import Context
from oppspot_runner.base.errors import (
    AccessDeniedError,
    ConfigurationError,
    Fail,
    RateLimitExceededError,
    SourceError,
)
from oppspot_runner.base.settings import load_settings
from oppspot_runner.base.web import Answer
from oppspot_runner.companies.company import Company, Fact
from oppspot_runner.companies.countries import country_code
from oppspot_runner.companies.domains import host_of, platforms
from oppspot_runner.connectors.sources import SITES
from oppspot_runner.tools.threads import in_thread

if TYPE_CHECKING:  # they need the extra `http`, which not everybody has who imports agents
    from oppspot_runner.websites.page import Page
    from oppspot_runner.websites.reading import SiteReport

OF_EVIDENCE, OF_STATEMENT, OF_HEAD_COUNT = 0.9, 0.8, 0.7
STATE = "website_state"
BLOCKED_FOR = timedelta(days=30)
REUSED_FOR = timedelta(days=1)  # an attempt that is made again need not ask again
MOST_TECHNOLOGIES = 100
MARKUP = ("text/html", "application/xhtml+xml", "")


class Website:
    """Everything that is read from a company's own web site."""

    name: ClassVar[str] = "website"
    fields: ClassVar[tuple[str, ...]] = (
        "tech",
        "technologies",
        "links",
        "linkedin_url",
        "social_presence",
        "job_board",
        "description",
        "phone",
        "email",
        "employees",
        "employees_band",
        "town",
        "region",
        "country",
        STATE,
    )
    ttl: ClassVar[timedelta] = timedelta(days=14)
    revises: ClassVar[bool] = False
    web_source: ClassVar[str] = SITES

    async def provide(self, company: Company, ctx: Context) -> list[Fact]:
        """What the site says; nothing where there is none, or it kept us out a while ago."""
        address = address_of(company)
        if address is None or (_is_blocked(company, ctx) and not ctx.force_execute):
            return []
        try:
            answer = await _page(address, ctx)
        except AccessDeniedError as error:
            state = {"state": "blocked", "reason": str(error)}
            return [_Stated(address, ctx.task.started_at)(STATE, state)]
        if not answer.found or not _is_markup(answer):
            return []
        report = await in_thread(lambda: _read(answer, address))
        if report.careers and report.board is None:
            report = await _with_careers(report, report.careers, ctx)
        return list(_facts(report, _Stated(report.url, answer.fetched_at)))


def address_of(company: Company) -> str | None:
    """Where the company's own site is; None for a page on a host that all companies share."""
    text = company.website or company.domain or ""
    host = host_of(text)
    if host is None or host.removeprefix("www.") in platforms():
        return None
    address = text.split()[0].strip("<>\"'()[],;")
    return address if "://" in address else f"https://{address.lstrip('/')}"


def _is_blocked(company: Company, ctx: Context) -> bool:
    """Whether the site kept us out, and it is too early to try again."""
    states = [one for one in company.recorded if (one.field, one.source) == (STATE, Website.name)]
    last = max(states, key=lambda one: one.observed_at, default=None)
    if last is None or last.value.get("state") != "blocked":
        return False
    return ctx.task.started_at - last.observed_at < BLOCKED_FOR


async def _page(address: str, ctx: Context) -> Answer:
    return await ctx.http.page(address, fresh_for=timedelta(0) if ctx.force_execute else REUSED_FOR)


def _is_markup(answer: Answer) -> bool:
    return answer.headers.get("content-type", "").split(";", 1)[0].strip().lower() in MARKUP


def _read(answer: Answer, asked: str) -> SiteReport:
    from oppspot_runner.websites.fingerprint_files import load_fingerprints
    from oppspot_runner.websites.reading import read_site

    try:
        fingerprints = load_fingerprints(load_settings().fingerprints)
    except ConfigurationError as error:
        raise Fail(error.one_line()) from None
    return read_site(_page_of(answer), asked, fingerprints)


def _page_of(answer: Answer) -> Page:
    from oppspot_runner.websites.page import read_page

    return read_page(answer.url, answer.headers, answer.content)


async def _with_careers(report: SiteReport, address: str, ctx: Context) -> SiteReport:
    """The report with what the careers page adds to it: the board and the services for it."""
    try:
        answer = await _page(address, ctx)
    except (SourceError, RateLimitExceededError) as error:
        ctx.log.info("careers page not read", code=error.code)  # the home page was all the same
        return report
    if not answer.found or not _is_markup(answer):
        return report
    careers = await in_thread(lambda: _read(answer, address))
    known = {one.name for one in report.detection.technologies}
    more = [one for one in careers.detection.technologies if one.name not in known]
    detection = replace(report.detection, technologies=(*report.detection.technologies, *more))
    names = frozenset(one.name for one in more)
    return replace(report, detection=detection, board=careers.board, only_on_careers=names)


@dataclass(frozen=True)
class _Stated:
    """Makes facts of one page."""

    url: str
    seen_at: datetime

    def __call__(self, field: str, value: Any, confidence: float = OF_STATEMENT) -> Fact:
        return Fact(field, value, Website.name, confidence, self.seen_at, self.url)


def _facts(report: SiteReport, fact: _Stated) -> Iterable[Fact]:
    state, reason = report.standing
    # Of a page that took too long, what was not found may be there all the same.
    stated = {"state": state, "reason": reason, "incomplete": not report.detection.complete}
    yield fact(STATE, {name: value for name, value in stated.items() if value})
    if state != "ok":
        return
    yield from _technologies(report, fact)
    yield from _head_count(report, fact)
    organisation, links = report.organisation, report.links
    said = {
        "description": report.description,
        "phone": report.telephone,
        "email": report.email,
        "town": organisation.town,
        "region": organisation.region,
        "country": country_code(organisation.country),
        "links": dict(links),
        "linkedin_url": links.get("linkedin"),
    }
    yield from (fact(field, value) for field, value in said.items() if value)
    yield fact("social_presence", report.social.presence)
    if board := report.board:
        yield fact("job_board", {"service": board.service, "token": board.token, "url": board.url})


def _technologies(report: SiteReport, fact: _Stated) -> Iterable[Fact]:
    """The names for `companies.tech`, and with them what they are and how we know."""
    sure = [one for one in report.detection.technologies if one.is_sure][:MOST_TECHNOLOGIES]
    if not sure:
        return
    yield fact("tech", tuple(one.name for one in sure), OF_EVIDENCE)
    known = [
        {
            "name": one.name,
            "categories": one.categories,
            "version": one.version,
            "confidence": one.confidence,
            "evidence": one.evidence,
            "implied_by": one.implied_by,
            "page": "careers" if one.name in report.only_on_careers else None,
        }
        for one in sure
    ]
    noted = [{key: value for key, value in one.items() if value} for one in known]
    yield fact("technologies", noted, OF_EVIDENCE)


def _head_count(report: SiteReport, fact: _Stated) -> Iterable[Fact]:
    employees = report.organisation.employees
    if employees is None:
        return
    value = employees.count or employees.band
    stated = fact("employees" if employees.count else "employees_band", value, OF_HEAD_COUNT)
    yield replace(stated, valid_from=employees.as_of)
