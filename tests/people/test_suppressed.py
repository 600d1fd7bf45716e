"""Who is not to be approached: by address, domain or company, for one organisation or all."""

from __future__ import annotations

from oppspot_runner.people.suppressed import Suppressed
from oppspot_runner.streams.people import PeopleStore
from tests.streams.world import World

ADD = "INSERT INTO suppressions (org_id, kind, value) VALUES (%s, %s, %s) RETURNING id"


async def test_those_who_are_not_to_be_approached_are_found_as_they_were_asked(
    world: World,
) -> None:
    org = await world.organisation()
    barred, free = await world.company("Barred"), await world.company("Free")
    await world.db.execute("UPDATE companies SET domain = 'by.example' WHERE id = %s", (free,))
    for kind, value in (
        ("email", "jo@one.example"),
        ("domain", "two.example"),
        ("company", str(barred)),
    ):
        await world.one(ADD, org, kind, value)
    await world.one(ADD, None, "domain", "everybody.example")
    asked = {
        "emails": [
            "Jo@One.example",
            "al@sub.two.example",
            "al@nottwo.example",
            "al@everybody.example",
        ],
        "domains": ["two.example", "Sub.Two.example", "one.example"],
        "company_ids": [barred, free],
    }
    own = await PeopleStore(world.db, org).suppressed(**asked)
    assert own == Suppressed(
        frozenset({"Jo@One.example", "al@sub.two.example", "al@everybody.example"}),
        frozenset({"two.example", "Sub.Two.example"}),
        frozenset({barred}),
    )
    others = await PeopleStore(world.db, None).suppressed(**asked)
    assert others == Suppressed(frozenset({"al@everybody.example"}))
    await world.one(ADD, None, "domain", "by.example")
    assert (await PeopleStore(world.db, None).suppressed(**asked)).company_ids == {free}
    assert not await PeopleStore(world.db, None).suppressed()
