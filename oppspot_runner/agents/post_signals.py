"""What posts say of the companies that they are about, as signals."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from oppspot_runner.posts.post import Mention, Post
from oppspot_runner.signals.sighting import Sighting

# Whoever looks for something else than a product speaks of it as of a competitor.
LEAVING = ("alternative", "switching")
CONFIDENCE = {"domain": 85, "name": 70}  # how surely the company is meant
THRESHOLD = 0.7


def sightings_of(platform: str, posts: Iterable[Post]) -> dict[UUID, list[Sighting]]:
    """A sighting for each company that a post with an intent is about.

    It says which of our phrases the post has, and none of its author's words: those go when the
    author deletes them.
    """
    found: dict[UUID, list[Sighting]] = {}
    for post in posts:
        if post.intents and not post.removed:
            for mention in post.companies:
                sighting = _sighting(platform, post, mention)
                found.setdefault(mention.company_id, []).append(sighting)
    return found


def _sighting(platform: str, post: Post, mention: Mention) -> Sighting:
    leaving = [intent for intent in post.intents if intent.rule in LEAVING]
    telling = (leaving or post.intents)[0]
    return Sighting(
        signal_type="competitor_mention" if leaving else "social_media_activity",
        source=platform,
        key=post.external_id,
        title=f"a post on {platform} says {telling.words.casefold()!r}",
        occurred_at=post.posted_at,
        strength="moderate" if leaving else "weak",
        confidence=CONFIDENCE[mention.matched_by],
        event=f"{platform}:{post.external_id}",
        source_url=post.link,
        data={"intents": [intent.rule for intent in post.intents]},
    )
