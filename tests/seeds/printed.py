"""JSON that the older systems print, and whether an answer has its shape."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID


def faults(printed: Any, answered: Any, where: str = "") -> list[str]:
    """What is different: a key that is missing, a value of another type. More keys are no fault.

    A list has the shape of its first printed member; `...` in one stands for any. A printed
    "uuid" is a uuid, a printed time a time.
    """
    if printed is ...:
        return []
    if isinstance(printed, dict) and isinstance(answered, dict):
        return [
            fault
            for key, value in printed.items()
            for fault in (
                faults(value, answered[key], f"{where}.{key}")
                if key in answered
                else [f"{where}.{key} is missing"]
            )
        ]
    if isinstance(printed, list) and isinstance(answered, list):
        found = [faults(printed[0], one, f"{where}[]") for one in answered] if printed else []
        return [fault for each in found for fault in each]
    if _kind(printed) == _kind(answered):
        return []
    return [f"{where}: {printed!r} is printed, {answered!r} came"]


def _kind(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return type(value).__name__
    if not isinstance(value, str):
        return "number"
    return _kind_of_text(value)


def _kind_of_text(text: str) -> str:
    if text == "uuid":
        return "uuid"
    for kind, read in (("uuid", UUID), ("time", datetime.fromisoformat)):
        try:
            read(text)
        except ValueError:
            continue
        return kind
    return "text"
