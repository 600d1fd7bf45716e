"""Somebody who waits for calls, below `/hook/`: what is posted to a name can be read there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from oppspot_runner.testing.world.exchange import Reply, Request, json_reply
from oppspot_runner.testing.world.scene import Scene


class Hooks:
    """Takes every JSON that is posted, and answers with what came to that name, oldest first."""

    prefix = "/hook/"

    def __init__(self, scene: Scene) -> None:
        self._taken: list[tuple[str, Any]] = []

    def settings(self) -> Mapping[str, str]:
        """Nothing: who wants to be called says where."""
        return {}

    def answer(self, request: Request) -> Reply:
        """204 for what is posted; else all that was. Raises ValueError for what is no JSON."""
        if request.method == "POST":
            self._taken.append((request.path, json.loads(request.body)))
            return Reply(204)
        return json_reply([body for path, body in self._taken if path == request.path])
