"""Dead letters: what failed for good, by what went wrong; put in line again or discarded."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.bodies import dead_letters as bodies
from oppspot_runner.api.bodies.bulk import BulkResult
from oppspot_runner.api.changes import bulk
from oppspot_runner.api.changing import ChangingRoute, TheChange
from oppspot_runner.api.in_query import InQuery
from oppspot_runner.api.paging import Page, encode, id_after
from oppspot_runner.api.reads import dead_letters as reads
from oppspot_runner.api.routing import Routes

router = Routes(prefix="/api/v1/dead-letters", tags=["dead letters"], route_class=ChangingRoute)
READ, RUN = [Depends(needs("read"))], [Depends(needs("run"))]
Fingerprint = Annotated[str, Path(pattern="^[0-9a-f]{1,16}$")]


@router.get("", dependencies=READ)
async def groups(
    database: Reading,
    wanted: Annotated[bodies.DeadLetterQuery, Depends(InQuery(bodies.DeadLetterQuery))],
) -> bodies.DeadLetterGroups:
    """What went wrong: failed tasks in groups, those first that failed last."""
    rows, complete = await reads.groups(database, wanted.wanted())
    items = [bodies.DeadLetterGroup.model_validate(row) for row in rows]
    return bodies.DeadLetterGroups(items=items, complete=complete)


@router.get("/{fingerprint}", dependencies=READ)
async def list_group(
    fingerprint: Fingerprint,
    database: Reading,
    wanted: Annotated[bodies.PageQuery, Depends(InQuery(bodies.PageQuery))],
) -> Page[bodies.DeadLetter]:
    """Tasks of a group, the newest first. A page may be short and not the last one."""
    rows, after = await reads.page(
        database,
        wanted.wanted(fingerprint),
        limit=wanted.limit,
        before=id_after(wanted.cursor),
    )
    return Page(
        items=[bodies.DeadLetter.model_validate(row) for row in rows],
        next_cursor=None if after is None else encode([after]),
    )


@router.post("/requeue", dependencies=RUN)
async def requeue(body: bodies.ChangeDeadLetters, change: TheChange) -> BulkResult:
    """Puts failed tasks in line again, with all their retries; finished steps stay known."""
    return await bulk.answer_of_dead_letters(change, "retry", body)


@router.post("/discard", dependencies=RUN)
async def discard(body: bodies.DiscardDeadLetters, change: TheChange) -> BulkResult:
    """Cancels failed tasks, so that they are deleted after a while; a retry takes them back."""
    return await bulk.answer_of_dead_letters(change, "discard", body, body.reason)
