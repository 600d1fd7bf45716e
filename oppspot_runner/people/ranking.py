"""Who decides in a company: people by their roles and occupations, the first first."""

from __future__ import annotations

import re
from collections.abc import Iterable

from oppspot_runner.people.person import Seat, is_owner

MOST_DECISION_MAKERS = 10

# In this order; the first that fits counts. Words of an occupation before the role of the register,
# which calls nearly everybody a director.
LEADERS = (
    re.compile(r"\b(ceo|chief executive|managing director|founder|president|proprietor)\b"),
    re.compile(r"\b(chief|cfo|coo|cto|cio|cmo|cro|finance director|sales director)\b"),
    re.compile(r"\b(chair|chairman|chairwoman|chairperson)\b"),
)
EXECUTIVE = frozenset(
    {
        "director",
        "llp-designated-member",
        "managing-officer",
        "member-of-a-management-organ",
        "general-partner-in-a-limited-partnership",
    }
)
MEMBERS = frozenset({"llp-member", "member-of-an-administrative-organ", "judicial-factor"})
NON_EXECUTIVE = re.compile(r"\bnon[- ]executive\b")
SECRETARY = "secretary"


def rank(role: str, occupation: str | None = None) -> int | None:
    """The place of a role, from 1 for who decides most; None for one that decides nothing."""
    words = (occupation or "").lower()
    if SECRETARY in role or role.startswith(("corporate-", "nominee-")):
        return None
    if NON_EXECUTIVE.search(words):
        return 6
    for place, leader in enumerate(LEADERS, start=1):
        if leader.search(words):
            return place
    if is_owner(role):
        return 4
    if role in EXECUTIVE:
        return 5
    return 7 if role in MEMBERS else None


def decision_makers(seats: Iterable[Seat]) -> list[Seat]:
    """The people of a company who decide, the first first, each once and nominees not at all."""
    ranked = [
        (place, seat)
        for seat in seats
        if seat.nominee is None and (place := rank(seat.role, seat.occupation)) is not None
    ]
    # Of equals, who has been there longer.
    ranked.sort(key=lambda one: (one[0], str(one[1].appointed_on or "9999"), one[1].name))
    found: dict[object, Seat] = {}
    for _, seat in ranked:
        found.setdefault(seat.person_id, seat)
    return list(found.values())[:MOST_DECISION_MAKERS]
