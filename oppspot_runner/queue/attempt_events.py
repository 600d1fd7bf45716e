"""What one attempt says of itself to those who follow its run: made fit, handed to the writer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from oppspot_runner.base.errors import LeaseLostError
from oppspot_runner.base.jsonsafe import clean, clean_text, cut_to_size, dumps
from oppspot_runner.base.redact import redact
from oppspot_runner.base.task import Task
from oppspot_runner.queue.event_writer import MOST_CHUNK, EventWriter, Saying

MOST_BYTES = 65_536  # of an event that is not output; what is larger is cut, with a mark
MOST_MESSAGE = 10_000  # characters
Tell = Callable[[str, str, Mapping[str, Any]], None]  # level, text and values of a line


class AttemptEvents:
    """The events of one attempt. To be made in the runner's loop."""

    def __init__(self, writer: EventWriter, task: Task) -> None:
        self._writer = writer
        self._task = task
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._left_out = 0

    async def emit(self, kind: str, data: Mapping[str, Any]) -> None:
        """Tells those who follow the run. A long chunk becomes several events, and stays whole.

        Raises LeaseLostError when the task turned out to be no longer this attempt's.
        """
        if self._closed:
            return
        if self._task.run_token in self._writer.lost:
            raise LeaseLostError(f"task {self._task.id} is no longer this attempt's")
        chunk = data.get("chunk")
        if kind == "output_chunk" and isinstance(chunk, str):
            chunk = clean_text(chunk)
            for start in range(0, len(chunk), MOST_CHUNK):
                await self._writer.put(self._saying(kind, chunk[start : start + MOST_CHUNK]))
        else:
            await self._writer.put(self._saying(kind, fit(data)))

    def log(self, level: str, message: str, fields: Mapping[str, Any]) -> None:
        """Tells a line of the attempt's log, from any thread. Never waits."""
        shown = {"level": level, "message": clean_text(redact(message), most=MOST_MESSAGE)}
        if fields:
            shown["fields"] = redact(clean(fields))
        with suppress(RuntimeError):  # a thread that outlived the loop
            self._loop.call_soon_threadsafe(self._say, self._saying("log", fit(shown)))

    def _say(self, line: Saying) -> None:
        if self._closed:
            return
        if self._writer.is_full:
            self._left_out += 1
            return
        if self._left_out:
            shown = {"level": "warning", "message": f"{self._left_out} line(s) were left out here"}
            self._writer.put_now(self._saying("log", fit(shown)))
            self._left_out = 0
        self._writer.put_now(line)

    async def flush(self) -> None:
        """Returns when all that was said is written."""
        await asyncio.sleep(0)  # lines of other threads are on their way
        await self._writer.flush(self._task.run_token)

    def close(self) -> None:
        """The attempt has ended, or is being saved: what it says from now on is told to nobody."""
        self._closed = True
        self._writer.forget(self._task.run_token)

    def _saying(self, kind: str, text: str) -> Saying:
        return Saying(self._task.id, self._task.run_token, kind, text)


def fit(data: Mapping[str, Any]) -> str:
    """`data` as JSON text that Postgres takes, cut where it is too large."""
    cleaned: dict[str, Any] = clean(data)
    return cut_to_size(cleaned, MOST_BYTES)[1] if cleaned else dumps({})
