"""The one way out by HTTP: what is dialled is checked, what comes back is bounded.

The libraries behind it are an extra: whoever imports from here without it is told which.
"""

from importlib.util import find_spec

from oppspot_runner.base.errors import ConfigurationError

if missing := [name for name in ("httpx2", "protego") if find_spec(name) is None]:
    raise ConfigurationError(
        f"calling other services needs {' and '.join(missing)}",
        hint="Install it: pip install 'oppspot-runner[http]'.",
    )
