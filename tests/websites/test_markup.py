"""Elements out of HTML as people and programs write it."""

from __future__ import annotations

import pytest

from oppspot_runner.websites.markup import MOST_ELEMENTS, read_markup


def names(html: str) -> list[str]:
    return [one.name for one in read_markup(html).elements]


@pytest.mark.parametrize(
    ("tag", "attributes"),
    [
        ('<a href="/x" CLASS=big>', {"href": "/x", "class": "big"}),
        ("<a href='/x' hidden>", {"href": "/x", "hidden": ""}),
        ('<a title="a > b" href=/x>', {"title": "a > b", "href": "/x"}),
        ('<a href="/?a=1&amp;b=2">', {"href": "/?a=1&b=2"}),
        ("<a\n  href = '/x'\n>", {"href": "/x"}),
        ('<a href="/first" href="/second">', {"href": "/first"}),
        ("<a href=/x/>", {"href": "/x/"}),
        ('<a href="never closed', {"href": "never closed"}),
    ],
)
def test_attributes_in_all_their_forms(tag: str, attributes: dict[str, str]) -> None:
    (element,) = read_markup(tag).elements
    assert element.attributes == attributes


@pytest.mark.parametrize(
    "html",
    [
        "<!-- <b></b> -->",
        "<!-- <b>",
        "<noscript><b></b></noscript>",
        "<NOSCRIPT><b>",
        "<pre><b></b></pre>",
        "<template><div><b></b></div></template>",
        "<textarea><b></b></textarea>",
        "<script>'<b>'</script>",
        "&lt;b&gt;",
        "<!doctype b>",
        "a < b and b > a",
    ],
)
def test_what_a_browser_would_not_show_as_an_element_is_none(html: str) -> None:
    assert "b" not in names(f"{html}")


def test_what_follows_something_that_was_left_out_is_there() -> None:
    html = "<noscript><b></noscript><i></i><pre><b></pre><u></u><!-- <b> --><s></s>"
    assert names(html) == ["i", "u", "s"]


def test_comments_in_words_are_kept_and_those_with_tags_are_not() -> None:
    document = read_markup("<!-- This is Acme. --><!-- <p>old</p> --><pre><!-- in code --></pre>")
    assert "<!-- This is Acme. -->" in document.html
    assert "old" not in document.html
    assert "in code" not in document.html


def test_texts_belong_to_the_elements_that_they_are_in() -> None:
    document = read_markup("<ul><li>One <b>bold</b><li>Two &amp; more</ul><p>Three")
    texts = {
        one.name + str(place): document.text_of(one) for place, one in enumerate(document.elements)
    }
    assert texts == {
        "ul0": "One boldTwo & more",
        "li1": "One bold",
        "b2": "bold",
        "li3": "Two & more",
        "p4": "Three",
    }  # fmt: skip


def test_an_end_tag_closes_all_that_is_open_within_and_a_stray_one_nothing() -> None:
    document = read_markup("<nav><div><span></nav><a></a></em><i></i>")
    assert [above.name for above in document.elements[-2].above()] == []
    assert document.elements[-1].parent is None


def test_scripts_keep_their_content_and_titles_their_text() -> None:
    document = read_markup("<title>A &amp; B</title><script>if (a < b) '</p>'</script>")
    assert document.text_of(document.elements[0]) == "A & B"
    assert document.elements[1].raw == "if (a < b) '</p>'"


@pytest.mark.slow
def test_a_page_of_very_many_elements_is_read_up_to_a_number() -> None:
    assert len(read_markup("<br>" * (MOST_ELEMENTS + 5)).elements) == MOST_ELEMENTS
