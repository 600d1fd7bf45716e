"""The socket that HTTP is served on."""

from __future__ import annotations

import socket
import threading

import pytest

from oppspot_runner.api import listening
from oppspot_runner.api.listening import address_of, listen
from oppspot_runner.base.errors import ConfigurationError


def test_a_port_that_another_process_lets_go_of_in_time_is_taken() -> None:
    other = socket.create_server(("127.0.0.1", 0))
    port = other.getsockname()[1]
    letting_go = threading.Timer(listening.LETTING_GO_S / 10, other.close)
    letting_go.start()
    with listen(str(port)) as ours:
        assert address_of(ours) == f"http://127.0.0.1:{port}"
    letting_go.join()


def test_a_port_that_stays_taken_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "LETTING_GO_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"at {port}: Address already in use"):
            listen(str(port))
