"""What people read: the count, what the events have in common, and commands that exist."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import click
import pytest

from oppspot_runner.cli.main import main
from oppspot_runner.notifications.bundle import MOST_SHARES, Bundle
from oppspot_runner.notifications.message import HEADLINES, MOST_SUBJECT, message
from oppspot_runner.notifications.rules import EVENTS, Happening, Rule

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
ID = "01990c3e-7b00-7000-8000-000000000001"
FACTS: dict[str, dict[str, Any]] = {
    "task_dead": {"task": ID, "task_type": "agent_execution", "agent": "Digest", "error": "no"},
    "breaker_open": {"agent": "Digest", "error": "no"},
    "budget_reached": {"budget": "org", "budget_of": ID, "limit_usd": 2, "spent_usd": 2},
    "runner_lost": {"runner": 12, "host": "h", "pid": 7},
    "critical_company": {"company": "Alpha", "company_id": ID, "stream_id": ID, "score": 4.6},
    "schedule_stopped": {"agent": "Digest", "error": "no"},
    "approval_waiting": {"agent": "Digest", "run": ID},
}


def bundle(event: str, *facts: dict[str, Any]) -> Bundle:
    made = Bundle(NOW, NOW)
    for number, one in enumerate(facts):
        made.add(Happening(event, NOW + timedelta(seconds=number), None, one))
    return made


def test_one_event_reads_as_a_sentence() -> None:
    told = message("ops", "task_dead", bundle("task_dead", FACTS["task_dead"]))
    assert told.subject == "a task of Digest failed for good"
    assert told.text.splitlines() == [
        "A task of Digest failed for good.",
        "",
        "In detail:",
        f"- 2026-05-04 09:30:00Z, Digest, task {ID}: no",
        "",
        "What to do next:",
        f"  oppspot-runner dead-letters show {ID}",
        "",
        "Sent by the rule 'ops': oppspot-runner notifications rules",
    ]


def test_many_events_are_counted_by_what_they_have() -> None:
    facts = [
        {**FACTS["task_dead"], "agent": "Digest" if n % 4 else "Scout", "fingerprint": f"{n % 60}"}
        for n in range(240)
    ]
    gathered = bundle("task_dead", *facts)
    told = message("ops", "task_dead", gathered)
    assert told.subject == "240 tasks failed for good"
    assert "By agent: Digest (180), Scout (60)" in told.text
    assert "and 48 more" in told.text
    assert "The first of them:" in told.text
    assert len(gathered.examples) == 5
    assert len(gathered.shares["fingerprint"]) == MOST_SHARES + 1
    assert told.data["in_common"] == {"task_type": "agent_execution"}


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("count", [1, 2])
def test_the_commands_of_a_message_exist(event: str, count: int) -> None:
    facts = {**FACTS[event], "fingerprint": "ab12"} if event == "task_dead" else FACTS[event]
    told = message("ops", event, bundle(event, *[facts] * count))
    assert told.subject
    for line in told.data["next"]:
        words = shlex.split(line)
        assert words.pop(0) == "oppspot-runner"
        command: click.Command = main
        context = click.Context(main)
        while isinstance(command, click.Group):
            context = click.Context(command, parent=context)
            found = command.get_command(context, words.pop(0))
            assert found is not None, line
            command = found
            if not words:
                break
        if not isinstance(command, click.Group):
            command.make_parser(click.Context(command)).parse_args(words)


def test_what_others_wrote_makes_no_new_line_in_a_subject() -> None:
    facts = {**FACTS["task_dead"], "agent": "A\r\nBcc: victim@example.com\x00" + "x" * 500}
    told = message("ops", "task_dead", bundle("task_dead", facts))
    assert told.subject.isprintable()
    assert len(told.subject) <= MOST_SUBJECT


@pytest.mark.parametrize(
    ("changed", "facts", "wanted"),
    [
        ({}, {}, True),
        ({"event": "runner_lost"}, {}, False),
        ({"org_id": UUID(int=1)}, {}, True),
        ({"org_id": UUID(int=2)}, {}, False),
        ({"filter": {"agent": "Digest"}}, {"agent": "Digest", "agent_id": ID}, True),
        ({"filter": {"agent": ID}}, {"agent": "Digest", "agent_id": ID}, True),
        ({"filter": {"agent": "Scout"}}, {"agent": "Digest", "agent_id": ID}, False),
        ({"filter": {"agent": "Digest"}}, {}, False),
        ({"filter": {"stream": "F", "task_type": "a"}}, {"stream": "F", "task_type": "a"}, True),
        ({"filter": {"stream": "F", "task_type": "a"}}, {"stream": "F", "task_type": "b"}, False),
        ({"filter": {"min_score": 4.5}}, {"score": 4.5}, True),
        ({"filter": {"min_score": "4.6"}}, {"score": 4.5}, False),
        ({"filter": {"min_score": "high"}}, {"score": 4.5}, False),
        ({"filter": {"min_score": 1}}, {}, False),
    ],
    ids=str,
)
def test_a_rule_wants_what_passes_all_of_it(
    changed: dict[str, Any], facts: dict[str, Any], wanted: bool
) -> None:
    rule = replace(Rule(UUID(int=9), "task_dead"), **changed)
    assert rule.wants(Happening("task_dead", NOW, UUID(int=1), facts)) is wanted


def test_every_event_has_its_words() -> None:
    assert HEADLINES.keys() == EVENTS.keys() == FACTS.keys()
