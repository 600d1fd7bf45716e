"""The plugin of pytest: the fixtures `runner`, `drain` and `world`, and what agents raised in the
report of a test that failed.

Loads nothing of the product before a test asks for one of them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from oppspot_runner.testing.databases import Databases
    from oppspot_runner.testing.runners import AsyncRunner, BaseRunner, Runner
    from oppspot_runner.testing.world import World

RUNNER: pytest.StashKey[BaseRunner] = pytest.StashKey()
MOST_TOLD = 10  # attempts


@pytest.fixture(scope="session")
def prepare_database() -> Callable[[str], object] | None:
    """Override it with a function that is given the connection string of a migrated database, once,
    and puts in what every test is to find there: tables and rows of your own."""
    return None


@pytest.fixture(scope="session")
def _oppspot_databases(
    prepare_database: Callable[[str], object] | None,
) -> Iterator[Databases]:
    from oppspot_runner.testing.databases import Databases, running_server

    with running_server() as server:
        made = Databases(server, prepare_database)
        yield made
        made.close()


@pytest.fixture(scope="session")
def _oppspot_agents() -> None:
    from oppspot_runner.agents.registry import registry
    from oppspot_runner.app.wiring import load_agents
    from oppspot_runner.base.settings import load_settings
    from oppspot_runner.testing.logs import keep_lines

    keep_lines()
    load_agents(registry, load_settings())


@pytest.fixture
def runner(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    _oppspot_databases: Databases,
    _oppspot_agents: None,
) -> Iterator[Runner | AsyncRunner]:
    """A runner on an empty database, with a clock of its own: `AsyncRunner` in an async test, else
    `Runner`.

    DATABASE_URL leads to that database meanwhile. Agents that are defined inside of the test are
    forgotten after it.
    """
    from oppspot_runner.testing.runners import opened_runner

    with _oppspot_databases.one() as dsn:
        monkeypatch.setenv("DATABASE_URL", dsn)
        monkeypatch.setenv("OPPSPOT_SCHEMA", "public")
        is_async = inspect.iscoroutinefunction(getattr(request, "function", None))
        with opened_runner(dsn, is_async=is_async) as made:
            request.node.stash[RUNNER] = made
            yield made


@pytest.fixture
def drain(runner: Runner | AsyncRunner) -> Callable[..., Any]:
    """`runner.drain`."""
    return runner.drain


@pytest.fixture
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """The outside world on this machine. The settings lead every source to it; its clock is that of
    `runner` where the test has one."""
    from oppspot_runner.testing.world import World
    from oppspot_runner.testing.world.world import NOW

    clock = request.getfixturevalue("runner").clock if "runner" in request.fixturenames else None
    with World(now=clock.now if clock else NOW) as made:
        for name, value in made.settings().items():
            monkeypatch.setenv(name, value)
        if clock:
            clock.lead(made.clock.set)
        yield made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Says in the report of a failed test which attempts were errors, and where, but for the error
    that the report is about."""
    report = yield
    runner = item.stash.get(RUNNER, None)
    if report.failed and report.when == "call" and runner is not None and call.excinfo:
        shown = call.excinfo.value
        errors = [one for one in runner.attempts if one.error and one.exception is not shown]
        if errors:
            told = "\n".join(one.told() for one in errors[-MOST_TOLD:])
            report.sections.append(("Errors of agents", told))
    return report
