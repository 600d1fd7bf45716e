"""The domains that may be called: exact names, everything below a name, or every host."""

from __future__ import annotations

from oppspot_runner.connectors.http.target import checked_host

EVERY = "*"
BELOW = "*."


class AllowedDomains:
    """Names as `api.example.com`, `*.example.com` for all below it, `*` for every host.

    Empty, it allows nothing. What it allows must still have a public address.
    """

    def __init__(self, *domains: str) -> None:
        self._exact: set[str] = set()
        self._below: set[str] = set()
        self._every = False
        for domain in domains:
            self.add(domain)

    def add(self, domain: str) -> None:
        """Allows `domain` from now on. Raises HttpRefusedError for what is no domain."""
        if domain == EVERY:
            self._every = True
        elif domain.startswith(BELOW):
            self._below.add("." + checked_host(domain.removeprefix(BELOW)))
        else:
            self._exact.add(checked_host(domain))

    def __bool__(self) -> bool:
        """Whether there are any."""
        return self._every or bool(self._exact) or bool(self._below)

    def allow(self, host: str) -> bool:
        """Whether `host`, as a Target has it, may be called."""
        return self._every or host in self._exact or any(map(host.endswith, self._below))
