"""The one way out by HTTP: what is dialled is checked, what comes back is bounded.

The library behind it is an extra: whoever imports from here without it is told which.
"""

from importlib.util import find_spec

from oppspot_runner.base.errors import ConfigurationError

if find_spec("httpx2") is None:
    raise ConfigurationError(
        "calling other services needs the package httpx2",
        hint="Install it: pip install 'oppspot-runner[http]'.",
    )
