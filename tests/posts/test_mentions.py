"""Which companies a post may be about."""

from __future__ import annotations

from uuid import UUID

import pytest

from oppspot_runner.posts.mentions import Known, candidates, is_distinctive, mentions
from tests.posts.making import post

ACME, BOLT = UUID(int=1), UUID(int=2)
NAMES = {
    "GitLab": True,
    "HubSpot": True,
    "37signals": True,
    "iZettle": True,
    "Acme Robotics": True,
    "Acme Robotics Ltd": True,
    "Monzo Bank": True,
    "Oaknorth": False,
    "Apple": False,
    "Notion": False,
    "2016": False,
    "3D": False,
    "eBay": True,
    "Open Source": False,
    "Machine Learning": False,
    "Interactive Dynamic Video": False,
    "Show HN": False,
    "The New York": False,
    "Google Cloud Platform": False,
    "Marks & Spencer": True,
    "A B": False,
    "": False,
    "!!!": False,
}


@pytest.mark.parametrize(("written", "expected"), NAMES.items())
def test_only_names_that_are_hardly_anything_else_are_distinctive(
    written: str, expected: bool
) -> None:
    assert is_distinctive(written) is expected


def test_domains_come_from_the_link_and_the_text_and_never_from_platforms() -> None:
    found = candidates(
        post(
            url="https://www.acme.co.uk/launch",
            text="https://shop.bolt.io/x, https://github.com/acme, https://10.0.0.1/, me@cog.com",
        )
    )
    assert found.domains == {"acme.co.uk", "bolt.io"}


def test_names_are_runs_of_words_that_begin_like_names() -> None:
    found = candidates(post("Acme Robotics raises $5M, says GitLab", text="the Bolt Factory Ltd."))
    assert found.names == {
        "acme robotics": "Acme Robotics",
        "gitlab": "GitLab",
        "bolt factory": "Bolt Factory",
    }


def test_a_sign_between_words_ends_a_name() -> None:
    assert "acme robotics" not in candidates(post("Acme, Robotics")).names
    assert "acme robotics" not in candidates(post("Acme. Robotics")).names
    assert "marks and spencer" in candidates(post("Marks & Spencer closes")).names


def test_no_post_has_more_candidates_than_the_bound() -> None:
    text = " ".join(f"Aabb{number}x Ccdd{number}y" for number in range(2_000))
    assert len(candidates(post(text, text=text)).names) == 200


def test_a_company_is_mentioned_once_and_a_domain_says_more_than_a_name() -> None:
    found = candidates(post("GitLab and Acme Robotics", url="https://acme.com"))
    named = mentions(
        found,
        [Known("acme.com", ACME, "Acme Robotics"), Known("other.com", BOLT, "Other")],
        [Known("acme robotics", ACME, "Acme Robotics"), Known("gitlab", BOLT, "GitLab Inc")],
    )
    assert [(one.company_id, one.matched_by, one.found) for one in named] == [
        (ACME, "domain", "acme.com"),
        (BOLT, "name", "GitLab"),
    ]


def test_a_name_of_one_word_counts_only_as_the_company_spells_it() -> None:
    found = candidates(post("The GitLab of cooking"))
    assert mentions(found, [], [Known("gitlab", BOLT, "Gitlab Ltd")]) == []
    assert len(mentions(found, [], [Known("gitlab", BOLT, "GitLab Ltd")])) == 1
