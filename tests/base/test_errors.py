"""An error says what to do next, also to those who meet it as a traceback."""

from __future__ import annotations

import pickle
from traceback import format_exception

from oppspot_runner.base.errors import NotFoundError


def test_a_traceback_ends_with_what_to_do_next() -> None:
    error = NotFoundError("there is no agent 'x'", hint="See `oppspot-runner agents list`.")
    for one in (error, pickle.loads(pickle.dumps(error))):
        said = "".join(format_exception(one)).splitlines()[-2:]
        assert said[0].endswith("NotFoundError: there is no agent 'x'")
        assert said[1] == "See `oppspot-runner agents list`."
        assert str(one) == "there is no agent 'x'"
