"""Reddit, below `/reddit/`: tokens for an application, listings, search and comments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from oppspot_runner.testing.world.content import RedditPost
from oppspot_runner.testing.world.exchange import Reply, Request, digest, json_reply
from oppspot_runner.testing.world.limits import Limit, Turn
from oppspot_runner.testing.world.scene import Scene

CLIENT_ID, CLIENT_SECRET = "made-application", "secret-of-the-made-application"
USER_AGENT = "linux:oppspot-runner-world:1.0 (by /u/quiet_heron)"
LIMIT = "reddit"
REAL_LIMIT = Limit(1_000, 600.0)
TOKEN_S = 3_600
MOST_REACHED = 1_000  # posts of one listing, on all its pages
HOUR_S = 3_600
PERIODS = {"hour": 1, "day": 24, "week": 7 * 24, "month": 30 * 24, "year": 365 * 24}
TERM = re.compile(r'"([^"]+)"|(\S+)')
SORTS = ("new", "hot", "top", "rising", "relevance", "comments")
# What libraries call themselves when nobody gives them a name.
NAMELESS = re.compile(r"$|python|curl|go-http|java|okhttp", re.IGNORECASE)


class RedditSource:
    """Answers with the posts of the content."""

    prefix = "/reddit/"

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._tokens: dict[str, int] = {}
        content = scene.content
        self._communities = {one.subreddit.lower() for one in content.posts}
        self._closed = {name.lower(): 403 for name in content.private_subreddits}
        self._closed |= {name.lower(): 404 for name in content.banned_subreddits}

    def settings(self) -> Mapping[str, str]:
        """The variables that lead to it."""
        return {
            "OPPSPOT_REDDIT_URL": f"{self._scene.url}/reddit",
            "OPPSPOT_REDDIT_TOKEN_URL": f"{self._scene.url}/reddit/api/v1/access_token",
            "OPPSPOT_REDDIT_CLIENT_ID": CLIENT_ID,
            "OPPSPOT_REDDIT_CLIENT_SECRET": CLIENT_SECRET,
            "OPPSPOT_REDDIT_USER_AGENT": USER_AGENT,
        }

    def answer(self, request: Request) -> Reply:
        """The right answer. Raises ValueError for parameters that make no sense."""
        if NAMELESS.match(request.headers.get("user-agent", "")):
            return _error(429, "Too Many Requests")
        if request.parts == ["api", "v1", "access_token"]:
            return self._token(request)
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or self._tokens.get(token, 0) <= self._scene.clock.seconds:
            return _error(401, "Unauthorized")
        turn = self._scene.counter(LIMIT).take(CLIENT_ID)
        reply = self._answer(request) if turn.granted else _error(429, "Too Many Requests")
        return Reply(reply.status, reply.body, {**reply.headers, **_told(turn)})

    def _token(self, request: Request) -> Reply:
        if request.method != "POST":
            return _error(404, "Not Found")
        if request.credentials() != (CLIENT_ID, CLIENT_SECRET):
            return _error(401, "Unauthorized")
        if request.form.get("grant_type") != "client_credentials":
            return json_reply({"error": "unsupported_grant_type"})
        token = digest(f"token {len(self._tokens)}")
        self._tokens[token] = self._scene.clock.seconds + TOKEN_S
        return json_reply(
            {"access_token": token, "token_type": "bearer", "expires_in": TOKEN_S, "scope": "*"}
        )

    def _answer(self, request: Request) -> Reply:
        match request.parts:
            case ["search"]:
                return self._search(self._scene.content.posts, request)
            case ["comments", post] | ["r", _, "comments", post]:
                return self._comments(post)
            case ["r", name, _] if name.lower() in self._closed:
                status = self._closed[name.lower()]
                reason = "private" if status == 403 else "banned"
                return json_reply({"reason": reason, "message": "", "error": status}, status)
            case ["r", name, what] if name.lower() in self._communities:
                return self._community(name, what, request)
            case _:
                return _error(404, "Not Found")

    def _community(self, name: str, what: str, request: Request) -> Reply:
        posts = self._scene.content.posts
        own = [one for one in posts if one.subreddit.lower() == name.lower()]
        if what == "search":
            restricted = request.parameters.get("restrict_sr") in ("true", "1", "on")
            return self._search(own if restricted else posts, request)
        if what in SORTS:
            return _listing(_sorted(own, what), request)
        return _error(404, "Not Found")

    def _search(self, posts: Iterable[RedditPost], request: Request) -> Reply:
        period = request.parameters.get("t", "all")
        since = self._scene.clock.seconds - PERIODS.get(period, 10**9) * HOUR_S
        query = request.parameters.get("q", "")
        found = [one for one in posts if one.created_utc > since and matches(one, query)]
        return _listing(_sorted(found, request.parameters.get("sort", "relevance")), request)

    def _comments(self, post_id: str) -> Reply:
        for post in self._scene.content.posts:
            if post.id == post_id:
                said = [
                    {"kind": "t1", "data": _comment(post, place, text)}
                    for place, text in enumerate(post.comments)
                ]
                return json_reply([_page([rendered(post)]), _page(said)])
        return _error(404, "Not Found")


def matches(post: RedditPost, query: str) -> bool:
    """Whether a post has all terms of the query, or of one of its parts with OR between them."""
    text = f"{post.title} {post.selftext}".lower()
    ways = [TERM.findall(way.lower()) for way in query.split(" OR ")]
    return any(all((phrase or word) in text for phrase, word in way) for way in ways if way)


def rendered(post: RedditPost) -> dict[str, Any]:
    """A post as Reddit gives it."""
    link = f"/r/{post.subreddit}/comments/{post.id}/post/"
    return {
        "kind": "t3",
        "data": {
            "id": post.id,
            "name": f"t3_{post.id}",
            "title": post.title,
            "selftext": post.selftext,
            "author": post.author,
            "subreddit": post.subreddit,
            "permalink": link,
            "url": post.url or f"https://www.reddit.com{link}",
            "domain": f"self.{post.subreddit}" if post.url is None else post.url.split("/")[2],
            "score": post.score,
            "upvote_ratio": post.upvote_ratio,
            "num_comments": post.num_comments,
            "created_utc": float(post.created_utc),
            "edited": post.edited,
            "is_self": post.url is None,
            "over_18": post.over_18,
            "stickied": post.stickied,
            "locked": post.locked,
            "removed_by_category": post.removed_by_category,
            "link_flair_text": post.link_flair_text,
            "subreddit_subscribers": 393_971,
        },
    }


def _comment(post: RedditPost, place: int, text: str) -> dict[str, Any]:
    own = f"{post.id}c{place}"
    return {
        "id": own,
        "name": f"t1_{own}",
        "link_id": f"t3_{post.id}",
        "parent_id": f"t3_{post.id}",
        "author": "slow_otter",
        "body": text,
        "score": 1,
        "created_utc": float(post.created_utc + 60 * (place + 1)),
        "replies": "",
    }


def _sorted(posts: Iterable[RedditPost], sort: str) -> list[RedditPost]:
    if sort == "new":
        return sorted(posts, key=lambda one: (-one.created_utc, one.id))
    return sorted(posts, key=lambda one: (-one.score, -one.created_utc, one.id))


def _listing(posts: list[RedditPost], request: Request) -> Reply:
    names = [f"t3_{one.id}" for one in posts[:MOST_REACHED]]
    after = request.parameters.get("after")
    start = names.index(after) + 1 if after in names else len(names) if after else 0
    end = start + request.whole("limit", 25, 100)
    following = names[end - 1] if start < end < len(names) else None
    children = [rendered(one) for one in posts[start : min(end, MOST_REACHED)]]
    return json_reply(_page(children, following))


def _page(children: list[dict[str, Any]], after: str | None = None) -> dict[str, Any]:
    data = {"after": after, "before": None, "dist": len(children), "children": children}
    return {"kind": "Listing", "data": data}


def _told(turn: Turn) -> dict[str, str]:
    return {
        "x-ratelimit-used": str(turn.used),
        "x-ratelimit-remaining": f"{float(turn.left)}",
        "x-ratelimit-reset": str(turn.whole_seconds),
    }


def _error(status: int, message: str) -> Reply:
    return json_reply({"message": message, "error": status}, status)
