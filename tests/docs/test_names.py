"""What the pages name exists: settings, endpoints, commands in sentences, words of the code."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache

import click
import pytest

from oppspot_runner.agents.registry import Registry
from oppspot_runner.api.application import build_application
from oppspot_runner.api.openapi import Application
from oppspot_runner.api.state import ApiState
from oppspot_runner.base.settings import Settings, variable_name
from oppspot_runner.cli.main import main as program
from oppspot_runner.db.pool import Database
from oppspot_runner.observe.catalog import CATALOG
from tests.docs.pages import FENCE, PAGES, ROOT, blocks_of, text_of

SETTING = re.compile(r"\bOPPSPOT_[A-Z0-9_]+\b")
METHOD = r"(?:GET|POST|PUT|PATCH|DELETE)"
ENDPOINT = re.compile(
    rf"\b{METHOD}(?:\|{METHOD})* (/[\w/{{}}$.-]*)|(?:127\.0\.0\.1|localhost):8\d+(/[\w/{{}}$.-]*)"
)
OF_THE_WORLD = re.compile(r"/(_|hook/|feed/)")  # the made one, which is not ours to list
CHANNEL = re.compile(r"pg_notify\('(\w+)'|\bLISTEN (\w+)$", re.MULTILINE)
QUOTED = re.compile(r"`([^`\n]+)`")
WORD = re.compile(r"\b[a-z][a-z0-9]*(?:_[a-z0-9]+)+\b")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
SOURCES = ("oppspot_runner", "sql", "deploy", "tests", "benchmarks")
KINDS = {".py", ".sql", ".json", ".yml", ".html"}
# What a reader puts his own name for, and words of Postgres that our code has no use for.
FREE = {"its_type", "what_it_does", "its_name", "autovacuum_naptime"}
# Not what was once decided, nor what comes from other products and speaks in their words.
OF_TODAY = [page for page in PAGES if not re.search("/decisions/|/from-", page)]


def prose(page: str) -> str:
    """The page without its blocks of code."""
    return FENCE.sub("", text_of(page))


def wrong(found: Callable[[str], Iterator[str]]) -> str:
    """What is wrong on all pages, a line each."""
    return "\n".join(f"{page}: {one}" for page in PAGES for one in found(page))


def test_every_setting_that_is_named_exists() -> None:
    known = {variable_name(field) for field in Settings.model_fields}
    assert not wrong(lambda page: iter(set(SETTING.findall(text_of(page))) - known))


@cache
def application() -> Application:
    database = Database("postgresql://nobody@localhost/none")  # never opened
    return build_application(ApiState(database, Settings(), Registry()))


def is_path(path: str) -> bool:
    """Whether a page or an endpoint has this path, or begins so; braces stand for any word."""
    known = (re.sub(r"\{\w+(:path)?\}", "[^/]+", route.path) for route in application().known)
    return any(
        re.fullmatch(one, path) or one.startswith(f"{path}/") for one in ("/openapi.json", *known)
    )


def test_every_endpoint_that_is_named_exists() -> None:
    def missing(page: str) -> Iterator[str]:
        for match in ENDPOINT.finditer(text_of(page)):
            path = (match[1] or match[2]).rstrip(".") or "/"
            if not (is_path(path) or OF_THE_WORLD.match(path)):
                yield match[0]

    assert not wrong(missing)


def test_every_stream_and_every_channel_is_in_the_reference() -> None:
    page = text_of("docs/reference/events.md")
    paths = application().openapi()["paths"]
    streams = {path for path, item in paths.items() if "text/event-stream" in json.dumps(item)}
    sources = [*ROOT.glob("sql/**/*.sql"), *ROOT.glob("oppspot_runner/**/*.py")]
    channels = {
        one
        for path in sources
        for pair in CHANNEL.findall(path.read_text("utf-8"))
        for one in pair
        if one
    }
    assert streams
    assert channels >= {"oppspot_wake", "oppspot_events"}
    assert not [path for path in streams if f"GET {path}`" not in page]
    assert not [channel for channel in channels if f"`{channel}`" not in page]


def command(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that words begin with, and the words after it."""
    found: click.Command = program
    while isinstance(found, click.Group) and words:
        below = found.get_command(click.Context(found), words[0])
        if below is None:
            break
        found, words = below, words[1:]
    return found, words


def test_every_command_and_option_in_a_sentence_exists() -> None:
    def missing(page: str) -> Iterator[str]:
        for quote in QUOTED.findall(prose(page)):
            ours = quote.startswith("oppspot-runner ")
            found, rest = command(quote.removeprefix("oppspot-runner ").split())
            if found is program and not ours:
                continue  # it is about something else
            if isinstance(found, click.Group) and rest and re.fullmatch(r"[a-z][a-z-]*", rest[0]):
                yield f"{quote}: {found.name} has no {rest[0]}"
            known = {name for one in found.params for name in (*one.opts, *one.secondary_opts)}
            for option in set(OPTION.findall(" ".join(rest))) - known - {"--help", "--version"}:
                yield f"{quote}: {found.name} has no {option}"

    assert not wrong(missing)


@cache
def words_of_the_code() -> frozenset[str]:
    paths = [path for folder in SOURCES for path in (ROOT / folder).rglob("*")]
    texts = [path.read_text("utf-8") for path in paths if path.suffix in KINDS]
    series = [name for metric in CATALOG for name in metric.series]
    return frozenset(WORD.findall(" ".join([*texts, *series, *map(str, paths)])))


@pytest.mark.parametrize("page", OF_TODAY)
def test_every_word_of_the_code_that_a_page_quotes_is_in_the_code(page: str) -> None:
    """Columns, tables, functions, metrics, codes, keys: what was renamed is renamed here too."""
    blocks = blocks_of(page)
    own = set(WORD.findall(" ".join(f"{block.saved_as} {block.body}" for block in blocks)))
    quoted = set(WORD.findall(" ".join(QUOTED.findall(prose(page)))))
    unknown = quoted - own - words_of_the_code() - FREE
    assert not sorted(word for word in unknown if not word.startswith("pg_"))
