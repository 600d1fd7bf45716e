"""Makes what people say about the made companies: at Reddit, at Hacker News, and in feeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta

from oppspot_runner.testing.world.content import Item, News, RedditPost, RegisteredCompany

POSTS, STORIES = 60, 150
HOUR_S = 3_600
FIRST_ITEM = 41_000_001
FIRST_THREAD = 40_900_000
OFFERS = 24
ROLES = ("Backend Engineer", "Product Designer", "Head of Engineering", "Account Executive")
SUBREDDITS = ("smallbusinessuk", "saas", "devops")
ASKED = (
    "Looking for an alternative to {name}",
    "Has anybody moved from a spreadsheet to {name}?",
    "Can you recommend something like {name}?",
    "We are switching from {name}, what now?",
    "{name} doubled its prices",
    "Our first month with {name}",
)
LAST_WEEKS = 20  # days of which there are news
NEWS = (
    "{name} opens new office in Leeds",
    "{name} raises concerns over the price of paper",
    "{name} appoints Ada Lovell as chief revenue officer",
    "{name} raises £{money}m Series A",
    "What the customers of {name} say",
)
OWN_NEWS = (
    "We have raised £{money}m to grow",
    "{name} expands into Germany",
    "Ten questions that our customers ask",
    "Joining us: Tom Okafor joins {name} as CTO",
)
TOLD = (
    "{name} raises a Series A",
    "Show HN: A client for the interface of {name}",
    "Ask HN: Who has used {name} at work?",
    "How {name} moved to one database",
    "{name} is down",
)


def made_posts(companies: Sequence[RegisteredCompany], today: date) -> list[RedditPost]:
    """Posts of the last five days, one every two hours."""
    return [_post(companies, place, _begin(today)) for place in range(POSTS)]


def made_items(companies: Sequence[RegisteredCompany], today: date) -> list[Item]:
    """Stories of the last days, one an hour, with comments; some were taken away.

    And the thread of the month in which companies say that they hire.
    """
    return [*_items(companies, _begin(today)), *_hiring(companies, today)]


def made_feeds(companies: Sequence[RegisteredCompany], today: date) -> dict[str, list[News]]:
    """The news of three weeks, one a day, and those of the days to come."""
    return {"news": [_told_of(one, place, today) for place, one in enumerate(companies[:28])]}


def made_news(name: str, place: int, today: date) -> Iterator[News]:
    """What a company tells of itself: of old, and of days about now."""
    yield News(_begin(today) - timedelta(days=400 + place), f"{name} has a new web site")
    day = _begin(today) + timedelta(days=place % 9 - 5)
    yield News(day, OWN_NEWS[place % len(OWN_NEWS)].format(name=name, money=place % 7 + 1))


def _told_of(company: RegisteredCompany, place: int, today: date) -> News:
    title = NEWS[place % len(NEWS)] if place > LAST_WEEKS else "{name} raises £{money}m seed round"
    return News(
        _begin(today) + timedelta(days=place - LAST_WEEKS),
        title.format(name=_short(company), money=place % 20 + 2),
        link=f"https://news.example/{company.number}",
    )


def _post(companies: Sequence[RegisteredCompany], place: int, now: datetime) -> RedditPost:
    company = companies[place * 3 % len(companies)]
    is_link = place % 5 == 4
    return RedditPost(
        id=f"1world{place:03}",
        title=ASKED[place % len(ASKED)].format(name=_short(company)),
        subreddit=SUBREDDITS[place % len(SUBREDDITS)],
        created_utc=now.timestamp() - (2 * place + 1) * HOUR_S,
        selftext="" if is_link else "[removed]" if place % 20 == 7 else "We are a team of twelve.",
        author="[deleted]" if place % 20 == 7 else f"user_{place % 9}",
        url=f"http://{company.site}.localhost/" if is_link else None,
        score=(place * 7) % 50,
        num_comments=place % 3,
        edited=now.timestamp() if place % 10 == 3 else False,
        removed_by_category="moderator" if place % 20 == 7 else None,
        comments=tuple(f"Answer {turn}" for turn in range(place % 3)),
    )


def _items(companies: Sequence[RegisteredCompany], now: datetime) -> Iterator[Item]:
    for place in range(STORIES):
        company = companies[place * 3 % len(companies)]
        title = TOLD[place % len(TOLD)].format(name=_short(company))
        story = FIRST_ITEM + 10 * (STORIES - place)
        at = int(now.timestamp()) - (place + 1) * HOUR_S
        asks = title.startswith("Ask HN")
        deleted = place % 25 == 11
        yield Item(
            story,
            at,
            "job" if place % 30 == 20 else "story",
            by=None if deleted else f"reader{place % 12}",
            title=None if deleted else title,
            url=None if asks or deleted else f"http://{company.site}.localhost/news",
            text="We think of it.<p>What do you say?" if asks else None,
            score=(place * 11) % 300 + 1,
            descendants=place % 3,
            deleted=deleted,
            dead=place % 25 == 17,
        )
        for turn in range(place % 3):
            said = f"It works for us &amp; for {_short(company)}."
            yield Item(
                story + turn + 1, at + 60, "comment", f"reader{turn}", text=said, parent=story
            )


def _hiring(companies: Sequence[RegisteredCompany], today: date) -> Iterator[Item]:
    """A thread that was opened on the first of the month, with an offer in each hour of it."""
    opened = datetime.combine(today.replace(day=1), time(0, 30), UTC)
    title = f"Ask HN: Who is hiring? ({opened:%B %Y})"
    at = int(opened.timestamp())
    yield Item(FIRST_THREAD, at, by="whoishiring", title=title, descendants=OFFERS)
    for place in range(OFFERS):
        company = companies[place * 7 % len(companies)]
        role, where = ROLES[place % len(ROLES)], ("London", "Leeds", "Remote (UK)")[place % 3]
        site = f'<a href="http:&#x2F;&#x2F;{company.site}.localhost">{company.site}.localhost</a>'
        yield Item(
            FIRST_THREAD + place + 1,
            at + (place + 1) * HOUR_S,
            "comment",
            f"founder{place}",
            text=f"{_short(company)} ({site}) | {role} | {where} | Full-time<p>Write to us.",
            parent=FIRST_THREAD,
        )


def _short(company: RegisteredCompany) -> str:
    return company.name.rpartition(" ")[0]


def _begin(today: date) -> datetime:
    return datetime.combine(today, time(9), UTC)
