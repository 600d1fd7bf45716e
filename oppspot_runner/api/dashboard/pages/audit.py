"""The record of changes: who changed what, and how it was before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from fastapi.responses import HTMLResponse

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.dashboard.addresses import address
from oppspot_runner.api.dashboard.rendering import page
from oppspot_runner.api.paging import Cursor, encode, place_after
from oppspot_runner.api.reads import looks
from oppspot_runner.api.routing import Routes

router = Routes(prefix="/audit", include_in_schema=False, default_response_class=HTMLResponse)
MOST_CHANGES = 100
Text = Annotated[str | None, Query(max_length=300)]
# Where pages of a kind of thing are.
PLACES = {
    "task": "tasks",
    "run": "runs",
    "stream": "streams",
    "agent": "agents",
    "signal": "signals",
    "draft": "drafts",
    "company": "companies",
}


@dataclass(frozen=True)
class Difference:
    """A value that was changed; None where there was none."""

    name: str
    before: Any
    after: Any


def differences(before: Any, after: Any) -> list[Difference]:
    """What differs between two states, in the order of the names as they were written down."""
    old, new = _named(before), _named(after)
    names = list(dict.fromkeys((*old, *new)))
    return [
        Difference(name, old.get(name), new.get(name))
        for name in names
        if old.get(name) != new.get(name)
    ]


def _named(state: Any) -> Mapping[str, Any]:
    """We write objects; somebody else may have written anything."""
    if isinstance(state, Mapping):
        return state
    return {} if state is None else {"state": state}


@router.get("", dependencies=[Depends(needs("read"))])
async def audit(
    request: Request,
    database: Reading,
    actor: Text = None,
    kind: Text = None,
    target: Text = None,
    cursor: Cursor = None,
) -> HTMLResponse:
    """Changes, the newest first."""
    asked = {"actor": actor or None, "kind": kind or None, "target": target or None}
    before = place_after(cursor, int)
    rows = await looks.audit(
        database, **asked, before=before[0] if before else None, limit=MOST_CHANGES + 1
    )
    shown, more = rows[:MOST_CHANGES], rows[MOST_CHANGES:]
    return page(
        request,
        "audit",
        rows=shown,
        asked=asked,
        places=PLACES,
        differences=differences,
        next_url=address("audit", **asked, cursor=encode([shown[-1]["id"]])) if more else None,
        first_url=address("audit", **asked) if cursor else None,
    )
