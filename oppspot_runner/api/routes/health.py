"""Whether this process lives, and whether it is of use."""

from __future__ import annotations

import asyncio
from typing import Literal

from fastapi import Request, Response
from pydantic import BaseModel

from oppspot_runner.api.errors import ApiCode, ApiError
from oppspot_runner.api.routing import Routes
from oppspot_runner.api.state import state_of
from oppspot_runner.app.runner_report import ReportLine
from oppspot_runner.base.errors import OppspotError
from oppspot_runner.db.migrate import require_schema
from oppspot_runner.db.pool import DATABASE_AWAY, Database

router = Routes(tags=["health"])

DATABASE_S = 2.0
RUNNER_S = 2.0
MOVES_S = 5.0  # a loop that is full is late, and moves
ASKING: set[asyncio.Task[list[Check]]] = set()  # else nothing would hold them until they end


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Check(BaseModel):
    """One thing that has to be right; `reason` says what is not, or what is worth to know."""

    name: Literal["database", "schema", "runner"]
    ok: bool
    reason: str | None = None


STARTING = Check(name="schema", ok=False, reason="it is brought up to date just now")


class Readiness(BaseModel):
    """Ready when all checks are right. `runner` is there where one serves HTTP."""

    status: Literal["ready", "not_ready"]
    checks: list[Check]


@router.get("/healthz")
async def healthz(request: Request) -> Alive:
    """Whether the process answers, and so whether its event loop moves. Wants no token.

    That of the runner, where one serves HTTP: 503 when it has not answered for 5 s.
    """
    runner = state_of(request).runner
    if runner is not None:
        try:
            await runner.ask(MOVES_S)
        except (TimeoutError, EOFError):
            raise ApiError(
                ApiCode.RUNNER_SILENT,
                f"the runner of this process did not answer within {MOVES_S:g} s: "
                "its event loop stands still, or it is gone",
            ) from None
    return Alive()


@router.get("/readyz", responses={503: {"model": Readiness, "description": "Not ready."}})
async def readyz(request: Request, response: Response) -> Readiness:
    """Whether this process is of use: database, schema, and the runner that serves. Wants no token.

    A paused runner is ready: people paused it, and its process still answers. The database is
    asked once a second at most, however many ask here.
    """
    state = state_of(request)
    checks = list(await state.readiness.of(None, lambda: _installation(state.database)))
    if state.is_starting and checks[0].ok:
        checks = [checks[0], STARTING]
    if state.runner is not None:
        checks.append(await _runner(state.runner))
    ready = all(check.ok for check in checks)
    response.status_code = 200 if ready else 503
    return Readiness(status="ready" if ready else "not_ready", checks=checks)


async def _installation(database: Database) -> list[Check]:
    """What is right, told in time: the driver waits for a server that hangs also when it is
    cancelled, so that is not waited for."""
    asking = asyncio.get_running_loop().create_task(_asked(database))
    ASKING.add(asking)
    asking.add_done_callback(ASKING.discard)
    ended, _ = await asyncio.wait({asking}, timeout=DATABASE_S)
    if not ended:
        asking.cancel()
        return [Check(name="database", ok=False, reason=f"no answer within {DATABASE_S:g} s")]
    return asking.result()


async def _asked(database: Database) -> list[Check]:
    try:
        await database.ping()
        schema = await _schema(database)
    except DATABASE_AWAY:
        return [Check(name="database", ok=False, reason="it cannot be reached")]
    return [Check(name="database", ok=True), schema]


async def _schema(database: Database) -> Check:
    try:
        await require_schema(database)
    except (OppspotError, *DATABASE_AWAY) as error:
        return Check(name="schema", ok=False, reason=str(error))
    return Check(name="schema", ok=True)


async def _runner(runner: ReportLine) -> Check:
    try:
        report = await runner.ask(RUNNER_S)
    except TimeoutError:
        return Check(name="runner", ok=False, reason=f"no answer within {RUNNER_S:g} s")
    except EOFError:
        return Check(name="runner", ok=False, reason="it is gone")
    return Check(name="runner", ok=report.fault is None, reason=report.fault or report.remark)
