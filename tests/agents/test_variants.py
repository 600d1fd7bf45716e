"""Which variant of an agent a task gets."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from oppspot_runner.agents.variants import Variant, chosen, varied
from oppspot_runner.base.errors import Fail
from oppspot_runner.base.task import AgentRow, Task

KEYS = [str(number) for number in range(4000)]
AGENT = UUID(int=1)


def task(
    configuration: dict[str, Any], payload: dict[str, Any] | None = None, stream: UUID | None = None
) -> Task:
    now = datetime.now(UTC)
    return Task(
        id=uuid4(),
        run_token=1,
        attempt=1,
        execution_id=uuid4(),
        task_type="agent_execution",
        priority=5,
        retry_count=0,
        max_retries=3,
        crash_count=0,
        org_id=None,
        stream_id=stream,
        run_id=None,
        agent=AgentRow(AGENT, None, "A", "a", configuration),
        payload=payload or {},
        created_at=now,
        started_at=now,
        wait_ms=0,
    )


def test_each_gets_its_share_and_a_new_one_takes_only_its_own() -> None:
    two = [Variant(name="a", weight=1), Variant(name="b", weight=3)]
    before = {key: chosen(two, key).name for key in KEYS}
    # Four standard deviations of a fair draw.
    assert abs(Counter(before.values())["b"] - 3000) < 4 * (4000 * 0.75 * 0.25) ** 0.5
    after = {key: chosen([*two, Variant(name="c", weight=4)], key).name for key in KEYS}
    moved = {after[key] for key in KEYS if after[key] != before[key]}
    assert moved == {"c"}


def test_a_weight_of_0_gets_nothing() -> None:
    rest = [Variant(name="a", weight=0), Variant(name="b", weight=0.001)]
    assert {chosen(rest, key).name for key in KEYS} == {"b"}


def test_a_stream_keeps_its_variant_and_what_it_says_comes_over_the_agents_own() -> None:
    configuration = {
        "model": "mock:echo",
        "max_tokens": 10,
        "variants": [
            {"name": "as it is"},
            {"name": "long", "configuration": {"max_tokens": 1000}},
        ],
    }
    seen: dict[UUID, set[tuple[Any, ...]]] = {}
    for stream in [uuid4() for _ in range(20)]:
        for _ in range(3):
            made, name = varied(task(configuration, stream=stream))
            assert made.agent is not None
            own = made.agent.configuration
            seen.setdefault(stream, set()).add((name, own["model"], own["max_tokens"]))
    assert all(len(one) == 1 for one in seen.values())
    assert set.union(*seen.values()) == {("as it is", "mock:echo", 10), ("long", "mock:echo", 1000)}


def test_a_field_of_the_payload_may_be_what_keeps_its_variant() -> None:
    configuration = {"variants_by": "item", "variants": [{"name": "a"}, {"name": "b"}]}
    names = {
        item: {varied(task(configuration, {"item": item, "n": n}))[1] for n in range(5)}
        for item in range(20)
    }
    assert all(len(one) == 1 for one in names.values())
    without = {varied(task(configuration))[1] for _ in range(40)}
    assert without == {"a", "b"}


@pytest.mark.parametrize(
    ("variants", "said"),
    [
        ([], "variants: Tuple should have at least 1 item"),
        ("a", "variants: a list is wanted"),
        ([{"name": "a"}, {"name": "a"}], "variants: two of them have the same name"),
        ([{"name": "a", "weight": 0}], "variants: one of them needs a weight above 0"),
        ([{"name": "a", "weight": -1}], "variants.0.weight: Input should be greater than"),
        ([{"name": "a", "weights": 1}], "variants.0.weights: there is no such key"),
        (
            [{"name": "a", "configuration": {"rate": "1/s"}}],
            "variants.0.configuration: rate cannot differ between variants",
        ),
    ],
)
def test_variants_that_cannot_be_used_are_named(variants: Any, said: str) -> None:
    with pytest.raises(Fail, match="the agent's configuration cannot be used: ") as failed:
        varied(task({"variants": variants}))
    assert said in str(failed.value)


def test_an_agent_without_variants_is_as_it_is() -> None:
    plain = task({"model": "mock:echo"})
    assert varied(plain) == (plain, None)
