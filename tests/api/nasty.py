"""Texts that want to be more than text, put into every column of every table that takes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from html.parser import HTMLParser
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

# Each holds the word by which it is found where it is more than text.
NASTY = (
    "<script>nasty()</script>",
    "<nasty-tag>",
    '"><img src=nasty onerror=nasty()>',
    "' nasty-attribute='1' onmouseover='nasty()",
    "</title></textarea></script><nasty-end>",
    "<!-- nasty --><![CDATA[nasty]]>",
    "{{7*7}}nasty {% if nasty %} ${7*7} #{7*7}",
    "javascript:nasty()//",
    "nasty'; DROP TABLE agent_tasks; --",
    "nasty %s %(limit)s %00 \\u0000 \\x00",
    "nasty \u202egnirts\u202c \u2066\u200f\u200b",
    "nasty \x01\x07\x1b[31m\x7f\u0085\u2028",
    "nasty \U0001f9ea\u0301\ufffe\U0010ffff",
    "nasty/../../?a=1&amp;b=2#c",
    "nasty" * 2_000,
)
EACH_OFTEN = len(NASTY) + 1
MORE = f"""
    INSERT INTO ai_agents (name, agent_type)
        SELECT 'x', 'noop' FROM generate_series(1, {EACH_OFTEN});
    INSERT INTO streams (name) SELECT 'x' FROM generate_series(1, {EACH_OFTEN});
    INSERT INTO agent_tasks (agent_id, task_type, status, error_message, finished_at, payload)
        SELECT id, 'agent_execution', 'failed', 'x', now(), '{{"a": 1}}' FROM ai_agents;
    INSERT INTO agent_executions (task_id, agent_id, attempt, status, error_message, output_data)
        SELECT id, agent_id, 1, 'failed', 'x', '{{"a": 1}}' FROM agent_tasks
        WHERE status = 'failed';
    INSERT INTO notification_rules (name, event, channel, target)
        SELECT n, 'task_dead', 'email', 'a@b.example' FROM generate_series(1, {EACH_OFTEN}) n;
    INSERT INTO notifications (rule_id, count, examples, shares, first_at, last_at, due_at)
        SELECT id, 1, '[{{"text": "<nasty-tag>"}}]', '{{}}', now(), now(), now()
        FROM notification_rules;
    INSERT INTO audit_log (actor, action, kind, target, before, after)
        SELECT 'x', 'x', 'x', 'x', '{{}}', '{{}}' FROM generate_series(1, {EACH_OFTEN});
    INSERT INTO buying_signals (company_id, signal_type, title, expires_at)
        SELECT id, 'job_posting', 'x', now() + interval '1 year' FROM companies;
    INSERT INTO signal_sightings (signal_id, company_id, signal_type, source, key, confidence)
        SELECT id, company_id, signal_type, 'x', id, 90 FROM buying_signals;
    INSERT INTO task_runners (host, pid, slots, version, poll_s, lease_s, beat_s, lease_until)
        SELECT 'x', n, 1, '1', 5, 30, 5, now() + interval '1 hour'
        FROM generate_series(1, {EACH_OFTEN}) n;
    INSERT INTO api_tokens (name, scope, hash, beginning)
        VALUES ('x', 'admin', repeat('a', 64), 'x');
    UPDATE drafts SET claims = '[{{"text": "<nasty-tag>", "fact_ids": ["1"]}}]',
        facts = '[{{"id": "1", "kind": "<nasty-tag>", "text": "<nasty-tag>",
            "source": "<nasty-tag>", "source_url": "javascript:nasty()", "confidence": 1,
            "observed_at": "2026-01-01T00:00Z", "good_until": "2026-01-01T00:00Z"}}]';
    UPDATE stream_items SET score_reasons = '[{{"component": "<nasty-tag>", "points": 1,
        "factor": "<nasty-tag>", "text": "\\"><nasty-tag>", "source": "<nasty-tag>"}}]';
"""
# What nobody expects where an object or a list of objects is usual.
ODD = (None, True, 5, "text", [], [1, "text", None, [], {}], {}, {"a": [{"b": None}], "text": 1})
# What holds no words of people, and what only programs read.
LEFT_OUT = {"oppspot_migrations", "idempotency_keys", "suppression_salt"}
COLUMNS = """
    SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c
    JOIN information_schema.tables t USING (table_schema, table_name)
    WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE'
      AND c.is_generated = 'NEVER' AND c.udt_name IN ('text', 'varchar', 'jsonb', '_text')
    ORDER BY 1, 2
