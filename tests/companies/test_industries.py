"""Industry labels, SIC codes and statuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.companies.industries import tag
from oppspot_runner.companies.industry_table import (
    find,
    industry_table,
    load_industries,
    match,
    parse_industries,
    sic_for,
    use_industries,
)
from oppspot_runner.companies.sic import (
    first_under,
    is_sic_2007,
    sic_code,
    sic_codes,
    sic_under,
)
from oppspot_runner.companies.statuses import normalise_status

GICS = [
    "Communication Services",
    "Consumer Discretionary",
    "Consumer Staples",
    "Energy",
    "Financials",
    "Health Care",
    "Industrials",
    "Information Technology",
    "Materials",
    "Real Estate",
    "Utilities",
]


def test_the_labels_of_the_seed_mean_what_it_says() -> None:
    saas, fintech = find("SaaS"), find("FinTech")
    assert saas is not None
    assert fintech is not None
    assert set(saas.sic) == {"62012", "58290", "63110"}
    assert {"saas", "b2b-saas", "enterprise-software"} <= set(saas.tags)
    assert set(fintech.sic) == {"64999", "66190", "64191"}
    assert {
        "fintech",
        "payments",
        "neobank",
        "banking-as-a-service",
        "insurtech",
        "crypto-web3",
        "lending",
        "finance",
    } <= set(fintech.tags)


@pytest.mark.parametrize(
    "label", [*GICS, "Software", "IT Services", "Banks", "banking", "fin-tech"]
)
def test_usual_labels_are_known(label: str) -> None:
    assert find(label) is not None


@pytest.mark.parametrize(
    ("industries", "sic", "text", "expected"),
    [
        (["saas"], ["62012"], None, 1.0),
        ([], ["62012"], "We sell SaaS to banks", 1.0),
        (["saas"], [], None, 0.8),
        ([], [], "software as a service for vets", 0.8),
        ([], ["62012"], None, 0.6),
        (["hardware"], [], None, 0.0),
        ([], ["01110"], None, 0.0),
        ([], [], None, None),
        ([], [], "We walk dogs", None),
        ([], ["6201"], None, None),  # SIC 2003
        (["hardware"], [], "Our SaaS competitors", 0.0),  # labels count before prose
        (["SaaS"], [], None, 0.8),
    ],
)
def test_a_match_weighs_codes_tags_and_words(
    industries: list[str], sic: list[str], text: str | None, expected: float | None
) -> None:
    assert match("SaaS", industries, sic, text) == expected


def test_a_word_counts_as_a_whole_word_only() -> None:
    assert match("SaaS", [], [], "the SAAS-based one") == 0.8
    assert match("SaaS", [], [], "Saasfee is a village") is None


def test_evidence_names_what_it_found() -> None:
    found = industry_table().evidence("saas", ["ai", "b2b-saas"], ["99999", "58290"])
    assert (found.label, found.score, found.sic, found.tag, found.keyword) == (
        "SaaS",
        1.0,
        "58290",
        "b2b-saas",
        None,
    )


def test_an_unknown_label_stands_for_itself() -> None:
    assert find("Basket Weaving") is None
    assert match("Basket Weaving", ["basket-weaving"]) == 0.8
    assert match("Basket Weaving", [], [], "the art of basket weaving") == 0.8
    assert match("Basket Weaving", ["ai"]) == 0.0
    assert industry_table().tags_for(["Basket Weaving"]) == ["basket-weaving"]


def test_a_label_that_includes_others_has_their_codes_and_tags() -> None:
    financials, banks = find("Financials"), find("Banks")
    assert financials is not None
    assert banks is not None
    assert set(banks.tags) <= set(financials.tags)
    assert match("Financials", ["regional-banks"]) == 0.8


def test_labels_that_run_together_give_their_parts_and_tags_do_not() -> None:
    table = industry_table()
    assert table.expand(["Enterprise software Cloud computing"]) == [
        "enterprise-software-cloud-computing",
        "enterprise-software",
        "cloud-computing",
    ]
    assert table.expand(["Banking & Investment Services"]) == ["banking-and-investment-services"]
    assert table.expand(["conversational-banking", "!!"]) == ["conversational-banking"]


def test_codes_of_labels_are_whole_codes() -> None:
    assert sic_for(["SaaS", "FinTech"]) == ["58290", "62012", "63110", "64191", "64999", "66190"]
    assert "62020" in sic_for(["Technology"])
    assert sic_for(["Basket Weaving"]) == []
    assert all(
        is_sic_2007(code) for one in industry_table().industries for code in sic_under(one.sic)
    )
    for one in industry_table().industries:
        for prefix in one.sic:
            assert sic_under([prefix]), f"{one.label}: {prefix}"


def test_the_table_has_no_tag_in_another_form() -> None:
    for one in industry_table().industries:
        assert one.tags or one.sic, one.label
        assert all(tag(name) == name for name in one.tags), one.label


CHEESE = '[[industry]]\nlabel = "Cheese"\nsic = ["10512"]\ntags = ["cheese"]\n'


def test_a_table_of_the_users_own_is_put_over_ours(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(CHEESE + '[[industry]]\nlabel = "saas"\ntags = ["rented"]\n')
    table = load_industries(path)
    assert table.sic_for(["cheese"]) == ["10512"]
    assert table.tags_for(["SaaS"]) == ["rented"]
    assert table.find("FinTech") is not None
    assert industry_table().find("cheese") is None


def test_a_table_of_the_users_own_may_stand_alone(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f"replace = true\n{CHEESE}")
    table = load_industries(path)
    assert [one.label for one in table.industries] == ["Cheese"]


def test_the_table_of_the_process_can_be_changed_and_stays_when_a_file_is_broken(
    tmp_path: Path,
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(CHEESE)
    try:
        use_industries(path)
        assert find("cheese") is not None
        path.write_text("[[industry]]")
        with pytest.raises(ConfigurationError, match="label"):
            use_industries(path)
        assert find("cheese") is not None
    finally:
        use_industries(None)
    assert find("cheese") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a = 1\n[[industry", r"is not valid TOML: .*(line 2|end of document)"),
        ("[[industry]]\nsic = ['1']", r"mine\.toml, line 1: industry\.0\.label"),
        (f"{CHEESE}[[industry]]\nlabel = 'A'\ncolour = 'red'", r"line 5: industry\.1\.colour"),
        ("colour = 'red'", r"mine\.toml: "),
        ("\n[[industry]]\nlabel = 'A'\nincludes = ['B']", "line 2: 'A' includes unknown 'B'"),
        ("[[industry]]\nlabel = 'A'\nincludes = ['A']", "line 1: 'A' includes itself"),
    ],
)
def test_a_table_that_cannot_be_used_says_why_and_where(text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        parse_industries(text, "mine.toml")


def test_a_table_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot read the industries file"):
        load_industries(tmp_path / "none.toml")


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_a_tag_of_a_tag_is_itself(label: str) -> None:
    once = tag(label)
    assert tag(once) == once
    assert len(once) <= 100
    find(label)
    match(label, [label], [label], label)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("62012 - Business and domestic software development", "62012"),
        ("62012", "62012"),
        ("7499 - Non-trading company", "7499"),
        ("None Supplied", None),
        ("", None),
        ("620", None),
        ("6201211", None),
        ("٦٢٠١٢", None),
    ],
)
def test_a_sic_code_is_read_from_register_text(text: str, code: str | None) -> None:
    assert sic_code(text) == code


def test_codes_are_found_by_their_beginning_and_those_of_2003_never() -> None:
    assert len(sic_codes()) == 731
    assert sic_under(["620"]) == ["62011", "62012", "62020", "62030", "62090"]
    assert first_under(["6220", "62012"], ["62"]) == "62012"
    assert first_under(["6220"], ["62"]) is None
    assert first_under(["62012"], []) is None


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("Active", "active"),
        ("Active - Proposal to Strike off", "active-proposal-to-strike-off"),
        ("Liquidation", "liquidation"),
        ("In Administration", "administration"),
        ("RECEIVERSHIP", "receivership"),
        ("Voluntary Arrangement", "voluntary-arrangement"),
        ("Acquired", "acquired"),
        ("Struck off", "dissolved"),
        ("Something new", "something-new"),
        (" ", None),
    ],
)
def test_a_status_has_one_form(text: str, status: str | None) -> None:
    assert normalise_status(text) == status
