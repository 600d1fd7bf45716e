"""`notifications list|rules|add|remove|pause|resume|test`: who is told of what."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, get_args

import click

from oppspot_runner.base.wording import moment, span
from oppspot_runner.cli import output
from oppspot_runner.cli.session import client_of, json_option, load, open_database, runs, say
from oppspot_runner.notifications import directory
from oppspot_runner.notifications.directory import NewRule
from oppspot_runner.notifications.rules import EVENTS, Channel
from oppspot_runner.streams.directory import find_stream


@click.group(epilog="Example: oppspot-runner notifications rules")
def notifications() -> None:
    """List messages and rules; add, remove, pause, resume and test rules.

    They tell people of what to look at, by e-mail, Slack, webhook or apprise. A rule says of which
    event who is told. Events of a rule are gathered into one message.
    """


@notifications.command("list", epilog="Example: oppspot-runner notifications list --rule ops")
@click.option("--rule", help="Only those of this rule (name or id).")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True)
@json_option
@runs
async def list_(rule: str | None, limit: int, as_json: bool) -> None:
    """List messages with how many events each tells of, and whether it was delivered."""
    async with open_database() as database:
        rule_id = (await directory.rules(database, rule))[0]["id"] if rule else None
        found = await directory.messages(database, rule_id=rule_id, limit=limit)
    if as_json:
        output.print_json(found)
        return
    columns = ["first", "rule", "event", "events>", "state", "task", "error..."]
    output.show(
        output.table(
            columns,
            [
                (
                    moment(one["first_at"]),
                    one["rule"],
                    one["event"],
                    one["count"],
                    _state(one),
                    one["task_id"] or "",
                    one["error"] or "",
                )
                for one in found
            ],
        )
    )


def _state(one: dict[str, Any]) -> str:
    return (
        f"gathering until {moment(one['due_at'])}" if one["state"] == "gathering" else one["state"]
    )


@notifications.command("rules", epilog="Example: oppspot-runner notifications rules --json")
@json_option
@runs
async def rules_(as_json: bool) -> None:
    """List rules, with what they have gathered and could not deliver."""
    async with open_database() as database:
        found = await directory.rules(database)
    if as_json:
        output.print_json(found)
        return
    columns = [
        "name",
        "event",
        "only",
        "channel",
        "target",
        "wait",
        "repeat",
        "gathered>",
        "undelivered>",
        "state",
    ]
    output.show(
        output.table(
            columns,
            [
                (
                    one["name"],
                    one["event"],
                    _only(one),
                    one["channel"],
                    one["target"],
                    span(one["wait_s"]),
                    span(one["repeat_s"]),
                    one["gathered"],
                    one["undelivered"],
                    "active" if one["is_active"] else "paused",
                )
                for one in found
            ],
        )
    )


def _only(one: dict[str, Any]) -> str:
    parts = {"org": one["org_id"], **one["filter"]}
    return ", ".join(f"{key} {value}" for key, value in parts.items() if value is not None)


@notifications.command(
    epilog="Example: oppspot-runner notifications add ops --on task_dead --email ops@example.com"
)
@click.argument("name")
@click.option(
    "--on", "event", type=click.Choice([*EVENTS]), required=True, help="What people are told of."
)
@click.option("--email", metavar="ADDRESSES", help="One address, or several with commas.")
@click.option("--slack", metavar="CHANNEL", help="A channel, or where its webhook's URL is.")
@click.option("--webhook", metavar="URL", help="A URL, or where it is. It needs --secret.")
@click.option("--apprise", metavar="WHERE", help="Where the URLs of apprise are.")
@click.option("--secret", metavar="WHERE", help="Where the secret is that signs for a webhook.")
@click.option("--org", "org_id", type=click.UUID, help="Only of this organisation (id).")
@click.option("--agent", help="Only of this agent (id or name).")
@click.option("--agent-type", help="Only of agents of this type.")
@click.option("--task-type", help="Only of tasks of this type.")
@click.option("--stream", help="Only of this stream (id or name).")
@click.option("--min-score", type=click.FloatRange(0, 5), help="Only of such a score or more.")
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0, 86_400),
    default=10.0,
    show_default=True,
    help="Seconds for which events are gathered.",
)
@click.option(
    "--repeat",
    "repeat_s",
    type=click.FloatRange(0, 31_536_000),
    default=3600.0,
    show_default=True,
    help="Least seconds between two messages.",
)
@json_option
@runs
async def add(name: str, event: str, as_json: bool, **given: Any) -> None:
    """Add the rule NAME. WHERE is env:NAME or file:/path, as the runners see it."""
    channel, target = _channel(given)
    keys = ("agent", "agent_type", "task_type", "stream", "min_score")
    wanted = {key: given.pop(key) for key in keys}
    only = {key: value for key, value in wanted.items() if value is not None}
    async with open_database() as database:
        if (stream := only.get("stream")) is not None:
            only["stream"] = str(await client_of(database).run(find_stream(stream)))
        rule = NewRule(name=name, event=event, channel=channel, target=target, filter=only, **given)
        rule_id = await directory.add_rule(database, rule)
    text = f"The rule {name} tells {target} by {channel} when {EVENTS[event]}."
    hint = f"Try it: oppspot-runner notifications test {name}"
    say({"id": rule_id, **asdict(rule)}, f"{text} {hint}", as_json)


def _channel(given: dict[str, Any]) -> tuple[Channel, str]:
    targets = {one: given.pop(one) for one in get_args(Channel)}
    chosen = [(one, target) for one, target in targets.items() if target is not None]
    if len(chosen) != 1:
        raise click.UsageError("give one of --email, --slack, --webhook and --apprise")
    return chosen[0]


@notifications.command(epilog="Example: oppspot-runner notifications remove ops")
@click.argument("rule")
@json_option
@runs
async def remove(rule: str, as_json: bool) -> None:
    """Remove RULE (name or id), with what it has gathered."""
    async with open_database() as database:
        await directory.remove_rule(database, rule)
    say({"rule": rule, "removed": True}, f"The rule {rule} was removed.", as_json)


@notifications.command(epilog="Example: oppspot-runner notifications pause ops")
@click.argument("rule")
@json_option
@runs
async def pause(rule: str, as_json: bool) -> None:
    """Let RULE (name or id) gather and send nothing until it is resumed."""
    async with open_database() as database:
        await directory.set_active(database, rule, False)
    say({"rule": rule, "is_active": False}, f"The rule {rule} is paused.", as_json)


@notifications.command(epilog="Example: oppspot-runner notifications resume ops")
@click.argument("rule")
@json_option
@runs
async def resume(rule: str, as_json: bool) -> None:
    """End the pause of RULE (name or id)."""
    async with open_database() as database:
        await directory.set_active(database, rule, True)
    say({"rule": rule, "is_active": True}, f"The rule {rule} is active.", as_json)


@notifications.command(epilog="Example: oppspot-runner notifications test ops")
@click.argument("rule")
@json_option
@runs
async def test(rule: str, as_json: bool) -> None:
    """Send one message of RULE (name or id) now, from here, and say what happened.

    It says that it is a test. Settings are those of this process, not those of the runners.
    """
    from oppspot_runner.notifications.trial import send_test

    settings = load()
    async with open_database(settings) as database:
        (row,) = await directory.rules(database, rule)
    answer = await send_test(row, settings)
    text = f"{row['channel']} took the message for {row['target']}."
    say({"rule": row["name"], "delivered": True, **answer}, text, as_json)
