"""Routers whose routes are complete by themselves.

FastAPI completes the routes of a router that is included anew for every application, at its first
request, and looks for the one that is meant in each router in turn. Ours are put into the
application as they are: looked through once for a request, and made once in a process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute

from oppspot_runner.api.errors import ErrorBody
from oppspot_runner.api.straight import straight


def name_of(route: APIRoute) -> str:
    """The stable name of an operation, by which generated clients call it: `tasks_retry`."""
    tag = str(route.tags[0]).replace(" ", "_").replace("-", "_") if route.tags else "api"
    return f"{tag}_{route.name.strip('_')}"


class Routes(APIRouter):
    """Takes the options of APIRouter."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            generate_unique_id_function=name_of,
            responses={
                "4XX": {"model": ErrorBody, "description": "Refused; `code` says why."},
                "5XX": {"model": ErrorBody, "description": "Not done; ask again later."},
            },
            **options,
        )

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        """Adds a route, which answers itself where it only reads."""
        super().add_api_route(path, endpoint, **options)
        route = self.routes[-1]
        if isinstance(route, APIRoute):
            route.app = straight(route) or route.app
