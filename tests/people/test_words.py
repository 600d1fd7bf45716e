"""The words of people: names, who is who, who decides."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oppspot_runner.people.matching import KnownPerson, sort_out
from oppspot_runner.people.names import is_formation_agent, name_key, person_name, spellings
from oppspot_runner.people.person import NamedPerson, Seat, role_in_words
from oppspot_runner.people.ranking import decision_makers, rank


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("DOE, Jane Mary", "Jane Mary Doe"),
        ("DOE, Jane Mary, Dr", "Jane Mary Doe"),
        ("Mr John SMITH OBE", "John Smith"),
        ("O'NEILL-MCKAY, Cass", "Cass O'Neill-McKay"),
        ("VAN DER BERG, Piet", "Piet van der Berg"),
        ("MA, Jack", "Jack Ma"),
        ("LEE", "Lee"),
        ("jane doe", "jane doe"),
        ("Dr", "Dr"),
    ],
)
def test_a_name_of_a_register_is_written_as_people_write_it(written: str, name: str) -> None:
    assert person_name(written) == name


def test_writings_of_one_name_have_one_key_and_all_are_known() -> None:
    written = ("BERGSTRÖM, Annika Eva", "Mrs Annika Eva Bergstrom", "annika  eva bergström")
    assert {name_key(one) for one in written} == {"annika eva bergstrom"}
    assert spellings("BERGSTRÖM, Annika Eva") == (
        "Annika Eva Bergström",
        "Eva Bergström, Annika",
        "Bergström, Annika Eva",
    )


@settings(max_examples=50)
@given(st.text(max_size=60))
def test_any_text_has_a_name_that_stays_what_it_is(text: str) -> None:
    name = person_name(text)
    assert name_key(name) == name_key(person_name(name))
    assert len(name) <= 300


@pytest.mark.parametrize("name", ["LEDGER NOMINEES LTD", "Swift Formations Ltd", "A Secretarial"])
def test_who_lends_names_is_known_by_its_own(name: str) -> None:
    assert is_formation_agent(name)
    assert not is_formation_agent("Formation Skies Aerobatics Ltd".replace("Formation ", "Open "))


def person(name: str = "DOE, Jane", **more: object) -> NamedPerson:
    return NamedPerson.written(name, **more)  # type: ignore[arg-type]


def test_people_are_matched_by_id_then_by_birth_and_never_by_name() -> None:
    by_id = KnownPerson(uuid4(), "someone else", (1950, 1), {"r1"})
    by_birth = KnownPerson(uuid4(), "jane doe", (1976, 8))
    unborn = KnownPerson(uuid4(), "jane doe", None)
    company = KnownPerson(uuid4(), "acme ltd", register_number="00000001")
    named = [
        person(register_id="r1", born=(1976, 8)),
        person(born=(1976, 8)),
        person(),
        person(born=(1977, 8)),
        person("ACME LTD", is_company=True, register_number="00000001"),
        person("ACME LTD", is_company=True),
    ]
    people, ids = sort_out(named, [by_id, by_birth, unborn, company])
    assert ids[:2] == [by_id.id, by_birth.id]
    assert ids[4] == company.id
    assert {ids[2], ids[3], ids[5]}.isdisjoint({by_id.id, by_birth.id, unborn.id, company.id})
    assert [one.id for one in people if one.is_new] == [ids[3], ids[2], ids[5]] or len(people) == 6


def test_of_one_answer_an_officer_and_an_owner_of_one_birth_are_one_person() -> None:
    owner, officer = person(born=(1976, 8)), person(born=(1976, 8), register_id="r1")
    again = person(born=(1976, 8), register_id="r2")
    people, ids = sort_out([owner, officer, again], [])
    assert len(set(ids)) == len(people) == 1
    assert people[0].register_ids == {"r1", "r2"}


def test_who_decides_is_ranked_and_who_does_not_is_left_out() -> None:
    def seat(role: str, occupation: str = "Director", nominee: str | None = None) -> Seat:
        return Seat(uuid4(), uuid4(), role, role, occupation, None, nominee)  # type: ignore[arg-type]

    seats = [
        seat("llp-member"),
        seat("director", "Non-Executive Director"),
        seat("director", "Engineer"),
        seat("individual-person-with-significant-control", ""),
        seat("director", "Chairman"),
        seat("director", "Finance Director"),
        seat("director", "Co-Founder and CEO"),
        seat("secretary"),
        seat("corporate-director"),
        seat("director", "CEO", "appointments"),
    ]
    ranked = decision_makers(seats)
    assert ranked == [seats[place] for place in (6, 5, 4, 3, 2, 1, 0)]
    assert [rank(one.role, one.occupation) for one in ranked] == [1, 2, 3, 4, 5, 6, 7]


def test_a_role_is_told_in_words() -> None:
    owner = "person-with-significant-control"
    assert {role_in_words(f"{kind}-{owner}") for kind in ("individual", "corporate-entity")} == {
        "person with significant control"
    }
    assert role_in_words("individual-beneficial-owner") == "beneficial owner"
    assert role_in_words("llp-designated-member") == "llp designated member"
