"""From a template and values to a page. Every value is text: templates escape all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from oppspot_runner.api.dashboard import flash, words
from oppspot_runner.base.redact import redact
from oppspot_runner.base.wording import dollars, progress

PARTIAL = "oppspot-live"  # the header of requests by which pages look for what is new


@dataclass(frozen=True)
class Place:
    """An entry of the navigation; `key` opens it after `g`."""

    view: str
    path: str
    label: str
    key: str


NAVIGATION = (
    Place("overview", "", "Overview", "o"),
    Place("tasks", "tasks", "Tasks", "t"),
    Place("streams", "streams", "Streams", "s"),
    Place("schedules", "schedules", "Schedules", "h"),
    Place("dead_letters", "dead-letters", "Dead letters", "d"),
    Place("agents", "agents", "Agents", "a"),
    Place("costs", "costs", "Costs", "c"),
    Place("runners", "runners", "Runners", "r"),
    Place("audit", "audit", "Audit", "u"),
)
MORE = (
    Place("runs", "runs", "Runs", "n"),
    Place("signals", "signals", "Signals", "i"),
    Place("drafts", "drafts", "Drafts", "f"),
    Place("companies", "companies", "Companies", "e"),
    Place("notifications", "notifications", "Notifications", "m"),
    Place("limits", "limits", "Limits", "l"),
)


@cache
def environment() -> Environment:
    """The templates of the package."""
    made = Environment(
        loader=PackageLoader("oppspot_runner.api.dashboard"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        number=words.number,
        span=words.milliseconds,
        json=words.json_markup,
        json_text=words.json_text,
        json_coloured=words.json_coloured,
        brief=words.brief,
        said=words.said,
        short=words.short,
        dollars=dollars,
        masked=redact,
        progress=progress,
    )
    return made


def root_of(request: Request) -> str:
    """The way back to the root, as a proxy may serve us below a path of its own."""
    return "../" * (request.url.path.count("/") - 1) or "./"


def page(request: Request, view: str, code: int = 200, **values: Any) -> HTMLResponse:
    """The template `view`.html as an answer.

    Templates also have `root`, `here` (this page, to come back to), `actor` (None for nobody),
    `csrf` and `flash`.
    """
    partial = PARTIAL in request.headers
    told = None if partial else flash.of(request)
    text = (
        environment()
        .get_template(f"{view}.html")
        .render(
            view=view,
            root=root_of(request),
            here=here(request),
            now=datetime.now(UTC),
            navigation=NAVIGATION,
            more=MORE,
            actor=getattr(request.state, "actor", None),
            csrf=getattr(request.state, "csrf", ""),
            flash=told,
            **values,
        )
    )
    response = HTMLResponse(text, code, {"Cache-Control": "no-store"})
    if told is not None:
        flash.forget(response)
    return response


def here(request: Request) -> str:
    """This page as seen from the root, to come back to."""
    query = f"?{request.url.query}" if request.url.query else ""
    return request.url.path.lstrip("/") + query
