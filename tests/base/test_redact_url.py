"""URLs and texts as they may be shown and stored."""

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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET https://x.example/?token=hunter2&n=1", "GET https://x.example/?token=[redacted]&n=1"),
        ("access_token=hunter2&n=1", "access_token=[redacted]&n=1"),
        ("client_secret=hunter2", "client_secret=[redacted]"),
        ("secret_access_key=hunter2", "secret_access_key=[redacted]"),
        ("PGPASSWORD=hunter2 psql", "PGPASSWORD=[redacted] psql"),
        ("postgresql://me:hunt@er2@db/x", "postgresql://me:[redacted]@db/x"),
        ("redis://:a@one,redis://:b@two", "redis://:[redacted]@one,redis://:[redacted]@two"),
        (r"password='hunt\'er 2' dbname=x", "password=[redacted] dbname=x"),
        (r"{\"password\": \"hunter 2\", \"n\": 1}", r"{\"password\": [redacted], \"n\": 1}"),
        ('{"token": "hunter2"}', '{"token": [redacted]}'),
        ("it said opr_0123456789abcdefgh", "it said [redacted]"),
        ("unexpected token: <", "unexpected token: <"),
        ("max_tokens=7, run_token=5", "max_tokens=7, run_token=5"),
        ("GET / Cookie: sid=abc; theme=dark\nHost: x", "GET / Cookie: [redacted]\nHost: x"),
        ('{"Set-Cookie": "sid=abc; Path=/", "n": 1}', '{"Set-Cookie": "[redacted]", "n": 1}'),
        ("no cookie: the site asks for one", "no cookie: the site asks for one"),
    ],
)
def test_secrets_inside_text_are_masked_and_nothing_else(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(
    "name", ["pwd", "db_pwd", "passphrase", "privateKey", "PRIVATE-KEY", "auth", "proxy_auth"]
)
def test_a_value_whose_key_says_that_it_is_secret_is_masked(name: str) -> None:
    assert redact({name: "hunter2", "pwdless": 1}) == {name: "[redacted]", "pwdless": 1}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"name": "DB_PASSWORD", "value": "x"}, {"name": "DB_PASSWORD", "value": "[redacted]"}),
        ({"key": "Cookie", "value": ["a"]}, {"key": "Cookie", "value": "[redacted]"}),
        ({"name": "days", "value": "7"}, {"name": "days", "value": "7"}),
        ({"name": "password", "other": "7"}, {"name": "password", "other": "7"}),
        ({"name": ["token"], "value": "7"}, {"name": ["token"], "value": "7"}),
    ],
)
def test_a_value_beside_a_name_that_says_so_is_masked(given: object, shown: object) -> None:
    assert redact([given]) == [shown]
