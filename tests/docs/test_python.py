"""Python on the pages: all of it compiles, and what the guides show does what they say."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.docs.conftest import Run
from tests.docs.pages import PAGES, blocks_of

AGENTS_PAGE = "docs/guides/writing-agents.md"
CLIENT_PAGE = "docs/guides/python-client.md"
WORKFLOWS_PAGE = "docs/guides/workflows.md"
FOLLOWING_PAGE = "docs/guides/following.md"
WAITING_PAGE = "docs/guides/waiting.md"
FAN_OUT_PAGE = "docs/guides/fan-out.md"
MODELS_PAGE = "docs/guides/language-models.md"
TOOLS_PAGE = "docs/guides/tools.md"
WEB_PAGE = "docs/guides/outside-world.md"
WORLD_PAGE = "docs/guides/fake-world.md"
NOTIFICATIONS_PAGE = "docs/guides/notifications.md"
EXECUTOR_PAGE = "docs/guides/agent-executor.md"
HTTP_PAGE = "docs/guides/http.md"
TESTING_PAGE = "docs/guides/testing.md"
# Pages whose Python is run, by the test that runs it.
RUN = {
    "README.md": "tests/packaging/test_readme.py",
    "docs/first-agent.md": "tests/docs/test_tutorial.py",
    "docs/tutorial.md": "tests/slow/test_long_tutorial.py",
    AGENTS_PAGE: __file__,
    CLIENT_PAGE: __file__,
    WORKFLOWS_PAGE: __file__,
    FOLLOWING_PAGE: __file__,
    WAITING_PAGE: __file__,
    FAN_OUT_PAGE: __file__,
    MODELS_PAGE: __file__,
    TOOLS_PAGE: __file__,
    WEB_PAGE: "tests/web/test_page.py",
    NOTIFICATIONS_PAGE: "tests/notifications/test_channels.py",
    WORLD_PAGE: "tests/fake_world/test_page.py",
    TESTING_PAGE: "tests/testing/test_page.py",
    HTTP_PAGE: str(Path(__file__).with_name("test_http_page.py")),
    **dict.fromkeys(
        (
            f"docs/guides/{name}.md"
            for name in ("connectors", "from-celery", "from-pg-cron", "from-the-typescript-runner")
        ),
        str(Path(__file__).with_name("test_moving.py")),
    ),
    EXECUTOR_PAGE: str(Path(__file__).with_name("test_executor_page.py")),
}
# Agent type, payload, then: status of the task, number of attempts, what is in output or error.
CASES: list[tuple[str, Any, str, int, Any]] = [
    ("weekly_digest", {"days": 3}, "completed", 1, {"items": 3}),
    ("weekly_digest", {"days": 300}, "failed", 1, "bad payload for weekly_digest: days"),
    ("careful", {}, "completed", 2, {"answer": 42, "asked": 1}),
    ("every_ending", {}, "completed", 1, {"ok": True}),
    ("every_ending", {"end": "retry"}, "completed", 2, {"ok": True}),
    ("every_ending", {"end": "snooze"}, "completed", 2, {"ok": True}),
    ("every_ending", {"end": "tomorrow"}, "pending", 1, None),
    ("every_ending", {"end": "fail"}, "failed", 1, "this customer has no address"),
    ("every_ending", {"end": "error"}, "failed", 1, "the answer made no sense"),
    ("every_ending", {"end": "raise"}, "failed", 3, "ValueError: anything else is an error"),
    ("patient", {}, "completed", 1, {"found": True, "complete": True}),
    ("patient", {"endless": True}, "completed", 1, {"found": True, "complete": False}),
    ("big_report", {"rows": 4}, "completed", 1, {"sum": 14}),
    ("word_count", {"text": "a b c"}, "completed", 1, {"words": 3}),
    ("word_counts", {"text": "a b"}, "completed", 1, {"words": 2}),
    ("word_counts", {"text": ""}, "failed", 1, "there is no text"),
    ("count_companies", {}, "completed", 1, {"days": 7, "companies": 0}),
    ("note", {"text": "kept"}, "completed", 1, {"note": "kept"}),
    ("ping", {}, "completed", 1, {"pong": True}),
    ("nobody", {}, "failed", 1, "unknown agent type 'nobody'; known:"),
]


def source(page: str) -> str:
    return "\n\n".join(block.body for block in blocks_of(page, "python"))


@pytest.mark.parametrize("page", PAGES)
def test_python_on_a_page_compiles_and_is_run_somewhere(page: str) -> None:
    for block in blocks_of(page, "python"):
        compile(block.body, f"{page}:{block.line}", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        assert page in RUN, f"{page}: say in RUN which test runs its Python"


def put_in(connection: psycopg.Connection[Any]) -> dict[Any, int]:
    """The rows for CASES: ids of tasks with the places of their cases."""
    connection.execute("CREATE TABLE daily_counts (task_id uuid, companies integer)")
    connection.execute("CREATE TABLE notes (text text)")
    for kind in sorted({case[0] for case in CASES}):
        connection.execute("INSERT INTO ai_agents (agent_type) VALUES (%s)", (kind,))
    return {
        connection.execute(
            "INSERT INTO agent_tasks (agent_id, payload)"
            " SELECT id, %s FROM ai_agents WHERE agent_type = %s RETURNING id",
            (json.dumps(payload), kind),
        ).fetchall()[0][0]: place
        for place, (kind, payload, *_) in enumerate(CASES)
    }


@pytest.mark.slow
def test_the_agents_of_the_guide_end_as_it_says(dsn: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "my_agents.py").write_text(source(AGENTS_PAGE), encoding="utf-8")
    with psycopg.connect(dsn, autocommit=True) as connection:
        tasks = put_in(connection)
        run("oppspot-runner", "start", "--import", "my_agents", "--drain-and-exit")
        rows = connection.execute(
            "SELECT t.id, t.status, t.attempt, e.output_data, t.error_message FROM agent_tasks t"
            " LEFT JOIN agent_executions e ON e.task_id = t.id AND e.attempt = t.attempt"
        ).fetchall()
        saved = connection.execute(
            "SELECT (SELECT count(*) FROM daily_counts), (SELECT string_agg(text, '') FROM notes)"
        ).fetchone()
    for task, status, attempts, output, error in rows:
        kind, payload, *wanted, shown = CASES[tasks[task]]
        assert [status, attempts] == wanted, (kind, payload, error)
        if isinstance(shown, str):
            assert shown in error
        else:
            assert output == shown, (kind, payload)
    assert len(rows) == len(CASES)
    assert saved == (1, "kept")


@pytest.mark.slow
def test_the_code_of_the_client_guide_runs_from_top_to_bottom(run: Run, tmp_path: Path) -> None:
    digest = (
        "from oppspot_runner import agent\n\n\n@agent('weekly_digest')\nasync def d(ctx): ...\n"
    )
    (tmp_path / "page.py").write_text(f"{digest}\n\n{source(CLIENT_PAGE)}", encoding="utf-8")
    run(sys.executable, "page.py")


@pytest.mark.slow
def test_the_code_of_the_tools_guide_holds_what_it_asserts(run: Run, tmp_path: Path) -> None:
    (tmp_path / "page.py").write_text(source(TOOLS_PAGE), encoding="utf-8")
    run(sys.executable, "page.py")


@pytest.mark.slow
def test_the_program_of_the_workflow_guide_runs_to_its_end(run: Run, tmp_path: Path) -> None:
    (tmp_path / "page.py").write_text(source(WORKFLOWS_PAGE), encoding="utf-8")
    run(sys.executable, "page.py")


@pytest.mark.slow
def test_the_program_of_the_guide_to_models_needs_no_key(run: Run, tmp_path: Path) -> None:
    (tmp_path / "page.py").write_text(source(MODELS_PAGE), encoding="utf-8")
    said = run(sys.executable, "-W", "error", "page.py").stdout
    assert said == "What is 15 + 27? 11 0.000000\nWhat is 15 + 27?"


@pytest.mark.slow
def test_the_story_of_the_following_guide_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "page.py").write_text(source(FOLLOWING_PAGE), encoding="utf-8")
    run(sys.executable, "page.py")


@pytest.mark.slow
def test_the_agent_that_waits_goes_on_with_the_signal(dsn: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "my_agents.py").write_text(source(WAITING_PAGE), encoding="utf-8")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("INSERT INTO ai_agents (agent_type) VALUES ('newsletter')")
        connection.execute("INSERT INTO streams (name) VALUES ('s')")
        connection.execute(
            "INSERT INTO stream_agent_assignments (stream_id, agent_id)"
            " SELECT s.id, a.id FROM streams s, ai_agents a"
        )
        connection.execute("SELECT run_stream(id) FROM streams")
        run("oppspot-runner", "start", "--import", "my_agents", "--drain-and-exit")
        signal, waiting = blocks_of(WAITING_PAGE, "sql")
        ((_, waits_for, *_),) = connection.execute(waiting.body.encode()).fetchall()
        assert waits_for == "the event approval"
        connection.execute(signal.body.encode())
        # It sleeps for a moment, which does not hold up the end of a runner that drains.
        while connection.execute("SELECT FROM agent_tasks WHERE status = 'pending'").rowcount:
            run("oppspot-runner", "start", "--import", "my_agents", "--drain-and-exit")
        rows = connection.execute(
            "SELECT output_data FROM agent_executions WHERE status = 'completed'"
        ).fetchall()
    assert rows == [({"sent": True, "by": "ann"},)]


@pytest.mark.slow
def test_the_agent_that_spawns_others_gets_their_outputs(
    dsn: str, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "my_agents.py").write_text(source(FAN_OUT_PAGE), encoding="utf-8")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO ai_agents (agent_type) VALUES ('census'), ('count_letters')"
        )
        connection.execute("SELECT enqueue_task('census')")
        run("oppspot-runner", "start", "--import", "my_agents", "--drain-and-exit")
        rows = connection.execute(
            "SELECT e.output_data FROM agent_tasks t JOIN agent_executions e ON e.task_id = t.id"
            " WHERE e.status = 'completed' ORDER BY t.parent_task_id IS NOT NULL, t.id"
        ).fetchall()
    assert [output for (output,) in rows] == [{"letters": 9}, {"letters": 5}, {"letters": 4}]
