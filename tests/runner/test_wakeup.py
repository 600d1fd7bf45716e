"""What many runners do by lot, so that few do what one of them has to."""

from __future__ import annotations

from oppspot_runner.runner.wakeup import PROBE_BEATS, has_to_probe

FLEET, FLEETS = 1_000, 10
SILENT = PROBE_BEATS + 0.1


def test_a_few_of_a_crowd_that_falls_silent_test_their_listeners() -> None:
    """One notification is heard by all: a thousand of them at once would be a million."""
    tested = sum(has_to_probe(SILENT, FLEET) for _ in range(FLEET * FLEETS)) / FLEETS

    assert 2 < tested < 20


def test_whoever_is_alone_or_silent_for_longer_is_tested_for_sure() -> None:
    assert all(has_to_probe(SILENT, 1) for _ in range(FLEET))
    assert all(has_to_probe(SILENT + 1, FLEET) for _ in range(FLEET))
    assert not any(has_to_probe(PROBE_BEATS, 1) for _ in range(FLEET))
