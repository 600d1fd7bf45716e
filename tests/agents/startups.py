"""A made-up list of startups in which it is known who fits the goal of the tests, and who not."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tests.streams.world import World

GOAL: dict[str, Any] = {
    "industry": ["SaaS", "FinTech"],
    "location": ["UK", "Ireland"],
    "employee_count": {"min": 10, "max": 500},
    "must": ["location"],
}
METRICS = {"companies_to_find": 50, "min_quality_score": 4.0}

FITTING = {
    "Alder": {"industries": ["saas", "b2b"], "country": "GB", "employees": 10},
    "Birch": {"industries": ["fintech"], "country": "GB", "employees": 500},
    "Cedar": {"industries": ["payments"], "country": "IE", "employees": 75},
    "Dogwood": {"industries": ["insurtech", "saas"], "country": "GB", "employees": 25},
    "Elm": {"industries": ["lending"], "country": "GB", "employees": 32, "status": "acquired"},
}
UNKNOWN = {
    "Fir": {"industries": ["fintech", "climate"], "country": "GB"},
    "Ginkgo": {"country": "GB", "employees": 11, "linkedin_url": None},
}
NEAR = {
    "Hazel": {"industries": ["saas"], "country": "GB", "employees": 9},
    "Ivy": {"industries": ["saas"], "country": "IE", "employees": 5},
    "Juniper": {"industries": ["fintech"], "country": "GB", "employees": 900},
    "Kapok": {"industries": ["fintech"], "country": "GB", "employees": 1000},
    "Larch": {"industries": ["saas"], "employees": 50},
}
FAR = {
    "Maple": {"industries": ["saas"], "country": "US", "employees": 50},
    "Nutmeg": {"industries": ["music"], "country": "GB", "employees": 50},
    "Oak": {"industries": ["saas"], "country": "GB", "employees": 4},
    "Pine": {"industries": ["saas"], "country": "GB", "employees": 1001},
    "Quince": {"industries": ["saas"], "country": "GB", "employees": 50, "status": "inactive"},
}


async def found(world: World, *groups: dict[str, dict[str, Any]]) -> dict[str, UUID]:
    """Puts these companies, all of them by default, into the world; their ids by name."""
    ids = {}
    for group in groups or (FITTING, UNKNOWN, NEAR, FAR):
        for name, own in group.items():
            values = {
                "website": f"https://{name.lower()}.test.com",
                "domain": f"{name.lower()}.com",
                "linkedin_url": f"https://linkedin.com/company/{name.lower()}",
                "town": "London" if own.get("country") == "GB" else None,
                "description": f"{name} makes things",
                "status": "active",
                **own,
            }
            known = {field: value for field, value in values.items() if value is not None}
            ids[name] = await world.company(name, **known)
    return ids
