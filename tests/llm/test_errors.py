"""Codes of errors are stable, listed, and mean the same to the runner."""

from __future__ import annotations

import pickle
import re

import pytest

from oppspot_runner.backends.judging import judged_error
from oppspot_runner.base.errors import RateLimitExceededError
from oppspot_runner.base.outcome import Fail, Retry, Snooze
from oppspot_runner.llm import errors

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type)
    and issubclass(kind, errors.ModelError)
    and kind.__subclasses__() == []
]


def test_the_module_draws_its_tree_as_it_is() -> None:
    drawn = re.findall(r"-- (\w+Error) +([A-Z_]+) +(yes|no)", errors.__doc__ or "")
    tree = [(k.__name__, k.kind.name, "yes" if k.kind.retried else "no") for k in KINDS]
    assert sorted(tree) == sorted(drawn)


def test_codes_are_unique() -> None:
    codes = [kind.kind for kind in KINDS]
    assert len(codes) == len(set(codes))


def test_who_waits_for_a_rate_limit_catches_that_of_a_model() -> None:
    assert issubclass(errors.ModelRateLimitError, RateLimitExceededError)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_that_nobody_catches_ends_the_attempt_as_it_says(
    kind: type[errors.ModelError],
) -> None:
    outcome = judged_error(pickle.loads(pickle.dumps(kind("it went wrong", hint="Look."))))
    told = f"{kind.kind.name}: it went wrong. Look."
    assert outcome == (Retry(told) if kind.kind.retried else Fail(told))


def test_retry_after_becomes_a_snooze_that_uses_no_retry() -> None:
    error = errors.ModelRateLimitError("anthropic: 429", retry_after_s=7.5)
    assert judged_error(error) == Snooze("RATE_LIMIT_EXCEEDED: anthropic: 429", after_s=7.5)
    hopeless = errors.QuotaExceededError("no credit", retry_after_s=7.5)
    assert judged_error(hopeless) == Fail("QUOTA_EXCEEDED: no credit")
