"""People, offices and contacts in numbers, for measurements and guards of plans."""

from __future__ import annotations

import psycopg

# Each person has three offices at any companies, one of them over: boards of seven or eight. Every
# 20th company owns the one before it. Contacts work at every 20th, every fourth is an officer.
FILL = """
    INSERT INTO companies (name, name_norm, company_number, domain, country, source)
    SELECT 'Company ' || n || ' Ltd', 'company ' || n, lpad(n::text, 8, '0'),
        'c' || n || '.example', 'GB', 'bench'
    FROM generate_series(1, %(companies)s) n;
    INSERT INTO people (name, name_norm, birth_year, birth_month, register_ids, source)
    SELECT 'Person ' || n, 'person ' || n, 1950 + n %% 50, 1 + n %% 12, ARRAY['r' || n], 'bench'
    FROM generate_series(1, %(people)s) n;
    INSERT INTO appointments (person_id, company_number, company_name, company_id, role,
        appointed_on, resigned_on, source)
    SELECT p.id, c.company_number, c.name, c.id, 'director',
        date '2010-01-01' + (p.n %% 3000)::int + o,
        CASE WHEN o = 2 THEN date '2019-01-01' + (p.n %% 1000)::int END, 'bench'
    FROM (SELECT id, right(name, -7)::bigint AS n FROM people) p
    CROSS JOIN generate_series(0, 2) o
    JOIN companies c ON c.company_number = lpad(
        (1 + abs(hashint8(p.n * 3 + o)::bigint) %% %(companies)s)::text, 8, '0');
    INSERT INTO contacts (name, name_norm, email, domain, last_contact_at, source, person_id)
    SELECT 'Contact ' || n, 'contact ' || n, 'c' || n || '@c' || 20 * n || '.example',
        'c' || 20 * n || '.example', oppspot_now() - make_interval(days => n %% 700), 'bench',
        CASE WHEN n %% 4 = 0 THEN p.id END
    FROM generate_series(1, %(companies)s / 20) n
    JOIN people p ON p.name = 'Person ' || n;
    WITH parent AS (
        INSERT INTO people (name, name_norm, register_number, nominee, source)
        SELECT name, name_norm, company_number, 'corporate', 'bench' FROM companies
        WHERE company_number::bigint %% 20 = 0 RETURNING id, register_number)
    INSERT INTO appointments (person_id, company_number, company_name, company_id, role, source)
    SELECT p.id, c.company_number, c.name, c.id,
        'corporate-entity-person-with-significant-control', 'bench'
    FROM parent p
    JOIN companies c ON c.company_number = lpad((p.register_number::bigint - 1)::text, 8, '0');
"""


def fill(dsn: str, people: int) -> None:
    """So many people with three offices each, in 0.4 companies for each."""
    counts = {"people": people, "companies": people * 4 // 10}
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in (FILL % counts).split(";"):
            if statement.strip():
                connection.execute(statement.encode())
        connection.execute("ANALYZE")
