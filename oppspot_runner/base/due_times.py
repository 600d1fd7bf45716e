"""When a schedule comes due: cron expressions on the clock of a time zone, also where it changes.

croniter walks the times on the face of the clock. What they mean where it is changed is said here:

* A time that the clock leaves out in spring comes at the end of the gap, once.
* A time that it shows twice in autumn comes the first time it is shown.
* Only an expression for every hour (`*/10 * * * *`) follows the time that passes: it comes in both
  passes of a repeated hour, and makes up for nothing in a gap.

So the due times of an expression are one set, whichever moment they are looked at from.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from oppspot_runner.base.cron import cron_expression, timezone_name
from oppspot_runner.base.errors import InvalidInputError

WORDS = {"hourly": "@hourly", "daily": "@daily", "weekly": "@weekly"}
SECOND = timedelta(seconds=1)
FIRST_SPAN = timedelta(minutes=1)
FEW = 10


class DueTimes:
    """The due times of one expression (cron, or one of `WORDS`) in one time zone, in UTC."""

    def __init__(self, expression: str, timezone: str) -> None:
        """Raises InvalidInputError for what is no expression or no zone."""
        from croniter import croniter

        self.expression = cron_expression(WORDS.get(expression, expression))
        self.zone = ZoneInfo(timezone_name(timezone))
        self._cron = croniter(self.expression, datetime(2024, 1, 1))
        self._every_hour = self._cron.expanded[1] == ["*"]

    def next(self, after: datetime) -> datetime:
        """The first due time after `after`. Raises InvalidInputError when there is none."""
        local = after.astimezone(self.zone)
        wall = local.replace(tzinfo=None, fold=0)
        if not self._every_hour or not self._is_twice(wall):
            return self._first(wall, after, fold=0)
        if local.fold == 1:
            return self._first(wall, after, fold=1)
        # The first pass of a repeated hour: what comes before its end, else what the second brings.
        turn = self._turn(wall)
        first = self._first(wall, after, fold=0)
        if first < turn:
            return first
        again = turn.astimezone(self.zone).replace(tzinfo=None, fold=0)
        return self._first(again - SECOND, turn - SECOND, fold=1)

    def latest(self, since: datetime, until: datetime, most: int) -> list[datetime]:
        """The newest `most` due times after `since` and not after `until`, oldest first.

        A few are met on the way from `since`; of many only the last are looked at, by looking back
        from `until`, further each time: years of missed seconds cost no more than a day of them.
        """
        begun = list(islice(self._between(since, until), FEW))
        if len(begun) < FEW:
            return begun[-most:]
        span = FIRST_SPAN
        while True:
            start = max(since, until - span)
            found = deque(self._between(start, until), maxlen=most)
            if len(found) == most or start == since:
                return list(found)
            span *= 2

    def _between(self, start: datetime, until: datetime) -> Iterator[datetime]:
        due = start
        while (due := self.next(due)) <= until:
            yield due

    def _first(self, wall: datetime, after: datetime, *, fold: int) -> datetime:
        for one in self._walls(wall):
            instant = self._instant(one, fold)
            if instant is not None and instant > after:
                return instant
        raise AssertionError("croniter ended")  # it raises instead, see _walls

    def _walls(self, wall: datetime) -> Iterator[datetime]:
        """The times on the clock's face after `wall`, as if the clock was never changed."""
        from croniter import CroniterBadDateError

        self._cron.set_current(wall.replace(microsecond=0), force=True)
        while True:
            try:
                yield self._cron.get_next(datetime)
            except CroniterBadDateError:
                raise InvalidInputError(f"{self.expression!r} does not come due any more") from None

    def _instant(self, wall: datetime, fold: int) -> datetime | None:
        """The moment at which the clock shows `wall`; None when that passes without notice."""
        instant = self._utc(wall, fold)
        if instant.astimezone(self.zone).replace(tzinfo=None, fold=0) == wall:
            return instant
        return None if self._every_hour else self._turn(wall)

    def _is_twice(self, wall: datetime) -> bool:
        return self._utc(wall, 0) < self._utc(wall, 1)

    def _turn(self, wall: datetime) -> datetime:
        """The moment of the change that leaves out or repeats `wall`: the first of the new time."""
        before, after = sorted((self._utc(wall, 0), self._utc(wall, 1)))
        offset = after.astimezone(self.zone).utcoffset()
        while after - before > SECOND:
            middle = before + (after - before) // 2
            middle = middle.replace(microsecond=0)
            if middle.astimezone(self.zone).utcoffset() == offset:
                after = middle
            else:
                before = middle
        return after

    def _utc(self, wall: datetime, fold: int) -> datetime:
        return wall.replace(tzinfo=self.zone, fold=fold).astimezone(UTC)
