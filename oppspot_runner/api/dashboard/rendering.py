"""From a template and values to a page. Every value is text: templates escape all of them."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

NAVIGATION = (
    ("overview", "", "Overview"),
    ("tasks", "tasks", "Tasks"),
    ("streams", "streams", "Streams"),
    ("schedules", "schedules", "Schedules"),
    ("dead_letters", "dead-letters", "Dead letters"),
    ("agents", "agents", "Agents"),
    ("costs", "costs", "Costs"),
    ("runners", "runners", "Runners"),
    ("audit", "audit", "Audit"),
)


@cache
def environment() -> Environment:
    """The templates of the package."""
    return Environment(
        loader=PackageLoader("oppspot_runner.api.dashboard"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page(request: Request, view: str, code: int = 200, **values: Any) -> HTMLResponse:
    """The template `view`.html as an answer."""
    # The way back to the root, as a proxy may serve us below a path of its own.
    root = "../" * (request.url.path.count("/") - 1) or "./"
    template = environment().get_template(f"{view}.html")
    text = template.render(view=view, root=root, navigation=NAVIGATION, **values)
    return HTMLResponse(text, code)
