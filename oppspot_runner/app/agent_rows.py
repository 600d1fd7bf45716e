"""Rows of agents, as people write them: what the agent's code would refuse is not kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec
from uuid import UUID

from oppspot_runner.base.errors import ConfigurationError, InvalidInputError
from oppspot_runner.db.operation import Operation
from oppspot_runner.streams import directory

P = ParamSpec("P")


def _checked(operation: Callable[P, Operation[UUID]]) -> Callable[P, Operation[UUID]]:
    @wraps(operation)
    def checked(*args: P.args, **kwargs: P.kwargs) -> Operation[UUID]:
        given = signature(operation).bind(*args, **kwargs).arguments
        configuration = given.get("configuration")
        if isinstance(configuration, Mapping):
            _check_options(configuration)
            agent_type = given.get("agent_type")
            if agent_type is None:
                agent_type = yield from directory.agent_type_of(given["agent"])
            if agent_type == "llm":
                check_llm(configuration)
        return (yield from operation(*args, **kwargs))

    return checked


create_agent = _checked(directory.create_agent)
update_agent = _checked(directory.update_agent)


def _check_options(configuration: Mapping[str, Any]) -> None:
    from oppspot_runner.agents.options import check_options  # most commands should start fast

    try:
        for one in _with_variants(configuration):
            check_options(one)
    except ConfigurationError as error:
        raise InvalidInputError(str(error), hint=error.hint) from None


def check_llm(configuration: Mapping[str, Any]) -> None:
    """Raises InvalidInputError that names the field which an agent of type `llm` cannot use."""
    # Here, because few agents think with models, and most commands should start fast.
    from oppspot_runner.agents.llm_options import read_options

    try:
        for one in _with_variants(configuration):
            read_options(one)
            _check_tools(one)
    except ConfigurationError as error:
        raise InvalidInputError(str(error), hint=error.hint) from None


def _with_variants(configuration: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The configuration, and what each of its variants makes of it."""
    if "variants" not in configuration:
        return [dict(configuration)]
    from oppspot_runner.agents.variants import read_variants  # few agents have any

    variants = read_variants(configuration).variants
    return [{**configuration, **own} for own in ({}, *(one.configuration for one in variants))]


def _check_tools(configuration: dict[str, Any]) -> None:
    try:
        from oppspot_runner.tools.configuration import ToolConfiguration
    except ConfigurationError:
        return  # the extra is not installed here; the runner will look
    ToolConfiguration.of(configuration)


def payload_of(agent_type: str | None, given: Any) -> dict[str, Any]:
    """The payload for an agent that is given something: of an agent that thinks with a model it is
    the `input`, of others an object is the payload itself."""
    if isinstance(given, dict) and agent_type != "llm":
        return given
    return {"input": given}
