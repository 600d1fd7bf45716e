"""Our backends keep what the suite for everybody's backends asks for."""

from __future__ import annotations

import runpy
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from oppspot_runner.backends.celery_bodies import CeleryBodies
from oppspot_runner.backends.inline import Inline
from oppspot_runner.backends.processes import Processes
from oppspot_runner.backends.threads import Threads
from oppspot_runner.testing.conformance import BackendConformance, Factory
from tests.celery.conftest import WORKER, kill
from tests.celery.redis import Redis, needs_redis
from tests.conftest import create_database, drop_database
from tests.docs.conftest import environment
from tests.warm import ROOT


class Ours(BackendConformance):
    @pytest.fixture
    def backend_dsn(self, dsn: str) -> str:
        return dsn


class TestInline(Ours):
    @pytest.fixture
    def backend(self) -> Factory:
        return lambda _: Inline()


class TestThreads(Ours):
    @pytest.fixture
    def backend(self) -> Factory:
        return lambda _: Threads()


class TestProcesses(Ours):
    @pytest.fixture
    def backend(self) -> Factory:
        return lambda _: Processes()


@pytest.mark.slow
class TestTheExample(Ours):
    @pytest.fixture
    def backend(self) -> Factory:
        made: Factory = runpy.run_path(str(ROOT / "docs/examples/own_backend.py"))["narrow_backend"]
        return made


@dataclass(frozen=True)
class Workers:
    """A worker on a database of its own, and its broker."""

    dsn: str
    broker: str


@pytest.fixture(scope="module")
def workers(
    server: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workers]:
    folder = tmp_path_factory.mktemp("celery")
    name = f"oppspot_workers_{uuid4().hex[:8]}"
    dsn = create_database(server, name, template)
    redis = Redis(folder)
    redis.start()
    worker = started(folder, dsn, redis.url)
    yield Workers(dsn, redis.url)
    kill(worker)
    redis.kill()
    drop_database(name)


def started(folder: Path, dsn: str, broker: str) -> subprocess.Popen[bytes]:
    with open(folder / "worker.log", "wb") as log:
        return subprocess.Popen(
            [*WORKER, "--concurrency", "4", "--without-mingle"],
            cwd=ROOT,
            env=environment(
                DATABASE_URL=dsn,
                OPPSPOT_CELERY_BROKER=broker,
                OPPSPOT_IMPORT="oppspot_runner.testing.conformance_agents",
            ),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


@needs_redis
@pytest.mark.slow
class TestCelery(BackendConformance):
    outlives_its_runner = True

    @pytest.fixture
    def backend_dsn(self, workers: Workers) -> str:
        return workers.dsn

    @pytest.fixture
    def backend(self, workers: Workers) -> Factory:
        return lambda around: CeleryBodies(around, workers.broker)
