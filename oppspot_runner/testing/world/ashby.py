"""Ashby, below `/ashby/`: whole boards, without a key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oppspot_runner.testing.world.content import Board, Job
from oppspot_runner.testing.world.exchange import Reply, Request, json_reply, with_etag
from oppspot_runner.testing.world.job_boards import board_of, long_id, shown
from oppspot_runner.testing.world.scene import Scene


class Ashby:
    """Answers with the boards of the content."""

    prefix = "/ashby/"

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def settings(self) -> Mapping[str, str]:
        """The variable that leads to it."""
        return {"OPPSPOT_ASHBY_URL": f"{self._scene.url}/ashby"}

    def answer(self, request: Request) -> Reply:
        """The jobs of a board."""
        board = board_of(self._scene, "ashby", "/".join(request.parts))
        if board is None:
            return Reply(404, b"Not Found", {"Content-Type": "text/plain"})
        jobs = [_rendered(board, one) for one in shown(board, self._scene.clock.now)]
        return with_etag(json_reply({"apiVersion": "1", "jobs": jobs}), request)


def _rendered(board: Board, job: Job) -> dict[str, Any]:
    number = long_id(board, job)
    url = f"https://jobs.ashbyhq.com/{board.token}/{number}"
    return {
        "id": number,
        "title": job.title,
        "department": job.department,
        "team": job.department,
        "employmentType": "FullTime",
        "location": job.location,
        "secondaryLocations": [],
        "isRemote": False,
        "isListed": job.listed,
        "workplaceType": "Hybrid",
        "publishedAt": job.published.isoformat(),
        "jobUrl": url,
        "applyUrl": f"{url}/application",
        "descriptionHtml": job.description,
        "descriptionPlain": job.description.replace("<p>", "").replace("</p>", "\n"),
        "address": {"postalAddress": {"addressLocality": job.location, "addressCountry": "GB"}},
    }
