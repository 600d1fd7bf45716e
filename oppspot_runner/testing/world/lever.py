"""Lever, below `/lever/` and, in the EU, `/lever-eu/`: boards in pages, without a key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from oppspot_runner.testing.world.content import Board, Job
from oppspot_runner.testing.world.exchange import Reply, Request, json_reply, with_etag
from oppspot_runner.testing.world.job_boards import board_of, long_id, shown
from oppspot_runner.testing.world.scene import Scene

MOST_A_PAGE = 100
NOT_FOUND = {"ok": False, "error": "Document not found"}


class Lever:
    """Answers with the boards of the content."""

    prefix = "/lever/"
    service: ClassVar[str] = "lever"
    host: ClassVar[str] = "jobs.lever.co"

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def settings(self) -> Mapping[str, str]:
        """The variable that leads to it."""
        variable = f"OPPSPOT_{self.service.upper()}_URL"
        return {variable: f"{self._scene.url}{self.prefix.rstrip('/')}"}

    def answer(self, request: Request) -> Reply:
        """A page of a board. Raises ValueError for parameters that make no sense."""
        board = board_of(self._scene, self.service, "/".join(request.parts))
        if board is None:
            return json_reply(NOT_FOUND, 404)
        skip = request.whole("skip", 0, 10**9)
        size = request.whole("limit", MOST_A_PAGE, MOST_A_PAGE)
        jobs = shown(board, self._scene.clock.now)[skip : skip + size]
        return with_etag(json_reply([self._rendered(board, one) for one in jobs]), request)

    def _rendered(self, board: Board, job: Job) -> dict[str, Any]:
        number = long_id(board, job)
        url = f"https://{self.host}/{board.token}/{number}"
        return {
            "id": number,
            "text": job.title,
            "categories": {
                "commitment": "Permanent",
                "department": job.department,
                "location": job.location,
                "team": job.department,
                "allLocations": [job.location],
            },
            "country": "GB",
            "workplaceType": "hybrid",
            "description": job.description,
            "descriptionPlain": job.description.replace("<p>", "").replace("</p>", "\n"),
            "lists": [{"text": "Benefits", "content": "<li>Lunch</li>"}],
            "additionalPlain": "We welcome everybody.",
            "createdAt": int(job.published.timestamp() * 1_000),
            "hostedUrl": url,
            "applyUrl": f"{url}/apply",
        }


class LeverInEurope(Lever):
    """The same for boards that are kept in the EU."""

    prefix = "/lever-eu/"
    service: ClassVar[str] = "lever_eu"
    host: ClassVar[str] = "jobs.eu.lever.co"
