"""Remembers which keys an import has met, at 16 to 32 bytes each, however long they are."""

from __future__ import annotations

from array import array

SMALLEST = 1 << 12
FULL = 0.5  # share of used slots at which the table doubles


class SeenKeys:
    """A set of 64-bit hashes with open addressing.

    Two keys among ten million are mistaken for one with a probability of about one in 370,000.
    """

    def __init__(self) -> None:
        self._slots = array("q", bytes(8 * SMALLEST))
        self._used = 0

    def __len__(self) -> int:
        return self._used

    def add(self, key: str) -> bool:
        """Remembers `key`; whether it is new."""
        wanted = hash(key) or 1
        slots = self._slots
        mask = len(slots) - 1
        place = wanted & mask
        while found := slots[place]:
            if found == wanted:
                return False
            place = (place + 1) & mask
        slots[place] = wanted
        self._used += 1
        if self._used > FULL * len(slots):
            self._grow()
        return True

    def _grow(self) -> None:
        old = self._slots
        self._slots = array("q", bytes(16 * len(old)))
        mask = len(self._slots) - 1
        for wanted in old:
            if wanted:
                place = wanted & mask
                while self._slots[place]:
                    place = (place + 1) & mask
                self._slots[place] = wanted
