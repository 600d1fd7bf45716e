"""Makes job boards of the made companies, most of which their web sites link."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta

from oppspot_runner.testing.world.content import Board, Job, RegisteredCompany

SERVICES = ("greenhouse", "lever", "ashby")
GONE = 7  # of so many places one links a board that is not there any more
UNLINKED, WRONG = 31, 11  # places of a company with a board that no site links, and of one whose
STRANGERS = "Northgate Swimming Club"  # name these use for theirs
JOBS = (
    ("Backend Engineer", "Engineering", "You write Python and run it on Kubernetes."),
    ("Account Executive", "Sales", "You sell, and note it in Salesforce."),
    ("Product Designer", "Product", "You draw in Figma."),
    ("Head of Sales", "Sales", "You build a team of six; HubSpot is there already."),
    ("Customer Success Manager", "Customers", "You look after forty customers."),
    ("Data Engineer", "Engineering", "You know Snowflake, dbt and Airflow."),
)
TEXT = "<p>{company} looks for a {title}.</p><p>{does}</p>"
FIRST_DAYS = (3, 11, 26, 80)  # before today
NEXT_DAYS = (1, 2, 4)  # after it
OPEN_DAYS = 90


def linked_service(place: int) -> str | None:
    """The service to whose board the site of a company links."""
    return None if place % 4 == 3 else SERVICES[place % len(SERVICES)]


def made_boards(
    companies: Sequence[RegisteredCompany], traps: Collection[str], today: date
) -> list[Board]:
    """Boards with jobs of the last months, and of the next days; `traps` are sites without one."""
    return [*_linked(companies, traps, today), *_unlinked(companies, today)]


def _linked(
    companies: Sequence[RegisteredCompany], traps: Collection[str], today: date
) -> Iterator[Board]:
    for place, company in enumerate(companies):
        service = linked_service(place) if place % GONE != GONE - 1 else None
        if service and company.status == "active" and company.site not in (None, *traps):
            yield _board(service, company, _short(company), place, today)


def _unlinked(companies: Sequence[RegisteredCompany], today: date) -> Iterator[Board]:
    """A board that has to be guessed, and one that is somebody else's though its name fits."""
    own, other = companies[UNLINKED], companies[WRONG]
    yield _board("ashby", own, _short(own), UNLINKED, today)
    yield _board("lever", other, STRANGERS, WRONG, today)


def _board(service: str, company: RegisteredCompany, called: str, place: int, today: date) -> Board:
    """A board with the token that the company would have, of one that is `called` so."""
    begin = datetime.combine(today, time(8), UTC)
    days = [-one for one in FIRST_DAYS[: 2 + place % 3]] + [NEXT_DAYS[place % len(NEXT_DAYS)]]
    jobs = []
    for turn, day in enumerate(days):
        title, department, does = JOBS[(place + turn) % len(JOBS)]
        published = begin + timedelta(days=day)
        closed = published + timedelta(days=OPEN_DAYS)
        text = TEXT.format(company=called, title=title, does=does)
        town = company.address.town
        jobs.append(Job(str(turn + 1), title, published, closed, department, town, text))
    return Board(service, str(company.site), called, tuple(jobs))


def _short(company: RegisteredCompany) -> str:
    return company.name.rpartition(" ")[0]
