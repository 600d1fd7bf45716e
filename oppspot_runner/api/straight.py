"""Routes that only read, answered without what FastAPI does to find out what a handler wants.

It solves the dependencies of a handler anew for each request, which takes as long as most of our
handlers. Of one that asks for nothing but the parts below, all is known when its route is made.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from inspect import iscoroutinefunction
from typing import Any

from fastapi import Request, Response
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import request_params_to_args
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from oppspot_runner.api.access import reading
from oppspot_runner.api.in_query import InQuery
from oppspot_runner.api.state import state_of
from oppspot_runner.base.actor import Actor
from oppspot_runner.db.acting import acting

Check = Callable[[Request], Awaitable[Actor]]


def straight(route: APIRoute) -> ASGIApp | None:
    """What answers the requests of `route`; None where FastAPI has to."""
    wanted = route.dependant
    only_reads = route.methods == {"GET"} and iscoroutinefunction(wanted.call)
    if not only_reads or _wants_more(wanted) or _shapes_answers(route):
        return None
    return Straight(route)


def _wants_more(wanted: Dependant) -> bool:
    params = (wanted.header_params, wanted.cookie_params, wanted.body_params)
    named = (wanted.response_param_name, wanted.background_tasks_param_name)
    return any(params) or any(named) or not all(_is_known(one) for one in wanted.dependencies)


def _shapes_answers(route: APIRoute) -> bool:
    chosen = (route.response_model_include, route.response_model_exclude)
    left_out = (
        route.response_model_exclude_unset,
        route.response_model_exclude_defaults,
        route.response_model_exclude_none,
    )
    of_a_kind = route.response_field and not isinstance(route.response_class, DefaultPlaceholder)
    return any((*chosen, *left_out, of_a_kind, not route.response_model_by_alias))


def _is_known(wanted: Dependant) -> bool:
    return wanted.call is reading or isinstance(wanted.call, InQuery) or _is_check(wanted)


def _is_check(wanted: Dependant) -> bool:
    return getattr(wanted.call, "scope", None) is not None


class Straight:
    """Hands a handler parts of the path, what `needs` a token, filters `InQuery`, the request, and
    the database for `Reading`; sends what it returns."""

    def __init__(self, route: APIRoute) -> None:
        wanted = route.dependant
        assert wanted.call is not None
        self.handle = wanted.call
        self.path, self.query = wanted.path_params, wanted.query_params
        self.filters = [
            (o.name, o.call) for o in wanted.dependencies if isinstance(o.call, InQuery)
        ]
        self.actors = [one.name for one in wanted.dependencies if _is_check(one) and one.name]
        self.database = next((o.name for o in wanted.dependencies if o.call is reading), None)
        self.checks = list(dict.fromkeys(_checks(wanted)))
        self.request = wanted.request_param_name
        self.body = route.response_field
        self.status = route.status_code or 200

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        request = Request(scope, receive, send)
        response = await self._answered(request)
        await response(scope, receive, send)

    async def _answered(self, request: Request) -> Response:
        actor: Actor | None = None
        for check in self.checks:
            actor = await check(request)
        given: dict[str, Any] = dict.fromkeys(self.actors, actor)
        for name, filters in self.filters:
            given[str(name)] = await filters(request)
        given |= self._read(request)
        if self.request is not None:
            given[self.request] = request
        if self.database is None:
            return self._sent(await self.handle(**given))
        assert actor is not None
        async with acting(state_of(request).database, actor, read_only=True) as database:
            made = await self.handle(**given, **{self.database: database})
        return self._sent(made)

    def _read(self, request: Request) -> dict[str, Any]:
        given: dict[str, Any] = {}
        faults: list[Any] = []
        for one in self.path:
            value = request.path_params[one.alias]
            given[one.name], wrong = one.validate(value, {}, loc=("path", one.alias))
            faults += wrong or ()  # None, as older versions of the framework say it
        if self.query:
            in_query, wrong = request_params_to_args(self.query, request.query_params)
            given |= in_query
            faults += wrong
        if faults:
            raise RequestValidationError(faults)
        return given

    def _sent(self, made: Any) -> Response:
        if isinstance(made, Response):
            return made
        assert self.body is not None
        value, faults = self.body.validate(made, {}, loc=("response",))
        if faults:
            raise ResponseValidationError(errors=faults, body=made)
        return Response(self.body.serialize_json(value), self.status, media_type="application/json")


def _checks(wanted: Dependant) -> Iterator[Check]:
    for one in wanted.dependencies:
        if _is_check(one) and one.call is not None:
            yield one.call
        yield from _checks(one)
