"""HTTP beside a runner and alone, in real processes and on real sockets."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest

from tests.daemon.conftest import Fleet, NotifySocket


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


def answers(url: str) -> bool:
    try:
        return httpx2.get(url).status_code == 200
    except httpx2.TransportError:
        return False


@pytest.mark.slow
def test_a_runner_serves_http_until_it_is_stopped(fleet: Fleet) -> None:
    port = free_port()
    process = fleet.start("--http", str(port))
    healthz = httpx2.get(f"http://127.0.0.1:{port}/healthz", timeout=20)
    assert healthz.json() == {"status": "ok"}
    with socket.create_connection(("127.0.0.1", port), timeout=20) as follower:
        follower.sendall(b"GET /api/v1/changes HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert follower.recv(65_536).startswith(b"HTTP/1.1 200")
        stopped = fleet.command("stop")
        assert stopped.returncode == 0, stopped.stderr
        assert process.wait(10) == 0
        heard = b"".join(iter(lambda: follower.recv(65_536), b""))
    assert heard.endswith(b"0\r\n\r\n")  # in good order, so that it comes back elsewhere
    assert not answers(f"http://127.0.0.1:{port}/healthz")


def children_of(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def worker_of(pid: int) -> int | None:
    """The child of a runner that serves HTTP; it may have others, that run agents."""
    for child in children_of(pid):
        with suppress(OSError):
            if b"--runner-fd" in Path(f"/proc/{child}/cmdline").read_bytes():
                return child
    return None


@pytest.mark.slow
def test_the_worker_of_a_runner_is_replaced_when_it_dies_and_ends_with_the_runner(
    fleet: Fleet,
) -> None:
    port = free_port()
    runner = fleet.start("--http", str(port), cold=True)
    url = f"http://127.0.0.1:{port}"
    assert httpx2.get(f"{url}/readyz", timeout=20).json()["status"] == "ready"
    first = worker_of(runner.pid)
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert httpx2.get(f"{url}/readyz", timeout=20).json()["status"] == "ready"
    second = worker_of(runner.pid)
    assert second not in (None, first)
    runner.kill()
    fleet.until(lambda: not Path(f"/proc/{second}").exists())
    with socket.create_server(("127.0.0.1", port)):
        pass  # nobody has it


@pytest.mark.slow
def test_a_runner_that_stands_still_is_neither_alive_nor_ready_and_its_pages_are_there(
    fleet: Fleet,
) -> None:
    port = free_port()
    runner = fleet.start("--http", str(port), cold=True)
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        assert client.get("/healthz").status_code == 200
        runner.send_signal(signal.SIGSTOP)
        ready, alive = client.get("/readyz"), client.get("/healthz")
        assert (ready.status_code, alive.status_code) == (503, 503)
        assert ready.json()["checks"][-1] == {
            "name": "runner",
            "ok": False,
            "reason": "no answer within 2 s",
        }
        assert alive.json()["code"] == "RUNNER_SILENT"
        assert client.get("/api/v1/tasks").status_code == 200
        assert "oppspot_queue_depth" in client.get("/metrics").text
        runner.send_signal(signal.SIGCONT)
        assert client.get("/readyz").status_code == 200
        assert "oppspot_runner_slots" in client.get("/metrics").text


@pytest.mark.slow
def test_a_port_that_is_taken_is_told_in_one_line(fleet: Fleet) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        for command in ("start", "serve"):
            ended = fleet.command(command, "--http", address)
            assert ended.returncode == 1
            told = f"error: cannot serve HTTP at {address}: Address already in use."
            assert ended.stderr.startswith(told), ended.stderr
            assert len(ended.stderr.splitlines()) == 1
    assert fleet.all("SELECT FROM task_runners") == []


@pytest.mark.slow
def test_workers_share_a_socket_and_are_replaced_when_they_die(
    fleet: Fleet, notify_socket: NotifySocket
) -> None:
    port = free_port()
    settings = fleet.environment(NOTIFY_SOCKET=notify_socket.path)
    parent = fleet.warmer.start("serve", "--http", str(port), "--workers", "2", env=settings)
    fleet.processes.append(parent)
    notify_socket.wait_for("READY=1")
    url = f"http://127.0.0.1:{port}/healthz"
    assert httpx2.get(url, timeout=20).status_code == 200
    first = children_of(parent.pid)
    assert len(first) == 2
    os.kill(first[0], signal.SIGKILL)
    fleet.until(lambda: len(set(children_of(parent.pid)) - set(first)) == 1)
    assert httpx2.get(url, timeout=20).status_code == 200
    workers = children_of(parent.pid)
    parent.send_signal(signal.SIGTERM)
    assert parent.wait(15) == 0
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)


@pytest.mark.slow
def test_workers_end_with_a_parent_that_is_killed(fleet: Fleet) -> None:
    port = free_port()
    parent = fleet.warmer.start(
        "serve", "--http", str(port), "--workers", "2", env=fleet.environment()
    )
    fleet.processes.append(parent)
    fleet.until(lambda: answers(f"http://127.0.0.1:{port}/healthz"))
    workers = children_of(parent.pid)
    parent.kill()
    fleet.until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))
