"""The steps of one attempt: what is kept of earlier ones, and whether they are called as before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from oppspot_runner.base.steps import KeptStep, Step

NOT_KNOWN = object()
STEPS_CHANGED = (
    "The agent or its configuration changed since an earlier attempt. What that finished is used"
    " all the same; to do it anew, cancel the task and use `tasks replay`."
)


class Steps:
    """Tells the calls of steps apart, by name and order.

    `load` gives what earlier attempts kept, `warn` is told when this attempt calls other steps
    than they did: after a change of code or configuration what is kept may not fit any more.
    """

    def __init__(
        self, load: Callable[[], Awaitable[Sequence[KeptStep]]], warn: Callable[[str], None]
    ) -> None:
        self._load = load
        self._warn = warn
        self._calls: Counter[str] = Counter()
        self._kept: dict[tuple[str, int], KeptStep] | None = None
        self._running = 0
        self._one_by_one = True
        self._said = False

    async def recall(self, name: str, fingerprint: str | None = None) -> tuple[Step, Any]:
        """This call of the step `name`, and its result or NOT_KNOWN."""
        if self._running:
            self._one_by_one = False
        position = self._calls.total() if self._one_by_one else None
        step = Step(name, self._calls[name], position, fingerprint)
        self._calls[name] += 1
        if self._kept is None:
            found = await self._load()
            self._kept = {(one.step.name, one.step.seq): one for one in found}
        self._compare(step)
        kept = self._kept.get((name, step.seq))
        return step, NOT_KNOWN if kept is None else kept.result

    @contextmanager
    def running(self, step: Step) -> Iterator[Step]:
        """While inside, the step is on its way: others that begin now have no order."""
        self._running += 1
        try:
            yield step
        finally:
            self._running -= 1

    def _compare(self, step: Step) -> None:
        assert self._kept is not None
        if self._said or not self._kept:
            return
        kept = self._kept.get((step.name, step.seq))
        if kept is not None:
            known, given = kept.step.fingerprint, step.fingerprint
            if None not in (known, given) and known != given:
                self._say(f"the step {step} is given something else than before")
        elif step.position is not None and (before := self._at(step.position)) is not None:
            self._say(f"the step {step} is called where {before} was called before")

    def _at(self, position: int) -> Step | None:
        assert self._kept is not None
        steps = (one.step for one in self._kept.values())
        return next((one for one in steps if one.position == position), None)

    def _say(self, what: str) -> None:
        self._said = True
        self._warn(what)
