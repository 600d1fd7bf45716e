"""What titles tell: rounds of funding, people, places; and all that only looks like it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oppspot_runner.signals.amounts import mark
from oppspot_runner.signals.headlines import is_about, is_ourselves, read_headline
from oppspot_runner.signals.sighting import SIGNAL_TYPES

# Title, subject, amount, currency, round, strength.
FUNDING = [
    ("Quayworks raises $5m", "Quayworks", 5_000_000, "USD", None, "strong"),
    ("Quayworks raised £750k", "Quayworks", 750_000, "GBP", None, "moderate"),
    ("Leeds fintech Quayworks raises £3.2 million seed round led by Northern Angels",
     "Leeds fintech Quayworks", 3_200_000, "GBP", "seed", "strong"),
    ("Quayworks (YC W21) has raised €1.5 million in pre-seed funding",
     "Quayworks", 1_500_000, "EUR", "pre_seed", "strong"),
    ("Exclusive: Quayworks closes oversubscribed Series B",
     "Quayworks", None, None, "series_b", "very_strong"),
    ("London, UK-based Quayworks lands 4 million euros investment",
     "UK-based Quayworks", 4_000_000, "EUR", None, "strong"),
    ("Quayworks, the maker of anvils, secures US$20 million in growth funding",
     "Quayworks", 20_000_000, "USD", None, "very_strong"),
    ("Quayworks extends its Series A to $20m", "Quayworks", None, None, "series_a", "strong"),
    ("Quayworks announces first close of $1,250,000 seed round",
     "Quayworks", 1_250_000, "USD", "seed", "strong"),
    ("Quayworks bags SEK 40m in new financing", "Quayworks", 40_000_000, "SEK", None, "moderate"),
    ("Quayworks raises funding from Big Ventures", "Quayworks", None, None, None, "moderate"),
    ("Quayworks successfully completes £2m funding round",
     "Quayworks", 2_000_000, "GBP", None, "strong"),
    ("Anvil investor Quayworks raises $4m", "Anvil investor Quayworks", 4_000_000, "USD", None,
     "strong"),
    ("£3m seed round for Quayworks to expand in Wales", "Quayworks", 3_000_000, "GBP", "seed",
     "strong"),
    ("Northern Angels invests £750k in Quayworks", "Quayworks", 750_000, "GBP", None, "moderate"),
    ("Announcing Quayworks’s $12 million Series A", "Quayworks", 12_000_000, "USD", "series_a",
     "strong"),
    ("We’ve raised £2m to build the anvils of tomorrow", "We've", 2_000_000, "GBP", None,
     "strong"),
    ("Announcing our $8M Series A", "our", 8_000_000, "USD", "series_a", "strong"),
    ("Today, we raised our seed round", "we", None, None, "seed", "moderate"),
    ("Quayworks raises $9m at $50m valuation", "Quayworks", 9_000_000, "USD", None, "strong"),
]  # fmt: skip
# Title, subject, person, role, event, strength.
CHANGES = [
    ("Quayworks appoints Jane Doe as CFO", "Quayworks", "Jane Doe", "CFO", "jane doe", "strong"),
    ("Quayworks names new CEO", "Quayworks", None, "CEO", "quayworks names new ceo", "strong"),
    ("Quayworks hires former Google exec Jane Doe as Chief Technology Officer",
     "Quayworks", "Jane Doe", "Chief Technology Officer", "jane doe", "strong"),
    ("Jane Doe joins Quayworks as chief revenue officer",
     "Quayworks", "Jane Doe", "chief revenue officer", "jane doe", "strong"),
    ("Jane Doe named managing director of Quayworks",
     "Quayworks", "Jane Doe", "managing director", "jane doe", "strong"),
    ("Quayworks promotes Zoë O’Neill to head of sales",
     "Quayworks", "Zoë O'Neill", "head of sales", "zoe oneill", "moderate"),
    ("Jane Doe joins Quayworks’s board", "Quayworks", "Jane Doe", "board", "jane doe",
     "moderate"),
    ("Quayworks Foundation director resigns", "Quayworks Foundation", None, "director",
     "quayworks foundation director resigns leaves", "moderate"),
    ("Quayworks CEO Jane Doe steps down", "Quayworks", "Jane Doe", "CEO", "jane doe leaves",
     "strong"),
    ("Jane Doe steps down as CFO of Quayworks after ten years",
     "Quayworks", "Jane Doe", "CFO", "jane doe leaves", "strong"),
]  # fmt: skip
# Title, subject, event.
GROWTH = [
    ("Quayworks opens new office in Berlin", "Quayworks", "berlin"),
    ("Quayworks opens Manchester hub", "Quayworks", "quayworks opens manchester hub"),
    ("Quayworks to create 200 jobs in Leeds", "Quayworks", "leeds"),
    ("Quayworks expands into Germany with new team", "Quayworks", "germany"),
    ("Quayworks expands to the US", "Quayworks", "us"),
    ("Quayworks launches in France", "Quayworks", "france"),
    ("Quayworks doubles its workforce", "Quayworks", "quayworks doubles its workforce"),
    ("Quayworks moves to larger headquarters", "Quayworks",
     "quayworks moves to larger headquarters"),
]  # fmt: skip
TRAPS = [
    "",
    "Quayworks",
    "Quayworks raises concerns over data law",
    "Quayworks raises concerns over £5m funding round of rival",
    "Quayworks raises prices by 5%",
    "Quayworks raises price of its plan to $99",
    "Quayworks raises £900 for charity",
    "Quayworks raises £1m for local hospice",
    "Quayworks raises guidance to $1.2bn",
    "Quayworks raises $100m fund for startups",
    "Quayworks raises the bar with Series 9 of its anvils",
    "Quayworks raises awareness of anvil safety",
    "Quayworks raises minimum wage to £15 an hour",
    "Quayworks raises seed prices",
    "Quayworks secures contract with the NHS",
    "Quayworks secures £10m contract with the NHS to boost investment",
    "Quayworks wins $2m grant from Innovate UK",
    "Quayworks announces $5m investment in new products",
    "Quayworks announces $5m share buyback",
    "Quayworks completes $40m acquisition of Bolt Capital",
    "Quayworks receives $3m fine over capital rules",
    "Quayworks closes $5m bond sale",
    "Quayworks raises $1.1bn leveraged loan",
    "After six years and $90m raised, time is short for Quayworks",
    "Quayworks Open Office Hours",
    "How Quayworks raised $5m",
    "Quayworks in talks to raise $50m",
    "Quayworks plans to raise $50m Series B",
    "The startup that raised $5m shuts down",
    "Quayworks, which raised $5m in 2021, shuts down",
    "Quayworks reportedly raises $50m",
    "Did Quayworks raise $5m?",
    "Will Quayworks open an office in Berlin?",
    "Quayworks joins forces with Bolt Ltd",
    "Quayworks joins the Tech Nation programme",
    "Quayworks joins Bolt as strategic partner",
    "Quayworks named a leader in analyst report",
    "Quayworks hires 50 engineers",
    "Quayworks appoints Bolt as auditor",
    "Quayworks welcomes 100 new customers",
    "Quayworks launches in beta",
    "Quayworks launches new web site",
    "Quayworks expands partnership with Bolt into Germany",
    "Quayworks expands product range",
    "Quayworks opens up about office life",
    "Quayworks opens applications for its accelerator",
    "Quayworks closes office in Berlin",
]


@pytest.mark.parametrize("case", FUNDING, ids=lambda case: case[0])
def test_a_round_is_read_with_its_amount(case: tuple[Any, ...]) -> None:
    title, subject, amount, currency, named, strength = case
    found = read_headline(title)
    assert found is not None
    assert (found.kind, found.subject, found.event) == ("funding_round", subject, "")
    money = (found.money.amount, found.money.currency) if found.money else (None, None)
    assert (*money, found.round, found.strength) == (amount, currency, named, strength)


@pytest.mark.parametrize("case", CHANGES, ids=lambda case: case[0])
def test_a_new_face_is_read_with_its_office(case: tuple[Any, ...]) -> None:
    found = read_headline(case[0])
    assert found is not None
    assert found.kind == "executive_change"
    assert (found.subject, found.person, found.role, found.event, found.strength) == case[1:]


@pytest.mark.parametrize("case", GROWTH, ids=lambda case: case[0])
def test_a_new_place_is_read(case: tuple[Any, ...]) -> None:
    found = read_headline(case[0])
    assert found is not None
    assert (found.kind, found.subject, found.event) == ("expansion", *case[1:])


@pytest.mark.parametrize("title", TRAPS, ids=lambda title: title or "nothing")
def test_what_only_looks_like_it_is_nothing(title: str) -> None:
    assert read_headline(title) is None


@pytest.mark.parametrize(
    ("text", "amounts"),
    [
        ("$5m", [(5_000_000, "USD")]),
        ("£1,250,000.50 and €2bn", [(1_250_000, "GBP"), (2_000_000_000, "EUR")]),
        ("A$12-million", [(12_000_000, "AUD")]),
        ("3 million pounds, 4m euros, 5,000 USD", [(3_000_000, "GBP"), (4_000_000, "EUR"),
                                                 (5_000, "USD")]),
        ("CHF 1.5M+", [(1_500_000, "CHF")]),
        ("5m people, 20% more, in 2026", []),
        ("$5mile", []),
    ],
)  # fmt: skip
def test_amounts_are_read_as_they_are_written(text: str, amounts: list[tuple[int, str]]) -> None:
    assert [(one.amount, one.currency) for one in mark(text).amounts] == amounts


@pytest.mark.parametrize(
    ("subject", "name", "verdict"),
    [
        ("Quayworks", "quayworks", True),
        ("Leeds fintech Quay Works Ltd", "quay works", True),
        ("The Quayworks's", "quayworks", True),
        ("Quayworks investor Bolt", "quayworks", False),
        ("Notquayworks", "quayworks", False),
        ("Works", "quay works", False),
        ("", "quayworks", False),
        ("Quayworks", "", False),
    ],
)
def test_who_is_meant_stands_at_the_end(subject: str, name: str, verdict: bool) -> None:
    assert is_about(subject, [name]) is verdict


def test_who_writes_of_himself_says_we() -> None:
    assert all(is_ourselves(one) for one in ("We", "We've", "Today we", "our", ""))
    assert not any(is_ourselves(one) for one in ("Quayworks", "Our customer Bolt", "Wework"))


PIECES = (
    "Quayworks raises raised secures $5m £3.2 million 5 Series A seed round funding for in into to"
    " as the CEO appoints joins Jane Doe named of opens office expands Germany , : ' ( ) we our"
    " announcing invests steps down 200 jobs create \ue000 \ue001"
)
WORDS = st.sampled_from(PIECES.split())


@settings(max_examples=200)
@given(st.one_of(st.text(max_size=400), st.lists(WORDS, max_size=80).map(" ".join)))
def test_any_title_is_read_or_not(title: str) -> None:
    found = read_headline(title)
    if found is not None:
        assert found.kind in SIGNAL_TYPES
        assert found.money is None or found.money.amount >= 0
        assert found.kind == "funding_round" or found.event
        assert is_about(found.subject, ["quayworks"]) in (True, False)


@settings(max_examples=50)
@given(
    st.integers(25, 999_999),
    st.sampled_from(["k", " million", "m", "bn"]),
    st.sampled_from(["£", "$", "€"]),
)
def test_every_amount_is_raised(number: int, scale: str, sign: str) -> None:
    found = read_headline(f"Quayworks raises {sign}{number:,}{scale}")
    assert found is not None
    assert found.money is not None
    assert found.money.amount % number == 0
