"""Whoever is called in the made world keeps what was said."""

from __future__ import annotations

from oppspot_runner.testing.world import World
from tests.fake_world.asking import ask


def test_what_is_posted_to_a_name_is_there_in_its_order(world: World) -> None:
    for number in (1, 2):
        assert ask(world, "/hook/sales", post={"n": number}).status == 204
    assert ask(world, "/hook/sales").json == [{"n": 1}, {"n": 2}]
    assert ask(world, "/hook/others").json == []


def test_what_is_no_json_is_refused(world: World) -> None:
    assert ask(world, "/hook/sales", post="hello").status == 400
