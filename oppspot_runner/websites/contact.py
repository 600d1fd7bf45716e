"""How a company says it can be reached: a telephone number and a mail address of its own."""

from __future__ import annotations

import re
from urllib.parse import unquote

from oppspot_runner.websites.organisations import Organisation
from oppspot_runner.websites.page import Page, site_of

FEWEST_DIGITS, MOST_DIGITS = 7, 15
TELEPHONE = re.compile(r"\+?[\d ().\-/]+")
MAIL = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9.-]{3,253}")
# Mail addresses of nobody in particular, the best first.
ROLES = ("info", "hello", "contact", "enquiries", "sales", "office", "team", "support")


def telephone_of(page: Page, organisation: Organisation) -> str | None:
    """The number of the structured data, else the first that the page lets people call."""
    linked = (href[4:] for href in _hrefs(page) if href[:4].lower() == "tel:")
    for text in (organisation.telephone, *linked):
        number = " ".join(unquote(text).split(";", 1)[0].split())
        digits = sum(sign.isdigit() for sign in number)
        if TELEPHONE.fullmatch(number) and FEWEST_DIGITS <= digits <= MOST_DIGITS:
            return number
    return None


def email_of(page: Page, organisation: Organisation) -> str | None:
    """An address of the site's own domain, one of nobody in particular before one of a person."""
    linked = (href[7:] for href in _hrefs(page) if href[:7].lower() == "mailto:")
    found = []
    for text in (organisation.email, *linked):
        address = unquote(text).split("?", 1)[0].removeprefix("mailto:").strip().lower()
        if MAIL.fullmatch(address) and site_of(address.rpartition("@")[2]) == page.site:
            found.append(address)
    return min(found, key=_rank, default=None)


def _rank(address: str) -> int:
    name = address.partition("@")[0]
    return ROLES.index(name) if name in ROLES else len(ROLES)


def _hrefs(page: Page) -> list[str]:
    return [one.get("href").strip() for one in page.all("a")]
