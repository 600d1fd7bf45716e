"""A world of our own making that answers as the real one does: sources and web sites, locally.

    with World() as world:
        os.environ.update(world.settings())

See docs/guides/fake-world.md.
"""

from __future__ import annotations

from oppspot_runner.testing.world.content import (
    Accounts,
    Address,
    Board,
    Charge,
    Content,
    Item,
    Job,
    News,
    Officer,
    Page,
    RedditPost,
    RegisteredCompany,
    ShareIssue,
    Site,
)
from oppspot_runner.testing.world.exchange import Seen
from oppspot_runner.testing.world.faults import Fault
from oppspot_runner.testing.world.limits import Limit
from oppspot_runner.testing.world.making import made_content
from oppspot_runner.testing.world.world import World

__all__ = [
    "Accounts",
    "Address",
    "Board",
    "Charge",
    "Content",
    "Fault",
    "Item",
    "Job",
    "Limit",
    "News",
    "Officer",
    "Page",
    "RedditPost",
    "RegisteredCompany",
    "Seen",
    "ShareIssue",
    "Site",
    "World",
    "made_content",
]
