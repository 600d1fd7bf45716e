"""Forms of pages: they ask first, and what came of them is told on the page they came from.

A button that is named `ask` holds the question. With scripts a dialog puts it before anything is
sent, without them a page does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from oppspot_runner.api.access import LOGIN_LIMIT, body_of_known
from oppspot_runner.api.changing import SAFE, ChangingRoute
from oppspot_runner.api.dashboard import flash
from oppspot_runner.api.dashboard.rendering import page, root_of
from oppspot_runner.api.errors import ApiError, answer_to
from oppspot_runner.base.errors import OppspotError

NOT_LOCAL = re.compile(r"^[/\\]|[\0-\x1f\\]|^\w+:")


class PageRoute(ChangingRoute):
    """A route of a page: its form asks first, and its errors are told in words where it was."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of a changing route, asked for first."""
        handle = super().get_route_handler()

        async def ask_and_handle(request: Request) -> Response:
            if request.method in SAFE:
                return await handle(request)
            try:
                await body_of_known(request)  # a page of another site is given none of ours
                form = await request.form()
                request.state.back = _origin(form)
                if form.get("ask") and not form.get("sure"):
                    return _question(request, form)
                return await handle(request)
            except (ApiError, OppspotError, RequestValidationError) as error:
                status, body, _ = answer_to(error)
                if status == 401 and _is_small(request):  # where to come back to
                    request.state.back = _origin(await request.form())
                if status in (401, 404, 429):
                    raise
                return await back(request, body["error"], kind="wrong")

        return ask_and_handle


async def back(
    request: Request, text: str, *, to: str | None = None, kind: flash.Kind = "done"
) -> Response:
    """Leads to the page `to`, else to the one that the form was on, which tells `text`.

    `to` is seen from the root, as tasks?status=failed.
    """
    where = _origin(await request.form()) if to is None else to
    response = RedirectResponse(root_of(request) + where, 303)
    flash.tell(response, text, kind)
    return response


def _question(request: Request, form: FormData) -> Response:
    fields = form.multi_items()
    return page(request, "confirm", fields=fields, ask=form["ask"], back=_origin(form))


def _is_small(request: Request) -> bool:
    """Whether the form may be taken of nobody, as who logs in is one."""
    said = request.headers.get("content-length", "")
    return said.isdecimal() and len(said) < 6 and int(said) <= LOGIN_LIMIT


def _origin(form: FormData) -> str:
    given = form.get("back")
    return given if isinstance(given, str) and not NOT_LOCAL.search(given) else ""
