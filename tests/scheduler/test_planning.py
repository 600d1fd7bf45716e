"""What fires when runners look at any times: the promise of each rule."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import accumulate
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oppspot_runner.base.due_times import DueTimes
from oppspot_runner.scheduler.planning import GRACE, Due, plan

START = datetime.fromisoformat("2025-10-26T00:00:10Z")  # the clock changes at 01:00
ZONE = "Europe/London"
# Seconds between looks: mostly on time, at times hours later.
gaps = st.lists(st.one_of(st.integers(1, 90), st.integers(1, 20_000)), min_size=1, max_size=30)
expressions = st.sampled_from(["* * * * *", "*/10 * * * *", "30 1 * * *", "0 * * * *"])


def look(due: Due, at: datetime, **state: bool) -> tuple[Due, list[datetime]]:
    """The schedule after a look, and what it started."""
    made = plan(replace(due, now=at, **state))
    assert made.error is None
    assert made.look_at is not None
    after = replace(due, since=made.since, due_at=made.due_at, look_at=made.look_at)
    return after, list(made.ticks) if made.starts else []


def schedule(expression: str, **options: object) -> Due:
    return Due(
        UUID(int=1), expression, ZONE, json.dumps(options), START, None, START, START, False, False
    )


@pytest.mark.slow
@settings(deadline=None)
@given(expressions, gaps)
def test_all_means_every_due_time_once(expression: str, gaps: list[int]) -> None:
    due, fired = schedule(expression, misfire="all", limit=1000), list[datetime]()
    moments = [START + timedelta(seconds=s) for s in accumulate(gaps)]
    for at in moments:
        due, more = look(due, at)
        fired += more
    every = DueTimes(expression, ZONE).latest(START, moments[-1], 100_000)
    missed = set(every) - set(fired)
    assert fired == sorted(set(fired))
    assert set(fired) <= set(every)
    # Only a gap with more due times than the limit loses any: the oldest of it.
    assert not missed or max(gaps) > 1000


@pytest.mark.slow
@settings(deadline=None)
@given(expressions, gaps, st.sampled_from(["last", "skip"]))
def test_otherwise_a_look_fires_the_newest_due_time_or_none(
    expression: str, gaps: list[int], misfire: str
) -> None:
    due, times = schedule(expression, misfire=misfire), DueTimes(expression, ZONE)
    before = START
    for at in (START + timedelta(seconds=s) for s in accumulate(gaps)):
        looked_at = due.look_at
        due, fired = look(due, at)
        newest = times.latest(before, at, 1)
        missed = misfire == "skip" and bool(newest) and at - max(newest[0], looked_at) > GRACE
        assert fired == ([] if missed else newest)
        before = at


@pytest.mark.slow
@settings(deadline=None)
@given(
    st.sampled_from(["*/10 * * * *", "30 1 * * *"]),
    st.lists(st.integers(1, 4000), min_size=1, max_size=10),
    st.data(),
)
def test_a_schedule_that_queues_starts_nothing_beside_a_run_and_forgets_nothing(
    expression: str, gaps: list[int], data: st.DataObject
) -> None:
    due = schedule(expression, misfire="all", limit=1000, overlap="queue")
    at, fired = START, list[datetime]()
    for gap in gaps:
        at += timedelta(seconds=gap)
        is_on = bool(fired) and data.draw(st.booleans())
        due, more = look(due, at, is_on=is_on)
        assert len(more) <= (not is_on)
        fired += more
    every = DueTimes(expression, ZONE).latest(START, at, 1000)
    assert len(every) < 1000
    for _ in every:  # and in the end it catches up, one after the other
        due, more = look(due, at)
        fired += more
    assert fired == every
