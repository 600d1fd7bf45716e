"""The live screen of `status --watch`: at any size, and while the database is away."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from uuid import uuid4

import psycopg
import pytest
from rich.console import Console

from oppspot_runner.app.status import STATUSES, Status
from oppspot_runner.base.settings import Settings
from oppspot_runner.cli import status_watch
from oppspot_runner.cli.status_screen import SPARK, Rates, Screen
from oppspot_runner.cli.status_watch import Watch
from oppspot_runner.db.pool import Database
from tests.cli.conftest import CommandLine, Rows


def counts(completed: int, failed: int = 0) -> dict[str, int]:
    return {**dict.fromkeys(STATUSES, 0), "completed": completed, "failed": failed}


def crowded(problems: int = 2) -> Status:
    runner = {
        "alive": True,
        "host": "host-with-a-rather-long-name.example.com",
        "running": 3,
        "slots": 4,
        "state": "running",
        "heartbeat_age_s": 1.2,
        "lag_ms": 3,
    }
    task = {
        "agent_name": "an agent with a name that is longer than most",
        "task_type": "agent_execution",
        "age_s": 12.0,
        "cancel_requested": False,
        "progress": {"done": 5, "total": 10, "message": "rows\x1b[31m loaded"},
        "status": "failed",
        "error_message": "ValueError: something long " * 5,
    }
    return Status(
        "running",
        5000,
        40,
        counts(1234, 5),
        runners=[{**runner, "id": number} for number in range(20)],
        running=[{**task, "id": uuid4()} for _ in range(60)],
        recent=[{**task, "id": uuid4()} for _ in range(10)],
        problems=[f"runner {number} stands still" for number in range(problems)],
    )


def drawn(found: Status, width: int, height: int, **more: object) -> list[str]:
    rates = Rates()
    for at in range(31):
        rates.look(counts(at * at), at * 2.0)
    out = StringIO()
    console = Console(file=out, width=width, height=height, color_system=None)
    coming = [(datetime(2030, 1, 1, 6, tzinfo=UTC), "Daily scout")]
    screen = Screen(found, rates, "127.0.0.1:5432/opp", coming=coming, **more)  # type: ignore[arg-type]
    console.print(screen, end="")
    return out.getvalue().splitlines()


@pytest.mark.parametrize("size", [(80, 24), (60, 12), (200, 60), (40, 6)])
def test_it_fits_and_what_matters_stands_on_top(size: tuple[int, int]) -> None:
    lines = drawn(crowded(), *size)
    assert len(lines) <= size[1]
    assert all(len(line) <= size[0] for line in lines)
    assert lines[0].startswith("running 20 runners, 40 slots")
    assert "runner 0 stands still" in lines[4]
    if size[1] >= 24:
        whole = "\n".join(lines)
        for part in ("of 60", "██████░░ 3/4", "Daily scout", "1,234"):
            assert part in whole, whole
        assert "\x1b" not in whole


def test_lists_that_fit_are_whole() -> None:
    found = crowded(0)
    del found.runners[2:], found.running[3:], found.recent[4:]
    whole = "\n".join(drawn(found, 120, 40, notes=["runner 1: it has hanging agents"]))
    assert " of " not in whole
    assert "██████░░░░░░ 5/10 rows" in whole
    assert "- runner 1: it has hanging agents" in whole


def test_rates_are_those_of_the_last_minute() -> None:
    rates = Rates()
    rates.look(counts(0), 0.0)
    assert (rates.per_second("completed"), rates.line("completed").strip()) == (0, "")
    for at in range(2, 122, 2):
        rates.look(counts(10_000 if at < 62 else 10_000 + (at - 60) * 3), float(at))
    assert rates.per_second("completed") == pytest.approx(3, rel=0.1)
    assert len(rates.line("completed")) == SPARK
    assert set(rates.line("completed")[1:]) == {"█"}
    rates.look(counts(5), 122.0)
    assert rates.line("completed")[-1] == " ", "rows that are pruned are no ends"


async def test_it_looks_at_everything_and_says_when_the_database_is_away(
    db: Database, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = rows.runner()
    rows.begin(rows.task(rows.agent(name="busy one")), runner)
    watch = Watch(db, Settings(_env_file=None), "somewhere", lambda found: ["a note"])
    first = await watch.look()
    assert [row["id"] for row in first.found.runners] == [runner]
    assert first.found.running[0]["agent_name"] == "busy one"
    assert (first.notes, first.trouble) == (["a note"], "")

    async def away(*_: object) -> Status:
        raise psycopg.OperationalError("gone")

    monkeypatch.setattr(status_watch, "read_status", away)
    second = await watch.look()
    assert "does not answer, this is old: gone" in second.trouble
    assert second.found == first.found


def test_on_a_terminal_it_is_drawn_until_interrupted(
    cli: CommandLine, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows.runner()
    drawn_at = []

    async def pause(seconds: float) -> None:
        drawn_at.append(seconds)
        if len(drawn_at) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("oppspot_runner.cli.status_watch.asyncio.sleep", pause)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    ended = cli("status", "--watch")
    assert ended.code == 130
    assert len(drawn_at) == 2
