"""Changes of the rules that say who is told of what."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from oppspot_runner.api.bodies.notifications import NewRuleBody
from oppspot_runner.api.changing import Change
from oppspot_runner.api.errors import ApiCode, ApiError
from oppspot_runner.base.settings import Settings
from oppspot_runner.notifications import directory
from oppspot_runner.notifications.directory import REFERENCE, NewRule
from oppspot_runner.notifications.trial import send_test
from oppspot_runner.streams.directory import find_stream

RECORDED = ("name", "event", "filter", "channel", "target", "wait_s", "repeat_s", "is_active")


async def add(change: Change, wanted: NewRuleBody) -> dict[str, Any]:
    """Adds a rule. Raises ConfigurationError for a secret as it is, ConflictError for its name."""
    _refuse_references(change, wanted.target, wanted.secret)
    only = wanted.filter.model_dump(exclude_none=True)
    if "stream" in only:
        only["stream"] = str(await change.client.run(find_stream(only["stream"])))
    columns = {**wanted.model_dump(), "filter": only, "org_id": change.owner(wanted.org_id)}
    rule_id = await directory.add_rule(change.database, NewRule(**columns))
    made = await _rule(change, rule_id)
    await change.record("notification.add", "notification rule", rule_id, after=_told(made))
    return made


async def remove(change: Change, rule_id: UUID) -> None:
    """Removes a rule with what it has gathered. Raises NotFoundError."""
    before = await _rule(change, rule_id)
    await directory.remove_rule(change.database, str(rule_id))
    await change.record("notification.remove", "notification rule", rule_id, before=_told(before))


async def set_active(change: Change, rule_id: UUID, is_active: bool) -> dict[str, Any]:
    """Pauses a rule, or lets it go on. Raises NotFoundError."""
    before = await _rule(change, rule_id)
    await directory.set_active(change.database, str(rule_id), is_active)
    after = await _rule(change, rule_id)
    told = {"before": _told(before), "after": _told(after)}
    verb = "resume" if is_active else "pause"
    await change.record(f"notification.{verb}", "notification rule", rule_id, **told)
    return after


async def test(change: Change, rule_id: UUID, settings: Settings) -> tuple[str, dict[str, Any]]:
    """Sends one message that says it is a test; the rule's name, and what the channel told.

    Raises CodedError when the channel does not take it.
    """
    rule = await _rule(change, rule_id)
    _refuse_references(change, rule["target"], rule["secret"])
    told = await send_test(rule, settings)
    await change.record("notification.test", "notification rule", rule_id, after=_told(rule))
    return rule["name"], told


def _refuse_references(change: Change, *places: str | None) -> None:
    """What the environment and the files of this machine hold is not an organisation's to use."""
    if not change.actor.is_operator and any(REFERENCE.fullmatch(one or "") for one in places):
        raise ApiError(
            ApiCode.FORBIDDEN, "env: and file: of the runners are for tokens of operators"
        )


async def _rule(change: Change, rule_id: UUID) -> dict[str, Any]:
    (row,) = await directory.rules(change.database, str(rule_id))
    return row


def _told(rule: dict[str, Any]) -> dict[str, Any]:
    return {name: rule[name] for name in RECORDED}
