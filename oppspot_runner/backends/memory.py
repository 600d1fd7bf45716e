"""How much memory a process may use, and how much it uses."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def limited(most_bytes: int | None) -> Iterator[None]:
    """This process, and each that it starts, may not have more data than that meanwhile.

    RLIMIT_DATA and not RLIMIT_AS: address space is reserved in large pieces for every thread, so
    that a limit of 512 MB allowed 14 threads instead of 63. Neither sees shared mappings: whoever
    sets a limit watches `resident` besides.
    """
    if most_bytes is None:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (most_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def resident(pid: int) -> int:
    """Bytes of a process that are in memory now; 0 when it is gone or the system does not tell."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_bytes().split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * resource.getpagesize()


def exceeded(limit_bytes: int) -> str:
    """What an attempt is told that used more than its limit."""
    return f"used more than its memory limit of {limit_bytes / 1e6:.4g} MB"
