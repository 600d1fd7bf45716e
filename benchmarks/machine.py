"""Where and under which conditions a run was made."""

from __future__ import annotations

import os
import platform
import tempfile
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from benchmarks import product
from benchmarks.bench import Bench
from benchmarks.contenders.everyone import REMARKS
from benchmarks.programs import output_of
from benchmarks.server import SETTINGS

SYNCS = 200
PAGE = b"\0" * 8192


def conditions(bench: Bench) -> dict[str, Any]:
    """Machine, versions, settings, and how busy the machine was, as JSON values."""
    server = bench.server
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cpu": _cpu(),
            "cores": os.cpu_count(),
            "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
            "kernel": platform.release(),
            "filesystem": _filesystem(server.folder),
            "fdatasync_ms": round(_fdatasync_ms(), 3),
            "load_average": round(os.getloadavg()[0], 2),
        },
        "versions": {
            "oppspot-runner": product.version(),
            "commit": _commit(),
            "python": platform.python_version(),
            "psycopg": psycopg.__version__,
            "postgresql": server.version,
        },
        "settings": SETTINGS,
        "sizes": asdict(bench.sizes),
        "rounds": bench.rounds,
        "contenders": REMARKS,
    }


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _filesystem(folder: Path) -> str:
    return output_of(["stat", "-f", "-c", "%T", folder]).strip()


def _fdatasync_ms() -> float:
    """How long the disk takes to make one page durable: what every commit waits for."""
    times = []
    with tempfile.TemporaryFile(dir="/var/tmp") as file:
        for _ in range(SYNCS):
            file.write(PAGE)
            file.flush()
            started = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - started)
    return median(times) * 1000


def _commit() -> str:
    try:
        return output_of(["git", "describe", "--always", "--dirty"], folder=product.ROOT).strip()
    except (RuntimeError, FileNotFoundError):  # not a checkout
        return "unknown"
