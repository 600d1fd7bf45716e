"""What models answer: lies, numbers, broken JSON and injected orders never become a draft."""

from __future__ import annotations

import pytest

from oppspot_runner.drafts.request import instructions
from oppspot_runner.drafts.validator import ALL, check
from tests.drafts.answers import BAD, BROKEN, GOOD
from tests.drafts.sheets import sheet

SHEET = sheet()
TOLD = instructions(SHEET)


@pytest.mark.parametrize("name", GOOD)
def test_good_answers_get_through(name: str) -> None:
    draft, faults = check(GOOD[name], SHEET, TOLD)
    assert (draft is not None, faults) == (True, [])


@pytest.mark.parametrize("name", [*BAD, *BROKEN])
def test_bad_answers_are_refused_for_the_reason_that_they_name(name: str) -> None:
    bad = {**BAD, **BROKEN}[name]
    _, faults = check(bad.text, SHEET, TOLD)
    assert {fault.code for fault in faults} == {bad.code}


@pytest.mark.parametrize("name", BAD)
def test_without_the_one_check_the_answer_would_get_through(name: str) -> None:
    draft, faults = check(BAD[name].text, SHEET, TOLD, ALL - {BAD[name].code})
    assert (draft is not None, faults) == (True, [])
