"""What pydantic finds wrong with data that people wrote, in words of their JSON or TOML."""

from __future__ import annotations

from pydantic import ValidationError

from oppspot_runner.base.errors import ConfigurationError

LIST, OBJECT = "a list is wanted", "an object is wanted"
OURS = {
    "extra_forbidden": "there is no such key",
    "missing": "it is missing",
    "list_type": LIST,
    "tuple_type": LIST,
    "frozen_set_type": LIST,
    "dict_type": OBJECT,
    "model_type": OBJECT,
    "dataclass_type": OBJECT,
}


def first_fault(error: ValidationError, whole: str = "") -> str:
    """The first fault: where it is, in dots, and what it is; `whole` stands for all of the data."""
    first = error.errors(include_url=False, include_input=False)[0]
    # A part with a bracket tells what pydantic tried there, not what people wrote.
    parts = [part for part in map(str, first["loc"]) if "[" not in part]
    said = OURS.get(first["type"], first["msg"].removeprefix("Value error, "))
    place = ".".join(parts) or whole
    return f"{place}: {said}" if place else said


def unusable(error: ValidationError, what: str = "the agent's configuration") -> ConfigurationError:
    """The first fault, as an error about `what`."""
    return ConfigurationError(f"{what} cannot be used: {first_fault(error)}")
