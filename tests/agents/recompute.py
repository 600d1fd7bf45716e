"""Scores computed again from the facts alone, by the formula as it is written down.

Shares no code with the product, so that an error of one is seen by the other. Knows the goal of
tests/agents/startups.py only.
"""

from __future__ import annotations

from math import log2
from typing import Any
from uuid import UUID

from tests.streams.world import World

TAGS = {"saas", "b2b-saas", "fintech", "payments", "insurtech", "lending"}
NINE = [
    ("name", 1), ("website domain", 1), ("description", 1), ("industries sic_codes", 4),
    ("employees employees_band", 4), ("region town country", 4), ("linkedin_url", 1),
    ("phone", 1), ("email", 1),
]  # fmt: skip
GROUPS = ["company_number incorporated", "website domain tech", "employees employees_band",
          "linkedin_url"]  # fmt: skip


async def recompute(world: World, stream_id: UUID) -> dict[UUID, float]:
    """The score of each company of a stream at stage `enriched`, not rounded."""
    rows = await world.all(
        "SELECT i.company_id, f.field, f.value, f.confidence, (i.scored_at - f.observed_at) AS age"
        " FROM stream_items i JOIN stated_facts f USING (company_id) WHERE i.stream_id = %s",
        stream_id,
    )
    companies: dict[UUID, dict[str, Any]] = {row["company_id"]: {"name": (1, 0)} for row in rows}
    for row in rows:
        trust = row["confidence"] * 2 ** (-row["age"].days / 90)
        companies[row["company_id"]][row["field"]] = (row["value"], trust)
    return {company_id: score(known) for company_id, known in companies.items()}


def score(known: dict[str, Any]) -> float:
    matches = []
    if "industries" in known:
        matches.append(0.8 if TAGS & set(known["industries"][0]) else 0.0)
    if "country" in known:
        matches.append(1.0 if known["country"][0] in ("GB", "IE") else 0.0)
    if "employees" in known:
        count = known["employees"][0]
        short = max(0.0, 1 - log2(10 / count)) if count < 10 else 1.0
        matches.append(max(0.0, 1 - log2(count / 500)) if count > 500 else short)
    c = sum(matches) / len(matches) if matches else 0.0
    d = sum(w for fields, w in NINE if known.keys() & set(fields.split())) / sum(w for _, w in NINE)
    best = [max((known[f][1] for f in of.split() if f in known), default=0.0) for of in GROUPS]
    return 5 * (2 * c + d + sum(best) / 4) / 4
