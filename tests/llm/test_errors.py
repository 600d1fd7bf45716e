"""Codes of errors are stable, listed, and mean the same to the runner."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from oppspot_runner.backends.judging import judged_error
from oppspot_runner.base.errors import CallError, RateLimitExceededError
from oppspot_runner.base.outcome import Fail, Retry, Snooze
from oppspot_runner.llm import errors

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "errors.md"
ROW = re.compile(r"^\| `([A-Z_]+)` \| `(\w+)` \| (yes|no) \|", re.MULTILINE)
KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, CallError) and kind is not CallError
]


def test_the_reference_lists_every_error_of_models_as_it_is() -> None:
    listed = set(ROW.findall(PAGE.read_text(encoding="utf-8")))
    raised = [kind for kind in KINDS if kind not in {errors.ModelError, errors.ModelRateLimitError}]
    assert {(kind.code, kind.__name__, "yes" if kind.retried else "no") for kind in raised} == {
        row for row in listed if row[1] in vars(errors)
    }


def test_the_module_draws_its_tree_as_it_is() -> None:
    drawn = re.findall(r"-- (\w+Error) +([A-Z_]+) +(yes|no)", errors.__doc__ or "")
    tree = [kind for kind in KINDS if kind is not errors.ModelError]
    assert {(k.__name__, k.code, "yes" if k.retried else "no") for k in tree} == set(drawn)


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in KINDS if kind is not RateLimitExceededError]
    assert len(codes) == len(set(codes))


def test_who_waits_for_a_rate_limit_catches_that_of_a_model() -> None:
    assert issubclass(errors.ModelRateLimitError, RateLimitExceededError)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_that_nobody_catches_ends_the_attempt_as_it_says(kind: type[CallError]) -> None:
    outcome = judged_error(kind("it went wrong", hint="Look."))
    told = f"{kind.code}: it went wrong. Look."
    assert outcome == (Retry(told) if kind.retried else Fail(told))


def test_retry_after_becomes_a_snooze_that_uses_no_retry() -> None:
    error = errors.ModelRateLimitError("anthropic: 429", retry_after_s=7.5)
    assert judged_error(error) == Snooze("RATE_LIMIT_EXCEEDED: anthropic: 429", after_s=7.5)
    hopeless = errors.QuotaExceededError("no credit", retry_after_s=7.5)
    assert judged_error(hopeless) == Fail("QUOTA_EXCEEDED: no credit")
