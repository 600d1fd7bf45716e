"""A made directory of companies in SQL, and goals to search it by; the same in each run.

Seven of ten rows are as a register states them: SIC codes, a country and a town, no head count. The
others are as other lists do: labels, head counts, technologies, a description, many countries; of
what could be known of them a fifth is not.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import psycopg

from oppspot_runner.companies.sic import sic_codes

TOWNS = (
    *("London", "Leeds", "Bristol", "Glasgow", "Cardiff", "Exeter", "York", "Bath", "Hull"),
    *("Stoke-on-Trent", "Norwich", "Belfast", "Dundee", "Swansea", "Reading", "Derby"),
)
COUNTRIES = ("GB", "US", "DE", "FR", "IE", "NL", "ES", "IT", "SE", "PL", "CA", "AU", "IN", "BR")
TAGS = (
    *("saas", "fintech", "health", "education", "music", "logistics", "ai", "retail", "energy"),
    *("b2b", "consumer", "robotics", "gaming", "travel", "insurance", "real-estate", "legal"),
)
TECH = ("HubSpot", "Shopify", "Django", "React", "Stripe", "Segment", "Intercom", "WordPress")
MUST = 0.3  # of the criteria are a must
WORDS = ("payments", "logistics", "patients", "students", "tickets", "invoices", "robots", "energy")

REGISTERED = """
    INSERT INTO companies (name, name_norm, status, country, town, incorporated, sic_codes, source,
        source_id, company_number)
    SELECT 'Company ' || n, 'company ' || n,
        CASE h %% 12 WHEN 0 THEN 'liquidation' ELSE 'active' END, 'GB',
        (%(towns)s::text[])[1 + sqrt(h / 7 %% 256)::int %% 16],
        date '1990-01-01' + (h / 11 %% 13000)::int,
        CASE h %% 30 WHEN 0 THEN '{}' ELSE ARRAY[(%(codes)s::text[])[1 + h / 13 %% 731]] END,
        'benchmark', n, to_char(n, 'FM00000000')
    FROM generate_series(1, %(rows)s::bigint) n
    CROSS JOIN LATERAL (SELECT hashint8(n)::bigint + 2147483648 AS h) dice
    WHERE n %% 10 < 7
"""
LISTED = """
    INSERT INTO companies (name, name_norm, status, country, town, founded_year, industries,
        employees, tech, description, domain, source, source_id)
    SELECT 'Company ' || n, 'company ' || n,
        CASE h %% 9 WHEN 0 THEN 'inactive' ELSE 'active' END,
        CASE h %% 5 WHEN 0 THEN NULL
            ELSE (%(countries)s::text[])[1 + sqrt(h / 7 %% 196)::int %% 14] END,
        CASE h / 3 %% 5 WHEN 0 THEN NULL ELSE (%(towns)s::text[])[1 + h / 17 %% 16] END,
        CASE h / 5 %% 5 WHEN 0 THEN NULL ELSE 1990 + h / 19 %% 36 END,
        CASE h / 9 %% 5 WHEN 0 THEN '{}'
            ELSE ARRAY[(%(tags)s::text[])[1 + sqrt(h / 23 %% 289)::int %% 17],
                (%(tags)s::text[])[1 + h / 29 %% 17]] END,
        CASE h / 7 %% 5 WHEN 0 THEN NULL ELSE power(2, h / 31 %% 1400 / 100.0)::int END,
        CASE h / 8 %% 5 WHEN 0 THEN '{}'
            ELSE ARRAY[(%(tech)s::text[])[1 + h / 37 %% 8],
                (%(tech)s::text[])[1 + h / 41 %% 8]] END,
        CASE h / 6 %% 5 WHEN 0 THEN NULL
            ELSE 'We help with ' || (%(words)s::text[])[1 + h / 43 %% 8] || '.' END,
        'c' || n || '.example', 'benchmark', n
    FROM generate_series(1, %(rows)s::bigint) n
    CROSS JOIN LATERAL (SELECT hashint8(n)::bigint + 2147483648 AS h) dice
    WHERE n %% 10 >= 7
"""


def fill(dsn: str, rows: int) -> None:
    """Puts so many companies into the database, and tells the planner of them."""
    values = {
        "rows": rows,
        "towns": list(TOWNS),
        "countries": list(COUNTRIES),
        "tags": list(TAGS),
        "tech": list(TECH),
        "words": list(WORDS),
        "codes": list(sic_codes()),
    }
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in (LISTED, REGISTERED):
            connection.execute(statement, values)
        connection.execute("VACUUM ANALYZE companies")


def goals(count: int, seed: int = 7) -> list[dict[str, Any]]:
    """So many different goals of one to five criteria, some of them a must."""
    random = Random(seed)
    found: list[dict[str, Any]] = []
    while len(found) < count:
        names = random.sample(sorted(MAKERS), random.randint(1, 5))
        goal = {name: MAKERS[name](random) for name in names}
        goal["must"] = [name for name in names if random.random() < MUST]
        if goal not in found:
            found.append(goal)
    return found


def _range(low: int, high: int) -> Callable[[Random], dict[str, int]]:
    def make(random: Random) -> dict[str, int]:
        first = random.randint(low, high)
        ends = {"min": first, "max": first * random.randint(2, 20)}
        return {name: ends[name] for name in random.choice((("min", "max"), ("min",), ("max",)))}

    return make


def _some(labels: tuple[str, ...], most: int) -> Callable[[Random], list[str]]:
    return lambda random: random.sample(labels, random.randint(1, most))


MAKERS: dict[str, Callable[[Random], Any]] = {
    "industry": _some(("SaaS", "FinTech", "Music", "Gaming", "Energy", "Insurance", "AI"), 3),
    "location": _some(("UK", "Ireland", "Germany", "London", "Leeds", "Scotland", "Europe"), 2),
    "employee_count": _range(1, 500),
    "company_age_years": _range(1, 10),
    "sic_codes": _some(("62", "64191", "9609", "47", "10110"), 2),
    "tech_stack": _some(TECH, 2),
    "keywords": _some(WORDS, 2),
    "company_status": _some(("active", "acquired"), 1),
}
