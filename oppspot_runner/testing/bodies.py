"""Where bodies of agents run in a test: in its process, within reach of patches and breakpoints."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from oppspot_runner.backends.backend import Briefing, Place, Result
from oppspot_runner.backends.inline import Inline
from oppspot_runner.backends.local import LocalBackend
from oppspot_runner.backends.places import Places
from oppspot_runner.backends.threads import Threads
from oppspot_runner.base.task import Task
from oppspot_runner.db.pool import Connection, Database
from oppspot_runner.queue.handoffs import Adopted
from oppspot_runner.queue.settlement import Settlement
from oppspot_runner.runner.patience import Patience
from oppspot_runner.runner.settler import Settler

Raised: TypeAlias = Callable[[int, BaseException], None]


class InThisProcess(LocalBackend):
    """`async def` in the loop of the test, `def` in a thread, also where processes are asked for.

    `raised(run_token, exception)` hears of what agents raise.
    """

    def __init__(self, raised: Raised) -> None:
        super().__init__()
        self.raised = raised
        self._inline, self._threads = Inline(), Threads()

    async def run(self, briefing: Briefing) -> Result:
        in_loop = briefing.definition.is_async and briefing.options.isolation != "thread"
        result = await (self._inline if in_loop else self._threads).run(briefing)
        if result.raised is not None:
            for one in briefing.members:
                self.raised(one.ctx.run_token, result.raised)
        return result


class OnlyHere(Places):
    """Has one place, by whatever name it is asked for."""

    def find(self, isolation: str, adopted: Adopted | None = None) -> Place:
        return self.by_name["inline"]


class WatchedSettler(Settler):
    """The writer of ends; `raised` hears of what `save_results` raises, too."""

    def __init__(
        self, database: Database, patience: Patience, runner_id: int, raised: Raised
    ) -> None:
        super().__init__(database, patience, runner_id)
        self.raised = raised

    async def settle_alone(
        self,
        task: Task,
        save: Callable[[Connection], Awaitable[bool]],
        end: Callable[[], Settlement],
        tell: Callable[[bool], None],
    ) -> None:
        async def watched(connection: Connection) -> bool:
            try:
                return await save(connection)
            except Exception as error:
                self.raised(task.run_token, error)
                raise

        await super().settle_alone(task, watched, end, tell)
