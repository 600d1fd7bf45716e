"""The pages for those who come from elsewhere, or connect something: their code runs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import psycopg
import pytest

from tests.docs.conftest import Run
from tests.docs.pages import blocks_of
from tests.docs.test_sql import BEFORE

CELERY, CRON, TYPESCRIPT, CONNECTORS = (
    f"docs/guides/{name}.md"
    for name in ("from-celery", "from-pg-cron", "from-the-typescript-runner", "connectors")
)


class Route(BaseHTTPRequestHandler):
    """The route of an application: it fails once, then answers with what it was told."""

    keys: list[str | None]

    def do_POST(self) -> None:
        told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.keys.append(self.headers["Idempotency-Key"])
        self.send_response(503 if len(self.keys) == 1 else 200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps({"found": told["payload"]["days"]}).encode())

    def log_message(self, *_: object) -> None: ...


@contextmanager
def served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a service on this machine."""
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def write_agents(folder: Path, *bodies: str) -> None:
    (folder / "my_agents.py").write_text("\n\n".join(bodies), encoding="utf-8")


@pytest.mark.slow
def test_tasks_of_celery_run_as_agents(dsn: str, run: Run, tmp_path: Path) -> None:
    _, agents, calls = (block.body for block in blocks_of(CELERY, "python"))
    write_agents(tmp_path, agents)
    (tmp_path / "calls.py").write_text(calls, encoding="utf-8")
    run("python", "calls.py")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("UPDATE agent_tasks SET scheduled_for = now()")
        run("oppspot-runner", "start", "--import", "my_agents", "--task-type", "mail",
            "--drain-and-exit")  # fmt: skip
        rows = connection.execute(
            "SELECT t.status, t.task_type, e.output_data FROM agent_tasks t"
            " JOIN agent_executions e ON e.task_id = t.id ORDER BY t.id"
        ).fetchall()
    assert rows == [
        ("completed", "mail", {"order": 7, "to": ["customer"]}),
        ("completed", "mail", {"order": 7, "to": ["customer", "sales"]}),
    ]


def test_a_job_of_pg_cron_is_there_or_here_and_never_in_both(dsn: str) -> None:
    """Also one without a name, and one whose name another database's job has."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(BEFORE[CRON].encode())
        for _ in range(2):  # whoever is not sure does it again
            connection.execute(blocks_of(CRON, "sql")[0].body.encode())
        here = connection.execute(
            "SELECT name, schedule_cron FROM ai_agents ORDER BY schedule_cron"
        ).fetchall()
        there = connection.execute("SELECT jobid FROM cron.job ORDER BY jobid").fetchall()
    assert here == [("nightly", "0 3 L * *"), ("Job 3", "0 4 * * *")]
    assert [job for (job,) in there] == [2, 4, 5, 6, 7]


@pytest.mark.slow
def test_a_job_of_pg_cron_is_done_with_the_end_of_its_task(
    dsn: str, run: Run, tmp_path: Path
) -> None:
    write_agents(tmp_path, blocks_of(CRON, "python")[0].body)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE done (n integer)")
        for name, statement in (("Good", "INSERT INTO done VALUES (1)"), ("Bad", "SELEKT")):
            connection.execute(
                "INSERT INTO ai_agents (name, agent_type, configuration)"
                " VALUES (%s, 'sql_job', %s)",
                (name, json.dumps({"sql": statement})),
            )
            connection.execute("SELECT enqueue_task(%s, max_retries => 0)", (name,))
        run("oppspot-runner", "start", "--import", "my_agents", "--drain-and-exit")
        rows = connection.execute("SELECT status FROM agent_tasks ORDER BY id").fetchall()
        done = connection.execute("SELECT n FROM done").fetchall()
    assert (rows, done) == ([("completed",), ("failed",)], [(1,)])


@pytest.mark.slow
def test_an_agent_that_stays_where_it_is_is_called_again_with_its_key(
    dsn: str, run: Run, tmp_path: Path
) -> None:
    write_agents(tmp_path, blocks_of(TYPESCRIPT, "python")[0].body)
    Route.keys = []
    with served(Route) as url, psycopg.connect(dsn, autocommit=True) as connection:
        row = blocks_of(TYPESCRIPT, "sql")[0].body
        connection.execute(row.replace("https://app.example.com", url).encode())
        connection.execute("""SELECT enqueue_task('Old one', '{"days": 3}')""")
        run("oppspot-runner", "start", "--import", "my_agents", "--drain-and-exit")
        rows = connection.execute(
            "SELECT task_id::text, status, output_data FROM agent_executions ORDER BY attempt"
        ).fetchall()
    assert [row[1:] for row in rows] == [("failed", None), ("completed", {"found": 3})]
    assert Route.keys == [rows[0][0]] * 2


class Weather(BaseHTTPRequestHandler):
    """A service that wants a pause, breaks, and knows one of two towns."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path.rpartition("=")[2])
        known = self.asked[-1] == "Cork"
        status = {2: 429, 3: 503}.get(len(self.asked), 200 if known else 404)
        self.send_response(status)
        self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(b'{"rain": true}')

    def log_message(self, *_: object) -> None: ...


@pytest.mark.slow
def test_each_answer_of_a_service_means_the_right_end(
    dsn: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_agents(tmp_path, blocks_of(CONNECTORS, "python")[0].body)
    Weather.asked = []
    with served(Weather) as url, psycopg.connect(dsn, autocommit=True) as connection:
        monkeypatch.setenv("WEATHER_URL", url)
        monkeypatch.setenv("WEATHER_API_KEY", "k")
        connection.execute("INSERT INTO ai_agents (agent_type) VALUES ('weather')")
        connection.execute("""SELECT enqueue_task('weather', '{"towns": ["Cork", "Ys"]}')""")
        run("oppspot-runner", "start", "--import", "my_agents", "--drain-and-exit")
        while connection.execute("SELECT FROM agent_tasks WHERE status = 'pending'").rowcount:
            run("oppspot-runner", "start", "--import", "my_agents", "--drain-and-exit")
        rows = connection.execute(
            "SELECT t.status, t.retry_count, e.output_data FROM agent_tasks t"
            " JOIN agent_executions e ON e.task_id = t.id AND e.attempt = t.attempt"
        ).fetchall()
    found = {"forecasts": {"Cork": {"rain": True}, "Ys": None}, "unknown": ["Ys"]}
    assert rows == [("completed", 1, found)]
    assert Weather.asked == ["Cork", "Ys", "Ys", "Ys"]
