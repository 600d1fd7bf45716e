"""Addresses of pages with what is asked of them: filters and places in lists are in the address."""

from __future__ import annotations

from urllib.parse import urlencode


def address(path: str, **asked: object) -> str:
    """`path`, seen from the root, with what is asked of it. Where nothing is, it is left out."""
    given = {
        name: [str(one) for one in value] if isinstance(value, list) else str(value)
        for name, value in asked.items()
        if value not in (None, "", [], False)
    }
    return f"{path}?{urlencode(given, doseq=True)}" if given else path
