"""URLs as they may be shown and stored."""

from __future__ import annotations

import pytest

from oppspot_runner.base.redact import redact, redact_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://x.example/a?b=1&c=#d", "https://x.example/a?b=1&c=#d"),
        ("https://x.example/a?q=caf%C3%A9%20%2F&q=2", "https://x.example/a?q=caf%C3%A9%20%2F&q=2"),
        ("https://me:pw@x.example:8443/", "https://x.example:8443/"),
        ("https://x.example/?api_key=k&n=1", "https://x.example/?api_key=[redacted]&n=1"),
        ("https://x.example/?key=k", "https://x.example/?key=[redacted]"),
        ("https://x.example/?access_token=k", "https://x.example/?access_token=[redacted]"),
        (
            "https://x.example/?X-Amz-Credential=a%2Fb&X-Amz-Signature=c&X-Amz-Date=d",
            "https://x.example/?X-Amz-Credential=[redacted]&X-Amz-Signature=[redacted]&X-Amz-Date=d",
        ),
        (
            "https://x.example/?sig=s&keyword=k&design=d",
            "https://x.example/?sig=[redacted]&keyword=k&design=d",
        ),
    ],
)
def test_what_lets_its_holder_in_is_masked(url: str, shown: str) -> None:
    assert redact_url(url) == shown


def test_what_lies_deeper_than_is_looked_is_not_shown() -> None:
    deep: object = {"password": "hunter2", "text": "api_key=hunter2"}
    for _ in range(200):
        deep = [deep]
    assert "hunter2" not in str(redact(deep))
