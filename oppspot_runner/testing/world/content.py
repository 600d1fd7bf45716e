"""What there is in the world. A test that needs other things puts its own in their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True)
class Address:
    """A registered office."""

    line: str = "1 Harbour Street"
    town: str = "London"
    postcode: str = "EC1A 1AA"
    region: str = ""
    country: str = "England"


@dataclass(frozen=True)
class Officer:
    """A person with an office in a company; `name` is `SURNAME, Forename`."""

    name: str
    role: str = "director"
    appointed: date = date(2020, 1, 1)
    resigned: date | None = None
    born: tuple[int, int] | None = (1980, 1)  # year and month, where the register has it
    occupation: str = "Director"
    nationality: str = "British"


@dataclass(frozen=True)
class Parent:
    """A company that has significant control of another one; `number` is its own."""

    name: str
    number: str
    notified: date = date(2020, 1, 1)
    ceased: date | None = None
    register: str = "Companies House"


@dataclass(frozen=True)
class Accounts:
    """Annual accounts. Those on paper have no tagged values."""

    made_up_to: date
    filed: date
    employees: int | None = None
    kind: str = "total-exemption-full"
    on_paper: bool = False


@dataclass(frozen=True)
class ShareIssue:
    """New shares, and the capital after it. `amended`: when it was filed once more, corrected."""

    on: date
    capital: str = "1,000.00"
    amended: date | None = None


@dataclass(frozen=True)
class Charge:
    """A mortgage."""

    created: date
    lender: str = "Lowland Bank PLC"
    satisfied: date | None = None


@dataclass(frozen=True)
class RegisteredCompany:
    """A company of the register. Accounts are newest first; `site` is the name of its web site.

    What happens later than the clock of the world is not shown yet. Names and addresses that it
    had are given with the day on which they ended.
    """

    number: str
    name: str
    status: str = "active"
    status_detail: str | None = None
    kind: str = "ltd"
    incorporated: date = date(2015, 3, 4)
    ceased: date | None = None
    sic_codes: tuple[str, ...] = ("62012",)
    jurisdiction: str = "england-wales"
    address: Address = field(default_factory=Address)
    officers: tuple[Officer, ...] = ()
    owners: tuple[Officer, ...] = ()
    parents: tuple[Parent, ...] = ()
    accounts: tuple[Accounts, ...] = ()
    share_issues: tuple[ShareIssue, ...] = ()
    charges: tuple[Charge, ...] = ()
    insolvent_since: date | None = None
    previous_names: tuple[tuple[str, date, date], ...] = ()
    previous_addresses: tuple[tuple[Address, date], ...] = ()
    site: str | None = None


@dataclass(frozen=True)
class Page:
    """A page of a web site. `times` is how often the body is repeated."""

    body: str | bytes = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    times: int = 1
    drip: bool = False


@dataclass(frozen=True)
class News:
    """An item of a feed, which is there from `at` on; `text` is HTML."""

    at: datetime
    title: str
    text: str = ""
    link: str = ""


@dataclass(frozen=True)
class Site:
    """A web site: its pages by their path, which begins with a slash. A page of `*` is for all.

    `technologies` are what the home page is built of; `news` are in its feed, at `/feed.xml`.
    """

    pages: Mapping[str, Page]
    robots: str = "User-agent: *\nAllow: /\n"
    technologies: tuple[str, ...] = ()
    news: Sequence[News] = ()


@dataclass(frozen=True)
class RedditPost:
    """A post at Reddit. `url` is for those that link to something."""

    id: str
    title: str
    subreddit: str
    created_utc: float
    selftext: str = ""
    author: str = "quiet_heron"
    url: str | None = None
    score: int = 1
    upvote_ratio: float = 1.0
    num_comments: int = 0
    edited: float | bool = False
    over_18: bool = False
    stickied: bool = False
    locked: bool = False
    removed_by_category: str | None = None
    link_flair_text: str | None = None
    comments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Item:
    """An item of Hacker News; `time` is Unix time. `parent` is for comments."""

    id: int
    time: int
    type: str = "story"
    by: str | None = "tidewater"
    title: str | None = None
    url: str | None = None
    text: str | None = None
    score: int = 1
    descendants: int = 0
    parent: int | None = None
    deleted: bool = False
    dead: bool = False


@dataclass(frozen=True)
class Job:
    """A job, which its board shows from `published` until `closed`.

    `description` is HTML. One that is not `listed` is for those only who have its address.
    """

    id: str
    title: str
    published: datetime
    closed: datetime | None = None
    department: str = "Engineering"
    location: str = "London"
    description: str = "<p>Come and work with us.</p>"
    listed: bool = True


@dataclass(frozen=True)
class Board:
    """The jobs of `company` at a service: `greenhouse`, `lever`, `lever_eu` or `ashby`.

    `token` names it there, until it is `gone`.
    """

    service: str
    token: str
    company: str
    jobs: tuple[Job, ...] = ()
    gone: datetime | None = None


@dataclass(frozen=True)
class Content:
    """All that there is. Communities are public, `private` or `banned` (by name)."""

    companies: Sequence[RegisteredCompany] = ()
    sites: Mapping[str, Site] = field(default_factory=dict)
    posts: Sequence[RedditPost] = ()
    private_subreddits: frozenset[str] = frozenset()
    banned_subreddits: frozenset[str] = frozenset()
    items: Sequence[Item] = ()
    feeds: Mapping[str, bytes | Sequence[News]] = field(default_factory=dict)
    boards: Sequence[Board] = ()
