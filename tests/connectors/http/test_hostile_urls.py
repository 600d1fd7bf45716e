"""Addresses that somebody writes to get inside: none of them is dialled, each has its code."""

from __future__ import annotations

import pytest

from oppspot_runner.connectors.http.errors import HttpRefusedError
from oppspot_runner.connectors.http.outgoing import Outgoing
from tests.connectors.http.conftest import GOOD
from tests.connectors.http.internet import Internet, Site, answer

NOT_PUBLIC = "ADDRESS_NOT_PUBLIC"
AMBIGUOUS = "URL_AMBIGUOUS"
UNSEEN = "URL_CONTROL_CHARACTERS"
# What names of the internet below answer, all of it not public or not public alone.
NAMES = {
    "localhost": ["127.0.0.1", "::1"],
    "loop.example": ["127.0.0.1"],
    "inside.example": ["10.0.0.5"],
    "both.example": [GOOD, "10.0.0.5"],
    "both-other-way.example": ["192.168.0.1", GOOD],
    "six.example": ["::1"],
    "mixed.example": [GOOD, "fd00::1"],
    "zone.example": ["fe80::1%1"],
    "metadata.google.internal": ["169.254.169.254"],
    "127.0.0.1.nip.example": ["127.0.0.1"],
    "xn--lcalhost-n4a.example": ["127.0.0.1"],
}
HOSTILE = {
    # private and special addresses, as they are
    "http://127.0.0.1/": NOT_PUBLIC,
    "http://127.255.255.254/": NOT_PUBLIC,
    "http://0.0.0.0/": NOT_PUBLIC,
    "http://10.0.0.1/": NOT_PUBLIC,
    "http://172.31.255.255/": NOT_PUBLIC,
    "http://192.168.1.1/": NOT_PUBLIC,
    "http://100.64.0.1/": NOT_PUBLIC,
    "http://100.100.100.200/latest/meta-data/": NOT_PUBLIC,
    "http://169.254.169.254/latest/meta-data/": NOT_PUBLIC,
    "http://168.63.129.16/": NOT_PUBLIC,
    "http://192.0.0.192/": NOT_PUBLIC,
    "http://198.18.0.1/": NOT_PUBLIC,
    "http://192.88.99.1/": NOT_PUBLIC,
    "http://224.0.0.1/": NOT_PUBLIC,
    "http://255.255.255.255/": NOT_PUBLIC,
    "http://[::]/": NOT_PUBLIC,
    "http://[::1]/": NOT_PUBLIC,
    "http://[0:0:0:0:0:0:0:1]/": NOT_PUBLIC,
    "http://[fc00::1]/": NOT_PUBLIC,
    "http://[fe80::1]/": NOT_PUBLIC,
    "http://[fec0::1]/": NOT_PUBLIC,
    "http://[ff02::1]/": NOT_PUBLIC,
    "http://[2001:db8::1]/": NOT_PUBLIC,
    # an IPv4 address inside of an IPv6 address
    "http://[::ffff:127.0.0.1]/": NOT_PUBLIC,
    "http://[::ffff:7f00:1]/": NOT_PUBLIC,
    "http://[::127.0.0.1]/": NOT_PUBLIC,
    "http://[64:ff9b::7f00:1]/": NOT_PUBLIC,
    "http://[64:ff9b:1::a00:1]/": NOT_PUBLIC,
    "http://[2002:7f00:1::]/": NOT_PUBLIC,
    "http://[2001:0:1::7f00:1]/": NOT_PUBLIC,
    "http://[2a00:1450::5efe:7f00:1]/": NOT_PUBLIC,
    "http://[2a00:1450::200:5efe:10.0.0.1]/": NOT_PUBLIC,
    # names that lead there
    **{f"http://{name}/": NOT_PUBLIC for name in NAMES},
    "http://LOCALHOST/": NOT_PUBLIC,
    # odd spellings of addresses and names
    "http://2130706433/": AMBIGUOUS,
    "http://0x7f000001/": AMBIGUOUS,
    "http://0x7f.0.0.1/": AMBIGUOUS,
    "http://0177.0.0.1/": AMBIGUOUS,
    "http://017700000001/": AMBIGUOUS,
    "http://127.1/": AMBIGUOUS,
    "http://127.0.1/": AMBIGUOUS,
    "http://127.0.0.01/": AMBIGUOUS,
    "http://127.0.0.1.5/": AMBIGUOUS,
    "http://good.example.0x1/": AMBIGUOUS,
    "http://127.0.0.1./": AMBIGUOUS,
    "http://good.example./": AMBIGUOUS,
    "http://.good.example/": AMBIGUOUS,
    "http://good..example/": AMBIGUOUS,
    "http://%31%32%37.0.0.1/": AMBIGUOUS,
    "http://good.example%2f@127.0.0.1/": "URL_CREDENTIALS",
    "http://127。0。0。1/": AMBIGUOUS,
    "http://１２７.0.0.1/": AMBIGUOUS,
    "http://①②⑦.⓪.⓪.①/": AMBIGUOUS,
    "http://ⓛocalhost/": AMBIGUOUS,
    "http://good。example/": AMBIGUOUS,
    "http://[fe80::1%25eth0]/": AMBIGUOUS,
    "http://[::1]x/": AMBIGUOUS,
    "http://[::1/": "URL_MALFORMED",
    "http://[127.0.0.1]/": AMBIGUOUS,
    "http://[v1.a]/": AMBIGUOUS,
    "http://good.example\\@127.0.0.1/": AMBIGUOUS,
    "http:\\\\127.0.0.1\\": AMBIGUOUS,
    "http://good.example/\\..\\admin": AMBIGUOUS,
    # a name that hides another one
    "http://good.example@127.0.0.1/": "URL_CREDENTIALS",
    "http://user:secret@good.example/": "URL_CREDENTIALS",
    "http://127.0.0.1:80@good.example/": "URL_CREDENTIALS",
    "http://@good.example/": "URL_CREDENTIALS",
    # what nobody sees
    " http://good.example/": UNSEEN,
    "http://good.example/ ": UNSEEN,
    "http://good.example/a b": UNSEEN,
    "http://good.example/\r\nX-Api-Key: 1": UNSEEN,
    "http://good.exa\nmple/": UNSEEN,
    "http://good.example\t/": UNSEEN,
    "http://good.example\x00.other.example/": UNSEEN,
    "http://127.0.0.1\u200b/": UNSEEN,
    "http://good.example/\u202etxt": UNSEEN,
    "http://good\u00ad.example/": UNSEEN,
    "http://good.example/\ud800": UNSEEN,
    # other schemes, and what is no URL
    "file:///etc/passwd": "URL_SCHEME_REFUSED",
    "gopher://127.0.0.1:11211/_stats": "URL_SCHEME_REFUSED",
    "ftp://good.example/": "URL_SCHEME_REFUSED",
    "ws://good.example/": "URL_SCHEME_REFUSED",
    "unix:///var/run/docker.sock": "URL_SCHEME_REFUSED",
    "data:text/plain,hello": "URL_SCHEME_REFUSED",
    "jar:http://127.0.0.1!/": "URL_SCHEME_REFUSED",
    "//127.0.0.1/": "URL_MALFORMED",
    "/etc/passwd": "URL_MALFORMED",
    "127.0.0.1": "URL_MALFORMED",
    "http:127.0.0.1": "URL_MALFORMED",
    "http:/127.0.0.1/": "URL_MALFORMED",
    "http:///127.0.0.1/": "URL_MALFORMED",
    "http://": "URL_MALFORMED",
    "http://:80/": "URL_MALFORMED",
    "http://good.example:/": "URL_MALFORMED",
    "http://good.example:0/": "URL_MALFORMED",
    "http://good.example:99999/": "URL_MALFORMED",
    "http://good.example:８０/": "URL_MALFORMED",
    "http://good.example:-1/": "URL_MALFORMED",
    "": "URL_MALFORMED",
    "http://good.example/" + "a" * 2_048: "URL_MALFORMED",
    # ports of services that are no web servers
    "http://good.example:22/": "PORT_REFUSED",
    "http://good.example:5432/": "PORT_REFUSED",
    "https://good.example:6379/": "PORT_REFUSED",
}


