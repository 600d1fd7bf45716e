"""`python -m oppspot_runner` is `oppspot-runner`: the command line as a process of its own."""

from __future__ import annotations

import gc
import sys

from oppspot_runner.base.garbage import collect_rarely

INTERRUPTED = 130  # as a shell has it


def run() -> None:
    """Runs the command line and exits; a Ctrl-C ends it without a word, whenever it comes.

    To look for garbage among the modules that are loaded, and once more at the end, took a quarter
    of the time of a short command.
    """
    collect_rarely()
    try:
        from oppspot_runner.cli.main import main

        main()
    except KeyboardInterrupt:  # while modules are loaded, or the end is told
        sys.exit(INTERRUPTED)
    finally:
        gc.freeze()


if __name__ == "__main__":
    run()
