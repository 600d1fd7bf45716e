"""Overview: how things stand."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from oppspot_runner.api.access import Reading, needs
from oppspot_runner.api.dashboard.rendering import page
from oppspot_runner.api.state import state_of
from oppspot_runner.app.status import read_status

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/", dependencies=[Depends(needs("read"))])
async def overview(request: Request, database: Reading) -> HTMLResponse:
    """Counts, runners, what needs people."""
    status = await read_status(database, state_of(request).settings)
    return page(request, "overview", status=status)
