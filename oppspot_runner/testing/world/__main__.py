"""Runs the world alone, to play with: `python -m oppspot_runner.testing.world --port 8000`."""

from __future__ import annotations

import argparse
import signal
import sys
from datetime import UTC, datetime
from threading import Event

from oppspot_runner.testing.world.world import World

DESCRIPTION = (
    "Serves made sources and web sites on this machine until Ctrl-C, and prints the environment in"
    " which a runner asks them instead of the real ones."
)


def main(arguments: list[str] | None = None) -> None:
    """Serves until a signal ends it."""
    parser = argparse.ArgumentParser("python -m oppspot_runner.testing.world", None, DESCRIPTION)
    parser.add_argument("--port", type=int, default=0, help="by default any that is free")
    given = parser.parse_args(arguments)
    ended = Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda *_: ended.set())
    try:
        world = World(port=given.port, now=datetime.now(UTC))
        with world:
            lines = [f"export {name}='{value}'" for name, value in world.settings().items()]
            sys.stdout.write("\n".join(lines) + "\n")
            sys.stdout.flush()
            sys.stderr.write(f"The world is at {world.url} until Ctrl-C.\n")
            ended.wait()
    except (OSError, OverflowError) as error:
        parser.exit(1, f"the port {given.port} cannot be had: {error}\n")


if __name__ == "__main__":
    main()