@pytest.fixture
def hostile(internet: Internet) -> Internet:
    internet.names.update({name: [addresses] for name, addresses in NAMES.items()})
    return internet


@pytest.mark.parametrize("url", HOSTILE, ids=ascii)
async def test_a_hostile_url_is_refused_with_its_code_and_nothing_is_dialled(
    url: str, hostile: Internet
) -> None:
    client = hostile.client()
    with pytest.raises(HttpRefusedError) as refused:
        await client.send(Outgoing("GET", url))
    assert refused.value.code == HOSTILE[url]
    assert not refused.value.retried
    assert hostile.dialled == []
    assert "secret" not in refused.value.one_line()


# Those that a server can write into a header, and that are not relative to where it stands.
IN_A_HEADER = [
    url
    for url, code in HOSTILE.items()
    if code != "URL_MALFORMED" and url.isascii() and url.isprintable() and url == url.strip()
]


@pytest.mark.parametrize("url", IN_A_HEADER, ids=ascii)
async def test_a_redirect_to_a_hostile_url_is_refused_and_it_is_not_dialled(
    url: str, hostile: Internet, good: Site
) -> None:
    good.answers["/"] = answer(302, Location=url)
    client = hostile.client()
    try:
        with pytest.raises(HttpRefusedError) as refused:
            await client.send(Outgoing("GET", "http://good.example/"))
    finally:
        await client.aclose()
    assert refused.value.code == HOSTILE[url]
    assert hostile.dialled == [(GOOD, 80)]


async def test_a_name_that_answers_differently_the_second_time_is_dialled_as_it_was_checked(
    internet: Internet, good: Site
) -> None:
    internet.names["rebinding.example"] = [[GOOD], ["127.0.0.1"]]
    good.answers["/"] = answer(body=b"from the checked address")
    client = internet.client()
    try:
        first = await client.send(Outgoing("GET", "http://rebinding.example/"))
        again = await client.send(Outgoing("GET", "http://rebinding.example/"))
    finally:
        await client.aclose()
    assert (first.text, again.text) == ("from the checked address",) * 2
    assert internet.asked == ["rebinding.example"]
    assert internet.dialled == [(GOOD, 80)]
    with pytest.raises(HttpRefusedError) as refused:
        await client.send(Outgoing("GET", "http://rebinding.example/"))
    assert refused.value.code == NOT_PUBLIC
    assert internet.dialled == [(GOOD, 80)]


async def test_a_name_that_turns_inside_during_a_redirect_to_itself_is_not_followed_there(
    internet: Internet, good: Site
) -> None:
    internet.names["rebinding.example"] = [[GOOD], ["127.0.0.1"]]
    good.answers["/"] = answer(302, Location="/next", Connection="close")
    client = internet.client()
    try:
        with pytest.raises(HttpRefusedError) as refused:
            await client.send(Outgoing("GET", "http://rebinding.example/"))
    finally:
        await client.aclose()
    assert refused.value.code == NOT_PUBLIC
    assert internet.dialled == [(GOOD, 80)]
