"""Child processes as the runner knows them: born and killed by the nursery, ended for a reason."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from contextlib import suppress
from typing import Any

from oppspot_runner.backends.border import Channel, framed
from oppspot_runner.backends.nursery import BEAR, BORN, KILL, REPLY, REQUEST
from oppspot_runner.base.errors import OppspotError
from oppspot_runner.db.cancelling import to_the_end

# Also where the package is not installed, and modules are found by a path of this program's own.
PROGRAM = (
    "import sys; sys.path[:] = sys.argv[2:]; "
    "from oppspot_runner.backends.nursery import main; main(int(sys.argv[1]))"
)
OTHERS = 2  # nurseries that are asked when one ended
GONE_S = 5.0  # a killed process is gone within milliseconds; the system may be busy
LAST_WORDS_S = 1.0  # of a child that ended: what it had sent is still read


class ChildEndedError(OppspotError):
    """A child process ended before the body that ran in it."""


class NurseryEndedError(ChildEndedError):
    """The nursery ended before it bore the child that it was asked for."""


class Child:
    """A living child process. It runs one body at a time."""

    def __init__(self, pid: int, channel: Channel, ended: asyncio.Future[int]) -> None:
        self.pid = pid
        self.channel = channel
        self.ended = ended  # its exit code, negative for a signal
        # What it forked may have kept its end of the channel open, and then there is no other sign.
        ended.add_done_callback(self._close_soon)

    def _close_soon(self, _: object) -> None:
        asyncio.get_running_loop().call_later(LAST_WORDS_S, self.channel.writer.close)

    async def receive(self) -> Any:
        """The next message of the child. Raises ChildEndedError with the reason, BorderError."""
        try:
            return await self.channel.receive()
        except EOFError:
            raise ChildEndedError(await self._reason()) from None

    async def send(self, message: Any) -> None:
        """Sends a message; raises BorderError for one that cannot cross. Whether the child lives
        is seen when it is listened to."""
        with suppress(ConnectionError):
            await self.channel.send(framed(message))

    async def _reason(self) -> str:
        try:
            async with asyncio.timeout(GONE_S):
                code = await asyncio.shield(self.ended)
        except TimeoutError:
            return "the child process closed its connection to the runner"
        return f"the child process {exit_reason(code)}"


def exit_reason(code: int) -> str:
    """What an exit code of a process says, as the end of a sentence."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = " (by somebody, or by the system because memory ran out)" if name == "SIGKILL" else ""
    return f"was killed by {name}{hint}"


class Children:
    """Has children born and killed. The nursery is started for the first one."""

    def __init__(self) -> None:
        self._starting = asyncio.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._heard = b""
        self._births: deque[asyncio.Future[int]] = deque()
        self._ends: dict[int, asyncio.Future[int]] = {}

    async def bear(self) -> Child:
        """A new child. Raises ChildEndedError when none could be started.

        What kills a nursery is no fault of the body that waits for its child: another one is asked.
        """
        for _ in range(OTHERS):
            with suppress(NurseryEndedError):
                return await self._bear()
        return await self._bear()

    async def _bear(self) -> Child:
        control = await self._open()
        ours, theirs = socket.socketpair()
        birth: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._births.append(birth)
        with theirs, suppress(OSError):  # a nursery that is gone is heard of
            socket.send_fds(control, [REQUEST.pack(BEAR, 0)], [theirs.fileno()])
        # The channel is open before the birth: closed, it ends a child that nobody waits for.
        channel = Channel(*await asyncio.open_connection(sock=ours))
        try:
            pid = await birth
        except BaseException:
            channel.writer.close()
            raise
        if pid <= 0:
            channel.writer.close()
            raise ChildEndedError(f"no child process could be started: {os.strerror(-pid)}")
        return Child(pid, channel, self._ends[pid])

    async def kill(self, child: Child) -> None:
        """Ends a child with everything that it started, and waits until it is gone."""
        try:
            with suppress(OSError):  # a TimeoutError is one
                if self._control is not None and not child.ended.done():
                    self._control.send(REQUEST.pack(KILL, child.pid))
                    async with asyncio.timeout(GONE_S):
                        await asyncio.shield(child.ended)
        finally:
            # Only now: a child that sees it ends itself, and what it started in groups of their own
            # is not found below a child that is gone.
            child.channel.writer.close()

    async def stop(self) -> None:
        """Ends the nursery, and with it all children. May be called twice."""
        process, self._process = self._process, None
        self._close()
        if process is not None:
            await asyncio.to_thread(_end, process)

    async def _open(self) -> socket.socket:
        async with self._starting:
            if self._control is None:
                await self.stop()  # one that ended by itself is still to be collected
                await to_the_end(self._start())  # a process that nobody knew would stay
            if self._control is None:
                raise NurseryEndedError("no child process could be started")
            return self._control

    async def _start(self) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            self._process = await asyncio.to_thread(_start, theirs)
        asyncio.get_running_loop().add_reader(ours, self._listen)
        self._control, self._heard = ours, b""

    def _listen(self) -> None:
        assert self._control is not None
        try:
            heard = self._control.recv(64 * REPLY.size)
        except BlockingIOError:
            return
        except OSError:
            heard = b""
        if not heard:
            self._close()
            return
        self._heard += heard
        while len(self._heard) >= REPLY.size:
            self._note(*REPLY.unpack(self._heard[: REPLY.size]))
            self._heard = self._heard[REPLY.size :]

    def _note(self, what: bytes, pid: int, status: int) -> None:
        if what == BORN:
            self._ends[pid] = asyncio.get_running_loop().create_future()
            birth = self._births.popleft()
            if not birth.done():
                birth.set_result(pid)
        else:
            self._ends.pop(pid).set_result(os.waitstatus_to_exitcode(status))

    def _close(self) -> None:
        """The nursery is gone, or is to go: nothing more is heard of its children."""
        control, self._control = self._control, None
        if control is None:
            return
        asyncio.get_running_loop().remove_reader(control)
        control.close()
        for birth in self._births:
            if not birth.done():
                birth.set_exception(NurseryEndedError("no child process could be started"))
        for ended in self._ends.values():
            ended.set_result(-signal.SIGKILL)
        self._births.clear()
        self._ends.clear()


def _start(control: socket.socket) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(control.fileno()), *sys.path],
        stdin=subprocess.DEVNULL,
        pass_fds=(control.fileno(),),
        start_new_session=True,  # Ctrl-C is for the runner
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(GONE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
