"""The command `oppspot-runner`: finds the subcommand, and tells every error in one line.

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted; `status` has more. Subcommands are
loaded when they are called, so that `--help` and `status` stay fast.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import Any

import click
from click.exceptions import NoArgsIsHelpError

from oppspot_runner.base.errors import OppspotError
from oppspot_runner.cli.output import safe

FAILED, USAGE, INTERRUPTED = 1, 2, 130
HOME = "oppspot_runner.cli"
# Name: module, attribute, and what `--help` says of it.
COMMANDS: dict[str, tuple[str, str, str]] = {
    "start": ("daemon", "start", "Start the daemon: it takes tasks until it is stopped."),
    "serve": ("serving", "serve", "Serve HTTP alone: interface, dashboard, metrics."),
    "stop": ("control", "stop", "Stop runners, on this host or any other."),
    "pause": ("control", "pause", "Let runners take nothing, or only no tasks of some agent."),
    "resume": ("control", "resume", "End a pause."),
    "limits": ("limits", "limits", "List, set and remove limits on tasks."),
    "costs": ("costs", "costs", "Show costs, suggest lower ones; list, set, remove budgets."),
    "status": ("status", "status", "Show runners, counts, running and recent tasks."),
    "enqueue": ("enqueue", "enqueue", "Add a task for an agent."),
    "tasks": ("tasks", "tasks", "List, show, explain, retry, cancel and replay tasks."),
    "dead-letters": (
        "dead_letters",
        "dead_letters",
        "List, show, requeue and discard failed tasks.",
    ),
    "agents": ("agents", "agents", "List, create, update, test, compare agents; rotate-keys."),
    "tools": ("tools", "tools", "List tools; settle calls; clear the cache of results."),
    "sources": ("sources", "sources", "List sources; resume hosts that failed; forget answers."),
    "streams": ("streams", "streams", "List, create, plan, run and show streams; assign agents."),
    "runs": ("runs", "runs", "List, show, start, signal, approve, rerun, cancel runs; events."),
    "schedules": (
        "schedules",
        "schedules",
        "List schedules, show the next; pause, resume, run-now.",
    ),
    "notifications": (
        "notifications",
        "notifications",
        "List messages and rules; add, remove, pause, resume, test rules.",
    ),
    "import": (
        "importing",
        "import_group",
        "Import companies: csv, listed, companies-house; own contacts.",
    ),
    "companies": (
        "companies",
        "companies",
        "Show, merge, unmerge, merge-same; duplicates, distinct; industries, tech.",
    ),
    "people": ("people", "people", "List, show, suppress, unsuppress people; paths to deciders."),
    "forget": ("forgetting", "forget", "Remove a person from every table, for good."),
    "score": ("score", "score", "Explain why a company has its score."),
    "signals": ("signals", "signals", "List, show signals; say that one was acted upon, dismiss."),
    "drafts": (
        "drafts",
        "drafts",
        "List, show, approve, reject, withdraw drafts; note what was sent.",
    ),
    "organizations": ("organizations", "organizations", "List and create organisations."),
    "tokens": ("tokens", "tokens", "List, create, rotate and revoke tokens of HTTP."),
    "demo": ("demo", "demo", "Run the whole product on real companies."),
    "doctor": ("doctor", "doctor", "Look for what is wrong, and say how to mend it."),
    "bench": ("bench", "bench", "Measure throughput and latency of this installation."),
    "migrate": ("schema", "migrate", "Bring the database up to this version."),
}


class Program(click.Group):
    """A group that loads its commands when they are called, and ends with an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order in which people meet them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, loaded now."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"{HOME}.{module}"), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without loading any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry[2]) for name, entry in COMMANDS.items()])

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        """Runs the command line and exits."""
        _prepare_standard_files()
        words = list(sys.argv[1:] if args is None else args)
        extra = {**extra, "prog_name": "oppspot-runner", "standalone_mode": False}
        sys.exit(_ended(lambda: super(Program, self).main(words, **extra), "--debug" in words))


def _prepare_standard_files() -> None:
    """Where one of the three is closed, a connection would get its number, and our words. What
    the terminal has no character for is shown by its number, as on stderr."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            number = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(number, True)
            setattr(sys, name, os.fdopen(number, mode))
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _ended(run: Any, debug: bool) -> int:
    """The exit code of `run`; what it raised is told on stderr."""
    try:
        code = run()
        sys.stdout.flush()
    except NoArgsIsHelpError as error:
        error.show()
        return USAGE
    except click.UsageError as error:
        return _told(_usage(error), USAGE)
    except (click.exceptions.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has seen enough. Python would complain of it once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:  # noqa: BLE001 - nobody is above us, and nobody wants a traceback
        if debug:
            _show_traceback()
        return _told(_words(error, debug), FAILED)
    return code if isinstance(code, int) else 0


def _words(error: Exception, debug: bool) -> str:
    while isinstance(error, ExceptionGroup):  # its own words name no reason
        error = error.exceptions[0]
    if isinstance(error, OppspotError):
        return error.one_line()
    if isinstance(error, click.ClickException):
        return error.format_message()
    from psycopg import Error

    from oppspot_runner.base.redact import redact
    from oppspot_runner.db.refusals import refusal

    known = refusal(error) if isinstance(error, Error) else None
    if known is not None:
        return str(redact(known.one_line()))
    again = "" if debug else ". Run it again with --debug to see where."
    return f"{redact(f'{type(error).__name__}: {error}')}{again}"


def _usage(error: click.UsageError) -> str:
    where = error.ctx.command_path if error.ctx else "oppspot-runner"
    said = error.format_message().rstrip(".")
    return f"{said}{'' if said.endswith('?') else '.'} See `{where} --help`."


def _told(message: str, code: int) -> int:
    click.echo(f"error: {safe(' '.join(message.split()))}", err=True)
    return code


def _show_traceback() -> None:
    import traceback

    from oppspot_runner.base.redact import redact

    click.echo(redact(traceback.format_exc()), err=True)


@click.group(
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: oppspot-runner start --import myproject.agents",
)
@click.option("--debug", is_flag=True, help="Show where an error comes from.")
@click.version_option(package_name="oppspot-runner", message="%(prog)s %(version)s")
def main(debug: bool) -> None:
    """Run agents whose tasks are rows in Postgres.

    Settings come from flags, the environment and .env; without DATABASE_URL a private Postgres is
    used. Every command has --help with an example, and those that print have --json.
    """
