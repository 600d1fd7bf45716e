"""The knobs of the outside world: where its sources are, and the keys that they need."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from oppspot_runner.base.http_settings import HttpSettings


def _web_address(text: str) -> str:
    """Raises ValueError without the text, which may hold a secret."""
    scheme, _, rest = text.partition("://")
    host = rest.partition("/")[0]
    if scheme.lower() not in ("https", "http") or not host or "@" in host:
        raise ValueError("it must begin with https:// or http:// and a host, without credentials")
    return text


WebAddress = Annotated[str, AfterValidator(_web_address)]


class SourceSettings(HttpSettings):
    """Addresses and keys of sources. A key may be written as where it is."""

    contact: str | None = Field(
        None,
        max_length=200,
        pattern=r"^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$",
        description="Mail or web address at which owners of the sites that agents read reach you. "
        "It is in the User-Agent of every request.",
    )
    companies_house_api_key: SecretStr | None = Field(
        None,
        description="Key of Companies House, the British register, or where it is: env:NAME or "
        "file:/path. Unset: the register is not asked.",
    )
    companies_house_url: WebAddress = Field(
        "https://api.company-information.service.gov.uk",
        description="Where the interface of Companies House is.",
    )
    companies_house_documents_url: WebAddress = Field(
        "https://document-api.company-information.service.gov.uk",
        description="Where the documents of Companies House are.",
    )
    reddit_client_id: str | None = Field(
        None, description="Id of your application at Reddit. Unset: Reddit is not asked."
    )
    reddit_client_secret: SecretStr | None = Field(
        None, description="Its secret, or where it is: env:NAME or file:/path."
    )
    reddit_user_agent: str | None = Field(
        None,
        max_length=200,
        pattern=r"^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$",
        description="How your application calls itself at Reddit, which slows down others, as "
        "`linux:acme-research:1.0 (by /u/name)`.",
    )
    reddit_url: WebAddress = Field(
        "https://oauth.reddit.com", description="Where the interface of Reddit is."
    )
    reddit_token_url: WebAddress = Field(
        "https://www.reddit.com/api/v1/access_token",
        description="Where Reddit gives tokens to applications.",
    )
    hacker_news_url: WebAddress = Field(
        "https://hacker-news.firebaseio.com/v0",
        description="Where the interface of Hacker News is.",
    )
    hacker_news_search_url: WebAddress = Field(
        "https://hn.algolia.com/api/v1", description="Where the search of Hacker News is."
    )
    greenhouse_url: WebAddress = Field(
        "https://boards-api.greenhouse.io/v1/boards",
        description="Where the job boards of Greenhouse are.",
    )
    lever_url: WebAddress = Field(
        "https://api.lever.co/v0/postings", description="Where the job boards of Lever are."
    )
    lever_eu_url: WebAddress = Field(
        "https://api.eu.lever.co/v0/postings",
        description="Where the job boards of Lever in the EU are.",
    )
    ashby_url: WebAddress = Field(
        "https://api.ashbyhq.com/posting-api/job-board",
        description="Where the job boards of Ashby are.",
    )
