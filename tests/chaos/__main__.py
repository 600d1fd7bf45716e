"""`python -m tests.chaos --quick | --full`: every fault in turn, and one table at the end."""

from __future__ import annotations

import argparse
import asyncio
import platform
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

from tests.chaos.faults import FAULTS
from tests.chaos.server import Postgres, newest_programs, version
from tests.chaos.trial import Result, Size, trial

QUICK = Size(injections=5, tasks_each=250)
FULL = Size(injections=20, tasks_each=250)
SHOWN = 10  # violations of one fault


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument("--quick", dest="size", action="store_const", const=QUICK)
    size.add_argument("--full", dest="size", action="store_const", const=FULL)
    parser.add_argument("--seed", type=int, help="repeats the decisions of a run (default: drawn)")
    parser.add_argument(
        "--fault",
        nargs="+",
        choices=list(FAULTS),
        default=list(FAULTS),
        metavar="NAME",
        help=f"only these: {', '.join(FAULTS)}",
    )
    parser.add_argument(
        "--postgres", type=Path, default=newest_programs(), help="folder of postgres and pg_ctl"
    )
    parser.add_argument("--keep", action="store_true", help="keep ledgers and logs, and say where")
    return parser.parse_args()


async def run(given: argparse.Namespace, seed: int, folder: Path, results: list[Result]) -> None:
    """All trials, into `results`. Those that want a durable server share one of their own."""
    servers: dict[bool, Postgres] = {}
    try:
        for fault in (FAULTS[name] for name in given.fault):
            if fault.durable not in servers:
                servers[fault.durable] = Postgres(given.postgres, durable=fault.durable)
            server, place = servers[fault.durable], folder / fault.name
            place.mkdir()
            print(f"{fault.name}: {fault.about} ...", file=sys.stderr, flush=True)
            results.append(await trial(fault, server, place, seed=seed, size=given.size))
    finally:
        for server in servers.values():
            server.remove()


def table(results: list[Result]) -> str:
    head = "fault | injected | tasks | accepted | attempts lost | results dropped | s | violations"
    lines = [head, " | ".join(["---"] + ["---:"] * head.count("|"))]
    for one in results:
        counts = (one.injected, one.tasks, one.accepted, one.lost, one.dropped)
        told = (*counts, round(one.seconds), len(one.violations))
        shown = (f"skipped: {one.skipped}", *[""] * 6) if one.skipped else told
        lines.append(" | ".join(map(str, (one.fault, *shown))))
    return "\n".join(f"| {line} |" for line in lines)


def report(results: list[Result]) -> None:
    print(table(results))
    for one in results:
        if one.remark:
            print(f"{one.fault}: {one.remark}")
        for violation in one.violations[:SHOWN]:
            print(f"{one.fault}: {violation.what}: {violation.told}")
        if len(one.violations) > SHOWN:
            print(f"{one.fault}: ... and {len(one.violations) - SHOWN} more")


def main() -> int:
    given = arguments()
    seed = secrets.randbelow(1_000_000) if given.seed is None else given.seed
    folder = Path(tempfile.mkdtemp(prefix="oppspot-chaos-"))
    results: list[Result] = []
    try:
        asyncio.run(run(given, seed, folder, results))
    finally:
        print(f"\n{version(given.postgres)}, Python {platform.python_version()}, seed {seed}\n")
        report(results)
        if given.keep:
            print(f"ledgers and logs: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder)
    return 1 if any(one.violations for one in results) else 0


if __name__ == "__main__":
    sys.exit(main())
