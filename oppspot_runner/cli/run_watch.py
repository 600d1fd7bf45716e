"""`runs show --watch`: a run as a tree that moves, with bars for the agents that say how far they
are. Without a terminal the events are printed as lines.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg.rows import DictRow

from oppspot_runner.cli import output
from oppspot_runner.cli.run_events import exit_as_ended, print_until_end, resumable
from oppspot_runner.cli.run_lines import said, why
from oppspot_runner.cli.session import client_of
from oppspot_runner.db.pool import Database
from oppspot_runner.workflow import runs as stream_runs
from oppspot_runner.workflow.run_events import RunEvent

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

BAR_WIDTH = 20
MOST_TAIL = 80  # characters of an output that are seen while it comes
INDENT = "  "


async def watch(database: Database, run_id: UUID, *, as_json: bool) -> None:
    """Shows a run until it ends, then exits as it ended."""
    if as_json or not sys.stdout.isatty():
        await print_until_end(database, run_id, as_json=as_json)
        return
    from rich.live import Live

    tree = RunTree(await stream_runs.nodes(database, run_id))
    live = Live(console=output.console(), get_renderable=tree.render, refresh_per_second=8)
    with resumable(lambda: f"runs show {run_id} --watch"), live:
        async for event in client_of(database).follow(run_id):
            tree.take(event)
    await exit_as_ended(database, run_id)


class Branch:
    """One agent of the run as it stands."""

    def __init__(self, node: DictRow) -> None:
        self.name = str(node["agent_name"] or node["agent_id"])
        self.level: int = node["level"]
        self.status: str = "waiting"
        self.progress: dict[str, Any] = {}
        self.what = ""
        self._tail = ""

    def take(self, event: RunEvent) -> None:
        """Notes what happened."""
        if event.type == "status":
            self.status, self._tail = str(event.data.get("status")), ""
            self.what = why(event.data)
            self.progress = {}
        elif event.type == "progress":
            self.progress = event.data
            self.what = str(event.data.get("message") or "")
        elif event.type == "output_chunk":
            self._tail = (self._tail + str(event.data.get("chunk")))[-MOST_TAIL:]
            self.what = self._tail
        elif event.type == "log":
            self.what = said(event)

    def bar(self) -> RenderableType:
        """How far it is, if it says so."""
        from rich.progress_bar import ProgressBar

        done, total = self.progress.get("done"), self.progress.get("total")
        if not isinstance(done, int | float) or not isinstance(total, int | float):
            return output.styled("" if done is None else done)
        return ProgressBar(total=max(total, 0), completed=done, width=BAR_WIDTH)


class RunTree:
    """The agents of a run below those that they wait for."""

    def __init__(self, nodes: Sequence[DictRow]) -> None:
        self.branches = {node["agent_id"]: Branch(node) for node in nodes}
        self.end = ""

    def take(self, event: RunEvent) -> None:
        """Notes what happened."""
        branch = self.branches.get(event.agent_id)
        if branch is not None:
            branch.take(event)
        elif event.is_last:
            self.end = f"The run {said(event)}."

    def render(self) -> RenderableType:
        """The run as it stands."""
        from rich.console import Group

        return Group(self._table(), output.styled(self.end)) if self.end else self._table()

    def _table(self) -> Table:
        from rich.table import Table

        made = Table.grid(padding=(0, 2))
        for _ in range(3):
            made.add_column(no_wrap=True)
        made.add_column(no_wrap=True, overflow="ellipsis")
        for branch in self.branches.values():
            name = output.styled(INDENT * branch.level + branch.name)
            made.add_row(name, output.cell(branch.status), branch.bar(), output.cell(branch.what))
        return made
