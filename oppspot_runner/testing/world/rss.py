"""News as a feed in RSS."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from email.utils import format_datetime
from html import escape

from oppspot_runner.testing.world.content import News

KIND = {"Content-Type": "application/rss+xml"}
FEED = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel><title>{title}</title><link>https://{host}/</link>
{items}</channel></rss>
"""
ITEM = """<item><title>{title}</title><link>{link}</link><guid>{guid}</guid>
<pubDate>{at}</pubDate><description>{text}</description></item>
"""


def rss(title: str, host: str, news: Iterable[News], now: datetime) -> bytes:
    """What there is of the news by `now`, the newest first."""
    there = sorted((one for one in news if one.at <= now), key=lambda one: one.at, reverse=True)
    items = "".join(_item(one, host) for one in there)
    return FEED.format(title=escape(title), host=host, items=items).encode()


def _item(one: News, host: str) -> str:
    guid = f"{host}/{one.at:%Y%m%d%H%M}/{one.title}"
    return ITEM.format(
        title=escape(one.title),
        link=escape(one.link or f"https://{host}/{one.at:%Y/%m/%d}"),
        guid=escape(guid),
        at=format_datetime(one.at),
        text=escape(one.text),
    )
