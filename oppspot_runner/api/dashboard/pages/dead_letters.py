"""Dead letters: failed tasks by what went wrong, and what may be done with a whole group."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import HTMLResponse

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.bodies.bulk import Action
from oppspot_runner.api.changes import bulk
from oppspot_runner.api.changing import TheChange
from oppspot_runner.api.dashboard.asking import PageRoute, back
from oppspot_runner.api.dashboard.rendering import page
from oppspot_runner.base.errors import NotFoundError
from oppspot_runner.queue import dead_letters

ROWS = 50
MOST_TOGETHER = 1_000  # tasks of one request
Verb = Literal["requeue", "discard"]
MEANT: dict[Verb, tuple[Action, str]] = {
    "requeue": ("retry", "put in line again"),
    "discard": ("discard", "discarded"),
}
Fingerprint = Annotated[str, Path(pattern="^[0-9a-f]{1,16}$")]

router = APIRouter(
    prefix="/dead-letters",
    include_in_schema=False,
    default_response_class=HTMLResponse,
    route_class=PageRoute,
)


@router.get("", dependencies=[Depends(needs("read"))])
async def groups(request: Request, database: Reading) -> HTMLResponse:
    """Groups, those first that failed last."""
    found = await dead_letters.groups(database, dead_letters.Filter())
    return page(request, "dead_letters", groups=found)


@router.get("/{fingerprint}", dependencies=[Depends(needs("read"))])
async def group(
    request: Request, database: Reading, fingerprint: Fingerprint, before: UUID | None = None
) -> HTMLResponse:
    """The tasks of a group, the newest first."""
    wanted = dead_letters.Filter(fingerprint=fingerprint)
    found = await dead_letters.groups(database, wanted)
    if not found:
        raise NotFoundError("nothing has failed this way, or all of it was taken up again")
    rows = await dead_letters.matching(database, wanted, limit=ROWS + 1, before=before)
    shown = rows[:ROWS]
    here = f"dead-letters/{fingerprint}"
    return page(
        request,
        "dead_letter_group",
        group=found[0],
        rows=shown,
        older=f"{here}?before={shown[-1]['id']}" if len(rows) > ROWS else None,
        newest=here if before else None,
    )


@router.post("/{fingerprint}/{verb}", dependencies=[Depends(needs("run"))])
async def act(
    request: Request, change: TheChange, fingerprint: Fingerprint, verb: Verb
) -> Response:
    """Does the same to the tasks of a group, a bounded portion of them."""
    wanted = dead_letters.Filter(fingerprint=fingerprint)
    rows = await dead_letters.matching(change.database, wanted, limit=MOST_TOGETHER + 1)
    action, done_to = MEANT[verb]
    ids = [row["id"] for row in rows[:MOST_TOGETHER]]
    done = await bulk.do(change, action, ids, chosen_by={"fingerprint": fingerprint})
    text = f"{len(done.ids):,} of {len(ids):,} tasks were {done_to}."
    more = " There are more: do it again for them." if len(rows) > MOST_TOGETHER else ""
    return await back(request, text + more, to="dead-letters", kind="done" if done.ids else "wrong")