"""
WAYS = {
    "jsonb": "UPDATE {table} t SET {column} = {column} || (%(texts)s -> x.place) FROM {rows}"
    " AND jsonb_typeof({column}) = 'object'",
    "ARRAY": "UPDATE {table} t SET {column} = ARRAY[(%(texts)s::text[])[1 + x.place]] FROM {rows}",
    "text": "UPDATE {table} t SET {column} = (%(texts)s::text[])[1 + x.place] || x.row FROM {rows}",
}
ROWS = """(SELECT ctid, row_number() OVER () AS row,
    ((row_number() OVER () + %(offset)s) %% %(number)s)::integer AS place FROM {table}) x
    WHERE x.ctid = t.ctid"""


def add_rows(dsn: str) -> None:
    """Adds rows of each kind, so that each text finds one, and JSON whose shapes are known."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(MORE)


def make_nasty(dsn: str) -> int:
    """Puts the texts into all rows, in turns, as far as the tables let them; into how many columns.

    Objects get a key more, so that what is known of their shapes still holds.
    """
    done = 0
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # no triggers
        for place, (table, column, kind) in enumerate(connection.execute(COLUMNS).fetchall()):
            if table not in LEFT_OUT:
                done += _fill(connection, table, column, kind, place)
    return done


def make_odd(dsn: str, turn: int) -> int:
    """Puts values of other shapes into all jsonb columns, in turns that begin at `turn`, as far as
    the tables let them; into how many columns."""
    done = 0
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # no triggers
        columns = connection.execute(COLUMNS).fetchall()
        for place, (table, column, kind) in enumerate(columns):
            if kind == "jsonb" and table not in LEFT_OUT:
                done += _twist(connection, table, column, turn + place)
    return done


def _twist(connection: psycopg.Connection[Any], table: str, column: str, offset: int) -> bool:
    """Whether a column takes anything but what it has."""
    names = {"table": sql.Identifier(table), "column": sql.Identifier(column)}
    whole = sql.SQL("UPDATE {table} SET {column} = %s").format(**names)
    taken = []
    for value in ODD:
        with suppress(psycopg.Error), connection.transaction(force_rollback=True):
            connection.execute(whole, [Jsonb(value)])
            taken.append(value)
    rows = sql.SQL(ROWS).format(**names)
    update = sql.SQL("UPDATE {table} t SET {column} = %(texts)s -> x.place FROM {rows}")
    if taken:
        values = {"texts": Jsonb(taken), "number": len(taken), "offset": offset}
        connection.execute(update.format(**names, rows=rows), values)
    return bool(taken)


def _fill(
    connection: psycopg.Connection[Any], table: str, column: str, kind: str, offset: int
) -> bool:
    """Whether a column takes such texts: all of them, or those that it takes alone."""
    names = {"table": sql.Identifier(table), "column": sql.Identifier(column)}
    rows = sql.SQL(ROWS).format(**names)
    text = sql.SQL(WAYS.get(kind, WAYS["text"])).format(**names, rows=rows)
    for texts in (NASTY, *((one,) for one in NASTY)):
        given: Any = Jsonb([{"nasty": one, one[:200]: one} for one in texts])
        values = {"texts": given if kind == "jsonb" else list(texts), "number": len(texts)}
        try:
            connection.execute(text, {**values, "offset": offset})
        except psycopg.Error:
            continue
        return True
    return False


class Faults(HTMLParser):
    """What in a page came out of data. `links` are addresses that it leads to, `text` its words."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.inside = ""
        self.feed(page)
        self.close()
        self.found += ["a tag in the source"] if "<nasty" in page.lower() else []
        self.found += ["an expression was worked out"] if "49nasty" in self.text else []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        self.found += [f"<{tag}> {fault}" for fault in _of_tag(tag, dict(attrs))]
        self.links += [value for name, value in attrs if tag == "a" and name == "href" and value]

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.inside in ("script", "style") and data.strip():
            self.found.append(f"<{self.inside}> with something in it")

    def handle_comment(self, data: str) -> None:
        self.found.append(f"a comment: {data[:50]}")

    def unknown_decl(self, data: str) -> None:
        self.found.append(f"a declaration: {data[:50]}")


def _of_tag(tag: str, attributes: dict[str, str | None]) -> Iterator[str]:
    if "nasty" in tag:
        yield "is no tag of ours"
    for name, value in attributes.items():
        if name.startswith("on") or name in ("style", "srcdoc") or "nasty" in name:
            yield f"has {name}"
        if name in ("href", "src", "action", "formaction"):
            start = (value or "").strip().lower().partition(":")[0]
            if (
                ":" in (value or "")
                and start.isalpha()
                and start not in ("http", "https", "mailto")
            ):
                yield f"leads to {value}"
