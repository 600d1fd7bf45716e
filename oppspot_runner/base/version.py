"""The version of this package, as it is installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def package_version() -> str:
    """The version of the installed package; "0" for files that nobody installed."""
    try:
        return version("oppspot-runner")
    except PackageNotFoundError:
        return "0"
