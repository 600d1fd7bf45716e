"""What Postgres refuses, in our words: one line, with what to do where that is known.

Serialisation failures and deadlocks are left as they are: whoever began the transaction knows how
to repeat it. Knows no table: our constraints are named after the rule that they keep.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from oppspot_runner.base.errors import (
    ConflictError,
    CycleError,
    DatabaseError,
    InvalidInputError,
    NotFoundError,
    OppspotError,
    SchemaError,
)

REPEAT_TRANSACTION = "40"
REFUSALS: dict[str, type[OppspotError]] = {
    "P0002": NotFoundError,  # no_data_found, raised by our functions
    "P0003": InvalidInputError,  # too_many_rows, raised by our functions
    "22023": InvalidInputError,
    "55000": ConflictError,
}
STEPS = " -> "


@contextmanager
def explained() -> Iterator[None]:
    """Raises errors of psycopg that happen inside as ours."""
    try:
        yield
    except psycopg.Error as error:
        found = refusal(error)
        if found is None:
            raise
        raise found from error


def refusal(error: psycopg.Error) -> OppspotError | None:
    """The error of ours that says what `error` means; None when it should be left as it is."""
    state = error.sqlstate or ""
    said = error.diag.message_primary or " ".join(str(error).split()) or type(error).__name__
    hint = error.diag.message_hint
    if state.startswith(REPEAT_TRANSACTION):
        return None
    if state in REFUSALS:
        return REFUSALS[state](said, hint=hint)
    match error:
        case psycopg.errors.InvalidRecursion() if STEPS in said:
            return CycleError(said.partition(": ")[2].split(STEPS))
        case psycopg.errors.CheckViolation():
            return InvalidInputError(_broken_rule(error))
        case psycopg.errors.ForeignKeyViolation():
            return NotFoundError(error.diag.message_detail or said)
        case psycopg.errors.UniqueViolation():
            return ConflictError(error.diag.message_detail or said)
        case psycopg.errors.UndefinedTable() | psycopg.errors.UndefinedFunction():
            return SchemaError(f"the schema is not ready: {said}", hint=_MIGRATE)
        case psycopg.errors.UndefinedColumn():
            return SchemaError(f"the schema is of another version: {said}", hint=_MIGRATE)
        case psycopg.DataError() | psycopg.IntegrityError() | psycopg.errors.SyntaxError():
            # Our statements are fixed: what has a wrong syntax is a value, such as a jsonpath.
            return InvalidInputError(said, hint=hint)
        case _:
            return DatabaseError(said, hint=hint) if state else _out_of_reach(error)


_MIGRATE = "Run `oppspot-runner migrate`, or check OPPSPOT_SCHEMA and the search_path."
_LOST = (
    "What was committed stays. Wait until `oppspot-runner status` answers, then go on from there."
)


def _out_of_reach(error: psycopg.Error) -> DatabaseError:
    """No server said it: the way there is broken, or psycopg refuses to go it."""
    if not isinstance(error, psycopg.OperationalError):
        return DatabaseError(" ".join(str(error).split()) or type(error).__name__)
    reason = str(error).partition("\n")[0].rpartition(": ")[2]
    return DatabaseError(f"the database is out of reach now: {reason}", hint=_LOST)


def _broken_rule(error: psycopg.Error) -> str:
    table, name = error.diag.table_name or "the row", error.diag.constraint_name or "a rule"
    rule = name.removeprefix(f"{table}_").replace("_", " ")
    return f"{table} refuses this: {rule}"
