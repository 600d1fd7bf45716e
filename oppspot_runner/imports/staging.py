"""Rows in the form in which they are copied into the staging table of an import.

A row is a dictionary from column to text as Postgres reads it; what is missing is NULL or empty.
Texts must hold no control characters but tab and line ends: `cells` and `reading` see to that.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from oppspot_runner.db.files import statement

StagedRow = dict[str, str]

COPY_ROWS = statement("imports/copy")

COLUMN_END, ROW_END, NULL = "\x1f", "\x1e", "\x1d"  # stand in until the text is escaped
EMPTY_ARRAY, EMPTY_OBJECT = "{}", "{}"

# In the order of sql/queries/imports/copy.sql, with what stands for a missing value.
COLUMNS: Mapping[str, str] = {
    "source_id": NULL,
    "company_number": NULL,
    "name": NULL,
    "name_norm": "",
    "domain": NULL,
    "status": NULL,
    "country": NULL,
    "region": NULL,
    "town": NULL,
    "sic_codes": EMPTY_ARRAY,
    "industries": EMPTY_ARRAY,
    "employees": NULL,
    "employees_band": NULL,
    "employees_as_of": NULL,
    "employees_text": NULL,
    "founded_year": NULL,
    "incorporated": NULL,
    "description": NULL,
    "website": NULL,
    "linkedin_url": NULL,
    "phone": NULL,
    "email": NULL,
    "tech": EMPTY_ARRAY,
    "links": EMPTY_OBJECT,
    "source_url": NULL,
}


def encode(rows: Iterable[StagedRow]) -> bytes:
    """The rows as COPY text. Escapes the whole batch at once, which costs next to nothing."""
    defaults = list(COLUMNS.items())
    lines = [
        COLUMN_END.join([row.get(column, default) for column, default in defaults]) for row in rows
    ]
    text = ROW_END.join(lines)
    for plain, escaped in (
        ("\\", "\\\\"),
        ("\t", "\\t"),
        ("\n", "\\n"),
        ("\r", "\\r"),
        (NULL, "\\N"),
        (COLUMN_END, "\t"),
        (ROW_END, "\n"),
    ):
        text = text.replace(plain, escaped)
    return (text + "\n").encode("utf-8", "replace") if lines else b""


def array(values: Iterable[str]) -> str:
    """A Postgres array literal of texts."""
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"


def json_object(values: Mapping[str, str]) -> str:
    """A JSON object of texts."""
    return json.dumps(values, ensure_ascii=False)
