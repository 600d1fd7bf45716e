"""The pages of a company in social networks, as its web site links them; how present it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from oppspot_runner.websites.markup import Element
from oppspot_runner.websites.page import Page

WEIGHTS = {
    "linkedin": 30,
    "twitter": 20,
    "facebook": 15,
    "instagram": 15,
    "youtube": 10,
    "github": 10,
}
NAME = r"[\w.%-]+"


@dataclass(frozen=True, slots=True)
class Network:
    """A network: its hosts, the path of a company's page, what is no page, the form of a link."""

    hosts: frozenset[str]
    path: re.Pattern[str]
    link: str
    other: frozenset[str] = frozenset()
    ignores_case: bool = True

    def profile(self, host: str, path: str) -> str | None:
        """The address of the company's page in one form, None when it is something else."""
        match = self.path.fullmatch(path) if host in self.hosts else None
        if match is None or match["name"].lower() in self.other:
            return None
        link = self.link.format(**match.groupdict())
        return link.lower() if self.ignores_case else link


def _network(
    hosts: str, path: str, link: str, other: str = "", *, ignores_case: bool = True
) -> Network:
    compiled = re.compile(path, re.IGNORECASE)
    return Network(frozenset(hosts.split()), compiled, link, frozenset(other.split()), ignores_case)


# Persons, posts and the buttons to share a page have other paths, or are named as other.
NETWORKS: Mapping[str, Network] = {
    "linkedin": _network(
        "linkedin.com",
        rf"/(?P<kind>company|school|showcase)/(?P<name>{NAME})(?:/(?:about|jobs|life|posts|people|mycompany))?",
        "https://www.linkedin.com/{kind}/{name}",
    ),
    "twitter": _network(
        "twitter.com x.com",
        r"/@?(?P<name>\w{1,15})",
        "https://x.com/{name}",
        "intent share home login signup search hashtag explore i tos privacy settings about",
    ),
    "facebook": _network(
        "facebook.com fb.com",
        rf"/(?:pg/)?(?P<name>{NAME}|pages/[^/]+/\d+)(?:/about)?",
        "https://www.facebook.com/{name}",
        "sharer sharer.php share share.php dialog plugins tr login login.php groups events watch"
        " hashtag policies privacy help profile.php home.php business pages messages",
    ),
    "instagram": _network(
        "instagram.com",
        r"/(?P<name>[\w.]{1,30})",
        "https://www.instagram.com/{name}",
        "p reel reels explore accounts stories tv about legal",
    ),
    "youtube": _network(
        "youtube.com",
        rf"/(?P<name>@{NAME}|(?:channel|c|user)/{NAME}|[\w-]{{5,}})(?:/(?:videos|featured|about))?",
        "https://www.youtube.com/{name}",
        "watch embed playlist shorts results feed premium iframe_api redirect about account",
        ignores_case=False,  # so are its channels
    ),
    "github": _network(
        "github.com",
        r"/(?:orgs/)?(?P<name>[a-z\d-]{1,39})",
        "https://github.com/{name}",
        "features about pricing login join sponsors topics marketplace explore search site orgs"
        " enterprise security contact apps",
    ),
    "tiktok": _network("tiktok.com", r"/(?P<name>@[\w.]+)", "https://www.tiktok.com/{name}"),
}
WWW = re.compile(r"^(?:www|m|mobile|web|[a-z]{2})\.(?=[^.]+\.com$)")
FRAME = frozenset({"header", "footer", "nav"})


@dataclass(frozen=True, slots=True)
class SocialLinks:
    """The company's page in each network. Those in `guessed` the page does not link itself."""

    links: Mapping[str, str]
    guessed: frozenset[str] = frozenset()

    @property
    def presence(self) -> int:
        """0 to 100: the weights of the networks, half of them for what is guessed."""
        return sum(
            weight // 2 if name in self.guessed else weight
            for name, weight in WEIGHTS.items()
            if name in self.links
        )


def social_links(page: Page, same_as: Iterable[str] = ()) -> SocialLinks:
    """The company's own pages in networks, in one form.

    Believed first is what the page calls itself (`same_as`, rel=me), then what its header and
    footer link, then what it links nowhere else. A handle that only a meta element names is
    guessed: it may be that of whoever made the theme.
    """
    linked = [link for link in page.links if link.element.name in ("a", "link")]
    own = [link.address for link in linked if "me" in link.element.get("rel").lower().split()]
    framed = [link.address for link in linked if _is_in_frame(link.element)]
    links: dict[str, str] = {}
    for addresses in ([*same_as, *own], framed, [link.address for link in linked]):
        for name, profiles in _profiles(addresses).items():
            if len(profiles) == 1:
                links.setdefault(name, profiles[0])
    handles = [f"https://x.com/{one.lstrip('@')}" for one in page.meta.get("twitter:site", [])]
    guesses = {
        name: profiles[0] for name, profiles in _profiles(handles).items() if name not in links
    }
    return SocialLinks({**links, **guesses}, frozenset(guesses))


def profile_of(address: str) -> tuple[str, str] | None:
    """The network of an address and the company page in it; None for every other address."""
    try:
        parts = urlsplit(address.strip())
        host = WWW.sub("", (parts.hostname or "").lower())
    except ValueError:
        return None
    if parts.scheme not in ("http", "https"):
        return None
    path = unquote(parts.path).rstrip("/")
    for name, network in NETWORKS.items():
        if profile := network.profile(host, path):
            return name, profile
    return None


def _is_in_frame(element: Element) -> bool:
    return any(above.name in FRAME for above in element.above())


def _profiles(addresses: Iterable[str]) -> dict[str, list[str]]:
    """The different company pages among these addresses, by network."""
    found: dict[str, list[str]] = {}
    for address in addresses:
        known = profile_of(address)
        if known and known[1] not in found.setdefault(known[0], []):
            found[known[0]].append(known[1])
    return found
