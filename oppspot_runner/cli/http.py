"""HTTP beside a runner: a process of its own, so that neither waits for the other's event loop."""

from __future__ import annotations

import asyncio
import socket
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from importlib.util import find_spec

from oppspot_runner.api.listening import listen
from oppspot_runner.api.opening import require_tokens
from oppspot_runner.app.runner_report import Reporter, answer_questions
from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.settings import Settings
from oppspot_runner.cli.leaving import ended_first
from oppspot_runner.cli.worker import Worker, serve_command, worker_environment
from oppspot_runner.db.cancelling import end_all
from oppspot_runner.db.pool import Database
from oppspot_runner.runner.loop import Runner

EXTRA = ("fastapi", "uvicorn", "jinja2")


def require_extra() -> None:
    """Raises ConfigurationError when the extra for HTTP is not installed."""
    missing = [name for name in EXTRA if find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"HTTP needs the extra `api`: there is no {', '.join(missing)}",
            hint="pip install 'oppspot-runner[api]'",
        )


def listen_at(address: str) -> socket.socket:
    """A socket that listens there.

    Raises ConfigurationError when that cannot be, or when the extra is not installed.
    """
    require_extra()
    return listen(address)


class WorkerBeside(Worker):
    """The worker of a runner, which asks it how it stands.

    In a session of its own: a Ctrl-C is for the runner, which ends the worker when it has ended.
    """

    def __init__(
        self, settings: Settings, listening: socket.socket, reporter: asyncio.Future[Reporter]
    ) -> None:
        super().__init__(serve_command(settings, "--socket-fd", str(listening.fileno())))
        self._environment = worker_environment(settings)
        self._listening = listening
        self._reporter = reporter

    @asynccontextmanager
    async def started(self) -> AsyncIterator[Process]:
        """One that begins, with a line to this process; its questions are answered meanwhile."""
        ours, theirs = socket.socketpair()
        with ExitStack() as unless_started, theirs:
            unless_started.enter_context(ours)  # else one that was lost half-way would live on
            process = await asyncio.create_subprocess_exec(
                *self.command,
                *("--runner-fd", str(theirs.fileno())),
                pass_fds=(self._listening.fileno(), theirs.fileno()),
                start_new_session=True,
                env=self._environment,
            )
            unless_started.pop_all()
        answering = asyncio.get_running_loop().create_task(answer_questions(ours, self._reporter))
        try:
            with ended_first(process.pid):
                yield process
        finally:
            await end_all({answering})


@asynccontextmanager
async def http_beside(
    settings: Settings, database: Database, listening: socket.socket | None
) -> AsyncIterator[Callable[[Runner], Awaitable[None]]]:
    """Serves HTTP meanwhile, if somebody asked for it; it wants to be told of the runner.

    Told of it, it raises ConfigurationError when others could come in without a token.
    """
    if listening is None:
        yield _not_at_all
        return
    loop = asyncio.get_running_loop()
    reporter: asyncio.Future[Reporter] = loop.create_future()
    stopped = asyncio.Event()
    worker = WorkerBeside(settings, listening, reporter)
    keeping = loop.create_task(worker.keep(stopped))

    async def begin(runner: Runner) -> None:
        await require_tokens(database, settings, listening)
        reporter.set_result(Reporter(runner))

    try:
        yield begin
    finally:
        stopped.set()
        await keeping
        listening.close()


async def _not_at_all(_: Runner) -> None:
    """There is no HTTP to begin."""
