"""What holds of every accepted draft: put a number or a name in, anywhere, and it is refused."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from oppspot_runner.drafts.language import language
from oppspot_runner.drafts.sheet import Claim, Draft
from oppspot_runner.drafts.tokens import keys_of
from oppspot_runner.drafts.validator import check_draft
from tests.drafts.answers import GOOD
from tests.drafts.sheets import SENDER, sheet

SHEET = sheet()
KNOWN = language("en")
IDS = tuple(fact.id for fact in SHEET.facts)
BODIES = [json.loads(text)["body"] for text in GOOD.values() if text.startswith("{")]
HELD = {
    key
    for text in (*(fact.text for fact in SHEET.facts), SENDER.name, SENDER.company, SENDER.offer)
    for key in keys_of(text)
}
PLAIN = KNOWN.neutral | {key for phrase in KNOWN.phrases for key in phrase}
WORDS_FOR_NUMBERS = ["twelve hundred", "a dozen", "seventy-five", "two", "half a million"]

numbers = st.one_of(
    st.integers(0, 10**9).map(str),
    st.integers(1000, 10**9).map("{:,}".format),
    st.integers(0, 9990).map(lambda n: f"£{n / 10}m"),
    st.integers(1, 100).map("{}%".format),
    st.integers(1, 99).map("{}x".format),
    st.sampled_from(WORDS_FOR_NUMBERS),
)
names = st.text(string.ascii_lowercase, min_size=3, max_size=9).map(str.capitalize)


def faults_with(body: str, put_in: str, place: float) -> bool:
    """Whether it is refused, although its claims give every fact for every word."""
    words = body.split(" ")
    at = round(place * len(words))
    text = " ".join([*words[:at], put_in, *words[at:]])
    claims = (Claim(text=text, fact_ids=IDS),)
    draft = Draft(subject="Harbour Ledger", body=text, claims=claims, cta="")
    return bool(check_draft(draft, SHEET))


# Each word of these is true of somebody, and the whole is not.
TURNED = """
You raised £1.2m this week. | You use HubSpot from tomorrow. | You have -75 people.
You use 'HubSpot'. | HubSpot uses you. | You have 75 people in London and £1.2m.
75 of your people use HubSpot.
HubSpot and Harbour Ledger raised £1.2m. | Oakfield Ventures and you raised £1.2m.
Oakfield Ventures is what you raised. | Oakfield Ventures raised £1.2m. | Northwind raised £1.2m.
Northwind and you raised £1.2m. | You and Northwind raised £1.2m. | We and you use HubSpot.
Jane Roe uses HubSpot. | Ann uses HubSpot. | Like you, we use HubSpot. | My team of 75 people.
I saw it and use HubSpot. | You use HubSpot with us. | You use HubSpot for Northwind.
You work with us. | You raised £1.2m on 4 March 2019. | You raised 2026.
You were incorporated in 2026. | You raised 75. | You use Pipedrive. | You no longer use HubSpot.
You do not use HubSpot. | You could use HubSpot.
Harbour Ledger no longer uses HubSpot and uses Pipedrive. | If you used HubSpot.
They use HubSpot. | Your competitors use HubSpot. | You use HubSpot badly.
You have 75 people and hundreds more. | You have about seventy five people. | You use "HubSpot".
You use HubSpot, Inc. | We work with Harbour Ledger.
You have a Head of Sales. | You are a Head of Sales. | Your Head of Sales is looking for a job.
You are looking for a role. | Are you looking for a job? | Ann, your role at Harbour Ledger.
You are hiring a payroll service. | You have a payroll service that closes the month.
You use HubSpot and a payroll service that closes the month in a day.
You use HubSpot, a payroll service that closes the month in a day.
Harbour Ledger is a payroll service that closes the month in a day.
Harbour Ledger closes the month in a day. | We offer a month in a day.
We offer a payroll service that closes the month in a moment.
We offer a payroll service that closes you. | We help Harbour Ledger.
I work at Harbour Ledger. | My name is Harbour Ledger. | Calling from Harbour Ledger.
Northwind is Harbour Ledger. | You are us. | Harbour Ledger is here with us. | I am your company.
We do have a business with you. | Jane Roe, Harbour Ledger. | You have no problem.
Thank you for your time today. | Our call today. | You have to use HubSpot.
You raised £1.2m from you. | You raised £1.2m from Harbour Ledger.
You raised £1.2m for Oakfield Ventures. | You raised a Series A into Oakfield Ventures.
Your company is what raised Oakfield Ventures. | Pipedrive no longer uses Harbour Ledger.
You raised from £1.2m. | You raised £1.2m of £1.2m. | You have about 75 people.
You have 75 75 people. | You have 75 people: 75. | Your idea raised £1.2m.
You have 75.000 people. | You work in fintech for payments. | You are based in London this time.
"""


@pytest.mark.parametrize(
    "text", [one.strip() for one in TURNED.replace("\n", "|").split("|") if one]
)
def test_true_words_do_not_make_a_false_sentence(text: str) -> None:
    body = f"You use HubSpot and Node.js. {text}"
    claims = (Claim(text=body, fact_ids=IDS),)
    draft = Draft(subject="Harbour Ledger", body=body, claims=claims, cta="")
    assert check_draft(draft, SHEET)


def test_the_drafts_are_accepted_as_they_are_when_every_fact_is_given_for_every_word() -> None:
    for body in BODIES:
        claims = (Claim(text=body, fact_ids=IDS),)
        draft = Draft(subject="Harbour Ledger", body=body, claims=claims, cta="")
        assert check_draft(draft, SHEET) == []


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.sampled_from(BODIES), numbers, st.floats(0, 1))
@example(BODIES[0], "75", 0.0)
def test_any_number_that_is_put_in_makes_it_refused(body: str, put_in: str, place: float) -> None:
    assume(put_in not in body)
    assert faults_with(body, put_in, place)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.sampled_from(BODIES), names, st.floats(0, 1))
@example(BODIES[2], "Oakfield Ventures", 0.5)
def test_any_name_that_is_put_in_makes_it_refused(body: str, put_in: str, place: float) -> None:
    assume(put_in.lower() not in HELD | PLAIN)
    assert faults_with(body, put_in, place) or put_in in body
