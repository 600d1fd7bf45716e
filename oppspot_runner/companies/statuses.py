"""The status of a company in one form: lower case, words joined by hyphens.

Words of the UK register and of common lists come out the same; unknown words stay as they are.
"""

from __future__ import annotations

from functools import lru_cache

from oppspot_runner.companies.industries import tag

SAME = {
    "operating": "active",
    "open": "active",
    "live": "active",
    "trading": "active",
    "registered": "active",
    "struck-off": "dissolved",
    "ceased": "dissolved",
    "in-liquidation": "liquidation",
    "liquidated": "liquidation",
    "in-administration": "administration",
    "in-administration-administrative-receiver": "administration",
    "in-administration-receiver-manager": "administration",
    "administrative-receiver": "receivership",
    "administration-order": "administration",
    "receiver-manager-administrative-receiver": "receivership",
    "receivership-voluntary-arrangement": "receivership",
    "live-but-receiver-manager-on-at-least-one-charge": "receivership",
    "receiver-action": "receivership",
    "voluntary-arrangement-receiver-manager": "voluntary-arrangement",
    "voluntary-arrangement-administrative-receiver": "voluntary-arrangement",
    "ipo": "public",
    "listed": "public",
    "public-company": "public",
    "shut-down": "closed",
    "defunct": "closed",
    "out-of-business": "closed",
}


@lru_cache(maxsize=1_000)
def normalise_status(text: str) -> str | None:
    """`"Active - Proposal to Strike off"` is `"active-proposal-to-strike-off"`; None for ""."""
    status = tag(text)
    return SAME.get(status, status) or None
