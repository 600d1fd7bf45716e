"""What the demo shows in the end."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from oppspot_runner.app.demo import DemoResult
from oppspot_runner.app.demo_world import WorldDemoResult
from oppspot_runner.cli.demo import _show

BEST: dict[str, Any] = {
    "name": "Quay [Books] Ltd",
    "country": "GB",
    "employees": None,
    "score": 4.5,
    "priority": "critical",
    "reasons": ["SaaS by SIC 62012"],
}


def shown(result: DemoResult) -> str:
    console = Console(width=120)
    with console.capture() as capture:
        _show(console, result.as_dict(), None)
    return capture.get()


def test_in_the_world_it_shows_who_said_what_and_that_nothing_changed() -> None:
    told = shown(
        WorldDemoResult(
            top=[BEST],
            requests=50,
            sources=[{"source": "accounts", "companies": 4, "fields": ["employees"]}],
            signals_found=3,
            signals=[
                {"company": "Quay [Books] Ltd", "title": "New job: [Head] of Sales"}
                | {"signal_type": "job_posting", "source": "lever", "on": "2026-11-01"},
            ],
            critical=[
                {"name": "Quay [Books] Ltd", "score": 4.6, "because": ["a [new] job", "money"]}
            ],
            drafts=[{"company": "Quay [Books] Ltd", "subject": "Hi", "body": "Hello [you],"}],
            known_of="Quay [Books] Ltd",
            known=[
                {"field": "tech", "value": ["Stripe", "[b]"], "source": "website"}
                | {"source_url": "http://quaybooks.localhost:1/"},
                {"field": "employees", "value": 12, "source": "accounts", "source_url": None},
            ],
        )
    )
    assert "accounts 4 employees" in " ".join(told.split())
    assert "What is known of Quay [Books] Ltd, and who says so:" in told
    assert "tech: Stripe, [b] (http://quaybooks.localhost:1/)" in told
    assert "employees: 12 (accounts)" in told
    assert "3 signs that now is the time, the newest:" in told
    assert "Quay [Books] Ltd: New job: [Head] of Sales (lever, 2026-11-01)" in told
    assert "Quay [Books] Ltd is critical: a [new] job; money" in told
    assert "A draft to Quay [Books] Ltd, which nobody sends:" in told
    assert "Hello [you]," in told
    assert "50 requests went out. A second run made 0 and changed 0 places." in told


def test_with_real_companies_it_shows_no_sources() -> None:
    told = shown(DemoResult(top=[BEST], insight="it is good"))
    assert "Quay [Books] Ltd" in told
    assert "requests went out" not in told
    assert "The analyst noticed: it is good." in told
