"""Reads the data files that come with this package."""

from __future__ import annotations

from importlib.resources import files


def read_text(name: str) -> str:
    """The text of `oppspot_runner/companies/data/<name>`."""
    return (files("oppspot_runner.companies") / "data" / name).read_text(encoding="utf-8")


def read_lines(name: str) -> list[str]:
    """The lines of a data file that hold something and are no comment."""
    lines = (line.rstrip() for line in read_text(name).splitlines())
    return [line for line in lines if line and not line.startswith("#")]
