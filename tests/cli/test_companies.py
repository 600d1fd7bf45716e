"""`companies tech`: pages of files and of addresses, and fingerprints that are tried on them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine
from tests.connectors.http.internet import Site, answer

HTML = """<title>Acme</title><meta name="generator" content="WordPress 6.6">
<footer><a href="https://x.com/acme">X</a></footer>"""


@pytest.fixture
def page(tmp_path: Path) -> str:
    path = tmp_path / "page.html"
    path.write_text(HTML, "utf-8")
    return str(path)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site on this machine, in a thread of its own, that commands may reach."""
    site, loop = Site(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(site.start(), loop).result(10)
    monkeypatch.setenv("OPPSPOT_REACHABLE_NETWORKS", "127.0.0.0/8")
    monkeypatch.setenv("OPPSPOT_REACHABLE_PORTS", f"80,{site.port}")
    yield site
    asyncio.run_coroutine_threadsafe(site.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def test_a_file_is_shown_with_evidence_and_needs_no_database(
    bare_cli: CommandLine, page: str
) -> None:
    ended = bare_cli("companies", "tech", page)
    assert ended.code == 0
    for words in ("WordPress", "6.6", "meta generator: WordPress 6.6", "https://x.com/acme"):
        assert words in ended.out
    assert "implied by WordPress" in ended.out
    assert "20 of 100" in ended.out


def test_as_json_it_has_everything(bare_cli: CommandLine, page: str) -> None:
    shown = bare_cli.json("companies", "tech", page, "--url", "https://www.acme.co.uk/")
    assert shown["standing"] == ["ok", ""]
    assert shown["url"] == "https://www.acme.co.uk/"
    assert shown["links"] == {"twitter": "https://x.com/acme"}
    assert shown["detection"]["technologies"][-1]["name"] == "WordPress"


def test_a_saved_answer_has_its_head(bare_cli: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "saved.http"
    path.write_text(f"HTTP/2 200 \r\nserver: nginx/1.2\r\n\r\n{HTML}", "utf-8")
    assert "header server: nginx/1.2" in bare_cli("companies", "tech", str(path)).out


def test_own_fingerprints_are_tried_and_their_faults_shown(
    bare_cli: CommandLine, tmp_path: Path, page: str
) -> None:
    own = tmp_path / "own.toml"
    own.write_text("[Acme]\nhtml = 'acme'\nheaders = 5\ndom = 'a:hover'\nurl = '(('\n", "utf-8")
    ended = bare_cli("companies", "tech", page, "--fingerprints", str(own))
    assert ended.code == 0
    assert "html Acme" in ended.out
    assert ended.err.splitlines() == [
        "warning: Acme: headers: 5 is no table of names and patterns",
        "warning: Acme: dom: the selector 'a:hover' is not understood",
        "warning: Acme: '((' is no regular expression",
    ]


def test_of_very_many_faults_some_are_shown(
    bare_cli: CommandLine, tmp_path: Path, page: str
) -> None:
    own = tmp_path / "own.toml"
    own.write_text("".join(f"[T{n}]\nurl = '(('\n" for n in range(15)), "utf-8")
    ended = bare_cli("companies", "tech", page, "--fingerprints", str(own))
    assert ended.err.splitlines()[-1] == "warning: 5 more faults"
    assert len(ended.err.splitlines()) == 11


def test_a_parked_page_says_so_and_shows_no_technology(
    bare_cli: CommandLine, tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    path.write_text("<p>This domain is for sale<script src='https://js.stripe.com/v3/'>", "utf-8")
    ended = bare_cli("companies", "tech", str(path))
    assert "parked" in ended.out
    assert "Stripe" not in ended.out


def test_an_address_is_read_as_agents_read_it(cli: CommandLine, served: Site) -> None:
    served.answers["/"] = answer(200, HTML.encode(), content_type="text/html", server="nginx")
    address = f"http://acme.localhost:{served.port}/"
    shown = cli.json("companies", "tech", address)
    names = [one["name"] for one in shown["detection"]["technologies"]]
    assert sorted(names) == ["Nginx", "PHP", "WordPress"]
    assert [one.path for one in served.received] == ["/robots.txt", "/"]


@pytest.mark.parametrize(
    ("answered", "robots", "words"),
    [
        (answer(404), b"", "there is no page at http://acme.localhost"),
        (answer(403), b"", "answered with 403"),
        (answer(200, b"x"), b"User-agent: *\nDisallow: /", "robots.txt of acme.localhost"),
    ],
    ids=["none", "denied", "robots"],
)
def test_an_address_that_cannot_be_read_is_told(
    cli: CommandLine, served: Site, answered: bytes, robots: bytes, words: str
) -> None:
    served.answers |= {"/": answered, "/robots.txt": answer(200, robots)}
    ended = cli("companies", "tech", f"http://acme.localhost:{served.port}/")
    assert ended.code == 1
    assert words in ended.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere.html"], "nowhere.html cannot be read: No such file"),
        (["www.example.com"], "an address that begins with https://"),
        (["page.html", "--url", "not a url"], "is no web address"),
        (["page.html", "--fingerprints", "nowhere.toml"], "nowhere.toml cannot be read"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(
    bare_cli: CommandLine, page: str, words: list[str], told: str
) -> None:
    ended = bare_cli("companies", "tech", *words)
    assert ended.code == 1
    assert told in ended.err
    assert len(ended.err.splitlines()) == 1
