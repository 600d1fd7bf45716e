"""The programs of docs/examples print what they are there to show."""

from __future__ import annotations

import pytest

import asyncio
import re
import sys
from pathlib import Path

from oppspot_runner.testing.world import World
from tests.docs.conftest import environment
from tests.docs.pages import DOCS, text_of
from tests.llm.scripted import KEY, Answer, Call
from tests.llm.server import WIRES, ContractServer

EXAMPLES = DOCS / "examples"
LOGGED = re.compile(r"\d{4}-\d\d-\d\d \d\d:")
SUM = Call("1", "calculator", {"operation": "add", "a": 15, "b": 27})
# In this order by one process, which loads the package once; the one that subscribes is the last.
PRINTED = {
    "first_agent": [
        "completed {'said': 'Hello Ada! Hello Ada!'}",
        "failed bad payload for greeter: name: it is missing",
    ],
    "class_form": [
        "completed {'cents': 300, 'customer': 'Quay Books'}",
        "failed there is nothing to pay",
    ],
    "graph": ["completed {'words': 4, 'longest': 'committed'}"],
    "own_tool": ["completed {'to_pay': 180}", "failed bad arguments for price_of: pieces: "],
    "own_connector": ["completed {'titles': ['We have raised "],
    "own_backend": ["room for 2"],
    "thinking_agent": ["completed That makes 42 pieces of fruit."],
    "schedule": ["morning_report completed schedule"],
}
RUN = """
import runpy, sys
for path in sys.argv[1:]:
    print("== " + path)
    runpy.run_path(path, run_name="__main__")
"""


@pytest.mark.slow
async def test_every_example_prints_what_it_is_there_to_show(dsn: str, tmp_path: Path) -> None:
    assert set(PRINTED) == {path.stem for path in EXAMPLES.glob("*.py")}
    paths = [str(EXAMPLES / f"{name}.py") for name in PRINTED]
    with World() as world:
        async with ContractServer(WIRES[0]) as models:
            models.script += [Answer(calls=(SUM,), stop="tools")]
            models.script += [Answer("That makes 42 pieces of fruit.")]
            own = environment(
                **world.settings(),
                DATABASE_URL=dsn,
                ANTHROPIC_API_KEY=KEY,
                ANTHROPIC_BASE_URL=models.base_url,
                PRESS_URL=f"{world.site_url('harbourledger')}feed.xml",
            )
            running = await asyncio.create_subprocess_exec(
                *(sys.executable, "-W", "error", "-c", RUN, *paths),
                cwd=tmp_path,
                env=own,
                stdout=asyncio.subprocess.PIPE,
            )
            text = (await running.communicate())[0].decode()
    assert running.returncode == 0, text
    assert not models.faults
    for path, lines in zip(PRINTED.values(), _printed(text), strict=True):
        assert len(lines) == len(path), lines
        assert all(map(str.startswith, lines, path)), lines


def _printed(text: str) -> list[list[str]]:
    """The lines of each program, without those of the log."""
    parts = re.split(r"^== .*\n", text, flags=re.MULTILINE)[1:]
    return [[line for line in part.splitlines() if not LOGGED.match(line)] for part in parts]


def test_every_example_is_in_the_list() -> None:
    listed = text_of("docs/examples/index.md")
    assert not [name for name in PRINTED if f"]({name}.py)" not in listed]
