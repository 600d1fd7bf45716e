"""A process that only bears children, so that they are born quickly and never outlive the runner.

It has one thread, no connection and no event loop, so nothing of that kind is inherited; all
modules that a child needs are loaded once, here. When the runner's end of the control socket
closes, for whatever reason, all children go, with everything that they started: also what they
orphaned, because orphans come to this process.
"""

from __future__ import annotations

import ctypes
import os
import selectors
import signal
import socket
import struct
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

# Requests: what, process id. Replies: what, process id or -errno, wait status.
REQUEST = struct.Struct("!cq")
REPLY = struct.Struct("!cqq")
BEAR, KILL, BORN, ENDED = b"b", b"k", b"B", b"E"

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LEFT_ALONE = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # the runner's affair, not ours
LIKELY_VICTIM = b"500"  # where memory runs out, a child should go before the runner


class Nursery:
    """Bears and kills on request; tells of every birth and end."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.children: set[int] = set()
        self.alarm, self._ringing = os.pipe()
        os.set_blocking(self.alarm, False)
        os.set_blocking(self._ringing, False)

    def serve(self) -> None:
        """Until the runner is gone."""
        _control_process(PR_SET_CHILD_SUBREAPER, 1)
        signal.set_wakeup_fd(self._ringing)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in LEFT_ALONE:
            signal.signal(number, signal.SIG_IGN)
        selector = selectors.SelectSelector()  # the kind that has no descriptor to inherit
        selector.register(self.control, selectors.EVENT_READ, self._obey)
        selector.register(self.alarm, selectors.EVENT_READ, self._reap)
        try:
            with suppress(ConnectionError):
                while all(key.data() for key, _ in selector.select()):
                    pass
        finally:
            self._end()

    def _obey(self) -> bool:
        data, received, _, _ = socket.recv_fds(self.control, REQUEST.size, 1)
        if len(data) < REQUEST.size:
            return False
        what, pid = REQUEST.unpack(data)
        if what == BEAR:
            self._bear(received[0])
        elif pid in self.children:
            kill_with_descendants(pid)
        return True

    def _bear(self, border: int) -> None:
        try:
            pid = os.fork()
        except OSError as error:
            pid = -(error.errno or 1)
        if pid == 0:
            self._become_child(border)
        os.close(border)
        if pid > 0:
            self.children.add(pid)
        self.control.sendall(REPLY.pack(BORN, pid, 0))

    def _become_child(self, border: int) -> NoReturn:
        status = 1
        try:
            os.setsid()
            signal.set_wakeup_fd(-1)
            for number in (*LEFT_ALONE, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            _control_process(PR_SET_PDEATHSIG, signal.SIGKILL)
            with suppress(OSError):
                Path("/proc/self/oom_score_adj").write_bytes(LIKELY_VICTIM)
            for inherited in (self.control.detach(), self.alarm, self._ringing):
                os.close(inherited)
            from oppspot_runner.backends.child import live

            live(socket.socket(fileno=border))
            status = 0
        except BaseException:  # noqa: BLE001 - a child must not come back as a nursery
            traceback.print_exc()
        finally:
            os._exit(status)

    def _reap(self) -> bool:
        with suppress(BlockingIOError):
            os.read(self.alarm, 4096)
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                if pid in self.children:
                    self.children.discard(pid)
                    _signal_group(pid, signal.SIGKILL)  # what it left behind
                    self.control.sendall(REPLY.pack(ENDED, pid, status))
        return True

    def _end(self) -> NoReturn:
        for pid in self.children:
            _signal_group(pid, signal.SIGKILL)
        with suppress(ChildProcessError):  # there is nobody left
            while True:
                for pid in descendants(os.getpid()):
                    _signal(pid, signal.SIGKILL)
                os.waitpid(-1, 0)
        os._exit(0)


def kill_with_descendants(pid: int) -> None:
    """Ends a child, its process group, and what it started in groups of their own."""
    _signal_group(pid, signal.SIGSTOP)  # nobody is born while we look
    for one in (*descendants(pid), pid):
        _signal(one, signal.SIGKILL)
    _signal_group(pid, signal.SIGKILL)


def descendants(pid: int) -> list[int]:
    """All living processes below `pid`; none where the system has no /proc."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            _, _, facts = (folder / "stat").read_text(errors="replace").rpartition(")")
            state, parent = facts.split()[:2]
            if state != "Z":
                children.setdefault(int(parent), []).append(int(folder.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        born = children.get(waiting.pop(), [])
        found += born
        waiting += born
    return found


def _signal(pid: int, number: int) -> None:
    with suppress(OSError):
        os.kill(pid, number)


def _signal_group(pid: int, number: int) -> None:
    with suppress(OSError):
        os.killpg(pid, number)


def _control_process(what: int, value: int) -> None:
    """prctl(2), where there is one."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(what, value, 0, 0, 0)


def main(control: int) -> None:
    """The whole life of the nursery; `control` is its end of the socket to the runner."""
    import gc

    gc.disable()
    import oppspot_runner.backends.child  # noqa: F401 - loaded once, for all children

    gc.enable()
    gc.freeze()  # what is never looked at again stays shared with the children
    Nursery(socket.socket(fileno=control)).serve()
