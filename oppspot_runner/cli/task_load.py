"""Makes tasks of the lines of a file. Lines that cannot be tasks are left out, or end it all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO
from uuid import UUID

from oppspot_runner.base.errors import InvalidInputError, NotFoundError, OppspotError
from oppspot_runner.base.payload import object_json, plain_text
from oppspot_runner.cli.progress import Bar
from oppspot_runner.cli.task_lines import Line, Portion, read_portions, size_of
from oppspot_runner.cli.values import due_time
from oppspot_runner.db.operation import Operation
from oppspot_runner.queue import producer
from oppspot_runner.queue.producer import OnConflict
from oppspot_runner.streams import directory
from oppspot_runner.tools.threads import in_thread

if TYPE_CHECKING:
    from oppspot_runner.app.client import AsyncClient

KEYS = (
    "agent",
    "payload",
    "priority",
    "at",
    "stream",
    "key",
    "max_retries",
    "task_type",
    "limit_key",
)
MOST_REASONS = 100


@dataclass
class LoadReport:
    """What became of the lines of a file; `reasons` has the first hundred that were left out."""

    lines: int = 0
    added: int = 0
    replaced: int = 0
    skipped: int = 0
    left_out: int = 0
    reasons: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return asdict(self)

    def sentence(self) -> str:
        """As people read it."""
        parts = [f"{_count(self.added, 'task')} added"]
        if self.replaced:
            parts.append(f"{self.replaced:,} replaced")
        if self.skipped:
            parts.append(f"{self.skipped:,} not added, for their keys are taken")
        if self.left_out:
            parts.append(f"{_count(self.left_out, 'line')} left out")
        return f"{'; '.join(parts)}."


class TaskLoad:
    """The way of one file into the queue.

    `options` are for all tasks, by column. If they name the agent, each line is a payload for it,
    else a whole task with keys of KEYS. When `strict`, a line that cannot be a task ends it all.
    """

    def __init__(
        self,
        client: AsyncClient,
        options: Mapping[str, Any],
        *,
        on_conflict: OnConflict,
        now: datetime,
        strict: bool,
        bar: Bar,
    ) -> None:
        self.client = client
        self.options = options
        self.on_conflict = on_conflict
        self.now = now
        self.strict = strict
        self.bar = bar
        self.report = LoadReport()
        self.last_line = 0
        self._found: dict[tuple[Callable[[str], Operation[UUID]], str], UUID] = {}

    async def run(self, file: BinaryIO) -> LoadReport:
        """Adds the tasks of `file` by portions. Raises InvalidInputError when strict."""
        total = size_of(file)
        portions = read_portions(file)
        try:
            while (portion := await in_thread(lambda: next(portions, None))) is not None:
                await self._add(portion)
                self.bar.update(portion.done_bytes, total, self.report.lines)
        except BaseException:
            if self.report.lines and not self.strict:
                self.bar.say(f"Of lines 1 to {self.last_line:,}: {self.report.sentence()}")
            raise
        return self.report

    async def _add(self, portion: Portion) -> None:
        rows: dict[int, str] = {}
        faults: dict[int, OppspotError] = {}
        for line in portion.lines:
            try:
                rows[line.number] = await self._row(line)
            except (InvalidInputError, NotFoundError) as error:
                faults[line.number] = error
        if rows:
            operation = producer.add(list(rows.values()), self.on_conflict, self.options)
            added = await self.client.run(operation)
            numbers = list(rows)
            faults |= {numbers[one.place]: one.error for one in added.refused}
            self.report.added += added.added
            self.report.replaced += added.replaced
            self.report.skipped += added.skipped
        self.report.lines += len(portion.lines)
        self.last_line = portion.lines[-1].number if portion.lines else self.last_line
        for number in sorted(faults):
            self._leave_out(number, faults[number])

    def _leave_out(self, number: int, error: OppspotError) -> None:
        if self.strict:
            raise InvalidInputError(f"line {number}: {error}", hint=error.hint) from error
        self.report.left_out += 1
        if len(self.report.reasons) < MOST_REASONS:
            self.report.reasons.append({"line": number, "reason": error.one_line()})
        self.bar.say(f"line {number}: {error.one_line()}")

    async def _row(self, line: Line) -> str:
        if line.content is None:
            raise InvalidInputError(line.fault)
        if self.options["agent"] is not None:
            return _payload_row(line.content)
        given = {key: value for key, value in line.content.items() if value is not None}
        if unknown := sorted(given.keys() - set(KEYS)):
            raise InvalidInputError(
                f"{unknown[0]!r} means nothing", hint=f"Known: {', '.join(KEYS)}."
            )
        if "agent" not in given:
            raise InvalidInputError("no agent is named")
        payload = object_json(given.pop("payload", {}))
        agent = await self._find(directory.find_agent, given.pop("agent"), "the agent")
        if "stream" in given:
            stream = given.pop("stream")
            given["stream_id"] = await self._find(directory.find_stream, stream, "the stream")
        if isinstance(given.get("at"), str):
            given["at"] = due_time(given["at"], self.now)
        key = producer.checked_key(given.pop("key", None))
        options = producer.checked_options(**given)
        return producer.row(payload, agent_id=agent, unique_key=key, **options)

    async def _find(self, find: Callable[[str], Operation[UUID]], name: str, what: str) -> UUID:
        place = (find, plain_text(name, what))
        if place not in self._found:
            self._found[place] = await self.client.run(find(name))
        return self._found[place]


def _payload_row(content: dict[str, Any]) -> str:
    if "payload" in content and content.keys() <= set(KEYS):
        raise InvalidInputError(
            "it looks like a whole task, not like a payload",
            hint='Leave AGENT out, or write {"agent": ..., "payload": ...} around it.',
        )
    return producer.row(object_json(content))


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
