"""A backend of your own: bodies run in the event loop, at most two at once."""

from collections.abc import AsyncIterator, Collection
from uuid import UUID

from oppspot_runner.backends.backend import Backend, BackendSurroundings, Briefing, Ended
from oppspot_runner.backends.inline import Inline


class Narrow:
    """Has another backend run the bodies, and says how many more it takes."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.inner = Inline()
        self.open: set[UUID] = set()

    async def start(self) -> None:
        await self.inner.start()

    def capacity(self) -> int | None:
        return self.room - len(self.open)

    async def submit(self, handle: UUID, briefing: Briefing) -> None:
        await self.inner.submit(handle, briefing)
        self.open.add(handle)

    async def outcomes(self) -> AsyncIterator[Ended]:
        async for ended in self.inner.outcomes():
            self.open.discard(ended.handle)
            yield ended

    async def cancel(self, handle: UUID) -> None:
        self.open.discard(handle)
        await self.inner.cancel(handle)

    async def adopt(self, handles: Collection[UUID]) -> frozenset[UUID]:
        return await self.inner.adopt(handles)  # bodies end with this process

    async def stop(self) -> None:
        await self.inner.stop()


def narrow_backend(surroundings: BackendSurroundings) -> Backend:
    """What the entry point names."""
    return Narrow(2)


if __name__ == "__main__":
    print("room for", Narrow(2).capacity())
