"""Why a company of a stream has its score, and what it would be with other weights. Only reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from oppspot_runner.base.errors import NotFoundError
from oppspot_runner.companies.company import company_from_row
from oppspot_runner.companies.criteria import Goal, read_goal
from oppspot_runner.companies.names import normalise_name
from oppspot_runner.companies.scoring import Score, Scorer
from oppspot_runner.companies.scoring_criteria import Rubric
from oppspot_runner.companies.scoring_model import MODEL, Stage, reweigh
from oppspot_runner.db.files import statement
from oppspot_runner.db.pool import Database
from oppspot_runner.streams.items import signals_in

EXPLAIN = statement("streams/explain_item")
LOAD = statement("streams/load_items")


@dataclass(frozen=True)
class Explanation:
    """A stored score, and the same company scored again at the time of that score.

    `stored` has the columns of the item (quality_score, priority, score_reasons, ...). `again`
    uses the goal of the stream, facts and signals as they are now: when its score is another one,
    they changed since. `what_if` is `again` with other weights, None when none were given.
    """

    company_id: UUID
    name: str
    stored: dict[str, Any]
    again: Score
    what_if: Score | None

    @property
    def is_stale(self) -> bool:
        """Whether scoring again would give another score."""
        stored = self.stored["quality_score"]
        return stored is None or int(stored * 100) != self.again.cents


async def explain(
    db: Database,
    org_id: UUID | None,
    stream_id: UUID,
    company: str,
    weights: Mapping[str, float] | None = None,
) -> Explanation:
    """The score of a company, given by id, name or domain, in a stream of `org_id`.

    `weights` are weights of components, criteria or fields of completeness for a what-if; nothing
    is written. Raises NotFoundError when the stream has no such company, InvalidInputError for
    unusable weights.
    """
    own = {"org_id": org_id, "stream_id": stream_id}
    asked = company.strip()
    row = await db.fetch_one(
        EXPLAIN, {**own, "company": asked, "name_norm": normalise_name(asked) or None}
    )
    if row is None:
        raise NotFoundError(
            f"the stream has no company {asked!r}",
            hint="Give its name, domain or id as `streams show` prints it.",
        )
    loaded = await db.fetch_all(LOAD, {**own, "company_id": row["company_id"]})
    goal = read_goal(
        {"goal_criteria": row["goal_criteria"], "target_metrics": row["target_metrics"]}
    )
    seen = company_from_row(loaded[0])
    signals = signals_in(loaded[0])
    again = _scorer(goal, row, {}).score(seen, signals)
    other = _scorer(goal, row, weights).score(seen, signals) if weights else None
    return Explanation(row["company_id"], row["name"], row, again, other)


def _scorer(goal: Goal, row: Mapping[str, Any], weights: Mapping[str, float]) -> Scorer:
    model, criteria = reweigh(MODEL, goal.criteria, weights)
    required = tuple(goal.metrics.required_signals or ())
    stage: Stage = row["score_stage"] or "enriched"
    return Scorer(Rubric.of(criteria), row["scored_at"] or row["now"], stage, required, model)
