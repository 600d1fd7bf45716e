"""Puts together all that the pages of one site say of the company behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from oppspot_runner.websites.careers import JobBoard, careers_page_of, feed_of, job_board_of
from oppspot_runner.websites.contact import email_of, telephone_of
from oppspot_runner.websites.detections import Detection
from oppspot_runner.websites.fingerprints import Fingerprints
from oppspot_runner.websites.matching import detect
from oppspot_runner.websites.organisations import Organisation, organisation_of
from oppspot_runner.websites.page import Page
from oppspot_runner.websites.social import SocialLinks, social_links
from oppspot_runner.websites.standing import Standing, standing_of

MOST_DESCRIPTION = 1_000  # characters
NOTHING_DETECTED, UNKNOWN, NO_LINKS = Detection(()), Organisation(), SocialLinks({})


@dataclass(frozen=True, slots=True)
class SiteReport:
    """What a home page says. Of one that is not the company's own, only its standing is known.

    `only_on_careers` are technologies that the page of careers shows, and the home page does not.
    """

    standing: Standing
    url: str = ""
    title: str = ""
    description: str = ""
    detection: Detection = NOTHING_DETECTED
    organisation: Organisation = UNKNOWN
    social: SocialLinks = NO_LINKS
    telephone: str | None = None
    email: str | None = None
    careers: str | None = None
    board: JobBoard | None = None
    feed: str | None = None
    only_on_careers: frozenset[str] = frozenset()

    @property
    def links(self) -> Mapping[str, str]:
        """All links of the company, by what they lead to."""
        others = {
            "careers": self.careers,
            "job_board": self.board.url if self.board else None,
            "feed": self.feed,
        }
        return {**self.social.links, **{name: url for name, url in others.items() if url}}


def read_site(page: Page, asked: str, fingerprints: Fingerprints) -> SiteReport:
    """What the home page says that answered for the address `asked`."""
    standing = standing_of(page, asked)
    if standing.state != "ok":
        return SiteReport(standing, page.url, page.title)
    organisation = organisation_of(page)
    return SiteReport(
        standing,
        page.url,
        page.title,
        _description(page, organisation),
        detect(page, fingerprints),
        organisation,
        social_links(page, organisation.same_as),
        telephone_of(page, organisation),
        email_of(page, organisation),
        careers_page_of(page),
        job_board_of(page),
        feed_of(page),
    )


def _description(page: Page, organisation: Organisation) -> str:
    said = [*page.meta.get("description", []), *page.meta.get("og:description", [])]
    found = next((one for text in said if (one := " ".join(text.split()))), "")
    return (found or organisation.description)[:MOST_DESCRIPTION]
