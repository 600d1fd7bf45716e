"""`python -m oppspot_runner` is `oppspot-runner`: the command line as a process of its own."""

from __future__ import annotations

import gc

from oppspot_runner.base.garbage import collect_rarely


def run() -> None:
    """Runs the command line and exits.

    To look for garbage among the modules that are loaded, and once more at the end, took a quarter
    of the time of a short command.
    """
    collect_rarely()
    from oppspot_runner.cli.main import main

    try:
        main()
    finally:
        gc.freeze()


if __name__ == "__main__":
    run()
