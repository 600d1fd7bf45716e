"""What happened, as told by those who did it, outside of the database under test.

Every process appends to a file of its own, one JSON line an event and one write a line: a process
that is killed leaves at most a torn last line, which is left out. Times are those of the
monotonic clock, which all processes of a machine share and which nobody can set.
"""

from __future__ import annotations

import json
import os
import time
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

VARIABLE = "CHAOS_LEDGER"  # the folder, for the runners
Event = dict[str, Any]


def note(what: str, **facts: Any) -> None:
    """Tells the ledger whose folder is in the environment."""
    write(Path(os.environ[VARIABLE]), what, **facts)


def write(folder: Path, what: str, **facts: Any) -> None:
    event = {"what": what, "at": time.monotonic(), "pid": os.getpid(), **facts}
    os.write(_file(folder, os.getpid()), json.dumps(event).encode() + b"\n")


@cache
def _file(folder: Path, pid: int) -> int:
    # The time, because a pid can come back.
    path = folder / f"{pid}-{time.monotonic_ns()}.jsonl"
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


@dataclass(frozen=True)
class Ledger:
    """All events, oldest first."""

    events: list[Event] = field(default_factory=list)

    @classmethod
    def read(cls, folder: Path) -> Ledger:
        lines = [
            line
            for path in folder.glob("*.jsonl")
            for line in path.read_bytes().split(b"\n")[:-1]  # what has no end was torn
        ]
        return cls(sorted((json.loads(line) for line in lines), key=lambda event: event["at"]))

    def of(self, what: str) -> list[Event]:
        return [event for event in self.events if event["what"] == what]

    def by(self, key: str, what: str) -> dict[Any, list[Event]]:
        """Events of one kind, grouped by one of their facts."""
        groups: dict[Any, list[Event]] = defaultdict(list)
        for event in self.of(what):
            groups[event[key]].append(event)
        return groups
