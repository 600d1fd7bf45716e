"""A network for each runner, in a namespace of the kernel, on a switch from which it is unplugged.

A runner that is unplugged has all it had: its address, its routes, its connections. What it sends
goes nowhere, is sent again by the kernel, and what is not given up until then arrives late.
"""

from __future__ import annotations

import os
import subprocess
from functools import cache
from types import TracebackType

from tests.chaos.proxy import Proxy

# Addresses that are set aside for tests of networks (RFC 2544): 512 networks of 256.
FIRST, NETWORKS = 18, 512


class Switch:
    """A bridge of the kernel. Needs the rights of root."""

    def __init__(self) -> None:
        self.name = f"chaos{os.getpid()}"
        high, low = divmod(os.getpid() % NETWORKS, 256)
        self.network = f"198.{FIRST + high}.{low}"
        self.address = f"{self.network}.1"

    def __enter__(self) -> Switch:
        ip("link", "add", self.name, "type", "bridge")
        try:
            ip("address", "add", f"{self.address}/24", "dev", self.name)
            ip("link", "set", self.name, "up")
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._remove()

    def _remove(self) -> None:
        ip("link", "delete", self.name)


class Cable(Proxy):
    """The only way out of a namespace: to a proxy at the address of the switch."""

    def __init__(self, dsn: str, switch: Switch, number: int) -> None:
        super().__init__(dsn, host=switch.address)
        self.switch = switch
        self.own = f"{switch.network}.{number + 1}"
        self.name = f"ch{os.getpid()}p{number}"  # of the namespace, and of our end of the cable
        self.prefix = ("ip", "netns", "exec", self.name)

    async def __aenter__(self) -> Cable:
        await super().__aenter__()
        ip("netns", "add", self.name)
        try:
            ip("link", "add", self.name, "type", "veth", "peer", "name", "eth0", "netns", self.name)
            ip("-n", self.name, "address", "add", f"{self.own}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                ip("-n", self.name, "link", "set", device, "up")
            ip("link", "set", self.name, "up")
            await self.reconnect()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        ip("netns", "delete", self.name)  # and the cable with it
        await super().__aexit__()

    async def cut_off(self) -> None:
        ip("link", "set", self.name, "nomaster")

    async def reconnect(self) -> None:
        ip("link", "set", self.name, "master", self.switch.name)


@cache
def refusal() -> str | None:
    """Why this machine makes no networks for us, if so."""
    try:
        with Switch():
            name = f"ch{os.getpid()}p0"
            ip("netns", "add", name)
            ip("netns", "delete", name)
    except FileNotFoundError:
        return "there is no program ip (Debian: apt-get install iproute2)"
    except subprocess.CalledProcessError as error:
        return str(error.stderr.decode(errors="replace").strip())
    return None


def ip(*arguments: str) -> None:
    """Runs the program of that name. Raises CalledProcessError."""
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
