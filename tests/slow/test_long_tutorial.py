"""The tutorial with companies, typed line by line.

Not part of the ordinary run, because it imports and scores for half a minute. Run it by its path.
"""

from __future__ import annotations

import pytest

from oppspot_runner.db import embedded
from tests.docs.reader import type_page

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(not embedded.is_installed(), reason="the private Postgres is not installed"),
]


def test_the_tutorial_works_as_it_is_printed() -> None:
    assert "No runner" not in type_page("docs/tutorial.md")
