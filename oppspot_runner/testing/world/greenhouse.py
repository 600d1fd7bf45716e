"""Greenhouse, below `/greenhouse/`: whole boards, without a key."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any
from zlib import crc32

from oppspot_runner.testing.world.content import Board, Job
from oppspot_runner.testing.world.exchange import Reply, Request, json_reply, with_etag
from oppspot_runner.testing.world.job_boards import board_of, shown
from oppspot_runner.testing.world.scene import Scene

NOT_FOUND = {"status": 404, "error": "Job not found"}


class Greenhouse:
    """Answers with the boards of the content."""

    prefix = "/greenhouse/"

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def settings(self) -> Mapping[str, str]:
        """The variable that leads to it."""
        return {"OPPSPOT_GREENHOUSE_URL": f"{self._scene.url}/greenhouse"}

    def answer(self, request: Request) -> Reply:
        """The jobs of a board, or the board itself."""
        match request.parts:
            case [token, *rest] if board := board_of(self._scene, "greenhouse", token):
                if rest == ["jobs"]:
                    return with_etag(json_reply(self._jobs(board, request)), request)
                if not rest:
                    return json_reply({"name": board.company, "content": ""})
        return json_reply(NOT_FOUND, 404)

    def _jobs(self, board: Board, request: Request) -> dict[str, Any]:
        with_content = request.parameters.get("content") == "true"
        jobs = [
            self._rendered(board, one, with_content) for one in shown(board, self._scene.clock.now)
        ]
        return {"jobs": jobs, "meta": {"total": len(jobs)}}

    def _rendered(self, board: Board, job: Job, with_content: bool) -> dict[str, Any]:
        number = crc32(f"{board.token} {job.id}".encode())
        given = {
            "id": number,
            "internal_job_id": number + 1,
            "title": job.title,
            "company_name": board.company,
            # Boards touch their jobs all the time.
            "updated_at": self._scene.clock.now.isoformat(),
            "first_published": job.published.isoformat(),
            "requisition_id": job.id,
            "location": {"name": job.location},
            "absolute_url": f"https://boards.greenhouse.io/{board.token}/jobs/{number}",
            "language": "en",
            "metadata": None,
        }
        if not with_content:
            return given
        return {
            **given,
            "content": escape(job.description),
            "departments": [{"id": 1, "name": job.department}],
            "offices": [{"id": 1, "name": job.location, "location": job.location}],
        }
