"""`score explain`: why a company has its score."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from oppspot_runner.base.fitting import fitting
from oppspot_runner.cli import output
from oppspot_runner.cli.session import client_of, json_option, open_database, runs
from oppspot_runner.companies.reasons import Missing, Reason
from oppspot_runner.streams import directory
from oppspot_runner.streams.explain import Explanation, explain

if TYPE_CHECKING:
    from rich.console import RenderableType


@click.group(epilog="Example: oppspot-runner score explain 'Sage Group' --stream Leads")
def score() -> None:
    """Explain scores of companies."""


def _weights(_ctx: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> Any:
    weights: dict[str, float] = {}
    for one in given:
        name, _, number = one.partition("=")
        try:
            weights[name.strip()] = float(number)
        except ValueError:
            raise click.BadParameter(f"{one!r} is not NAME=NUMBER") from None
        if not math.isfinite(weights[name.strip()]):
            raise click.BadParameter(f"{one!r} is not a finite number")
    return weights


@score.command(
    "explain",
    epilog="Example: oppspot-runner score explain 'Sage Group' --stream Leads --weights location=3",
)
@click.argument("company")
@click.option("--stream", required=True, help="The stream (id or name).")
@click.option(
    "--weights",
    multiple=True,
    callback=_weights,
    metavar="NAME=NUMBER",
    help="What if a component, criterion or field weighed so much? Writes nothing. Repeatable.",
)
@json_option
@runs
async def explain_(company: str, stream: str, weights: dict[str, float], as_json: bool) -> None:
    """Show the points of a COMPANY (name, domain or id), what is missing, and what changed."""
    async with open_database() as database:
        client = client_of(database)
        stream_id = await client.run(directory.find_stream(stream))
        row = await client.run(directory.get_stream(stream_id))
        found = await explain(database, row["org_id"], stream_id, company, weights or None)
    if as_json:
        output.print_json(_as_json(found))
        return
    output.show(*_parts(found))


def _as_json(found: Explanation) -> dict[str, Any]:
    stored = found.stored
    shown = {
        "company_id": found.company_id,
        "name": found.name,
        "score": _number(stored["quality_score"]),
        "priority": stored["priority"],
        "confidence": _number(stored["score_confidence"]),
        "position": stored["position"],
        "reasons": stored["score_reasons"],
        "missing": stored["score_missing"],
        "changed": stored["score_changed"],
        "scored_at": stored["scored_at"],
        "stale": found.is_stale,
    }
    if found.what_if is not None:
        again = found.what_if
        shown["what_if"] = {
            "score": again.value,
            "priority": again.priority,
            "reasons": again.reasons,
        }
    return shown


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _parts(found: Explanation) -> list[RenderableType]:
    stored = found.stored
    if stored["quality_score"] is None:
        return [output.styled(f"{found.name} is in the stream and has no score yet.")]
    head = (
        f"{found.name}: {stored['quality_score']} of 5, {stored['priority']}, "
        f"confidence {stored['score_confidence']}, place {stored['position']}"
    )
    parts: list[RenderableType] = [
        output.styled(head, "bold"),
        _reasons(stored["score_reasons"]),
    ]
    if missing := fitting(Missing, stored["score_missing"]):
        hints = [("missing" if not n else "", one.text) for n, one in enumerate(missing)]
        parts.append(output.fields(hints))
    if found.is_stale:
        parts.append(
            output.styled(f"Scored now it would be {found.again.value:.2f}: facts or goal changed.")
        )
    if found.what_if is not None:
        text = f"With these weights: {found.what_if.value:.2f}, {found.what_if.priority}"
        parts += [output.styled(text, "bold"), _reasons(found.what_if.reasons)]
    return parts


def _reasons(stored: object) -> RenderableType:
    return output.table(
        ["part", "points>", "of>", "why...", "source"],
        [
            (
                f"{reason.component}: {reason.factor}",
                f"{reason.points:.2f}",
                "" if reason.max is None else f"{reason.max:.2f}",
                reason.text,
                reason.source,
            )
            for reason in fitting(Reason, stored)
        ],
    )
