"""Writes docs/reference/events.md from what the code can tell of. A test compares it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_args

import oppspot_runner
from oppspot_runner.api.live.changes import KINDS
from oppspot_runner.base import events
from oppspot_runner.db.listen import Channel
from oppspot_runner.notifications.rules import EVENTS
from oppspot_runner.workflow.run_events import EventType

PAGE = Path(__file__).resolve().parent / "reference" / "events.md"
TEXT = """# Events

<!-- Made by docs/events_page.py from the code; change it there. -->

## In a program

What a runner tells subscribers of its own process: `@on(TaskFinished)` from `oppspot_runner`, for one of
these or, with `Event`, for all. A subscriber gets the event as its only argument, is called in the
runner's loop and so should be quick; one that raises is logged and harms nothing. Those that
are *inside* are imported from `oppspot_runner.base.events`, and may change.

{typed}
## Of a run

Kept in [run_events](sql.md#run_events), numbered without a gap; [Following a run](../guides/following.md) says
what the data of each type are. One of the last three comes at the end, and only then.

| type | when |
|---|---|
{of_runs}
## NOTIFY

A message only says that there is something to see, so none has to arrive: whoever misses one sees it at
the next poll. All of a database hear each other, so each payload begins with, or means, the schema.

| channel | payload | when it is sent |
|---|---|---|
{channels}
## Over HTTP, as it happens

Server-sent events; how to resume is told in [Following a run](../guides/following.md#over-http).

| endpoint | message | ends |
|---|---|---|
| `GET /api/v1/runs/{{run_id}}/events` | `id` is the number, `data` the event of the run as JSON | after the last event of the run |
| `GET /api/v1/changes` | `data` is `{{"changed": [...]}}` with some of {kinds} | when the client leaves |

## That people are told of

Events of [notification rules](../guides/notifications.md), with `notifications add NAME --on EVENT`.

| event | when |
|---|---|
{told}"""
OF_RUNS: Mapping[EventType, str] = {
    "status": "an agent of the run is in another state",
    "log": "its agent wrote a line with `ctx.log`, or by `ctx.emit`",
    "progress": "`ctx.progress`",
    "output_chunk": "`ctx.emit_chunk`: a piece of the output",
    "output": "an agent completed, with what it returned",
    "completed": "last: every agent ended well, or as it may",
    "error": "last: the run failed",
    "cancelled": "last: the run was cancelled",
}
CHANNELS: Mapping[Channel, tuple[tuple[str, str], ...]] = {
    "oppspot_wake": (
        ("SCHEMA", "work is due, and a runner waits for some; by whatever INSERT or function"),
        ("SCHEMA/waits", "a task that another one may wait for was ended or deleted from outside"),
        ("SCHEMA/ID!", "runner ID has to look at its row: a stop, a pause, a cancelled task"),
        ("SCHEMA/ID", "runner ID asks itself whether it still hears"),
    ),
    "oppspot_events": (
        ("RUN", "the run with that id has new events, and somebody follows it"),
        ("SCHEMA/followers/ID", "a follower asks itself whether it still hears"),
    ),
}


def events_page() -> str:
    """The text of the page. Raises KeyError for a type or channel that nothing is said of."""
    return TEXT.format(
        typed="\n".join(_typed()),
        of_runs=_rows((f"`{one}`", OF_RUNS[one]) for one in get_args(EventType)),
        channels=_rows(
            (f"`{one}`", f"`{payload}`", when)
            for one in get_args(Channel)
            for payload, when in CHANNELS[one]
        ),
        kinds=", ".join(f"`{kind}`" for kind in KINDS),
        told=_rows((f"`{name}`", when) for name, when in EVENTS.items()),
    )


def _rows(rows: Iterator[tuple[str, ...]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _typed() -> Iterator[str]:
    for kind in events.Event.__subclasses__():
        told = " ".join((kind.__doc__ or "").split())
        fields = ", ".join(f"`{one.name}: {one.type}`" for one in dataclasses.fields(kind))
        public = "" if kind.__name__ in oppspot_runner.__all__ else " *Inside.*"
        yield f"### {kind.__name__}\n\n{told}\n\nFields: {fields}.{public}\n"


if __name__ == "__main__":
    PAGE.write_text(events_page(), encoding="utf-8")
