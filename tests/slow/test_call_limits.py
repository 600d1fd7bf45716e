"""Three processes that ask a source through several of its windows.

Not part of the ordinary run: `pytest tests/slow/test_call_limits.py`.
"""

from __future__ import annotations

import pytest

from oppspot_runner.db.pool import Database
from tests.connectors.http.internet import Site
from tests.web.conftest import site
from tests.web.test_limits import check

__all__ = ["site"]


@pytest.mark.ci_slice
@pytest.mark.timeout(180)
async def test_no_window_of_many_has_more_calls_than_the_source_allows(
    db: Database, dsn: str, site: Site
) -> None:
    await check(2_000, ["companies_house"], db, dsn, site)
