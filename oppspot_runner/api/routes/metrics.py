"""Metrics for Prometheus."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Response

from oppspot_runner.api.access import needs
from oppspot_runner.api.errors import ApiCode, ApiError
from oppspot_runner.api.routing import Routes
from oppspot_runner.base.actor import Actor
from oppspot_runner.observe.metrics import Metrics

router = Routes(tags=["health"])


TEXT = {"schema": {"type": "string"}}
FORMS = {"text/plain": TEXT, "application/openmetrics-text": TEXT}


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"description": "All metrics.", "content": FORMS}},
)
async def metrics(request: Request, actor: Annotated[Actor, Depends(needs("metrics"))]) -> Response:
    """Metrics for Prometheus.

    What this process did, and how the whole installation stands; as OpenMetrics where `Accept`
    says so. For operators.
    """
    if not actor.is_operator:
        raise ApiError(
            ApiCode.FORBIDDEN,
            "metrics are those of the whole installation: they want a token of no organisation, "
            "as `oppspot-runner tokens create NAME --scope metrics --all` makes it",
        )
    measured: Metrics = request.app.state.metrics
    body, content_type = await measured.scrape(request.headers.get("accept", ""))
    return Response(body, headers={"content-type": content_type})
