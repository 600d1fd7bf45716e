"""What a web page says of the company behind it: technologies, links, contact, head count.

Pure functions over pages that somebody else fetched; no network and no database. The library behind
their searches is an extra: whoever imports from here without it is told which.
"""

from importlib.util import find_spec

from oppspot_runner.base.errors import ConfigurationError

if find_spec("regex") is None:
    raise ConfigurationError(
        "reading web pages needs the package regex",
        hint="Install it: pip install 'oppspot-runner[http]'.",
    )
