"""Dead letters: failed tasks by what went wrong, and what may be done with a whole group."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Path, Request, Response
from fastapi.responses import HTMLResponse

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.bodies.bulk import Action
from oppspot_runner.api.changes import bulk
from oppspot_runner.api.changing import TheChange
from oppspot_runner.api.dashboard.asking import PageRoute, back
from oppspot_runner.api.dashboard.rendering import page
from oppspot_runner.api.reads import dead_letters as reads
from oppspot_runner.api.routing import Routes
from oppspot_runner.base.errors import NotFoundError
from oppspot_runner.queue.dead_letters import Filter

ROWS = 50
MOST_TOGETHER = 1_000  # tasks of one request
Verb = Literal["requeue", "discard"]
MEANT: dict[Verb, tuple[Action, str]] = {
    "requeue": ("retry", "put in line again"),
    "discard": ("discard", "discarded"),
}
Fingerprint = Annotated[str, Path(pattern="^[0-9a-f]{1,16}$")]

router = Routes(
    prefix="/dead-letters",
    include_in_schema=False,
    default_response_class=HTMLResponse,
    route_class=PageRoute,
)


@router.get("", dependencies=[Depends(needs("read"))])
async def groups(request: Request, database: Reading) -> HTMLResponse:
    """Groups, those first that failed last."""
    found, complete = await reads.groups(database, Filter())
    return page(request, "dead_letters", groups=found, complete=complete)


@router.get("/{fingerprint}", dependencies=[Depends(needs("read"))])
async def group(
    request: Request, database: Reading, fingerprint: Fingerprint, before: UUID | None = None
) -> HTMLResponse:
    """The tasks of a group, the newest first."""
    wanted = Filter(fingerprint=fingerprint)
    found, _ = await reads.groups(database, wanted)
    if not found:
        raise NotFoundError("nothing failed this way lately, or all of it was taken up again")
    rows, after = await reads.page(database, wanted, limit=ROWS, before=before)
    here = f"dead-letters/{fingerprint}"
    return page(
        request,
        "dead_letter_group",
        group=found[0],
        rows=rows,
        older=f"{here}?before={after}" if after else None,
        newest=here if before else None,
    )


@router.post("/{fingerprint}/{verb}", dependencies=[Depends(needs("run"))])
async def act(
    request: Request, change: TheChange, fingerprint: Fingerprint, verb: Verb
) -> Response:
    """Does the same to the tasks of a group, a bounded portion of them."""
    wanted = Filter(fingerprint=fingerprint)
    rows, after = await reads.page(change.database, wanted, limit=MOST_TOGETHER)
    action, done_to = MEANT[verb]
    ids = [row["id"] for row in rows]
    done = await bulk.do(change, action, ids, chosen_by={"fingerprint": fingerprint})
    text = f"{len(done.ids):,} of {len(ids):,} tasks were {done_to}."
    more = " There may be more: do it again for them." if after else ""
    return await back(request, text + more, to="dead-letters", kind="done" if done.ids else "wrong")
