"""Sends a message by apprise, which knows how to reach a hundred other services."""

from __future__ import annotations

import logging
from importlib.util import find_spec

from oppspot_runner.base.codes import Code
from oppspot_runner.base.errors import ConfigurationError
from oppspot_runner.base.tool_errors import CodedError

if find_spec("apprise") is None:
    raise ConfigurationError(
        "the channel apprise needs the package of that name",
        hint="Install it: pip install 'oppspot-runner[notify]'.",
    )

import apprise

logging.getLogger("apprise").disabled = True  # it would tell URLs, which hold keys


def send(urls: str, subject: str, text: str) -> None:
    """Sends to each of `urls`, which stand in lines or behind spaces; blocks meanwhile.

    Raises CodedError, never with a URL: it holds the keys of its service. What went wrong there
    apprise does not tell.
    """
    sender = apprise.Apprise()
    for place, url in enumerate(urls.split(), start=1):
        if not sender.add(url):
            raise CodedError(
                Code.SERVICE_NOT_CONFIGURED,
                f"apprise does not know what the URL number {place} means",
                hint="See its documentation for the URLs of each service.",
            )
    if not sender.notify(title=subject, body=text, body_format=apprise.NotifyFormat.TEXT):
        raise CodedError(Code.SERVICE_UNAVAILABLE, "apprise could not deliver the message")
