"""Help, versions, exit codes, and errors in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import psycopg
import pytest

from oppspot_runner.cli import session
from oppspot_runner.cli.main import COMMANDS, main
from tests.cli.conftest import CommandLine, Rows


def commands(
    group: click.Group, path: str = "oppspot-runner"
) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")


def test_help_lists_every_command_and_loads_none() -> None:
    script = (
        "import sys\n"
        "from oppspot_runner.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'psycopg', 'pydantic', 'rich', 'structlog', 'asyncio'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert [name for name in COMMANDS if f"\n  {name} " in done.stdout] == list(COMMANDS)


def test_every_command_has_help_with_an_example_of_itself() -> None:
    for path, command in commands(main):
        assert command.help, path
        assert (command.epilog or "").startswith(f"Example: {path}"), path


def test_the_help_of_a_group_names_all_that_it_can_do() -> None:
    for path, group in commands(main):
        if not isinstance(group, click.Group):
            continue
        heads = [(group.help or "").splitlines()[0]]
        if path.count(" ") == 1:
            heads.append(COMMANDS[path.split()[-1]][2])
        for head in heads:
            left_out = [name for name in group.commands if name not in head.lower()]
            assert not left_out, f"{path}: {head}"


def test_every_command_that_prints_takes_json() -> None:
    silent = {"oppspot-runner start", "oppspot-runner serve"}
    for path, command in commands(main):
        options = {name for one in command.params for name in one.opts}
        assert isinstance(command, click.Group) or path in silent or "--json" in options, path


def test_the_version_is_that_of_the_package(bare_cli: CommandLine) -> None:
    ended = bare_cli("--version")
    assert (ended.code, ended.out) == (0, f"oppspot-runner {version('oppspot-runner')}\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nope"], "No such command 'nope'. See `oppspot-runner --help`."),
        (["tasks", "nope"], "No such command 'nope'. See `oppspot-runner tasks --help`."),
        (["enqueue"], "which agent? Give AGENT, or --from FILE. See `oppspot-runner enqueue"),
        (["enqueue", "x", "--priority", "11"], "Invalid value for '--priority': 11 is not in"),
        (["enqueue", "x", "--payload", "{"], "Invalid value for '--payload': '{' is not JSON"),
        (
            ["start", "--poll-interval", "0"],
            "Invalid value for '--poll-interval': 0.0 is not usable: Input should be greater",
        ),
        (["start", "--concurrency", "0"], "Invalid value for '--concurrency': 0 is not usable: "),
        (["start", "--log-level", "loud"], "Invalid value for '--log-level': 'loud' is not usable"),
        (
            ["start", "--labels", "a b"],
            "Invalid value for '--labels': 'a b' is not usable: a label",
        ),
        (["enqueue", "x", "--wait"], "No such option '--wait'. Did you mean '--at'? See `opp"),
        (["start", "--detach", "--concurrency", "-1"], "Invalid value for '--concurrency': -1 is"),
        (["tasks", "show"], "Missing argument 'TASK'. See `oppspot-runner tasks show --help`."),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    bare_cli: CommandLine, words: list[str], message: str
) -> None:
    ended = bare_cli(*words)
    assert ended.code == 2
    assert ended.err.startswith(f"error: {message}")
    assert ended.err.count("\n") == 1


def test_an_error_is_one_line_with_what_to_do_and_exit_code_1(cli: CommandLine) -> None:
    ended = cli("enqueue", "nobody")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        "error: there is no agent 'nobody'. An agent is named by its id, its name or its"
        " agent_type: see `oppspot-runner agents list`.\n"
    )


def test_a_database_that_is_not_there_is_named_without_its_password(
    bare_cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://ann:hush@127.0.0.1:1/none")
    plain, full = bare_cli("tasks", "list"), bare_cli("--debug", "tasks", "list")
    assert plain.err.startswith("error: cannot reach the database 127.0.0.1:1/none: ")
    assert plain.err.count("\n") == 1
    assert "Traceback" in full.err
    assert (plain.code, full.code) == (1, 1)
    assert "hush" not in plain.err + full.err


def test_a_database_that_lacks_our_tables_says_migrate(
    bare_cli: CommandLine, empty_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_dsn)
    ended = bare_cli("tasks", "list")
    assert ended.code == 1
    assert "Run `oppspot-runner migrate`." in ended.err


def test_an_error_that_nobody_foresaw_is_one_line_too(
    bare_cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("out of\ncheese, password=hush")

    monkeypatch.setattr("oppspot_runner.cli.tasks.open_database", broken)
    ended = bare_cli("tasks", "list")
    assert ended.code == 1
    assert ended.err == (
        "error: RuntimeError: out of cheese, password=[redacted]."
        " Run it again with --debug to see where.\n"
    )


def test_the_reason_inside_of_groups_is_told(
    bare_cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        inner = ExceptionGroup("unhandled errors", [RuntimeError("out of cheese")])
        raise ExceptionGroup("unhandled errors", [inner])

    monkeypatch.setattr("oppspot_runner.cli.tasks.open_database", broken)
    told = bare_cli("tasks", "list").err
    assert told == "error: RuntimeError: out of cheese. Run it again with --debug to see where.\n"


def test_an_interrupt_is_quiet(bare_cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("oppspot_runner.cli.tasks.open_database", interrupted)
    ended = bare_cli("tasks", "list")
    assert (ended.code, ended.out, ended.err.strip()) == (130, "", "")


def test_a_reader_that_has_seen_enough_is_told_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "oppspot_runner", "--help"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_an_unknown_setting_is_warned_of_with_the_nearest_one(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPPSPOT_CONCURENCY", "5")
    with open(".env", "w") as file:
        file.write("OPPSPOT_NONSENSE=1\n")
    ended = cli("agents", "list", "--json")
    assert ended.json == []
    assert (
        "OPPSPOT_CONCURENCY means nothing to oppspot-runner; did you mean OPPSPOT_CONC" in ended.err
    )
    assert "OPPSPOT_NONSENSE means nothing" in ended.err


def test_an_unusable_setting_is_named(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPPSPOT_CONCURRENCY", "many")
    ended = cli("agents", "list")
    assert ended.code == 1
    assert ended.err.startswith("error: OPPSPOT_CONCURRENCY 'many' is not usable")


@pytest.mark.parametrize("name", ["OPPSPOT_CONCURRENCY", "OPPSPOT_LEASE"])
def test_a_variable_is_named_where_the_flag_was_not_given(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "0")
    ended = cli("start", "--poll-interval", "1")
    assert ended.code == 1
    assert ended.err.startswith(f"error: {name} '0' is not usable: Input should be greater")


def test_a_flag_wins_over_an_unusable_variable(
    bare_cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPPSPOT_CONCURRENCY", "0")
    ended = bare_cli("start", "--concurrency", "2")
    assert ended.err.startswith("error: no database was named")


def test_text_that_is_no_connection_string_names_its_variable(
    bare_cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://x?nonsense=hush")
    for words in (["migrate"], ["tasks", "list"]):
        ended = bare_cli(*words)
        assert ended.code == 1
        assert ended.err.splitlines()[-1].startswith("error: DATABASE_URL is not a connection")


def test_a_connection_that_breaks_is_told_in_our_words(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise psycopg.OperationalError(
            "consuming input failed: server closed the connection unexpectedly\n\tThis probably"
        )

    monkeypatch.setattr("oppspot_runner.queue.read.list_tasks", broken)
    assert cli("tasks", "list").err == (
        "error: the database is out of reach now: server closed the connection unexpectedly. What"
        " was committed stays. Wait until `oppspot-runner status` answers, then go on from there.\n"
    )


@pytest.mark.slow
def test_psycopg_says_nothing_beside_a_command() -> None:
    script = (
        "import logging, oppspot_runner.cli.session\n"
        "for name in ('psycopg', 'psycopg.pool'):\n"
        "    logging.getLogger(name).warning('error ignored in rollback')"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert ended.stderr == b""


@pytest.mark.slow
def test_a_daemon_that_cannot_start_is_told_in_its_own_words(
    bare_cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/nowhere")
    log = tmp_path / "runner.log"
    log.write_text("an earlier runner ended well\n")
    where = ("--pid-file", str(tmp_path / "runner.pid"), "--log-file", str(log))
    ended = bare_cli("start", "--detach", *where)
    assert (ended.code, "earlier" in ended.err) == (1, False)
    assert "the daemon ended before it took tasks: error: cannot reach" in ended.err
    assert log.read_text().startswith("an earlier runner")


@pytest.mark.parametrize("group", ["", "tasks", "costs budget"])
def test_a_group_without_a_command_shows_its_help_as_it_is(
    bare_cli: CommandLine, group: str
) -> None:
    words = group.split()
    ended = bare_cli(*words)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == bare_cli(*words, "--help").out


@pytest.mark.slow
def test_what_the_terminal_has_no_character_for_is_shown_by_its_number(
    cli: CommandLine, rows: Rows
) -> None:
    rows.agent("Zürich \u20ac")
    words = [sys.executable, "-m", "oppspot_runner", "agents", "list"]
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ended = subprocess.run(words, env=ascii_only, capture_output=True, check=True)
    assert rb"Z\xfcrich \u20ac" in ended.stdout


@pytest.mark.slow
def test_a_daemon_runs_without_stdin_and_stderr(cli: CommandLine) -> None:
    words = [sys.executable, "-m", "oppspot_runner", "start", "--drain-and-exit"]
    closed = ["sh", "-c", 'exec "$@" <&- 2>&-', "sh", *words]
    ended = subprocess.run(closed, stdout=subprocess.PIPE, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (0, b"")


@pytest.mark.slow
def test_the_private_postgres_is_migrated_by_itself(
    bare_cli: CommandLine, monkeypatch: pytest.MonkeyPatch, empty_dsn: str
) -> None:
    # Stands for the private server: started, empty, and named by no setting.
    from oppspot_runner.db.pool import Database

    monkeypatch.setattr(session, "opened", lambda settings: Database(empty_dsn))
    assert bare_cli.json("agents", "list") == []


@pytest.mark.parametrize("place", ["oppspot_runner.cli.main", "psycopg"])
def test_ctrl_c_while_modules_are_loaded_ends_it_without_a_word(place: str) -> None:
    script = (
        "import signal, sys\n"
        "from oppspot_runner.__main__ import run\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name == {place!r}: signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "sys.argv = ['oppspot-runner', 'status']\n"
        "run()\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr.strip()) == (130, "", "")
