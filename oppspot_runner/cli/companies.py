"""`companies tech`: what a web page says of the company behind it, and the group of its sisters."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from oppspot_runner.base.errors import ConfigurationError, InvalidInputError, NotFoundError
from oppspot_runner.base.web import Asked
from oppspot_runner.cli import company_industries, company_merges, output
from oppspot_runner.cli.session import json_option, load_with, open_database, runs

if TYPE_CHECKING:
    from rich.console import RenderableType

    from oppspot_runner.base.settings import Settings
    from oppspot_runner.websites.fingerprints import Fingerprints
    from oppspot_runner.websites.page import Page
    from oppspot_runner.websites.reading import SiteReport

MOST_FAULTS = 10  # lines about them


@click.group(epilog="Example: oppspot-runner companies tech https://www.example.com")
def companies() -> None:
    """Show, merge, unmerge, merge-same companies; duplicates, distinct; industries, tech."""


for command in (*company_merges.COMMANDS, company_industries.industries):
    companies.add_command(command)


@companies.command(
    epilog="Example: oppspot-runner companies tech page.html --fingerprints own.toml"
)
@click.argument("page")
@click.option(
    "--fingerprints",
    type=click.Path(path_type=Path),
    help="File or folder of fingerprints over those of the package. Its faults are shown.",
)
@click.option(
    "--url",
    default="https://page.invalid/",
    metavar="URL",
    help="Where the PAGE of a file is from.",
)
@json_option
@runs
async def tech(page: str, fingerprints: Path | None, url: str, as_json: bool) -> None:
    """Show the technologies and links of a PAGE, with evidence: a URL, or a file with HTML.

    The file may begin with the head of the answer, as `curl -si` saves it. A URL is read as agents
    read it: within its limits and its robots.txt, from the cache where that is fresh.
    """
    from oppspot_runner.websites.fingerprint_files import load_fingerprints
    from oppspot_runner.websites.reading import read_site

    settings = load_with(fingerprints=fingerprints)
    known = load_fingerprints(settings.fingerprints)
    if settings.fingerprints:
        _warn_of_faults(known)
    address = page if "://" in page else None
    read = await _fetched(address, settings) if address else _saved(Path(page), url)
    report = read_site(read, address or url, known)
    if as_json:
        output.print_json({**asdict(report), "links": report.links})
    else:
        output.show(*_parts(report))


def _warn_of_faults(known: Fingerprints) -> None:
    faults = [*known.faults, *known.not_compiled()]
    for fault in faults[:MOST_FAULTS]:
        output.warn(f"warning: {fault}")
    if len(faults) > MOST_FAULTS:
        output.warn(f"warning: {len(faults) - MOST_FAULTS} more faults")


async def _fetched(address: str, settings: Settings) -> Page:
    from oppspot_runner.app.web import RunnerWeb
    from oppspot_runner.db.through import at_once
    from oppspot_runner.websites.page import read_page

    async with open_database(settings) as database:
        web = RunnerWeb(database, at_once, settings)
        try:
            fetched = await (await web.client()).fetch(Asked(None, address))
        finally:
            await web.stop()
    if fetched.error is not None:
        raise fetched.error
    answer = fetched.answer
    assert answer is not None
    if not answer.found:
        raise NotFoundError(f"there is no page at {answer.url}", hint="Try the home page.")
    return read_page(answer.url, answer.headers, answer.content)


def _saved(file: Path, url: str) -> Page:
    from oppspot_runner.websites.page import read_saved, site_of

    if site_of(url) is None:
        raise InvalidInputError(f"--url {url!r} is no web address")
    try:
        return read_saved(file.read_text(encoding="utf-8", errors="replace"), url)
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be read: {error.strerror}",
            hint="PAGE is a file, or an address that begins with https:// or http://.",
        ) from None


def _parts(report: SiteReport) -> list[RenderableType]:
    standing, detection = report.standing, report.detection
    about: list[tuple[str, Any]] = [
        ("page", report.url),
        ("title", report.title),
        ("state", " ".join(filter(None, (standing.state, standing.reason)))),
        ("description", report.description),
        ("telephone", report.telephone),
        ("e-mail", report.email),
        *report.links.items(),
        ("presence", f"{report.social.presence} of 100" if standing.state == "ok" else None),
    ]
    found = [
        (
            one.name,
            one.version,
            one.confidence,
            ", ".join(one.categories),
            f"implied by {one.implied_by}" if one.implied_by else "; ".join(one.evidence),
        )
        for one in detection.technologies
    ]
    parts: list[RenderableType] = [output.fields(about)]
    if found:
        columns = ["technology", "version", "sure>", "category", "evidence..."]
        parts.append(output.table(columns, found))
    if detection.gave_up or not detection.complete:
        parts.append(output.styled("Not all was searched: it took too long.", "yellow"))
    return parts
