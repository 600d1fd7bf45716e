"""The plugin of pytest in projects of users: what it brings, what it shows, and what it costs."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester", "oppspot_runner.testing.plugin"]

OURS = ("-p", "oppspot_runner.testing.plugin", "-p", "no:randomly", "-n", "0")
AGENTS = """
from oppspot_runner import Fail, agent

@agent("greeter")
async def greeter(ctx):
    if ctx.payload.get("to") is None:
        raise LookupError("nobody to greet")
    return {"said": f"hello {ctx.payload['to']}"}
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder with agents of a user and no settings of pytest."""
    pytester.makepyfile(their_agents=AGENTS)
    pytester.makeini(
        "[pytest]\nfilterwarnings = error\nasyncio_mode = auto\n"
        "asyncio_default_fixture_loop_scope = function\n"
    )
    return pytester


@pytest.mark.slow
def test_a_failed_test_shows_what_agents_raised_and_where(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import their_agents

        async def test_it_fails(runner, drain):
            await runner.client.create_agent(agent_type="greeter", name="Gina")
            await runner.client.enqueue("Gina", max_retries=0)
            await runner.client.enqueue("Gina", {"to": "you"})
            done = await drain()
            assert [one.status for one in done] == ["completed", "completed"]

        async def test_it_is_shown_once(runner):
            await runner.run(their_agents.greeter)

        async def test_it_passes(runner):
            await runner.run(their_agents.greeter, {"to": "you"})
        """
    )
    result = project.runpytest(*OURS)
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        [
            "*- Errors of agents -*",
            "Gina, attempt 1 of task *: failed",
            '*their_agents.py", line 6, in greeter*',
            "LookupError: nobody to greet",
        ]
    )
    text = result.stdout.str()
    assert text.count("- Errors of agents -") == 1
    assert "told_in_time" not in text


@pytest.mark.slow
def test_plain_functions_need_no_plugin_for_async_tests(project: pytest.Pytester) -> None:
    project.makeini("[pytest]\n")
    project.makeconftest(
        """
        import psycopg, pytest

        @pytest.fixture(scope="session")
        def prepare_database():
            def prepare(dsn):
                with psycopg.connect(dsn) as connection:
                    connection.execute("CREATE TABLE customers AS SELECT 'Ann' AS name")
            return prepare
        """
    )
    project.makepyfile(
        """
        import psycopg, their_agents

        def names(runner):
            with psycopg.connect(runner.dsn) as connection:
                return [name for (name,) in connection.execute("SELECT name FROM customers")]

        def test_one(runner):
            with psycopg.connect(runner.dsn) as connection:
                connection.execute("INSERT INTO customers VALUES ('Bob')")
            assert names(runner) == ["Ann", "Bob"]
            assert runner.run(their_agents.greeter, {"to": "Bob"}).output == {"said": "hello Bob"}

        def test_two(runner, drain):
            assert names(runner) == ["Ann"]
            assert runner.attempts == drain() == runner.enqueued() == []
        """
    )
    project.runpytest(*OURS, "-p", "no:asyncio", "-p", "no:anyio").assert_outcomes(passed=2)


@pytest.mark.slow
def test_a_project_that_does_not_use_it_loads_nothing(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import sys

        def test_light():
            ours = {name for name in sys.modules if name.startswith("oppspot_runner")}
            assert {one.removeprefix("oppspot_runner") for one in ours} == {
                "", ".testing", ".testing.plugin"
            }
            assert not {"psycopg", "pydantic", "structlog"} & sys.modules.keys()
        """
    )
    without = [arg for name in ("schemathesis", "hypothesispytest") for arg in ("-p", f"no:{name}")]
    done = project.runpytest_subprocess(*OURS, *without)
    done.assert_outcomes(passed=1)


def test_without_a_postgres_it_is_said_what_to_do(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEST_DATABASE_URL")
    monkeypatch.setattr("oppspot_runner.db.embedded.is_installed", lambda: False)
    project.makepyfile("def test_it(runner): ...")
    result = project.runpytest(*OURS)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*ConfigurationError: tests need a Postgres, and none is here"])
