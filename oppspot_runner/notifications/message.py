"""A message as people read it: what happened, how often, and what to type next."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from oppspot_runner.base.wording import moment
from oppspot_runner.notifications.bundle import REST, Bundle

MOST_SUBJECT = 150  # characters
MOST_LINE = 300
MOST_SHARES_SHOWN = 3
# Of an event: about one, and about many.
HEADLINES = {
    "task_dead": ("a task of {what} failed for good", "{count} tasks failed for good"),
    "breaker_open": (
        "{what} is left alone after failures",
        "{count} agents or hosts are left alone",
    ),
    "budget_reached": ("the budget of {what} is used up", "budgets are used up ({count} times)"),
    "runner_lost": ("the runner {what} is lost", "{count} runners are lost"),
    "critical_company": ("{what} is critical", "{count} companies are critical"),
    "schedule_stopped": ("a schedule of {what} fires no more", "{count} schedules fire no more"),
    "approval_waiting": ("{what} waits for an approval", "{count} agents wait for an approval"),
}
NAMES = {"fingerprint": "error"}
PROGRAM = "oppspot-runner"


@dataclass(frozen=True)
class Message:
    """`subject` is one line, `text` all of it; `data` says the same to programs."""

    subject: str
    text: str
    data: dict[str, Any]


def message(rule: str, event: str, bundle: Bundle) -> Message:
    """What the events in `bundle` are told as; `event` is what the rule asks for now, which may be
    another one than when it gathered them."""
    event = bundle.examples[0].get("event", event)
    one, many = HEADLINES[event]
    common = bundle.common()
    headline = one.format(what=_what(bundle.examples[0]))
    if bundle.count > 1:
        shared = common.get("agent") or common.get("host")
        headline = many.format(count=f"{bundle.count:,}") + (f": {shared}" if shared else "")
    commands = _next(event, bundle, common)
    data = {
        "rule": rule,
        "event": event,
        "count": bundle.count,
        "first_at": bundle.first_at.isoformat(),
        "last_at": bundle.last_at.isoformat(),
        "in_common": dict(common),
        "examples": bundle.examples,
        "next": commands,
    }
    return Message(_line(headline, MOST_SUBJECT), _text(headline, rule, bundle, commands), data)


def _text(headline: str, rule: str, bundle: Bundle, commands: Sequence[str]) -> str:
    lines = [f"{headline[:1].upper()}{headline[1:]}."]
    if bundle.count > 1:
        lines += [f"From {moment(bundle.first_at)} to {moment(bundle.last_at)}."]
        lines += [f"By {NAMES.get(fact, fact)}: {_share(share)}" for fact, share in _told(bundle)]
    lines += ["", "The first of them:" if bundle.count > len(bundle.examples) else "In detail:"]
    lines += [f"- {_example(one)}" for one in bundle.examples]
    lines += ["", "What to do next:", *(f"  {command}" for command in commands)]
    return "\n".join([*lines, "", f"Sent by the rule {rule!r}: {PROGRAM} notifications rules"])


def _told(bundle: Bundle) -> Sequence[tuple[str, Mapping[str, int]]]:
    return [(fact, share) for fact, share in bundle.shares.items() if fact not in ("run", "budget")]


def _share(share: Mapping[str, int]) -> str:
    """The values that most of them had: `Digest (812), Scout (188)`."""
    known = sorted(share.items(), key=lambda pair: (pair[0] == REST, -pair[1], pair[0]))
    shown = [f"{_line(name, 80) or 'others'} ({n:,})" for name, n in known[:MOST_SHARES_SHOWN]]
    more = len(known) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _what(facts: Mapping[str, Any]) -> str:
    if "runner" in facts:
        return f"{facts['runner']} on {facts.get('host')} (pid {facts.get('pid')})"
    for key in ("company", "host", "agent"):
        if key in facts:
            return str(facts[key])
    if "budget" in facts:
        return f"{facts['budget']} {facts.get('stream') or facts.get('budget_of')}"
    return str(facts.get("task_type", "no agent"))


def _example(facts: Mapping[str, Any]) -> str:
    parts = [moment(datetime.fromisoformat(facts["at"])), _what(facts)]
    keys = ("task", "run", "stream", "score", "limit_usd", "spent_usd")
    parts += [f"{key.removesuffix('_usd')} {facts[key]}" for key in keys if key in facts]
    told = ", ".join(parts)
    return _line(f"{told}: {facts['error']}" if facts.get("error") else told, MOST_LINE)


def _next(event: str, bundle: Bundle, common: Mapping[str, str]) -> list[str]:
    """The commands to type."""
    first = bundle.examples[0]
    match event:
        case "task_dead" if bundle.count == 1:
            return [_command("dead-letters show", first["task"])]
        case "task_dead" if "fingerprint" in common:
            given = ("--fingerprint", common["fingerprint"])
            return [_command("dead-letters list", *given), _command("dead-letters requeue", *given)]
        case "task_dead":
            return [_command("dead-letters list")]
        case "breaker_open" if "host" in first:
            return [_command("sources list"), _command("sources resume", first["host"])]
        case "breaker_open":
            agent = first.get("agent", first.get("agent_id"))
            return [_command("dead-letters list --agent", agent), _command("resume --agent", agent)]
        case "budget_reached":
            return [_command("costs")]
        case "runner_lost":
            return [_command("status"), _command("doctor")]
        case "critical_company":
            stream = first["stream_id"]
            return [_command("score explain", first["company_id"], "--stream", stream)]
        case "schedule_stopped":
            return [_command("schedules list")]
        case _:
            return [_command("runs show", first["run"]), _command("runs approve", first["run"])]


def _command(words: str, *given: Any) -> str:
    return " ".join([PROGRAM, words, *(shlex.quote(str(one)) for one in given)])


def _line(text: str, most: int) -> str:
    flat = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return flat if len(flat) <= most else f"{flat[: most - 1]}…"
