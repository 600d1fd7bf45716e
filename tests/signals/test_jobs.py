"""Which jobs are signals: each once, however often it is seen, and no more said than it is."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oppspot_runner.signals.job_texts import leads, normalise_title, plain, technologies_in
from oppspot_runner.signals.jobs import Job, job_sightings, leaders_in, strength_of
from oppspot_runner.signals.sighting import Memory, Posting, Sighting

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
ORDER = ("weak", "moderate", "strong", "very_strong")
FEW = settings(max_examples=40, deadline=None)

IDS = st.text("abc", min_size=1, max_size=2)
BOARDS = st.lists(IDS, max_size=9)


def job(
    external_id: str, title: str = "Engineer", age_days: float | None = 1, text: str = ""
) -> Job:
    published = None if age_days is None else NOW - age_days * DAY
    return Job(Posting("lever", "acme", external_id, title, published_at=published), text)


def seen(jobs: list[Job], memory: Memory, **more: int | None) -> tuple[Sighting, ...]:
    return job_sightings(jobs, memory, more.get("employees"), NOW, confidence=90)


def after(jobs: list[Job], memory: Memory) -> Memory:
    """What is remembered after a look at these jobs."""
    return Memory(
        {"leaders": leaders_in(jobs, memory)},
        looked_at=NOW,
        known=memory.known | {one.posting.key for one in jobs},
    )


@FEW
@given(st.lists(BOARDS, max_size=6))
def test_however_boards_change_each_job_is_a_sighting_once(days: list[list[str]]) -> None:
    memory, times = Memory(), Counter[str]()
    for ids in days:
        jobs = [job(one) for one in ids]
        times.update(one.key for one in seen(jobs, memory))
        memory = after(jobs, memory)
    assert times == Counter({f"lever:{one}" for ids in days for one in ids})


@FEW
@given(BOARDS, st.randoms(use_true_random=False))
def test_the_order_of_a_board_says_nothing(ids: list[str], random: object) -> None:
    jobs = [job(one) for one in dict.fromkeys(ids)]
    other = jobs.copy()
    random.shuffle(other)  # type: ignore[attr-defined]
    by_key = {one.key: one for one in seen(jobs, Memory())}
    assert by_key == {one.key: one for one in seen(other, Memory())}


@given(st.integers(0, 50), st.integers(0, 50), st.none() | st.integers(0, 500))
def test_more_new_jobs_never_say_less(some: int, more: int, employees: int | None) -> None:
    fewer, larger = sorted((some, more))
    ranks = [ORDER.index(strength_of(one, employees)) for one in (fewer, larger)]
    assert ranks == sorted(ranks)


def test_a_first_look_tells_of_young_jobs_and_remembers_the_others() -> None:
    jobs = [job("young", age_days=45), job("old", age_days=45.1), job("dateless", age_days=None)]
    assert {one.key[6:] for one in seen(jobs, Memory())} == {"young", "dateless"}
    assert seen(jobs, after(jobs, Memory())) == ()
    late = seen([job("late", age_days=200)], Memory(looked_at=NOW))
    assert [one.occurred_at for one in late] == [NOW - 200 * DAY]


@pytest.mark.parametrize(
    ("new", "employees", "strength"),
    [
        (1, None, "moderate"),
        (2, 11, "moderate"),
        (2, 10, "very_strong"),
        (3, None, "strong"),
        (9, 46, "strong"),
        (9, 45, "very_strong"),
        (10, 9_000, "very_strong"),
        (1, 0, "moderate"),
    ],
)
def test_strength_is_by_the_number_of_new_jobs_and_the_size(
    new: int, employees: int | None, strength: str
) -> None:
    jobs = [job(str(one)) for one in range(new)]
    assert {one.strength for one in seen(jobs, Memory(), employees=employees)} == {strength}


def test_the_first_leader_that_is_asked_for_says_more_than_the_next() -> None:
    jobs = [job("1", "Head of Sales"), job("2", "Sales Director (EMEA)")]
    first = seen(jobs, Memory())
    assert [one.strength for one in first] == ["strong", "moderate"]
    later = seen([job("3", "VP, Sales")], after(jobs, Memory()))
    assert [(one.strength, one.data["leads"]) for one in later] == [("moderate", "sales")]


@pytest.mark.parametrize(
    ("title", "area"),
    [
        ("Head of Sales, UK", "sales"),
        ("VP of Global Sales", "sales"),
        ("Chief Revenue Officer", "sales"),
        ("CTO", "engineering"),
        ("Director of Engineering", "engineering"),
        ("Engineering Director", "engineering"),
        ("Head of Information Security", "security"),
        ("CISO (m/f/d)", "security"),
        ("Director, Sales Operations", None),
        ("Head of Salesforce", None),
        ("Executive Assistant to the CTO", None),
        ("Senior Sales Engineer", None),
        ("Head of People", None),
    ],
)
def test_titles_say_who_leads_what(title: str, area: str | None) -> None:
    assert leads(title) == area


def test_a_title_is_the_same_without_what_is_written_around_it() -> None:
    titles = ("Backend Engineer (m/f/d)", "backend  engineer", "Backend-Engineer [Remote] m/w/d")
    assert {normalise_title(one) for one in titles} == {"backend engineer"}
    assert normalise_title("(Senior) !") == "senior"


def test_descriptions_are_read_in_whatever_form_they_come() -> None:
    page = "<p>Fish &amp; chips, <b>Kubernetes</b></p>"
    escaped = "&lt;p&gt;Fish &amp;amp; chips, &lt;b&gt;Kubernetes&lt;/b&gt;&lt;/p&gt;"
    for one in (page, escaped, "Fish & chips, Kubernetes"):
        assert plain(one).replace(" ,", ",") == "Fish & chips, Kubernetes"
    assert plain("<" * 30_000 + "end")  # takes no time


def test_technologies_are_told_by_one_name_each_and_only_as_words() -> None:
    text = "Postgres, PostgreSQL; k8s. Node.js and C#; not node.json, AWSome, see https://x.com/AWS"
    assert technologies_in(text) == ("PostgreSQL", "Kubernetes", "Node.js", "C#")
    (one,) = seen([job("1", text="<li>Salesforce</li><li>dbt</li>")], Memory())
    assert one.data["technologies"] == ["Salesforce", "dbt"]


def test_a_sighting_says_where_the_job_is_and_compares_with_others() -> None:
    posting = Posting(
        "ashby", "acme", "7", "Data Engineer (f/m/d)", "Data", "Leeds", "https://a.example/7"
    )
    (one,) = job_sightings([Job(posting)], Memory(), 50, NOW, confidence=75)
    assert one == Sighting(
        "job_posting",
        source="ashby",
        key="ashby:7",
        title="New job: Data Engineer (f/m/d), Leeds",
        occurred_at=NOW,
        strength="moderate",
        confidence=75,
        event="data engineer",
        source_url="https://a.example/7",
        data={
            "board": "ashby:acme",
            "department": "Data",
            "location": "Leeds",
            "new_jobs": 1,
            "open_jobs": 1,
        },
    )
    elsewhere = replace(posting, service="lever")
    (other,) = job_sightings([Job(elsewhere)], Memory(), 50, NOW, confidence=75)
    assert (other.event, other.source) == (one.event, "lever")
