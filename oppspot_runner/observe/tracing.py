"""Whether this process makes traces: only where somebody said where to, or that he wants them."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

from oppspot_runner.base import tracing
from oppspot_runner.base.errors import ConfigurationError

if TYPE_CHECKING:
    from oppspot_runner.observe.spans import Traces

PLACES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def start(wanted: bool | None) -> Traces | None:
    """From now on all that this process puts in has spans; None where no traces are wanted.

    `wanted` None: when the environment says where they go. Raises ConfigurationError when they are
    wanted for certain and the extra is not installed.
    """
    named = any(os.environ.get(name) for name in PLACES)
    if wanted is False or (wanted is None and not named):
        return None
    return _started(bool(wanted))


@cache
def _started(is_sure: bool) -> Traces | None:
    try:
        from oppspot_runner.observe.spans import Traces, tracer
    except ImportError:
        if not is_sure:
            return None
        raise ConfigurationError(
            "traces are wanted, and the library for them is not installed",
            hint="Install oppspot-runner[otel], or unset OPPSPOT_TRACES.",
        ) from None
    traces = Traces(tracer())
    tracing.trace_sending(traces.begin_sending)
    return traces
