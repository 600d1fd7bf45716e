"""What the product and its agents log in a test: records of the standard library, which pytest
keeps and shows where a test fails."""

from __future__ import annotations

import structlog

from oppspot_runner.observe.logging import ids_as_text, redact_line


def keep_lines() -> None:
    """Lets lines go to the standard library, whose level counts. Leaves alone what somebody set up
    himself."""
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,  # first: most lines are for nobody
            redact_line,
            ids_as_text,
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
